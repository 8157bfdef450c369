"""Targets as both sides agreed them, scorecards as they stood when a month was over, and what is done about them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import Side
from contracts.performance.rules import (
    ActionStatus,
    Figure,
    Measure,
    Part,
    Point,
    Rating,
    ReviewRating,
    Target,
    TargetStatus,
    Verdict,
)
from contracts.performance.rules import Scorecard as Figures
from contracts.referrals.models import Referral
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, choice, key_of
from marketplace.vault import SealedText


class MeasureTarget(Base):
    """A target for one measure from a month on, proposed by one side and agreed by the other (R119).

    `percent` is None where the two sides agree not to measure this. Until one is agreed, the usual target applies and
    is marked as not agreed.
    """

    __tablename__ = "measure_targets"
    __table_args__ = (
        Index(
            "uq_measure_targets_one_proposed",
            "agreement_id",
            "measure",
            unique=True,
            postgresql_where=text("status = 'proposed'"),
        ),
        CheckConstraint("extract(day from from_month) = 1", name="month_begins"),
        CheckConstraint("percent BETWEEN 1 AND 100 AND tolerance BETWEEN 0 AND percent", name="percent"),
        CheckConstraint("(percent IS NULL) = (tolerance IS NULL)", name="complete"),
        CheckConstraint("(status = 'proposed') = (answered_at IS NULL)", name="answered"),
        CheckConstraint("(answered_at IS NULL) = (answered_by IS NULL)", name="answered_by_somebody"),
        CheckConstraint("status <> 'agreed' OR answered_by <> proposed_by", name="agreed_by_another"),
        CheckConstraint("status <> 'declined' OR reason IS NOT NULL", name="declined_with_reason"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    measure: Mapped[Measure] = mapped_column(choice(Measure, "measure"))
    percent: Mapped[int | None]
    tolerance: Mapped[int | None]
    # The first month that it is measured against.
    from_month: Mapped[date]
    status: Mapped[TargetStatus] = mapped_column(choice(TargetStatus, "status"), default=TargetStatus.PROPOSED)
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    why: Mapped[str]
    proposed_at: Mapped[When]
    proposed_by: Mapped[int] = key_of("people.id")
    answered_at: Mapped[When | None]
    answered_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    # Why it was declined.
    reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    proposer: Mapped[Person] = relationship(foreign_keys=[proposed_by])
    answerer: Mapped[Person | None] = relationship(foreign_keys=[answered_by])

    @property
    def target(self) -> Target | None:
        """The target; None where this is not to be measured."""
        return None if self.percent is None or self.tolerance is None else Target(self.percent, self.tolerance)


class Scorecard(Base):
    """One contract's month, made when it is over and never changed; what both sides said of it."""

    __tablename__ = "scorecards"
    __table_args__ = (
        UniqueConstraint("agreement_id", "month"),
        CheckConstraint("extract(day from month) = 1", name="month_begins"),
        CheckConstraint(
            "(comment IS NULL) = (commented_at IS NULL) AND (comment IS NULL) = (commented_by IS NULL)",
            name="commented",
        ),
        CheckConstraint(
            "(review IS NULL) = (reviewed_at IS NULL) AND (review IS NULL) = (reviewed_by IS NULL)", name="reviewed"
        ),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    month: Mapped[date]
    made_at: Mapped[When]
    quality: Mapped[Rating] = mapped_column(choice(Rating, "quality"))
    outcomes: Mapped[Rating] = mapped_column(choice(Rating, "outcomes"))
    basics: Mapped[Rating] = mapped_column(choice(Rating, "basics"))
    overall: Mapped[Rating] = mapped_column(choice(Rating, "overall"), index=True)
    # What the supplier says of it.
    comment: Mapped[str | None]
    commented_at: Mapped[When | None]
    commented_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    # What was found when both sides met.
    review: Mapped[str | None]
    reviewed_at: Mapped[When | None]
    reviewed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))

    agreement: Mapped[Agreement] = relationship()
    rows: Mapped[list[ScorecardRow]] = relationship(back_populates="scorecard")
    commenter: Mapped[Person | None] = relationship(foreign_keys=[commented_by])
    reviewer: Mapped[Person | None] = relationship(foreign_keys=[reviewed_by])

    @property
    def figures(self) -> Figures:
        """Its figures as the rules know them."""
        by_measure = {row.measure: row.figure for row in self.rows}
        return Figures(tuple(by_measure[measure] for measure in Measure if measure in by_measure))

    def rating(self, part: Part) -> Rating:
        """How a part was rated."""
        return {Part.QUALITY: self.quality, Part.OUTCOMES: self.outcomes, Part.BASICS: self.basics}[part]


class ScorecardRow(Base):
    """One measure of a scorecard: cases, how many were met, and the target that applied."""

    __tablename__ = "scorecard_rows"
    __table_args__ = (
        CheckConstraint("met BETWEEN 0 AND cases", name="met"),
        CheckConstraint("percent BETWEEN 1 AND 100 AND tolerance BETWEEN 0 AND percent", name="percent"),
    )

    scorecard_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("scorecards.id"), primary_key=True)
    measure: Mapped[Measure] = mapped_column(choice(Measure, "measure"), primary_key=True)
    met: Mapped[int]
    cases: Mapped[int]
    percent: Mapped[int]
    tolerance: Mapped[int]
    is_agreed: Mapped[bool]

    scorecard: Mapped[Scorecard] = relationship(back_populates="rows")

    @property
    def figure(self) -> Figure:
        """The row as the rules know it."""
        return Figure(self.measure, self.met, self.cases, Target(self.percent, self.tolerance), self.is_agreed)


class ImprovementAction(Base):
    """What one side is to do by a day so that a scorecard gets better."""

    __tablename__ = "improvement_actions"
    __table_args__ = (
        CheckConstraint("(status = 'open') = (done_at IS NULL)", name="done"),
        CheckConstraint(
            "(done_at IS NULL) = (done_by IS NULL) AND (done_at IS NULL) = (shown IS NULL)", name="done_complete"
        ),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        Index("ix_improvement_actions_open", "due_on", postgresql_where=text("status <> 'closed'")),
    )

    id: Mapped[Key]
    scorecard_id: Mapped[int] = key_of("scorecards.id")
    what: Mapped[str]
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    due_on: Mapped[date]
    status: Mapped[ActionStatus] = mapped_column(choice(ActionStatus, "status"), default=ActionStatus.OPEN)
    set_at: Mapped[When]
    set_by: Mapped[int] = key_of("people.id")
    # What its owner says was done.
    shown: Mapped[str | None]
    done_at: Mapped[When | None]
    done_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    # Why it was not enough, the last time it was reopened.
    reopened: Mapped[str | None]
    closed_at: Mapped[When | None]
    closed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))

    scorecard: Mapped[Scorecard] = relationship()


class Chase(Base):
    """That a service's supplier was asked about its late referrals: at most once a day."""

    __tablename__ = "chases"
    __table_args__ = (
        UniqueConstraint("line_id", "day"),
        CheckConstraint("late > 0", name="late"),
    )

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    day: Mapped[date]
    # How many referrals were late then.
    late: Mapped[int]
    at: Mapped[When]
    chased_by: Mapped[int] = key_of("people.id")

    line: Mapped[ServiceLine] = relationship()
    person: Mapped[Person] = relationship()


class QualityReview(Base):
    """One look at how a contract's intervention is designed and delivered (R51)."""

    __tablename__ = "quality_reviews"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        Index("uq_quality_reviews_one_open", "agreement_id", unique=True, postgresql_where=text("finished_at IS NULL")),
        CheckConstraint("sampled_to >= sampled_from", name="sampled"),
        CheckConstraint(
            "(finished_at IS NULL) = (rating IS NULL) AND (finished_at IS NULL) = (reasons IS NULL) "
            "AND (finished_at IS NULL) = (finished_by IS NULL) AND (finished_at IS NULL) = (next_on IS NULL)",
            name="finished",
        ),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    number: Mapped[int]
    begun_at: Mapped[When]
    begun_by: Mapped[int] = key_of("people.id")
    # Referrals are drawn from those with a session recorded in these days, by this seed.
    sampled_from: Mapped[date]
    sampled_to: Mapped[date]
    seed: Mapped[str]
    # Out of how many they were drawn.
    sampled_of: Mapped[int]
    rating: Mapped[ReviewRating | None] = mapped_column(choice(ReviewRating, "rating"))
    reasons: Mapped[str | None]
    next_on: Mapped[date | None]
    finished_at: Mapped[When | None]
    finished_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))

    agreement: Mapped[Agreement] = relationship()
    starter: Mapped[Person] = relationship(foreign_keys=[begun_by])
    finisher: Mapped[Person | None] = relationship(foreign_keys=[finished_by])
    points: Mapped[list[ReviewPoint]] = relationship(order_by="ReviewPoint.position")
    referrals: Mapped[list[ReviewedReferral]] = relationship(order_by="ReviewedReferral.position")

    @property
    def verdicts(self) -> list[Verdict]:
        """Everything that has been found so far."""
        return [verdict for verdict in self._every_verdict if verdict is not None]

    @property
    def is_complete(self) -> bool:
        """Whether something was found of every point and every referral drawn."""
        return None not in self._every_verdict

    @property
    def _every_verdict(self) -> list[Verdict | None]:
        return [one.verdict for one in self.points] + [one.verdict for one in self.referrals]


class ReviewPoint(Base):
    """One point of the checklist and what was found of it."""

    __tablename__ = "review_points"

    review_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("quality_reviews.id"), primary_key=True)
    point: Mapped[Point] = mapped_column(choice(Point, "point"), primary_key=True)
    position: Mapped[int]
    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict, "verdict"))
    words: Mapped[str | None]


class ReviewedReferral(Base):
    """A referral that was drawn, known to the reviewers by its reference, and whether the work was as designed."""

    __tablename__ = "reviewed_referrals"
    __table_args__ = (UniqueConstraint("review_id", "referral_id"),)

    review_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("quality_reviews.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    referral_id: Mapped[int] = key_of("referrals.id")
    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict, "verdict"))
    # Of the work with one person: sealed, whatever the form asks for.
    words: Mapped[str | None] = mapped_column(SealedText("reviewed_referrals.words"))

    referral: Mapped[Referral] = relationship()
