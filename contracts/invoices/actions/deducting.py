"""Deductions: so much less for a service, with the reason; the supplier is told at once."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import AgreementStatus, first_of_month
from contracts.invoices import letters, queries
from contracts.invoices.actions.crediting import credit_funder
from contracts.invoices.actions.supplementing import invoice_back
from contracts.invoices.models import Deduction
from contracts.invoices.rules import CreditKind
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def deduct(
    agreement: Agreement,
    line: ServiceLine,
    *,
    month: date,
    amount: Decimal,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Deduction:
    """A contract manager of the lead commissioner takes so much, before VAT, from what a service costs.

    It is for a month of the contract that has begun, and comes off the next invoices that are raised: all funders' in
    proportion, never below nought; what one month cannot take the next does. When the last month is invoiced, it is
    credited at once, and may be no more than what is left of the contract's invoices. Refused for others, for a grant,
    without a reason, for a month outside the contract, and the very same a second time (a button pressed twice).
    """
    _must_lead(agreement, actor)
    if agreement.status is not AgreementStatus.SIGNED or agreement.instrument is Instrument.GRANT:
        raise Refused("Deductions are made under signed contracts, not under grants.")
    month = first_of_month(month)
    today = clock.london(now).date()
    if month > today or month < first_of_month(agreement.starts_on) or month > (agreement.ends_on or date.max):
        raise Invalid("Choose a month of the contract that has begun", field="month")
    if amount <= 0:
        raise Invalid("Enter an amount above £0", field="amount")
    if not reason.strip():
        raise Invalid("Say what was wrong", field="reason")
    written: dict[str, object] = {
        "service_line_id": line.id,
        "month": month,
        "amount": amount,
        "reason": reason.strip(),
        "decided_by": actor.person,
    }
    # Two presses at once come one after the other.
    hold_contract(agreement.id)
    if db.session.scalar(select(Deduction.id).filter_by(**written, withdrawn_at=None).limit(1)) is not None:
        raise AlreadyDone("You have made this deduction already. It is in the list of deductions.")
    _must_find_it(agreement, amount, today)
    made = Deduction(**written, decided_at=now)
    db.session.add(made)
    db.session.flush()
    audit.record(
        f"Deduction of {pounds_exact(amount)} for {month:%B %Y}", agreement, actor=actor, now=now, line=line.id
    )
    letters.deducted(made, line, agreement, now=now)
    deduct_the_rest(agreement, actor=actor, now=now)
    return made


def _must_find_it(agreement: Agreement, amount: Decimal, today: date) -> None:
    """Refuse what would stand as still to be taken for ever."""
    if queries.is_all_raised(agreement, today):
        left = queries.left_to_deduct(agreement)
        if amount > left:
            raise Invalid(
                f"The contract is over: enter no more than {pounds_exact(left)}, which is left of its invoices",
                field="amount",
            )


def deduct_the_rest(agreement: Agreement, *, actor: Actor, now: datetime) -> None:
    """Credit what no month is left to take, when the contract's last one is invoiced. Nothing before that.

    Each funder its share by the terms of the deduction's month, as far as its invoices have that left. May run twice.
    """
    if not queries.is_all_raised(agreement, clock.london(now).date()):
        return
    for one in queries.deductions_by_funder(agreement):
        made = one.deduction
        credit_funder(
            agreement,
            one.funder_id,
            one.left,
            kind=CreditKind.DEDUCTION,
            reason=f"{made.service_line.title}, {made.month:%B %Y}: {made.reason}",
            actor=actor,
            now=now,
            deduction_id=made.id,
        )


def withdraw_deduction(made: Deduction, agreement: Agreement, *, actor: Actor, now: datetime) -> None:
    """The deduction was wrong: what is still to be taken of it is not taken, and what was taken is invoiced.

    Each funder is invoiced what it was spared; whoever withdraws it has approved that. Refused a second time.
    """
    _must_lead(agreement, actor)
    hold_contract(agreement.id)
    db.session.refresh(made)
    left = next(one.left for one in queries.deductions(agreement.id) if one.deduction.id == made.id)
    if made.withdrawn_at is not None:
        raise AlreadyDone("This deduction is withdrawn already.")
    made.withdrawn_at = now
    db.session.flush()
    audit.record(f"Deduction withdrawn, {pounds_exact(left)} not taken", agreement, actor=actor, now=now)
    letters.deduction_withdrawn(made, agreement, left, now=now)
    invoice_back(made, agreement, actor=actor, now=now)


def _must_lead(agreement: Agreement, actor: Actor) -> None:
    actor.must(Permission.APPROVE_INVOICES)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("A contract manager of the lead commissioner makes deductions.")
