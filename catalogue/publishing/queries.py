"""What is published: call-offs from the day they open, awards whose notice has gone out, contracts that are signed.

Nothing here asks who is looking, so nothing here reads what only some may see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnExpressionArgument, Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from calloffs.awards.models import Award
from calloffs.bids.models import Bid
from calloffs.bids.rules import BidStatus
from calloffs.competitions.models import Competition, CompetitionPlace, FunderShare
from calloffs.competitions.rules import CompetitionStatus, Instrument
from calloffs.plans.models import PlanVersion
from contracts.agreements.models import Agreement, AgreementVersion
from contracts.agreements.queries import whole
from contracts.agreements.rules import AgreementStatus
from contracts.changes.models import Variation
from contracts.changes.queries import granted_by
from contracts.changes.rules import Ground, Purpose, VariationStatus
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import SupplierStatus
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.places.models import PlaceWithin


class Sort(StrEnum):
    """How the register is sorted."""

    LATEST = "latest"
    VALUE = "value"
    SUPPLIER = "supplier"

    @property
    def label(self) -> str:
        """The order in words."""
        return {Sort.LATEST: "Latest first", Sort.VALUE: "Highest value first", Sort.SUPPLIER: "Supplier, A to Z"}[self]


@dataclass(frozen=True)
class Choice:
    """What of the register somebody asks for."""

    category_code: str | None = None
    place_code: str | None = None
    supplier_status: SupplierStatus | None = None
    sort: Sort = Sort.LATEST


@dataclass(frozen=True)
class Share:
    """How much of the value one kind of supplier has won, in pounds, in how many awards."""

    status: SupplierStatus | None
    awards: int
    value: Decimal


@dataclass(frozen=True)
class RegisterPage(Page[Award]):
    """One page of the register and, over all that was chosen, the count and the shares of value."""

    shares: Sequence[Share]

    @property
    def value(self) -> Decimal:
        """The value of all that was chosen, in pounds."""
        return sum((share.value for share in self.shares), Decimal(0))


def _published(choice: Choice) -> Select[Award]:
    chosen = (
        select(Award)
        .join(Award.competition)
        .join(Organisation, Award.supplier_id == Organisation.id)
        .where(Award.notice_published_at.is_not(None), Competition.status != CompetitionStatus.CANCELLED)
    )
    if choice.category_code:
        chosen = chosen.where(Competition.category_code == choice.category_code)
    if choice.supplier_status:
        chosen = chosen.where(Organisation.supplier_status == choice.supplier_status)
    if choice.place_code:
        inside = (
            select(CompetitionPlace.competition_id)
            .join(PlaceWithin, PlaceWithin.inner_code == CompetitionPlace.place_code)
            .where(PlaceWithin.outer_code == choice.place_code)
        )
        chosen = chosen.where(Competition.id.in_(inside))
    return chosen


def _listed(choice: Choice) -> Select[Award]:
    orders: dict[Sort, tuple[ColumnExpressionArgument[Any], ...]] = {
        Sort.LATEST: (Award.notice_published_at.desc(), Award.id.desc()),
        Sort.VALUE: (Award.whole_life_value.desc(), Award.id.desc()),
        Sort.SUPPLIER: (Organisation.name, Award.id),
    }
    return (
        _published(choice)
        .options(
            joinedload(Award.supplier),
            joinedload(Award.competition).options(
                joinedload(Competition.category),
                joinedload(Competition.organisation),
                selectinload(Competition.places),
            ),
        )
        .order_by(*orders[choice.sort])
    )


def register(choice: Choice, *, page: int = 1) -> RegisterPage:
    """The public register of awards, by pages of 25. Always the same few queries."""
    shares = [
        Share(status, count, Decimal(value))
        for status, count, value in db.session.execute(
            _published(choice)
            .with_only_columns(
                Organisation.supplier_status,
                func.count(),
                func.sum(Award.whole_life_value),
                maintain_column_froms=True,
            )
            .group_by(Organisation.supplier_status)
            .order_by(func.sum(Award.whole_life_value).desc())
        )
    ]
    count = sum(share.awards for share in shares)
    number = nearest_page(page, count)
    rows = db.session.scalars(_listed(choice).limit(PAGE).offset(before(number))).all()
    return RegisterPage(rows, count, number, shares)


def whole_register(choice: Choice) -> Sequence[Award]:
    """All of it, for the CSV."""
    return db.session.scalars(_listed(choice)).all()


@dataclass(frozen=True)
class Amendment:
    """One change of a contract that all have agreed, or that was given notice of: what may be public of it."""

    number: int
    purpose: Purpose
    ground: Ground | None
    agreed_at: datetime
    applies_from: date
    old_last_day: date | None
    new_last_day: date | None
    old_value: Decimal | None
    new_value: Decimal | None


@dataclass(frozen=True)
class Process:
    """One contracting process, as far as it is public: the award once its notice is out, the contract once signed."""

    competition: Competition
    award: Award | None
    agreement: Agreement | None
    bids: int | None
    amendments: Sequence[Amendment] = ()


@dataclass(frozen=True)
class PublishedGrant:
    """A signed grant as agreed last: what it is worth to each funder, where it is spent, when that was agreed."""

    agreement: Agreement
    shares: Sequence[tuple[Organisation, Decimal]]
    places: Sequence[tuple[str, str]]
    changed_at: datetime


def published_grants() -> Sequence[PublishedGrant]:
    """Every signed grant, by reference."""
    found = db.session.scalars(
        select(Agreement)
        .where(Agreement.status == AgreementStatus.SIGNED, Agreement.instrument == Instrument.GRANT)
        .options(*whole(), selectinload(Agreement.instalments))
        .order_by(Agreement.reference)
    ).all()
    return [
        PublishedGrant(
            one,
            granted_by(one),
            list(
                dict.fromkeys(
                    (place.name, place.code) for line in one.lines for place in line.terms_on(date.max).places
                )
            ),
            max(version.agreed_at for version in one.versions if version.agreed_at is not None),
        )
        for one in found
    ]


def published_references() -> Sequence[str]:
    """Every call-off that was ever published, by its reference."""
    return db.session.scalars(
        select(Competition.reference).where(Competition.published_at.is_not(None)).order_by(Competition.reference)
    ).all()


def planned() -> Sequence[Competition]:
    """Every call-off that was ever published and started from a plan, with the figures that it started from."""
    version = joinedload(Competition.plan_version)
    return db.session.scalars(
        select(Competition)
        .where(Competition.published_at.is_not(None), Competition.plan_version_id.is_not(None))
        .options(
            joinedload(Competition.category),
            joinedload(Competition.organisation),
            version.joinedload(PlanVersion.needs_data),
            version.joinedload(PlanVersion.fund),
            version.selectinload(PlanVersion.history),
            version.selectinload(PlanVersion.growth),
            version.selectinload(PlanVersion.budgets),
        )
        .order_by(Competition.reference)
    ).all()


def process(reference: str) -> Process:
    """The process of a published competition. Raises NotFound for what is not public yet.

    How many bid is told once the award is: before that it could tell a bidder something. An award whose call-off was
    cancelled afterwards stays public, as what it is.
    """
    competition = db.session.scalar(
        select(Competition)
        .where(Competition.reference == reference, Competition.published_at.is_not(None))
        .options(
            joinedload(Competition.category),
            joinedload(Competition.organisation),
            joinedload(Competition.framework),
            selectinload(Competition.places),
            selectinload(Competition.bands),
            selectinload(Competition.questions),
            selectinload(Competition.funders).joinedload(FunderShare.organisation),
        )
    )
    if competition is None:
        raise NotFound("There is no published call-off with this reference.")
    award = db.session.scalar(
        select(Award)
        .where(Award.competition_id == competition.id, Award.notice_published_at.is_not(None))
        .options(joinedload(Award.supplier), selectinload(Award.prices))
    )
    if award is None:
        return Process(competition, None, None, None)
    agreement = db.session.scalar(
        select(Agreement)
        .where(Agreement.award_id == award.id, Agreement.status == AgreementStatus.SIGNED)
        .options(selectinload(Agreement.versions).selectinload(AgreementVersion.signatures))
    )
    bids = db.session.scalar(
        select(func.count()).where(Bid.competition_id == competition.id, Bid.status == BidStatus.SUBMITTED)
    )
    return Process(competition, award, agreement, bids, _amendments(agreement) if agreement else ())


def _amendments(agreement: Agreement) -> Sequence[Amendment]:
    """Its agreed changes in their order, each against the version before.

    Reasons, shares and prices of bands stay with those whom the contract concerns.
    """
    made = {
        one.version_id: one
        for one in db.session.scalars(
            select(Variation).where(Variation.agreement_id == agreement.id, Variation.status == VariationStatus.AGREED)
        )
    }
    agreed = [one for one in agreement.versions if one.agreed_at is not None]
    return [
        Amendment(
            new.number,
            made[new.id].purpose,
            made[new.id].ground,
            new.agreed_at,
            new.in_force_from,
            old.ends_on,
            new.ends_on,
            old.whole_life_value,
            new.whole_life_value,
        )
        for old, new in pairwise(agreed)
        if new.id in made and new.agreed_at is not None
    ]
