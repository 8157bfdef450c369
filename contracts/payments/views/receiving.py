"""How a supplier is paid: setting it up with the provider, and where it stands."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from contracts.payments import actions, queries
from contracts.payments.jobs import open_account
from contracts.payments.models import ReceivingAccount
from contracts.payments.rules import reason_words, wanted_words
from contracts.payments.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.letters import link
from marketplace.adapters.payments.records import PaymentsFailed
from marketplace.queueing import enqueue
from marketplace.transactions import after_commit, transaction

AWAY = "The payment provider does not answer. Try again in a few minutes."


@bp.get("/payments/account")
@audience(Permission.RECEIVE_PAYMENTS)
def account() -> str:
    """Where the supplier's account stands, what is missing, and what waits for it."""
    supplier = acting().organisation
    found = queries.receiving_account(supplier)
    return render_template(
        "contracts/payments/account.html",
        account=found,
        wanted=wanted_words(found.wanted) if found else [],
        reason=reason_words(found.reason) if found else "",
        waiting=queries.waiting_for_account(supplier),
        to_return=queries.to_return(supplier),
    )


@bp.post("/payments/account")
@audience(Permission.RECEIVE_PAYMENTS)
def begin() -> Response:
    """Begin to set it up. The provider opens the account by a job; pressed twice, it is one account."""
    actor = acting()
    with transaction():
        begun = actions.begin_receiving(actor.organisation, actor=actor, now=clock.now()).id
        after_commit(lambda: enqueue(open_account, begun, first=True))
    return redirect(url_for("payments.account"), code=303)


@bp.get("/payments/account/provider")
@audience(Permission.RECEIVE_PAYMENTS)
def at_provider() -> Response:
    """To the provider's page where particulars are given. Its address opens once, so it is asked for at each visit."""
    found = _opened()
    if found is None:
        return redirect(url_for("payments.account"), code=303)
    try:
        address = current_app.extensions["payments"].onboarding_page(
            found.provider_id, back=link("payments.back"), again=link("payments.at_provider")
        )
    except PaymentsFailed:
        flash(AWAY, "error")
        return redirect(url_for("payments.account"), code=303)
    return redirect(address, code=303)


@bp.get("/payments/account/back")
@audience(Permission.RECEIVE_PAYMENTS)
def back() -> Response:
    """Back from the provider's page. That says nothing of what was given there, so the provider is asked."""
    found = _opened()
    if found is not None:
        try:
            told = current_app.extensions["payments"].account(found.provider_id)
        except PaymentsFailed:
            flash(AWAY, "error")
        else:
            now = clock.now()
            with transaction():
                actions.take_account(told, at=now, now=now)
    return redirect(url_for("payments.account"), code=303)


def _opened() -> ReceivingAccount | None:
    found = queries.receiving_account(acting().organisation)
    return None if found is None or found.provider_id is None else found
