"""Supplementary invoices: so much more than was invoiced, because a count or a deduction was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import AgreementStatus, first_of_month, last_of_month
from contracts.invoices import letters, queries
from contracts.invoices.actions.making import Part, make_invoice
from contracts.invoices.actions.settling import approve_held
from contracts.invoices.models import Deduction, Invoice, Supplement
from contracts.invoices.rules import InvoiceKind, supplement_number
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def supplement(
    agreement: Agreement,
    line: ServiceLine,
    *,
    month: date,
    amount: Decimal,
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[Invoice]:
    """Ask for so much, before VAT, that was invoiced too little for a service and month: each funder its share.

    The supplier's finance asks, and a contract manager of the lead commissioner approves it before it is sent; or that
    contract manager does so at once. Refused for others, for a grant, without a reason, for a month of the contract
    that has not begun, and the very same a second time (a button pressed twice).
    """
    if not queries.may_supplement(actor, agreement):
        raise NotAllowed("The supplier’s finance asks for more; a contract manager of the lead commissioner may, too.")
    if agreement.status is not AgreementStatus.SIGNED or agreement.instrument is Instrument.GRANT:
        raise Refused("More is invoiced under signed contracts, not under grants.")
    month, today = first_of_month(month), clock.london(now).date()
    if month > today or month < first_of_month(agreement.starts_on) or month > (agreement.ends_on or date.max):
        raise Invalid("Choose a month of the contract that has begun", field="month")
    if amount <= 0:
        raise Invalid("Enter an amount above £0", field="amount")
    if not reason.strip():
        raise Invalid("Say why more is owed", field="reason")
    hold_contract(agreement.id)
    written: dict[str, object] = {
        "service_line_id": line.id,
        "month": month,
        "amount": amount,
        "reason": reason.strip(),
        "asked_by": actor.person,
    }
    if db.session.scalar(select(Supplement.id).filter_by(**written).limit(1)) is not None:
        raise AlreadyDone("You have asked for this already. It is in the list of invoices.")
    made = _kept(Supplement(**written, asked_at=now), agreement)
    version = agreement.version_on(_days(made, agreement)[1])
    return _invoiced(made, agreement, line, queries.shares(version, amount), actor=actor, now=now)


def invoice_back(made: Deduction, agreement: Agreement, *, actor: Actor, now: datetime) -> list[Invoice]:
    """Invoice again what was taken of a deduction that is withdrawn, to each funder what it was spared.

    The contract is locked. Who withdraws it has approved that.
    """
    taken = queries.taken_by_funder(made)
    if not taken:
        return []
    kept = Supplement(
        service_line_id=made.service_line_id,
        month=made.month,
        amount=sum(taken.values(), Decimal(0)),
        reason=f"A deduction is withdrawn. It was made for this: {made.reason}",
        deduction_id=made.id,
        asked_by=actor.person,
        asked_at=now,
    )
    return _invoiced(_kept(kept, agreement), agreement, made.service_line, taken, actor=actor, now=now)


def _kept(made: Supplement, agreement: Agreement) -> Supplement:
    before = select(func.max(Supplement.number)).where(Supplement.agreement_id == agreement.id)
    made.agreement_id, made.number = agreement.id, 1 + (db.session.scalar(before) or 0)
    db.session.add(made)
    db.session.flush()
    return made


def _days(made: Supplement, agreement: Agreement) -> tuple[date, date]:
    """The days of the contract in the month."""
    return max(made.month, agreement.starts_on), min(last_of_month(made.month), agreement.ends_on or date.max)


def _invoiced(
    made: Supplement,
    agreement: Agreement,
    line: ServiceLine,
    by_funder: Mapping[int, Decimal],
    *,
    actor: Actor,
    now: datetime,
) -> list[Invoice]:
    days = _days(made, agreement)
    places = queries.funder_places(agreement)
    raised = [
        make_invoice(
            agreement,
            kind=InvoiceKind.SUPPLEMENTARY,
            number=supplement_number(agreement.reference, made.number, places[funder_id]),
            funder_id=funder_id,
            percent=queries.percent_on(agreement, funder_id, days[1]),
            period=days,
            parts=[Part(f"{line.title}, {made.month:%B %Y}: {made.reason}", amount, line.id)],
            actor=actor,
            now=now,
            supplement_id=made.id,
        )
        for funder_id, amount in by_funder.items()
        if amount
    ]
    words = f"{pounds_exact(made.amount)} more for {made.month:%B %Y} invoiced"
    audit.record(words, agreement, actor=actor, now=now, line=line.id, number=made.number)
    if all(queries.may_approve(actor, one) for one in raised):
        for one in raised:
            approve_held(one, actor=actor, now=now)
        letters.supplemented(made, agreement, now=now)
    else:
        letters.to_approve(agreement, raised, now=now)
    return raised
