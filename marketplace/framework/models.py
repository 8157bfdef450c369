"""Categories of service, their desired outcomes, cohorts, and the selection questionnaire (SQ)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, choice
from marketplace.framework.rules import QuestionRule, Regime, regime_of


class Framework(Base):
    """A framework under which competitions are called off."""

    __tablename__ = "frameworks"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_cy: Mapped[str | None]
    began_on: Mapped[date]

    @property
    def regime(self) -> Regime:
        """The procurement law its competitions follow."""
        return regime_of(self.began_on)


class Category(Base):
    """One of the categories of rehabilitative service."""

    __tablename__ = "categories"
    __table_args__ = (
        CheckConstraint("open_to_women OR open_to_men", name="open_to_somebody"),
        CheckConstraint("minimum_age >= 18 AND (maximum_age IS NULL OR maximum_age >= minimum_age)", name="ages"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_cy: Mapped[str | None]
    position: Mapped[int]
    # Whom a call-off in it is for, unless it says otherwise.
    open_to_women: Mapped[bool] = mapped_column(default=True)
    open_to_men: Mapped[bool] = mapped_column(default=True)
    minimum_age: Mapped[int] = mapped_column(default=18)
    maximum_age: Mapped[int | None]
    retired_on: Mapped[date | None]


class DesiredOutcome(Base):
    """What a person referred in this category may be helped to reach."""

    __tablename__ = "desired_outcomes"

    code: Mapped[str] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), index=True)
    text: Mapped[str]
    text_cy: Mapped[str | None]
    position: Mapped[int]
    retired_on: Mapped[date | None]


class Cohort(Base):
    """A group of people for whom services are tailored."""

    __tablename__ = "cohorts"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_cy: Mapped[str | None]
    position: Mapped[int]
    retired_on: Mapped[date | None]


class SelectionQuestion(Base):
    """One question of the selection questionnaire, with the rule by which its answer is judged."""

    __tablename__ = "selection_questions"

    code: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    # Questions of one section stand on one page.
    section: Mapped[str]
    text: Mapped[str]
    text_cy: Mapped[str | None]
    hint: Mapped[str | None]
    rule: Mapped[QuestionRule] = mapped_column(choice(QuestionRule, "rule"))
    word_limit: Mapped[int | None]
    retired_on: Mapped[date | None]
