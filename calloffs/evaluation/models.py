"""Panels, marks made alone, and agreed marks."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, relationship

from calloffs.bids.models import Bid
from calloffs.competitions.models import Competition, Question
from calloffs.evaluation.rules import Seat
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, key_of


class Evaluator(Base):
    """A member of a competition's panel. Marks only after declaring that no interest conflicts."""

    __tablename__ = "evaluators"
    __table_args__ = (
        UniqueConstraint("competition_id", "person_id"),
        CheckConstraint(
            "(declared_at IS NULL) = (has_conflict IS NULL) AND (declared_at IS NULL) = (declaration IS NULL)",
            name="declared_complete",
        ),
        CheckConstraint("finished_at IS NULL OR (has_conflict IS NOT NULL AND NOT has_conflict)", name="finished_free"),
    )

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    person_id: Mapped[int] = key_of("people.id")
    appointed_at: Mapped[When]
    declared_at: Mapped[When | None]
    has_conflict: Mapped[bool | None]
    declaration: Mapped[str | None]
    finished_at: Mapped[When | None]

    competition: Mapped[Competition] = relationship()
    person: Mapped[Person] = relationship()

    @property
    def seat(self) -> Seat:
        """Where this member stands, as the rules know it."""
        return Seat(self.declared_at is not None, bool(self.has_conflict), self.finished_at is not None)

    @property
    def state(self) -> str:
        """Where this member stands, in words."""
        if self.declared_at is None:
            return "Has not declared interests yet"
        if self.has_conflict:
            return "Has a conflict of interest: does not mark"
        return "Has finished marking" if self.finished_at else "Is marking"


class Mark(Base):
    """One evaluator's mark for one answer, 0 to 5 (pass/fail questions: 0 fail, 1 pass), made alone."""

    __tablename__ = "marks"
    __table_args__ = (
        UniqueConstraint("bid_id", "question_id", "person_id"),
        CheckConstraint("mark BETWEEN 0 AND 5", name="range"),
        CheckConstraint("reason <> ''", name="reason_given"),
    )

    id: Mapped[Key]
    bid_id: Mapped[int] = key_of("bids.id")
    question_id: Mapped[int] = key_of("competition_questions.id")
    person_id: Mapped[int] = key_of("people.id")
    mark: Mapped[int]
    reason: Mapped[str]
    marked_at: Mapped[When]

    question: Mapped[Question] = relationship()
    person: Mapped[Person] = relationship()


class AgreedMark(Base):
    """The panel's one mark for one answer, with the reason the bidder will read."""

    __tablename__ = "agreed_marks"
    __table_args__ = (
        UniqueConstraint("bid_id", "question_id"),
        CheckConstraint("mark BETWEEN 0 AND 5", name="range"),
        CheckConstraint("reason <> ''", name="reason_given"),
    )

    id: Mapped[Key]
    bid_id: Mapped[int] = key_of("bids.id")
    question_id: Mapped[int] = key_of("competition_questions.id")
    mark: Mapped[int]
    reason: Mapped[str]
    agreed_at: Mapped[When]
    recorded_by: Mapped[int] = key_of("people.id")

    bid: Mapped[Bid] = relationship()
    question: Mapped[Question] = relationship()
