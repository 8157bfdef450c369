"""What an earlier supplier recorded, and whether the person lets the next one read it."""

from __future__ import annotations

from flask import render_template

from contracts.referrals import actions, forms, queries
from contracts.referrals.rules import OPEN, Consent
from contracts.referrals.views import bp
from contracts.referrals.views.steps import Answer, again, done
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed, Refused
from marketplace.transactions import transaction


@bp.route("/<int:referral_id>/consent", methods=["GET", "POST"])
@audience(Permission.SEE_REFERRALS)
def consent(referral_id: int) -> Answer:
    """Write down whether the person lets the next supplier read this record."""
    actor = acting()
    referral = queries.referral_for(actor, referral_id)
    if not (queries.is_officer_of(actor, referral) or referral.status in OPEN):
        raise NotAllowed("Only the officer can change this once the referral has ended.")
    form, status = forms.ConsentForm(), 200
    if not form.is_submitted() and referral.consent is not Consent.NOT_ASKED:
        form.answer.data = referral.consent.value
    if form.validate_on_submit():
        try:
            with transaction():
                actions.record_consent(referral_id, Consent(form.answer.data), actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            return done(referral_id, "The person’s answer is written down.")
    page = render_template("contracts/referrals/consent.html", referral=again(referral_id), form=form)
    return page, 422 if form.errors and status == 200 else status


@bp.get("/<int:referral_id>/history")
@audience(Permission.SEE_REFERRALS)
def history(referral_id: int) -> str:
    """What earlier suppliers recorded, as far as the person agreed. Each look is on record before anything is shown."""
    actor = acting()
    with transaction():
        actions.look_back(referral_id, actor=actor, now=clock.now())
    return render_template(
        "contracts/referrals/history.html",
        referral=queries.referral_for(actor, referral_id),
        records=queries.earlier_records(actor, referral_id),
    )
