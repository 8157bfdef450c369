"""Deductions under a contract: what was taken of them, and what is left to be taken when its last month is invoiced."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, ServiceLine
from contracts.invoices.models import CreditNote, Deduction, Invoice, InvoiceLine
from contracts.invoices.queries.finding import contract_for
from contracts.invoices.queries.reckoning import months_raised, spans
from contracts.invoices.queries.years import shares
from contracts.invoices.rules import DeductionStanding, InvoiceStatus, first_of_month
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class DeductionLeft:
    """A deduction, what months and credit notes have taken of it, and what is still to be taken, in pounds."""

    deduction: Deduction
    by_months: Decimal
    by_credit: Decimal

    @property
    def taken(self) -> Decimal:
        """What has been taken."""
        return self.by_months + self.by_credit

    @property
    def left(self) -> Decimal:
        """What is still to be taken; nothing of one that was withdrawn."""
        return NOTHING if self.deduction.withdrawn_at else self.deduction.amount - self.taken

    @property
    def standing(self) -> DeductionStanding:
        """Where it stands: what was withdrawn may have been taken in part before."""
        if self.deduction.withdrawn_at:
            return DeductionStanding.WITHDRAWN
        return DeductionStanding.TO_TAKE if self.left else DeductionStanding.TAKEN


def deductions(agreement_id: int) -> list[DeductionLeft]:
    """Every deduction under a contract, the earliest first, and how much of it was taken."""
    by_months = select(func.sum(-InvoiceLine.amount)).where(InvoiceLine.deduction_id == Deduction.id).scalar_subquery()
    by_credit = select(func.sum(CreditNote.net)).where(CreditNote.deduction_id == Deduction.id).scalar_subquery()
    rows = db.session.execute(
        select(Deduction, func.coalesce(by_months, 0), func.coalesce(by_credit, 0))
        .join(Deduction.service_line)
        .where(ServiceLine.agreement_id == agreement_id)
        .options(joinedload(Deduction.service_line), joinedload(Deduction.decider))
        .order_by(Deduction.month, Deduction.id)
    )
    return [DeductionLeft(deduction, Decimal(months), Decimal(credit)) for deduction, months, credit in rows]


def deduction_for(actor: Actor, deduction_id: int) -> tuple[DeductionLeft, Agreement]:
    """A deduction under a contract that concerns the actor's organisation. Raises NotFound."""
    found = db.session.get(Deduction, deduction_id)
    if found is None:
        raise NotFound("There is no such deduction, or it does not concern your organisation.")
    agreement = contract_for(actor, found.service_line.agreement_id)
    return next(one for one in deductions(agreement.id) if one.deduction.id == found.id), agreement


def deductions_to_take(agreement_id: int, month: date) -> dict[int, list[DeductionLeft]]:
    """By service, the deductions that the month's price takes: of it and of months before, the earliest first."""
    found: dict[int, list[DeductionLeft]] = defaultdict(list)
    for one in deductions(agreement_id):
        if one.left and one.deduction.month <= month:
            found[one.deduction.service_line_id].append(one)
    return found


def is_all_raised(agreement: Agreement, today: date) -> bool:
    """Whether the contract is over and its last month, if that costs anything, is invoiced. Never of a grant."""
    last = agreement.ends_on
    if agreement.instrument is Instrument.GRANT or last is None or last >= today:
        return False
    is_priced = any(span.within(last, last) for line in agreement.lines for span in spans(agreement, line))
    return not is_priced or first_of_month(last) in months_raised(agreement.id)


@dataclass(frozen=True)
class DeductionShare:
    """What is still to be taken of a deduction from one funder's invoices, in pounds."""

    deduction: Deduction
    funder_id: int
    left: Decimal


def deductions_by_funder(agreement: Agreement) -> list[DeductionShare]:
    """What months have left of deductions, by funder, each its share by the terms of the month of the fault."""
    to_take = [one for one in deductions(agreement.id) if one.left]
    if not to_take:
        return []
    credited = {
        (key, funder_id): Decimal(net)
        for key, funder_id, net in db.session.execute(
            select(CreditNote.deduction_id, Invoice.organisation_id, func.sum(CreditNote.net))
            .join(CreditNote.invoice)
            .where(CreditNote.deduction_id.in_(one.deduction.id for one in to_take))
            .group_by(CreditNote.deduction_id, Invoice.organisation_id)
        )
    }
    found = []
    for one in to_take:
        version = agreement.version_on(max(one.deduction.month, agreement.starts_on))
        for funder_id, share in shares(version, one.deduction.amount - one.by_months).items():
            left = share - credited.get((one.deduction.id, funder_id), NOTHING)
            found += [DeductionShare(one.deduction, funder_id, left)] if left else []
    return found


def left_to_deduct(agreement: Agreement) -> Decimal:
    """What deductions can still take of the contract's invoices, in pounds before VAT."""
    left = db.session.scalar(
        select(func.sum(Invoice.net - Invoice.credited_net)).where(
            Invoice.agreement_id == agreement.id, Invoice.status != InvoiceStatus.VOID
        )
    )
    return max((left or NOTHING) - sum((one.left for one in deductions(agreement.id)), NOTHING), NOTHING)


def taken_by_funder(made: Deduction) -> dict[int, Decimal]:
    """What a deduction has taken of each funder's invoices, in pounds."""
    found: dict[int, Decimal] = defaultdict(Decimal)
    for asked in (
        select(Invoice.organisation_id, func.sum(-InvoiceLine.amount))
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(InvoiceLine.deduction_id == made.id)
        .group_by(Invoice.organisation_id),
        select(Invoice.organisation_id, func.sum(CreditNote.net))
        .join(CreditNote.invoice)
        .where(CreditNote.deduction_id == made.id)
        .group_by(Invoice.organisation_id),
    ):
        for funder_id, amount in db.session.execute(asked):
            found[funder_id] += amount
    return dict(sorted(found.items()))
