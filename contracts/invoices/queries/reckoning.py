"""What invoices are reckoned from: the terms on each day, deductions, VAT, purchase orders, and what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, AgreementVersion, LineTerms, ServiceLine
from contracts.agreements.queries import with_terms
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.invoices.models import (
    Invoice,
    InvoiceAddress,
    PurchaseOrder,
    ReconciledYear,
    VatStatus,
)
from contracts.invoices.rules import InvoiceKind, Span, VatKind
from marketplace.extensions import db


def agreements_to_invoice() -> Sequence[int]:
    """The signed contracts of ours that have prices: what the daily run goes through. Grants are paid otherwise."""
    return db.session.scalars(
        select(Agreement.id)
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.origin == Origin.AWARD,
            Agreement.instrument == Instrument.CONTRACT,
            Agreement.lines.any(ServiceLine.terms.any(LineTerms.planned_band.is_not(None))),
        )
        .order_by(Agreement.id)
    ).all()


def agreement_with_prices(agreement_id: int) -> Agreement | None:
    """One contract with all that its invoices are made from."""
    return db.session.scalar(
        select(Agreement)
        .where(Agreement.id == agreement_id)
        .options(
            joinedload(Agreement.supplier),
            joinedload(Agreement.commissioner),
            selectinload(Agreement.lines).options(*with_terms()),
            selectinload(Agreement.versions).selectinload(AgreementVersion.funders),
        )
    )


@dataclass(frozen=True)
class Period:
    """Days of a contract on which one version of it was in force, both included."""

    version: AgreementVersion
    first: date
    last: date


def periods(agreement: Agreement) -> list[Period]:
    """The contract's days from its start to its end (as last agreed), by the version in force on each."""
    starts_on, ends_on = agreement.starts_on, agreement.ends_on or date.max
    agreed = [one.in_force_from for one in agreement.versions if one.agreed_at is not None]
    begins = sorted({starts_on, *(day for day in agreed if starts_on < day <= ends_on)})
    lasts = [*(day - timedelta(days=1) for day in begins[1:]), ends_on]
    return [Period(agreement.version_on(first), first, last) for first, last in zip(begins, lasts, strict=True)]


def spans(agreement: Agreement, line: ServiceLine) -> list[Span]:
    """The days on which the service had a price, by the terms in force on each."""
    found = []
    for period in periods(agreement):
        terms = next((one for one in line.terms if one.version_id == period.version.id), None)
        if terms is not None and terms.planned_band is not None and terms.planned_annual_price is not None:
            bands = tuple(band.band for band in terms.bands)
            found.append(Span(period.first, period.last, bands, terms.planned_band, period.version.number))
    return found


def versions_by_number(agreement: Agreement) -> Mapping[int, AgreementVersion]:
    """The contract's versions, by their number."""
    return {version.number: version for version in agreement.versions}


def funder_places(agreement: Agreement) -> dict[int, int]:
    """Each funder's place in the numbers of invoices: in the order in which they came to the contract, for good."""
    agreed = [one for one in agreement.versions if one.agreed_at is not None] or agreement.versions[:1]
    keys = dict.fromkeys(funder.organisation_id for version in agreed for funder in version.funders)
    return {key: place for place, key in enumerate(keys, start=1)}


def percent_on(agreement: Agreement, organisation_id: int, day: date) -> Decimal:
    """The funder's share on a day, in percent; of one that has left, its last."""
    before = [period.version for period in periods(agreement) if period.first <= day]
    for version in [*reversed(before), *agreement.versions]:
        for funder in version.funders:
            if funder.organisation_id == organisation_id:
                return funder.percent
    return Decimal(0)


def months_raised(agreement_id: int) -> frozenset[date]:
    """The months of a contract for which invoices exist."""
    return frozenset(
        db.session.scalars(
            select(Invoice.month)
            .where(Invoice.agreement_id == agreement_id, Invoice.kind == InvoiceKind.MONTH)
            .distinct()
        ).all()
    )


def reconciled_years(agreement_id: int, first: date | None = None) -> Sequence[ReconciledYear]:
    """The reconciled years of a contract (or one), latest first, by service, with what they were made of."""
    asked = (
        select(ReconciledYear)
        .join(ReconciledYear.service_line)
        .where(ReconciledYear.agreement_id == agreement_id)
        .options(
            joinedload(ReconciledYear.service_line),
            joinedload(ReconciledYear.approver),
            selectinload(ReconciledYear.spans),
        )
        .order_by(ReconciledYear.first.desc(), ServiceLine.number)
    )
    if first is not None:
        asked = asked.where(ReconciledYear.first == first)
    return db.session.scalars(asked).all()


def vat_status(organisation_id: int, on: date) -> VatStatus | None:
    """What the supplier has said about VAT for invoices of this day; None if it has said nothing."""
    return db.session.scalar(
        select(VatStatus)
        .where(VatStatus.organisation_id == organisation_id, VatStatus.from_day <= on)
        .order_by(VatStatus.from_day.desc())
        .limit(1)
    )


def vat_statuses(organisation_id: int) -> Sequence[VatStatus]:
    """All that the supplier has said about VAT, latest first."""
    return db.session.scalars(
        select(VatStatus).where(VatStatus.organisation_id == organisation_id).order_by(VatStatus.from_day.desc())
    ).all()


def invoice_addresses(*organisation_ids: int) -> dict[int, str]:
    """The addresses that these organisations have given for invoices, by key."""
    rows = db.session.scalars(select(InvoiceAddress).where(InvoiceAddress.organisation_id.in_(organisation_ids)))
    return {one.organisation_id: one.address for one in rows}


def vat_rate(agreement: Agreement, on: date) -> Decimal:
    """The VAT of an invoice raised on a day, in percent. Grants are outside VAT, whatever the supplier is."""
    if agreement.instrument is Instrument.GRANT:
        return VatKind.NOT_REGISTERED.rate
    stated = vat_status(agreement.supplier_id, on)
    return (stated.kind if stated else VatKind.NOT_REGISTERED).rate


def purchase_order(agreement_id: int, organisation_id: int, on: date) -> PurchaseOrder | None:
    """The funder's purchase order for invoices of this day."""
    return db.session.scalar(
        select(PurchaseOrder)
        .where(
            PurchaseOrder.agreement_id == agreement_id,
            PurchaseOrder.organisation_id == organisation_id,
            PurchaseOrder.from_day <= on,
        )
        .order_by(PurchaseOrder.from_day.desc())
        .limit(1)
    )
