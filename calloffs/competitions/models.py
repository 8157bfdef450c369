"""Call-off competitions, their questions, volume bands, funders and invitations."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.competitions.rules import (
    HOW_SCORES_ARE_MADE,
    AskedQuestion,
    CompetitionStatus,
    Instrument,
    OpenTo,
    QuestionKind,
    Requirement,
    Stage,
    VolumeKind,
    stage_of,
)
from calloffs.funds.models import Fund
from calloffs.plans.models import PlanVersion
from calloffs.plans.rules import Band, Evidence
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of
from marketplace.framework.models import Category, Framework
from marketplace.money import pounds
from marketplace.places.models import Place


class Competition(Base):
    """The mini-competition under the framework for one requirement."""

    __tablename__ = "competitions"
    __table_args__ = (
        CheckConstraint("approved_by IS NULL OR approved_by <> author_id", name="approved_by_another"),
        CheckConstraint("price_weight BETWEEN 0 AND 100", name="price_weight"),
        CheckConstraint("months BETWEEN 1 AND 120", name="months"),
        CheckConstraint("open_to_women OR open_to_men", name="open_to_somebody"),
        CheckConstraint("minimum_age >= 18 AND (maximum_age IS NULL OR maximum_age >= minimum_age)", name="ages"),
        CheckConstraint(
            "status IN ('draft', 'awaiting_approval', 'cancelled') OR (published_at IS NOT NULL "
            "AND closes_at IS NOT NULL AND approved_by IS NOT NULL)",
            name="published_complete",
        ),
        CheckConstraint(
            "(status NOT IN ('opened', 'evaluated', 'award_decided')) OR opened_at IS NOT NULL", name="opened"
        ),
        CheckConstraint(
            "(status IN ('cancelled', 'failed')) = (ended_at IS NOT NULL AND ended_reason IS NOT NULL)",
            name="ended_complete",
        ),
        # Published without current needs data only with the approver's reason (R48). Neither is kept of what was
        # published before that was asked for.
        CheckConstraint("needs_standing IS NULL OR published_at IS NOT NULL", name="needs_standing_of_published"),
        CheckConstraint(
            "(needs_reason IS NOT NULL) = (needs_standing IS NOT NULL AND needs_standing <> 'current')",
            name="needs_reason",
        ),
        CheckConstraint("needs_reason <> ''", name="needs_reason_given"),
    )

    id: Mapped[Key]
    # People's reference, e.g. DF-2026-0007; given when drafted.
    reference: Mapped[str] = mapped_column(unique=True)
    framework_code: Mapped[str] = mapped_column(ForeignKey("frameworks.code"))
    organisation_id: Mapped[int] = key_of("organisations.id")
    plan_id: Mapped[int | None] = key_of("plans.id")
    # The figures it started from; later versions of the plan change nothing here.
    plan_version_id: Mapped[int | None] = key_of("plan_versions.id")
    status: Mapped[CompetitionStatus] = mapped_column(choice(CompetitionStatus, "status"), index=True)
    instrument: Mapped[Instrument] = mapped_column(choice(Instrument, "instrument"))
    title: Mapped[str]
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    specification: Mapped[str]
    # Whom the service is for: what referrals to it are made by, from the contract on.
    open_to_women: Mapped[bool] = mapped_column(default=True)
    open_to_men: Mapped[bool] = mapped_column(default=True)
    minimum_age: Mapped[int] = mapped_column(default=18)
    maximum_age: Mapped[int | None]
    # Why this level of area: buying is as local as is appropriate (R24).
    level_reason: Mapped[str]
    volume_kind: Mapped[VolumeKind] = mapped_column(choice(VolumeKind, "volume_kind"))
    # The band by which the twelve monthly payments are planned; 1 where there is only a cap.
    planned_band: Mapped[int]
    price_weight: Mapped[int]
    starts_on: Mapped[date]
    months: Mapped[int]
    closes_at: Mapped[When | None]
    author_id: Mapped[int] = key_of("people.id")
    created_at: Mapped[When]
    submitted_at: Mapped[When | None]
    approved_by: Mapped[int | None] = key_of("people.id")
    published_at: Mapped[When | None]
    # How the needs data of its plan stood when it was published, and why it was published if not on current data.
    needs_standing: Mapped[Evidence | None] = mapped_column(choice(Evidence, "needs_standing_kind"))
    needs_reason: Mapped[str | None]
    opened_at: Mapped[When | None]
    # Why the approver sent it back last, for the author; and why it was cancelled or failed, for everyone invited.
    returned_reason: Mapped[str | None]
    ended_reason: Mapped[str | None]
    ended_at: Mapped[When | None]
    # Set when the award is decided; the clock turns standstill into awarded.
    standstill_ends_at: Mapped[When | None]

    framework: Mapped[Framework] = relationship()
    organisation: Mapped[Organisation] = relationship()
    category: Mapped[Category] = relationship()
    plan_version: Mapped[PlanVersion | None] = relationship()
    author: Mapped[Person] = relationship(foreign_keys=[author_id])
    approver: Mapped[Person | None] = relationship(foreign_keys=[approved_by])
    places: Mapped[list[Place]] = relationship(secondary="competition_places", order_by=Place.name)
    bands: Mapped[list[CompetitionBand]] = relationship(order_by="CompetitionBand.number", cascade="all, delete-orphan")
    questions: Mapped[list[Question]] = relationship(order_by="Question.position", cascade="all, delete-orphan")
    funders: Mapped[list[FunderShare]] = relationship(order_by="FunderShare.id", cascade="all, delete-orphan")

    def stage(self, now: datetime) -> Stage:
        """Where it is at this moment."""
        return stage_of(self.status, closes_at=self.closes_at, standstill_ends_at=self.standstill_ends_at, now=now)

    def evidence(self, on: date) -> Evidence:
        """How the needs data stands on a day that its plan rests on; without a plan it rests on none."""
        return self.plan_version.evidence(on) if self.plan_version else Evidence.NONE

    @property
    def how_scores_are_made(self) -> tuple[str, ...]:
        """What the documents say about scores and ties: the same for every call-off."""
        return HOW_SCORES_ARE_MADE

    @property
    def most_annual_value(self) -> Decimal:
        """The most the commissioner will pay a year in the planned band, in pounds."""
        return next(band.annual_value for band in self.bands if band.number == self.planned_band)

    @property
    def most_whole_life_value(self) -> Decimal:
        """The most the commissioner will pay over its life in the planned band, in pounds."""
        return pounds(self.most_annual_value * self.months / 12)

    @property
    def lead_share(self) -> FunderShare | None:
        """What the lead body funds."""
        return next((one for one in self.funders if one.organisation_id == self.organisation_id), None)

    @property
    def open_to(self) -> OpenTo:
        """Who of women and men it is for."""
        if self.open_to_women and self.open_to_men:
            return OpenTo.BOTH
        return OpenTo.WOMEN if self.open_to_women else OpenTo.MEN

    @property
    def requirement(self) -> Requirement:
        """What it asks for, as the rules know it."""
        return Requirement(
            title=self.title,
            place_count=len(self.places),
            level_reason=self.level_reason,
            specification=self.specification,
            volume_kind=self.volume_kind,
            bands=[band.band for band in self.bands],
            planned_band=self.planned_band,
            questions=[AskedQuestion(one.kind, one.weight, one.word_limit) for one in self.questions],
            price_weight=self.price_weight,
            shares=[funder.percent for funder in self.funders],
            closes_at=self.closes_at,
            starts_on=self.starts_on,
            months=self.months,
        )


class ReferenceCounter(Base):
    """The last number given to a call-off in a year: two drafts at once wait for one another and get two numbers."""

    __tablename__ = "competition_reference_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_number: Mapped[int]


class CompetitionPlace(Base):
    """An area the requirement covers."""

    __tablename__ = "competition_places"

    competition_id: Mapped[int] = mapped_column(ForeignKey("competitions.id"), primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"), primary_key=True)


class CompetitionBand(Base):
    """A volume band, or (number 1 alone) the cap: up to `high` referrals a year.

    `annual_value` is the most the commissioner will pay a year in this band; bidders price each band.
    """

    __tablename__ = "competition_bands"
    __table_args__ = (
        UniqueConstraint("competition_id", "number"),
        CheckConstraint("number BETWEEN 1 AND 4", name="number"),
        CheckConstraint("low >= 0 AND high >= low", name="edges"),
        CheckConstraint("annual_value > 0", name="value_positive"),
    )

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    number: Mapped[int]
    low: Mapped[int]
    high: Mapped[int]
    annual_value: Mapped[Money] = mapped_column()

    @property
    def band(self) -> Band:
        """The band as the rules know it."""
        return Band(self.number, self.low, self.high, self.annual_value)


class Question(Base):
    """A question every bidder answers. The PSED question is always there, once."""

    __tablename__ = "competition_questions"
    __table_args__ = (
        UniqueConstraint("competition_id", "position"),
        CheckConstraint("(kind = 'scored') = (weight > 0)", name="weight_of_scored"),
        CheckConstraint("word_limit BETWEEN 1 AND 10000", name="word_limit"),
        Index("uq_competition_questions_psed", "competition_id", unique=True, postgresql_where=text("kind = 'psed'")),
    )

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    position: Mapped[int]
    kind: Mapped[QuestionKind] = mapped_column(choice(QuestionKind, "kind"))
    text: Mapped[str]
    # Percent of the total; scored questions and price make 100.
    weight: Mapped[int] = mapped_column(default=0)
    word_limit: Mapped[int]


class FunderShare(Base):
    """What a commissioning body funds, in percent of the value. All shares of one competition make 100."""

    __tablename__ = "competition_funders"
    __table_args__ = (
        UniqueConstraint("competition_id", "organisation_id"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent"),
        CheckConstraint("(fund_id IS NULL) = (fund_purpose IS NULL)", name="fund_with_purpose"),
    )

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    percent: Mapped[Percent] = mapped_column()
    # The lead body's share may come from a fund of its own, for one of the fund's purposes (R30, R31).
    fund_id: Mapped[int | None] = key_of("funds.id")
    fund_purpose: Mapped[str | None]

    organisation: Mapped[Organisation] = relationship()
    fund: Mapped[Fund | None] = relationship()


class Invitation(Base):
    """A qualified supplier was invited to bid."""

    __tablename__ = "competition_invitations"
    __table_args__ = (UniqueConstraint("competition_id", "organisation_id"),)

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    invited_at: Mapped[When]
    # When somebody of the supplier first looked: the funnel counts it.
    first_opened_at: Mapped[When | None]

    competition: Mapped[Competition] = relationship()
    organisation: Mapped[Organisation] = relationship()
