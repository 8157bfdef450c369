"""Raising the invoices of months that are over, a contract at a time.

Everything here may run twice: a contract's month has one invoice a funder by constraint.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import AgreementStatus
from contracts.invoices import letters, queries
from contracts.invoices.actions.making import Part, make_invoice
from contracts.invoices.models import Invoice
from contracts.invoices.rules import (
    Charge,
    InvoiceKind,
    deduction_shares,
    invoice_number,
    last_of_month,
    month_charges,
    months_in_arrears,
    poured,
)
from marketplace import clock
from marketplace.access import Actor
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.presentation import date_words


def raise_invoices(agreement: Agreement, *, actor: Actor, now: datetime) -> list[Invoice]:
    """Raise every invoice of the contract that is due and not there: each month that is over, one a funder.

    Refused for a contract that is not signed. Nothing for a grant, which is paid by instalments. The contract's row is
    locked meanwhile, so that two runs at once raise each once.
    """
    if agreement.status is not AgreementStatus.SIGNED:
        raise Refused("Invoices are raised for signed contracts only.")
    if agreement.instrument is Instrument.GRANT:
        return []
    hold_contract(agreement.id)
    today = clock.london(now).date()
    there = queries.months_raised(agreement.id)
    raised: list[Invoice] = []
    for month in months_in_arrears(agreement.starts_on, agreement.ends_on, today):
        if month not in there:
            raised += _raise_month(agreement, month, actor=actor, now=now)
    db.session.flush()
    if raised:
        letters.to_approve(agreement, raised, now=now)
    return raised


def _raise_month(agreement: Agreement, month: date, *, actor: Actor, now: datetime) -> list[Invoice]:
    first, last = max(month, agreement.starts_on), min(last_of_month(month), agreement.ends_on or date.max)
    to_take = queries.deductions_to_take(agreement.id, month)
    # By funder, in the order of their places.
    parts: dict[int, list[Part]] = {key: [] for key in queries.funder_places(agreement)}
    for line in agreement.lines:
        owed = _charge(agreement, line, month, parts)
        _deduct(line, to_take.get(line.id, []), owed, parts)
    return [
        make_invoice(
            agreement,
            kind=InvoiceKind.MONTH,
            number=invoice_number(agreement.reference, month, place),
            funder_id=funder_id,
            percent=queries.percent_on(agreement, funder_id, last),
            period=(first, last),
            parts=parts[funder_id],
            actor=actor,
            now=now,
        )
        for funder_id, place in queries.funder_places(agreement).items()
        if parts[funder_id]
    ]


def _charge(agreement: Agreement, line: ServiceLine, month: date, parts: dict[int, list[Part]]) -> dict[int, Decimal]:
    """Add what the service costs in the month to each funder's parts, by the terms of each day; what each owes."""
    versions = queries.versions_by_number(agreement)
    charges = month_charges(queries.spans(agreement, line), starts_on=agreement.starts_on, month=month)
    owed: dict[int, Decimal] = defaultdict(Decimal)
    for charge in charges:
        text = f"{line.title}, {_days(charge, month)}"
        for funder_id, amount in queries.shares(versions[charge.version], charge.amount).items():
            if amount:
                parts[funder_id].append(Part(text, amount, line.id))
                owed[funder_id] += amount
    return owed


def _deduct(
    line: ServiceLine,
    to_take: list[queries.DeductionLeft],
    owed: dict[int, Decimal],
    parts: dict[int, list[Part]],
) -> None:
    """Take deductions from what each funder owes for the service, the earliest first, never below nought."""
    price = sum(owed.values(), Decimal(0))
    for one, taken in zip(to_take, poured(price, [each.left for each in to_take]), strict=True):
        if not taken:
            continue
        text = f"Deduction, {line.title}, {one.deduction.month:%B %Y}: {one.deduction.reason}"
        for funder_id, share in zip(owed, deduction_shares(taken, list(owed.values())), strict=True):
            if share:
                parts[funder_id].append(Part(text, -share, line.id, one.deduction.id))
                owed[funder_id] -= share


def _days(charge: Charge, month: date) -> str:
    """October 2026; or, where it is for part of the month, its days."""
    if (charge.first, charge.last) == (month, last_of_month(month)):
        return f"{month:%B %Y}"
    if charge.first == charge.last:
        return date_words(charge.first)
    return f"{charge.first.day} to {date_words(charge.last)}"
