"""The money of one contract: its payment schedule by month, and what each contract year costs and has cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, AgreementFunder, AgreementVersion
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.invoices.models import Invoice, PurchaseOrder
from contracts.invoices.queries.finding import seen_by
from contracts.invoices.queries.granting import instalments
from contracts.invoices.queries.reckoning import spans, versions_by_number
from contracts.invoices.queries.years import shares
from contracts.invoices.rules import (
    InvoiceKind,
    Span,
    last_of_month,
    month_charges,
    months_in_arrears,
    price_of,
    years_over,
)
from contracts.ledger.queries import Sums, by_item
from marketplace.access import Actor
from marketplace.extensions import db

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class ScheduledMonth:
    """One month of the payment schedule: what it costs by the terms in force, before VAT, and what was invoiced."""

    month: date
    first: date
    last: date
    planned: Decimal
    invoices: Sequence[Invoice]

    @property
    def raised_from(self) -> date:
        """The day on which it is invoiced: the first after it."""
        return self.last + timedelta(days=1)

    @property
    def invoiced(self) -> Decimal:
        """What was invoiced for it, before VAT and less what was credited; its deductions are taken off already.

        Nothing of what was voided: an invoice that asks for it again counts in its place.
        """
        return sum((one.creditable_net for one in self.invoices), NOTHING)


@dataclass
class ContractYear:
    """One contract year: what it costs as planned, at least and at most, before VAT; what the ledger has of it.

    Its invoices are those whose days begin in it.
    """

    first: date
    last: date
    planned: Decimal
    least: Decimal
    most: Decimal
    sums: Sums = field(default_factory=Sums)
    months: list[ScheduledMonth] = field(default_factory=list)


@dataclass(frozen=True)
class ContractMoney:
    """All of it, as one organisation sees it: whole for the lead and the supplier, its own share for another funder."""

    years: Sequence[ContractYear]
    is_share: bool

    @property
    def total(self) -> Sums:
        """What the ledger has of all years."""
        found = Sums()
        for year in self.years:
            found.add(year.sums)
        return found

    def year_of(self, day: date) -> ContractYear:
        """The contract year in which a day lies; of a day before them all the first, after them all the last."""
        return next((year for year in self.years if day <= year.last), self.years[-1])


def contract_money(actor: Actor, agreement: Agreement, *, today: date) -> ContractMoney:
    """The schedule and the years of a contract at the end of today, to the penny as invoices are and will be raised.

    Nothing of a contract that is not signed, or of which no end is known (from the register).
    """
    whole = actor.organisation in (agreement.supplier_id, agreement.commissioner_id)
    funder_id = None if whole else actor.organisation
    if agreement.status is not AgreementStatus.SIGNED or agreement.ends_on is None:
        return ContractMoney([], is_share=not whole)
    by_year = [
        ContractYear(first, last, *_prices(agreement, first, last, funder_id))
        for first, last in years_over(agreement.starts_on, agreement.ends_on, date.max)
    ]
    money = ContractMoney(by_year, is_share=not whole)
    for day, sums in _by_first_day(agreement, funder_id, today):
        money.year_of(day).sums.add(sums)
    if agreement.instrument is Instrument.GRANT:
        for one in instalments(agreement.id):
            version = agreement.version_on(one.due_on)
            money.year_of(one.due_on).planned += _share(version, one.amount, funder_id)
    else:
        _schedule(actor, agreement, money, funder_id)
    return money


def _prices(agreement: Agreement, first: date, last: date, funder_id: int | None) -> tuple[Decimal, Decimal, Decimal]:
    """What the days cost as planned, at least and at most."""
    planned = least = most = NOTHING
    if agreement.instrument is not Instrument.GRANT:
        for line in agreement.lines:
            for span in spans(agreement, line):
                part = span.within(first, last)
                if part is not None:
                    planned += _price(agreement, part, part.planned_price, funder_id)
                    least += _price(agreement, part, part.bands[0].annual_value, funder_id)
                    most += _price(agreement, part, part.bands[-1].annual_value, funder_id)
    return planned, least, most


def _price(agreement: Agreement, span: Span, annual: Decimal, funder_id: int | None) -> Decimal:
    """What a span's days cost at a price a year, or one funder's share of it."""
    whole = price_of(annual, starts_on=agreement.starts_on, first=span.first, last=span.last)
    return _share(versions_by_number(agreement)[span.version], whole, funder_id)


def _share(version: AgreementVersion, amount: Decimal, funder_id: int | None) -> Decimal:
    if funder_id is None:
        return amount
    return shares(version, amount).get(funder_id, NOTHING)


def _by_first_day(agreement: Agreement, funder_id: int | None, today: date) -> list[tuple[date, Sums]]:
    """What the ledger has of each invoice, and the first of the days that it is for."""
    asked = select(Invoice.number, Invoice.period_from).where(Invoice.agreement_id == agreement.id)
    begins = dict(db.session.execute(asked).all())
    items = by_item(agreement.id, on=today, funder_id=funder_id)
    return [(begins[number], sums) for number, sums in items.items()]


def _schedule(actor: Actor, agreement: Agreement, money: ContractMoney, funder_id: int | None) -> None:
    """Put every month of the contract into the contract year in which its days begin."""
    there: dict[date, list[Invoice]] = defaultdict(list)
    for one in db.session.scalars(
        select(Invoice)
        .join(Invoice.agreement)
        .where(seen_by(actor), Invoice.agreement_id == agreement.id, Invoice.kind == InvoiceKind.MONTH)
        .options(selectinload(Invoice.disputes))
        .order_by(Invoice.number)
    ):
        there[one.month].append(one)
    by_line = [spans(agreement, line) for line in agreement.lines]
    versions = versions_by_number(agreement)
    for month in months_in_arrears(agreement.starts_on, agreement.ends_on, date.max):
        first, last = max(month, agreement.starts_on), min(last_of_month(month), agreement.ends_on or date.max)
        planned = sum(
            (
                _share(versions[charge.version], charge.amount, funder_id)
                for line in by_line
                for charge in month_charges(line, starts_on=agreement.starts_on, month=month)
            ),
            NOTHING,
        )
        money.year_of(first).months.append(ScheduledMonth(month, first, last, planned, there[month]))


def purchase_orders(agreement_id: int) -> Sequence[PurchaseOrder]:
    """Every purchase order entered under a contract, the latest first."""
    return db.session.scalars(
        select(PurchaseOrder)
        .where(PurchaseOrder.agreement_id == agreement_id)
        .order_by(PurchaseOrder.from_day.desc(), PurchaseOrder.id)
    ).all()


@dataclass(frozen=True)
class FundedContract:
    """A signed contract that a body pays for, and the purchase order that it wants on its invoices, if any."""

    agreement: Agreement
    order: PurchaseOrder | None


def funded_contracts(actor: Actor, *, on: date, without_order: bool = False) -> Sequence[FundedContract]:
    """The contracts that the actor's body funds and that have not ended by a day, those without an order first."""
    latest = aliased(PurchaseOrder)
    later = aliased(PurchaseOrder)
    mine = (latest.agreement_id == Agreement.id, latest.organisation_id == actor.organisation, latest.from_day <= on)
    newer = (
        select(later.id)
        .where(
            later.agreement_id == latest.agreement_id,
            later.organisation_id == latest.organisation_id,
            later.from_day <= on,
            later.from_day > latest.from_day,
        )
        .exists()
    )
    funds = (
        select(AgreementFunder.id)
        .join(AgreementVersion, AgreementVersion.id == AgreementFunder.version_id)
        .where(
            AgreementFunder.agreement_id == Agreement.id,
            AgreementFunder.organisation_id == actor.organisation,
            AgreementVersion.agreed_at.is_not(None),
            or_(AgreementVersion.superseded_on.is_(None), AgreementVersion.superseded_on > on),
        )
        .exists()
    )
    asked = (
        select(Agreement, latest)
        .outerjoin(latest, and_(*mine, ~newer))
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.origin == Origin.AWARD,
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
            funds,
        )
        .options(joinedload(Agreement.supplier))
        .order_by(latest.id.is_not(None), Agreement.reference)
    )
    if without_order:
        asked = asked.where(latest.id.is_(None))
    return [FundedContract(agreement, order) for agreement, order in db.session.execute(asked)]
