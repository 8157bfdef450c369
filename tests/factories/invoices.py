"""Signed contracts with prices, and invoices at any status, made directly as rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import select

from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.invoices.actions import approve, approve_year, reconcile_years
from contracts.invoices.models import Invoice, InvoiceLine
from contracts.invoices.rules import InvoiceKind, InvoiceStatus, due_on, invoice_number, last_of_month
from marketplace import clock
from marketplace.access import SYSTEM, Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from tests.factories.accounts import make_actor
from tests.factories.agreements import make_award, make_terms, make_version

RAISED = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
_numbers = itertools.count(1)


def make_contract(
    *,
    lines: Sequence[str | None] = ("120000.00",),
    funders: Sequence[tuple[Organisation, str]] = (),
    supplier: Organisation | None = None,
    lead: Organisation | None = None,
    starts_on: date = date(2026, 10, 1),
    ends_on: date | None = date(2028, 9, 30),
    status: AgreementStatus = AgreementStatus.SIGNED,
    with_finance: bool = True,
) -> Agreement:
    """A contract with one service for each annual price; every funder has somebody in finance unless said."""
    award = make_award(supplier=supplier, lead=lead, funders=funders, starts_on=starts_on)
    body = award.competition.organisation
    made = Agreement(
        reference=f"C-I-{next(_numbers):04}",
        origin=Origin.AWARD,
        instrument=award.competition.instrument,
        award=award,
        status=status,
        supplier=award.supplier,
        commissioner=body,
        title=award.competition.title,
        specification="",
        starts_on=starts_on,
        ends_on=ends_on,
        whole_life_value=award.whole_life_value,
        created_at=RAISED,
        lines=[
            ServiceLine(
                number=number,
                title=f"Service {number}",
                open_to_women=True,
                open_to_men=True,
                referrals_from=starts_on,
            )
            for number, _ in enumerate(lines, start=1)
        ],
    )
    version = make_version(
        made,
        funders=[(one, Decimal(percent)) for one, percent in funders or [(body, "100")]],
        agreed_at=RAISED if status is AgreementStatus.SIGNED else None,
    )
    for line, price in zip(made.lines, lines, strict=True):
        make_terms(version, line, bands=[(0, 100, Decimal(price))] if price else [])
    if with_finance:
        for funder in made.funders:
            finance_of(funder.organisation)
    return made


def finance_of(body: Organisation) -> Actor:
    """Somebody in finance: of a supplier, or of a commissioning body."""
    return make_actor(body, Role.SUPPLIER_FINANCE if body.is_supplier else Role.COMMISSIONER_FINANCE)


def manager_of(agreement: Agreement) -> Actor:
    """A contract manager of the lead commissioner."""
    return make_actor(agreement.commissioner, Role.CONTRACT_MANAGER)


def approve_raised(now: datetime = RAISED) -> None:
    """Have every invoice that waits for approval approved."""
    for invoice in db.session.scalars(select(Invoice).where(Invoice.status == InvoiceStatus.AWAITING_APPROVAL)):
        approve(invoice, actor=manager_of(invoice.agreement), now=now)


def reconcile(agreement: Agreement, *, now: datetime) -> None:
    """Every contract year that is over is worked out and approved."""
    for year in reconcile_years(agreement, actor=SYSTEM, now=now):
        db.session.refresh(year)
        if year.approved_at is None:
            approve_year(agreement, year.first, actor=manager_of(agreement), now=now)


def make_invoice(
    agreement: Agreement,
    *,
    month: date = date(2026, 10, 1),
    funder: int = 0,
    status: InvoiceStatus = InvoiceStatus.DRAFT,
    amount: str = "10000.00",
    **more: object,
) -> Invoice:
    """One invoice of a contract, for one of its funders."""
    line = agreement.lines[0]
    sent = status in (InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.VOID)
    number = invoice_number(agreement.reference, month, funder + 1)
    values: dict[str, object] = {
        "kind": InvoiceKind.MONTH,
        "period_from": month,
        "period_to": last_of_month(month),
        "net": Decimal(amount),
        "vat_rate": Decimal(0),
        "vat": Decimal(0),
        "raised_at": RAISED,
        "due_on": due_on(clock.london(RAISED).date()),
        "approved_at": None if status is InvoiceStatus.AWAITING_APPROVAL else RAISED,
        "provider_id": f"in_{number}" if sent else None,
        "payment_url": "http://127.0.0.1:9/invoice/x" if sent else None,
        "sent_at": RAISED if sent else None,
        "paid_at": RAISED if status is InvoiceStatus.PAID else None,
        "paid_amount": Decimal(amount) if status is InvoiceStatus.PAID else None,
        "lines": [InvoiceLine(service_line_id=line.id, text=f"{line.title}, {month:%B %Y}", amount=Decimal(amount))],
    }
    made = Invoice(
        number=number,
        agreement=agreement,
        organisation=agreement.funders[funder].organisation,
        month=month,
        percent=agreement.funders[funder].percent,
        amount=Decimal(amount),
        status=status,
        next_attempt_at=RAISED,
        **(values | more),
    )
    db.session.add(made)
    db.session.flush()
    return made
