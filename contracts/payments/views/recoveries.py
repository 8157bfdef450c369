"""What suppliers are to return of payments that banks undid: the framework team's list, its CSV, and what came."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.payments import actions, queries
from contracts.payments.forms import MovedForm
from contracts.payments.rules import RecoveryStatus
from contracts.payments.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.presentation import pounds_exact
from marketplace.spreadsheets import csv_download

COLUMNS = ("invoice", "supplier", "amount", "status", "since", "settled_on", "tried", "words")


def _filter() -> queries.RecoveryFilter:
    asked = request.args.get("status", "")
    return queries.RecoveryFilter(RecoveryStatus(asked) if asked in list(RecoveryStatus) else None)


@bp.get("/payments/recoveries")
@audience(Permission.SEE_PAYMENT_DIFFERENCES)
def recoveries() -> str:
    """What is to come back, and what has."""
    chosen = _filter()
    status = chosen.status.value if chosen.status else None
    return render_template(
        "contracts/payments/recoveries.html",
        page=queries.recoveries(chosen, page=request.args.get("page", 1, type=int)),
        chosen=chosen,
        statuses=list(RecoveryStatus),
        to_page=lambda number: url_for("payments.recoveries", page=number, status=status),
        csv=url_for("payments.recoveries_csv", status=status),
    )


@bp.get("/payments/recoveries.csv")
@audience(Permission.SEE_PAYMENT_DIFFERENCES)
def recoveries_csv() -> Response:
    """The same list as a CSV file, amounts in pounds."""
    return csv_download(
        "to-be-returned-by-suppliers.csv",
        COLUMNS,
        (
            (
                *(one.chargeback.invoice.number, one.chargeback.invoice.agreement.supplier.name),
                *(one.amount, one.status.value, clock.london(one.begun_at).date()),
                clock.london(one.settled_at).date() if one.settled_at else None,
                *(one.attempts, one.last_error),
            )
            for one in queries.every_recovery(_filter())
            if one.chargeback.invoice is not None
        ),
    )


@bp.route("/payments/recoveries/<int:recovery_id>/returned", methods=["GET", "POST"])
@audience(Permission.SEE_PAYMENT_DIFFERENCES)
def returned(recovery_id: int) -> Answer:
    """The supplier has returned it by another way."""
    found = queries.recovery(recovery_id)
    form = MovedForm()
    form.earliest = clock.london(found.begun_at).date()
    return ask(
        form,
        lambda: actions.recovered_elsewhere(found, on=form.on.data, actor=acting(), now=clock.now()),
        to=url_for("payments.recoveries"),
        said="It is kept that the supplier has returned it.",
        heading=f"When did {pounds_exact(found.amount)} come back from the supplier?",
        intro="Only say so when the money is in the marketplace’s account. It is then no longer taken from the "
        "supplier’s account with the payment provider.",
        button="Confirm",
        back=url_for("payments.recoveries"),
    )
