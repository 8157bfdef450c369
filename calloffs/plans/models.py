"""Plans: a need that a commissioning body means to meet, what is assumed of it in versions, and reference figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.funds.models import Fund
from calloffs.plans import rules
from calloffs.plans.rules import Assumptions, Evidence, Growth, GrowthKind, Route, VolumeBasis, Worked
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of
from marketplace.framework.models import Category
from marketplace.money import pounds
from marketplace.places.models import Place


class Plan(Base):
    """A need: what, where, for whom. What is assumed of it stands in its versions."""

    __tablename__ = "plans"

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    title: Mapped[str]
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"))
    need: Mapped[str]
    created_at: Mapped[When]
    created_by: Mapped[int] = key_of("people.id")

    organisation: Mapped[Organisation] = relationship()
    category: Mapped[Category] = relationship()
    place: Mapped[Place] = relationship()
    versions: Mapped[list[PlanVersion]] = relationship(
        back_populates="plan", order_by="PlanVersion.number", cascade="all, delete-orphan"
    )

    @property
    def settled(self) -> PlanVersion | None:
        """The version whose figures were settled last: what a call-off starts from."""
        return next((one for one in reversed(self.versions) if one.settled_at is not None), None)

    @property
    def draft(self) -> PlanVersion | None:
        """The version that is being worked on."""
        return next((one for one in self.versions if one.settled_at is None), None)

    @property
    def latest(self) -> PlanVersion:
        """What holds now: the version settled last, or the first while none is."""
        return self.settled or self.versions[0]


class PlanVersion(Base):
    """What is assumed at one time. Once settled it stays as it is (a trigger holds it); a change is another version."""

    __tablename__ = "plan_versions"
    __table_args__ = (
        UniqueConstraint("plan_id", "number"),
        Index("uq_plan_versions_one_draft", "plan_id", unique=True, postgresql_where=text("settled_at IS NULL")),
        CheckConstraint("number > 0 AND months BETWEEN 1 AND 120", name="number_and_months"),
        CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="settled_by"),
        CheckConstraint(
            "settled_at IS NULL OR (projected_annual_volume IS NOT NULL AND annual_budget IS NOT NULL "
            "AND budget IS NOT NULL AND basis IS NOT NULL AND route IS NOT NULL)",
            name="settled_whole",
        ),
        CheckConstraint("projected_annual_volume > 0", name="volume_positive"),
        CheckConstraint("annual_budget > 0 AND budget > 0", name="budget_positive"),
        CheckConstraint("calculated_cost >= 0", name="cost_not_negative"),
        CheckConstraint("eligible_percent > 0 AND eligible_percent <= 100", name="eligible"),
        CheckConstraint("stated_volume > 0", name="stated_volume"),
        CheckConstraint(
            "(unit_low IS NULL) = (unit_medium IS NULL) AND (unit_low IS NULL) = (unit_high IS NULL) "
            "AND (unit_low IS NULL) = (mix_low IS NULL) AND unit_low >= 0 AND unit_medium >= unit_low "
            "AND unit_high >= unit_medium AND unit_high > 0",
            name="unit_costs",
        ),
        CheckConstraint(
            "(mix_low IS NULL) = (mix_medium IS NULL) AND (mix_low IS NULL) = (mix_high IS NULL) "
            "AND mix_low >= 0 AND mix_medium >= 0 AND mix_high >= 0 AND mix_low + mix_medium + mix_high = 100",
            name="mix",
        ),
        CheckConstraint("(fund_id IS NULL) = (fund_purpose IS NULL)", name="fund_with_purpose"),
        CheckConstraint("cardinality(edges) = 5 AND 0 < ALL (edges)", name="edges"),
        CheckConstraint("fixed_percent BETWEEN 0 AND 100", name="fixed_percent"),
        CheckConstraint("larger_from >= 0", name="larger_from"),
    )

    id: Mapped[Key]
    plan_id: Mapped[int] = key_of("plans.id")
    number: Mapped[int]
    # Why there is another version; empty for the first.
    reason: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[When]
    created_by: Mapped[int] = key_of("people.id")
    settled_at: Mapped[When | None]
    settled_by: Mapped[int | None] = key_of("people.id")
    # Not known of plans made before it was asked.
    starts_on: Mapped[date | None]
    months: Mapped[int]
    needs_data_id: Mapped[int | None] = key_of("needs_data.id")
    # Why there is no needs data, where there is none.
    evidence_reason: Mapped[str] = mapped_column(default="", server_default="")
    basis: Mapped[VolumeBasis | None] = mapped_column(choice(VolumeBasis, "basis"))
    history_source: Mapped[str] = mapped_column(default="", server_default="")
    eligible_percent: Mapped[Percent | None] = mapped_column()
    eligible_source: Mapped[str] = mapped_column(default="", server_default="")
    stated_volume: Mapped[int | None]
    stated_source: Mapped[str] = mapped_column(default="", server_default="")
    unit_low: Mapped[Money | None] = mapped_column()
    unit_medium: Mapped[Money | None] = mapped_column()
    unit_high: Mapped[Money | None] = mapped_column()
    unit_source: Mapped[str] = mapped_column(default="", server_default="")
    unit_as_of: Mapped[date | None]
    mix_low: Mapped[Percent | None] = mapped_column()
    mix_medium: Mapped[Percent | None] = mapped_column()
    mix_high: Mapped[Percent | None] = mapped_column()
    budget_reason: Mapped[str] = mapped_column(default="", server_default="")
    fund_id: Mapped[int | None] = key_of("funds.id")
    fund_purpose: Mapped[str | None]
    route: Mapped[Route | None] = mapped_column(choice(Route, "route"))
    route_reason: Mapped[str] = mapped_column(default="", server_default="")
    larger_from: Mapped[Money] = mapped_column()
    edges: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    fixed_percent: Mapped[Percent] = mapped_column()
    # What the assumptions come to, kept with them for lists: an average year's volume and budget, and the whole life's
    # budget and calculated cost.
    projected_annual_volume: Mapped[int | None]
    annual_budget: Mapped[Money | None] = mapped_column()
    budget: Mapped[Money | None] = mapped_column()
    calculated_cost: Mapped[Money | None] = mapped_column()

    plan: Mapped[Plan] = relationship(back_populates="versions")
    author: Mapped[Person] = relationship(foreign_keys=[created_by])
    settler: Mapped[Person | None] = relationship(foreign_keys=[settled_by])
    needs_data: Mapped[NeedsData | None] = relationship()
    fund: Mapped[Fund | None] = relationship()
    history: Mapped[list[PlanHistory]] = relationship(order_by="PlanHistory.year", cascade="all, delete-orphan")
    growth: Mapped[list[PlanGrowth]] = relationship(order_by="PlanGrowth.id", cascade="all, delete-orphan")
    budgets: Mapped[list[PlanBudget]] = relationship(order_by="PlanBudget.year", cascade="all, delete-orphan")

    @property
    def assumptions(self) -> Assumptions:
        """What is assumed, as the rules know it."""
        units = (self.unit_low, self.unit_medium, self.unit_high)
        mix = (self.mix_low, self.mix_medium, self.mix_high)
        return Assumptions(
            starts_on=self.starts_on,
            months=self.months,
            evidence=f"{self.needs_data.title}, {self.needs_data.source}" if self.needs_data else "",
            evidence_reason=self.evidence_reason,
            basis=self.basis,
            history=tuple((one.year, one.caseload) for one in self.history),
            history_source=self.history_source,
            eligible_percent=self.eligible_percent,
            eligible_source=self.eligible_source,
            stated_volume=self.stated_volume,
            stated_source=self.stated_source,
            growth=tuple(Growth(one.kind, one.first_percent, one.later_percent, one.source) for one in self.growth),
            unit_costs=tuple(one for one in units if one is not None),
            unit_source=self.unit_source,
            unit_as_of=self.unit_as_of,
            mix=tuple(one for one in mix if one is not None),
            budgets=tuple(one.amount for one in self.budgets),
            budget_reason=self.budget_reason,
            paid_from=f"{self.fund.name}: {self.fund_purpose}" if self.fund else "",
            route=self.route,
            route_reason=self.route_reason,
            larger_from=self.larger_from,
            edges=tuple(self.edges),
            fixed_percent=self.fixed_percent,
        )

    @property
    def worked(self) -> Worked:
        """What the assumptions come to, year by year."""
        return rules.work_out(self.assumptions)

    @property
    def written(self) -> list[tuple[str, str]]:
        """Each assumption in words: what it is, and what is assumed."""
        return rules.written(self.assumptions)

    @property
    def gap(self) -> Decimal | None:
        """By how much the budget is under the calculated cost over the whole life; None while either is not known."""
        if self.budget is None or self.calculated_cost is None:
            return None
        return max(self.calculated_cost - self.budget, pounds(0))

    @property
    def cost_of_one_referral(self) -> Decimal | None:
        """The budget of an average year over its volume, in pounds, not rounded."""
        if not self.annual_budget or not self.projected_annual_volume:
            return None
        return self.annual_budget / self.projected_annual_volume

    def evidence(self, on: date) -> Evidence:
        """How the needs data that it rests on stands on a day."""
        return self.needs_data.standing(on) if self.needs_data else Evidence.NONE

    def warnings(self, on: date) -> list[str]:
        """What should be known of it before a call-off is published."""
        words = self.needs_data.words if self.needs_data else self.evidence_reason
        return rules.warnings(self.evidence(on), words, self.gap)


class PlanHistory(Base):
    """The caseload of one past year, by the calendar year in which it ended."""

    __tablename__ = "plan_history"
    __table_args__ = (
        UniqueConstraint("version_id", "year"),
        CheckConstraint("caseload >= 0 AND year BETWEEN 1990 AND 2200", name="caseload"),
    )

    id: Mapped[Key]
    version_id: Mapped[int] = key_of("plan_versions.id")
    year: Mapped[int]
    caseload: Mapped[int]


class PlanGrowth(Base):
    """One assumption about how the caseload changes, with its source."""

    __tablename__ = "plan_growth"
    __table_args__ = (
        UniqueConstraint("version_id", "kind"),
        CheckConstraint(
            "first_percent BETWEEN -100 AND 500 AND later_percent BETWEEN -100 AND 500", name="percentages"
        ),
        CheckConstraint("source <> ''", name="source"),
    )

    id: Mapped[Key]
    version_id: Mapped[int] = key_of("plan_versions.id")
    kind: Mapped[GrowthKind] = mapped_column(choice(GrowthKind, "kind"))
    first_percent: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    later_percent: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    source: Mapped[str]


class PlanBudget(Base):
    """What there is for one contract year, in pounds."""

    __tablename__ = "plan_budgets"
    __table_args__ = (
        UniqueConstraint("version_id", "year"),
        CheckConstraint("year BETWEEN 1 AND 10", name="year"),
        CheckConstraint("amount > 0", name="amount"),
    )

    id: Mapped[Key]
    version_id: Mapped[int] = key_of("plan_versions.id")
    year: Mapped[int]
    amount: Mapped[Money] = mapped_column()


class NeedsData(Base):
    """Figures about the needs of people in an area that plans rest on: due on a day, published, good until a day."""

    __tablename__ = "needs_data"
    __table_args__ = (
        UniqueConstraint("place_code", "title"),
        CheckConstraint("good_until > due_on", name="good_after_due"),
    )

    id: Mapped[Key]
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"), index=True)
    organisation_id: Mapped[int] = key_of("organisations.id")
    title: Mapped[str]
    source: Mapped[str]
    due_on: Mapped[date]
    published_on: Mapped[date | None]
    good_until: Mapped[date]
    entered_at: Mapped[When]
    entered_by: Mapped[int] = key_of("people.id")

    place: Mapped[Place] = relationship()
    organisation: Mapped[Organisation] = relationship()

    def standing(self, on: date) -> Evidence:
        """How it stands on a day."""
        return rules.evidence_on(on, due_on=self.due_on, published_on=self.published_on, good_until=self.good_until)

    @property
    def words(self) -> str:
        """What it is and its days, in a sentence."""

        def day(of: date) -> str:
            return f"{of.day} {of:%B %Y}"

        known = f"published on {day(self.published_on)}" if self.published_on else f"due on {day(self.due_on)}"
        return f"{self.title} ({self.source}), {known}, good until {day(self.good_until)}."


class UnitCosts(Base):
    """What one referral costs in a category at each intensity: a body's reference figures. The latest entry holds."""

    __tablename__ = "unit_costs"
    __table_args__ = (
        CheckConstraint("low >= 0 AND medium >= low AND high >= medium AND high > 0", name="rising"),
        CheckConstraint("source <> ''", name="source"),
        Index("ix_unit_costs_latest", "organisation_id", "category_code", "as_of", "id"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    low: Mapped[Money] = mapped_column()
    medium: Mapped[Money] = mapped_column()
    high: Mapped[Money] = mapped_column()
    source: Mapped[str]
    as_of: Mapped[date]
    entered_at: Mapped[When]
    entered_by: Mapped[int] = key_of("people.id")

    category: Mapped[Category] = relationship()
    person: Mapped[Person] = relationship()
