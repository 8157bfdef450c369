"""Payments down the supply chain: what the supplier confirms, what was late, what is not confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.forms import ChainPaymentForm, CorrectChainForm
from contracts.invoices.models import SubcontractorPayment
from contracts.invoices.rules import PAYMENT_DAYS, ChainStanding
from contracts.invoices.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import Invalid, NotAllowed, NotFound
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.spreadsheets import csv_download

COLUMNS = (
    *("month", "subcontractor", "standing", "amount", "invoiced_on", "paid_on", "days", "confirmed_on"),
    *("corrected_on", "reason"),
)


def _standing() -> ChainStanding | None:
    value = request.args.get("standing", "")
    return ChainStanding(value) if value in list(ChainStanding) else None


def _narrowed(months: Sequence[queries.ChainMonth]) -> list[queries.ChainMonth]:
    chosen = _standing()
    return [one for one in months if chosen is None or one.standing is chosen]


@bp.get("/contracts/<int:agreement_id>/supply-chain-payments")
@audience(Permission.SEE_INVOICES)
def supply_chain(agreement_id: int) -> str:
    """Month by month, what each member of the supply chain was paid and whether in time."""
    actor = acting()
    agreement = queries.contract_for(actor, agreement_id)
    months = queries.chain_months(agreement, today=clock.today())
    listed, chosen = _narrowed(months), _standing()
    number = nearest_page(request.args.get("page", 1, type=int), len(listed))
    kept: dict[str, Any] = {"standing": chosen.value} if chosen else {}
    return render_template(
        "contracts/invoices/supply_chain.html",
        agreement=agreement,
        page=Page(listed[before(number) : before(number) + PAGE], len(listed), number),
        in_time=queries.in_time(months),
        to_confirm=sum(one.standing is ChainStanding.TO_CONFIRM for one in months),
        standings=list(ChainStanding),
        chosen=chosen,
        confirms=_confirms(agreement),
        kept=kept,
        to_page=lambda to: url_for("invoices.supply_chain", agreement_id=agreement.id, page=to, **kept),
        days=PAYMENT_DAYS,
    )


@bp.get("/contracts/<int:agreement_id>/supply-chain-payments.csv")
@audience(Permission.SEE_INVOICES)
def supply_chain_csv(agreement_id: int) -> Response:
    """The same list as a CSV file, amounts in pounds."""
    agreement = queries.contract_for(acting(), agreement_id)
    return csv_download(
        f"supply-chain-payments-{agreement.reference}.csv".replace("/", "-"),
        COLUMNS,
        (
            row
            for one in _narrowed(queries.chain_months(agreement, today=clock.today()))
            for row in (_row(one, one.payment), *(_row(one, before) for before in one.earlier))
        ),
    )


def _row(one: queries.ChainMonth, paid: SubcontractorPayment | None) -> tuple[object, ...]:
    stands = one if paid is one.payment else queries.ChainMonth(one.subcontractor, one.month, paid)
    return (
        *(f"{one.month:%Y-%m}", one.subcontractor.name, stands.standing.value),
        *((paid.amount, paid.invoiced_on, paid.paid_on) if paid else (None, None, None)),
        stands.days,
        clock.london(paid.confirmed_at).date() if paid else None,
        clock.london(paid.corrected_at).date() if paid and paid.corrected_at else None,
        paid.reason if paid else None,
    )


def _confirms(agreement: Agreement) -> bool:
    actor = acting()
    return actor.may(Permission.PAY_SUPPLY_CHAIN) and actor.organisation_id == agreement.supplier_id


@bp.route("/subcontractors/<int:subcontractor_id>/payments/<first>", methods=["GET", "POST"])
@audience(Permission.PAY_SUPPLY_CHAIN)
def confirm_payment(subcontractor_id: int, first: str) -> Answer:
    """The supplier's finance confirms one month of one member: paid when, or nothing due."""
    actor, form = acting(), ChainPaymentForm()
    one, agreement = queries.subcontractor_for(actor, subcontractor_id)
    if not _confirms(agreement):
        raise NotAllowed("The supplier’s finance confirms payments to its supply chain.")
    try:
        month = date.fromisoformat(first)
    except ValueError:
        raise NotFound("There is no such month.") from None

    def act() -> None:
        amount, invoiced_on, paid_on = _paid(form)
        actions.confirm_payment(
            one, month=month, amount=amount, invoiced_on=invoiced_on, paid_on=paid_on, actor=actor, now=clock.now()
        )

    to = url_for("invoices.supply_chain", agreement_id=agreement.id)
    return ask(
        form,
        act,
        to=to,
        said=f"What was paid to {one.name} for {month:%B %Y} is confirmed.",
        heading=f"What you paid {one.name} for {month:%B %Y}",
        intro=f"Public money is paid on within {PAYMENT_DAYS} days of an invoice down the whole supply chain. The "
        "commissioner sees what you confirm. You can correct it later, with the reason.",
        button="Confirm",
        back=to,
        agreement=agreement,
    )


def _paid(form: ChainPaymentForm) -> tuple[Decimal, date | None, date | None]:
    """How much was paid, when their invoice came and when it was paid; nothing if nothing was due."""
    if form.was_due.data != "yes":
        return Decimal(0), None, None
    if not form.amount.data:
        raise Invalid("Enter how much you paid", field="amount")
    return form.amount.data, form.invoiced_on.data, form.paid_on.data


@bp.route("/supply-chain-payments/<int:payment_id>/correct", methods=["GET", "POST"])
@audience(Permission.PAY_SUPPLY_CHAIN)
def correct_payment(payment_id: int) -> Answer:
    """The supplier's finance corrects what it confirmed; both stay to be seen."""
    actor, form = acting(), CorrectChainForm()
    before, agreement = queries.chain_payment_for(actor, payment_id)
    if not _confirms(agreement):
        raise NotAllowed("The supplier’s finance confirms payments to its supply chain.")
    if not form.is_submitted():
        form.was_due.data = "yes" if before.amount else "no"
        form.amount.data = before.amount or None
        form.invoiced_on.data, form.paid_on.data = before.invoiced_on, before.paid_on

    def act() -> None:
        amount, invoiced_on, paid_on = _paid(form)
        actions.correct_payment(
            before,
            amount=amount,
            invoiced_on=invoiced_on,
            paid_on=paid_on,
            reason=form.reason.data,
            actor=actor,
            now=clock.now(),
        )

    to = url_for("invoices.supply_chain", agreement_id=agreement.id)
    return ask(
        form,
        act,
        to=to,
        said="It is corrected. What you confirmed before stays beside it.",
        heading=f"Correct what you paid {before.subcontractor.name} for {before.month:%B %Y}",
        intro="The commissioner sees what you confirmed before, what you say now, and why.",
        button="Correct it",
        back=to,
        agreement=agreement,
    )
