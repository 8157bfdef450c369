"""What the pages of one referral have in common."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from contracts.referrals import actions, forms, queries
from contracts.referrals.models import Referral
from marketplace import clock
from marketplace.access import acting
from marketplace.errors import Refused
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


def again(referral_id: int) -> Referral:
    """The referral as it is now, after a refusal has undone the transaction."""
    return queries.referral_for(acting(), referral_id)


def done(referral_id: int, words: str) -> Response:
    """Say what was done, on the referral's page."""
    flash(words, "success")
    return redirect(url_for("referrals.show", referral_id=referral_id))


def with_reason(referral_id: int, verb: str, words: str) -> Answer:
    """End a referral with a reason: return or withdraw it."""
    actor = acting()
    queries.referral_for(actor, referral_id)
    form = forms.ReasonForm()
    action = actions.return_to_officer if verb == "Return" else actions.withdraw
    if form.validate_on_submit():
        try:
            with transaction():
                ended = action(referral_id, reason=str(form.reason.data), actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return done(referral_id, f"{words}, and the place is free again." if ended.released_at else f"{words}.")
    referral = again(referral_id)
    attended = queries.has_attended(referral)
    return render_template(
        "contracts/referrals/reason.html", referral=referral, form=form, verb=verb, attended=attended
    )
