"""Deductions under a contract: the list, one more, and one withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.invoices import actions, queries
from contracts.invoices.forms import ConfirmForm, DeductionForm
from contracts.invoices.rules import DeductionStanding, months_begun
from contracts.invoices.views import bp
from contracts.invoices.views.money import may_manage
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import AlreadyDone, NotAllowed
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.presentation import pounds_exact
from marketplace.spreadsheets import csv_download

HOW_TAKEN = (
    "It comes off the next invoices that are raised, from each funder’s in proportion and never below nought. What one "
    "month cannot take, the next does; after the contract’s last month it is credited on its latest invoices. The "
    "supplier is told at once."
)
COLUMNS = ("month", "service", "amount", "taken", "still_to_take", "standing", "reason", "decided_by", "decided_on")


def _standing() -> DeductionStanding | None:
    value = request.args.get("standing", "")
    return DeductionStanding(value) if value in list(DeductionStanding) else None


def _listed(agreement: Agreement) -> Sequence[queries.DeductionLeft]:
    """The latest first, narrowed to what was asked for."""
    chosen = _standing()
    found = reversed(queries.deductions(agreement.id))
    return [one for one in found if chosen is None or one.standing is chosen]


def _to(agreement: Agreement) -> str:
    return url_for("invoices.deductions", agreement_id=agreement.id)


@bp.get("/contracts/<int:agreement_id>/deductions")
@audience(Permission.SEE_INVOICES)
def deductions(agreement_id: int) -> str:
    """What is deducted under a contract, why, and how much of it months have taken."""
    agreement, chosen = queries.contract_for(acting(), agreement_id), _standing()
    listed = _listed(agreement)
    number = nearest_page(request.args.get("page", 1, type=int), len(listed))
    standing = chosen.value if chosen else None
    return render_template(
        "contracts/invoices/deductions.html",
        agreement=agreement,
        page=Page(listed[before(number) : before(number) + PAGE], len(listed), number),
        to_page=lambda to: url_for("invoices.deductions", agreement_id=agreement.id, page=to, standing=standing),
        standings=list(DeductionStanding),
        chosen=chosen,
        manages=may_manage(agreement),
    )


@bp.get("/contracts/<int:agreement_id>/deductions.csv")
@audience(Permission.SEE_INVOICES)
def deductions_csv(agreement_id: int) -> Response:
    """The same list as a CSV file, amounts in pounds before VAT."""
    agreement = queries.contract_for(acting(), agreement_id)
    return csv_download(
        f"deductions-{agreement.reference}.csv".replace("/", "-"),
        COLUMNS,
        (
            (
                f"{one.deduction.month:%Y-%m}",
                one.deduction.service_line.title,
                *(one.deduction.amount, one.taken, one.left, one.standing.value, one.deduction.reason),
                one.deduction.decider.name,
                clock.london(one.deduction.decided_at).date(),
            )
            for one in _listed(agreement)
        ),
    )


@bp.route("/contracts/<int:agreement_id>/deductions/new", methods=["GET", "POST"])
@audience(Permission.APPROVE_INVOICES)
def new_deduction(agreement_id: int) -> Answer:
    """A contract manager of the lead commissioner deducts."""
    actor, form = acting(), DeductionForm()
    agreement = queries.contract_for(actor, agreement_id)
    if not may_manage(agreement):
        raise NotAllowed("A contract manager of the lead commissioner makes deductions.")
    months = months_begun(agreement.starts_on, agreement.ends_on, clock.today())
    form.offer(list(reversed(months)), agreement.lines)
    return ask(
        form,
        lambda: actions.deduct(
            agreement,
            next(line for line in agreement.lines if str(line.id) == form.service.data),
            month=date.fromisoformat(form.month.data),
            amount=form.amount.data,
            reason=form.reason.data,
            actor=actor,
            now=clock.now(),
        ),
        to=_to(agreement),
        said="The deduction is made. The supplier has been told.",
        heading="Make a deduction",
        intro=HOW_TAKEN,
        button="Make the deduction",
        back=_to(agreement),
        agreement=agreement,
    )


@bp.route("/deductions/<int:deduction_id>/withdraw", methods=["GET", "POST"])
@audience(Permission.APPROVE_INVOICES)
def withdraw_deduction(deduction_id: int) -> Answer:
    """Asks once more, and withdraws what is left of a deduction."""
    actor = acting()
    found, agreement = queries.deduction_for(actor, deduction_id)
    if not may_manage(agreement):
        raise NotAllowed("A contract manager of the lead commissioner withdraws deductions.")
    if found.deduction.withdrawn_at:
        raise AlreadyDone("This deduction is withdrawn already.")
    made, service = found.deduction, found.deduction.service_line.title
    left = f"{pounds_exact(found.left)} for {service}, {made.month:%B %Y}, will not be taken." if found.left else ""
    taken = (
        f"{pounds_exact(found.taken)} was taken already: each funder is invoiced what it was spared, which you approve "
        "by withdrawing it."
        if found.taken
        else ""
    )
    return ask(
        ConfirmForm(),
        lambda: actions.withdraw_deduction(made, agreement, actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The deduction is withdrawn. The supplier has been told.",
        heading="Withdraw this deduction?",
        intro=f"{left} {taken}".strip(),
        button="Withdraw it",
        back=_to(agreement),
        agreement=agreement,
    )
