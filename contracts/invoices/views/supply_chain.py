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
from contracts.invoices.forms import ChainPaymentForm
from contracts.invoices.rules import PAYMENT_DAYS, ChainStanding
from contracts.invoices.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import Invalid, NotAllowed, NotFound
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.spreadsheets import csv_download

COLUMNS = ("month", "subcontractor", "standing", "amount", "invoiced_on", "paid_on", "days", "confirmed_on")


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
            (
                *(f"{one.month:%Y-%m}", one.subcontractor.name, one.standing.value),
                *((paid.amount, paid.invoiced_on, paid.paid_on) if (paid := one.payment) else (None, None, None)),
                one.days,
                clock.london(paid.confirmed_at).date() if paid else None,
            )
            for one in _narrowed(queries.chain_months(agreement, today=clock.today()))
        ),
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
        due = form.was_due.data == "yes"
        if due and not form.amount.data:
            raise Invalid("Enter how much you paid", field="amount")
        actions.confirm_payment(
            one,
            month=month,
            amount=form.amount.data if due else Decimal(0),
            invoiced_on=form.invoiced_on.data if due else None,
            paid_on=form.paid_on.data if due else None,
            actor=actor,
            now=clock.now(),
        )

    to = url_for("invoices.supply_chain", agreement_id=agreement.id)
    return ask(
        form,
        act,
        to=to,
        said=f"What was paid to {one.name} for {month:%B %Y} is confirmed.",
        heading=f"What you paid {one.name} for {month:%B %Y}",
        intro=f"Public money is paid on within {PAYMENT_DAYS} days of an invoice down the whole supply chain. The "
        "commissioner sees what you confirm, and it stays as you confirm it.",
        button="Confirm",
        back=to,
        agreement=agreement,
    )
