"""Applications to join the framework, and what suppliers are qualified for."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.database import Base, Key, When, choice, key_of
from marketplace.framework.models import Category, SelectionQuestion
from marketplace.places.models import Place
from marketplace.suppliers.rules import ApplicationStatus, QualificationStatus


class Application(Base):
    """A supplier's application to join the framework, for some categories in some areas."""

    __tablename__ = "applications"
    __table_args__ = (
        Index(
            "uq_applications_one_open",
            "organisation_id",
            unique=True,
            postgresql_where=text("status IN ('draft', 'submitted')"),
        ),
        CheckConstraint("status NOT IN ('admitted', 'declined') OR decided_at IS NOT NULL", name="decided_by_somebody"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    framework_code: Mapped[str] = mapped_column(ForeignKey("frameworks.code"))
    status: Mapped[ApplicationStatus] = mapped_column(choice(ApplicationStatus, "status"), index=True)
    started_at: Mapped[When]
    started_by: Mapped[int] = key_of("people.id")
    submitted_at: Mapped[When | None]
    submitted_by: Mapped[int | None] = key_of("people.id")
    decided_at: Mapped[When | None]
    decided_by: Mapped[int | None] = key_of("people.id")
    decision_reason: Mapped[str | None]
    # The supplier has said whom it tailors its services for, if only that it is nobody in particular.
    cohorts_stated: Mapped[bool] = mapped_column(default=False)

    organisation: Mapped[Organisation] = relationship()
    answers: Mapped[list[ApplicationAnswer]] = relationship(back_populates="application")
    categories: Mapped[list[ApplicationCategory]] = relationship(
        back_populates="application", cascade="all, delete-orphan"
    )
    qualifications: Mapped[list[Qualification]] = relationship(back_populates="application")


class ApplicationAnswer(Base):
    """The answer to one selection question."""

    __tablename__ = "application_answers"
    __table_args__ = (UniqueConstraint("application_id", "question_code"),)

    id: Mapped[Key]
    application_id: Mapped[int] = key_of("applications.id")
    question_code: Mapped[str] = mapped_column(ForeignKey("selection_questions.code"))
    answer: Mapped[str]
    # The question as it stood when the application was submitted: what was answered does not change with it.
    asked: Mapped[str | None]
    # What a person judged, for questions that a person must judge.
    passed: Mapped[bool | None]

    application: Mapped[Application] = relationship(back_populates="answers")
    question: Mapped[SelectionQuestion] = relationship()


class ApplicationCategory(Base):
    """A category that an application asks for."""

    __tablename__ = "application_categories"

    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), primary_key=True)

    application: Mapped[Application] = relationship(back_populates="categories")
    category: Mapped[Category] = relationship()
    areas: Mapped[list[ApplicationArea]] = relationship(back_populates="wanted", cascade="all, delete-orphan")


class ApplicationArea(Base):
    """An area that an application asks for in one category, and what was decided about it then.

    What the supplier is qualified for today is its `Qualification`; this is what stood in the application.
    """

    __tablename__ = "application_areas"
    __table_args__ = (
        ForeignKeyConstraint(
            ["application_id", "category_code"],
            ["application_categories.application_id", "application_categories.category_code"],
            ondelete="CASCADE",
        ),
        CheckConstraint("decision IN ('qualified', 'declined')", name="qualified_or_declined"),
        CheckConstraint("decision <> 'declined' OR coalesce(reason, '') <> ''", name="declined_with_a_reason"),
    )

    application_id: Mapped[int] = mapped_column(primary_key=True)
    category_code: Mapped[str] = mapped_column(primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"), primary_key=True)
    decision: Mapped[QualificationStatus | None] = mapped_column(choice(QualificationStatus, "decision"))
    reason: Mapped[str | None]

    wanted: Mapped[ApplicationCategory] = relationship(back_populates="areas")
    place: Mapped[Place] = relationship()


class Qualification(Base):
    """One category in one area, for one supplier. Qualified for an area means for all that lies inside it."""

    __tablename__ = "qualifications"
    __table_args__ = (
        UniqueConstraint("organisation_id", "category_code", "place_code"),
        Index("ix_qualifications_match", "category_code", "place_code", "status"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    application_id: Mapped[int] = key_of("applications.id")
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"))
    status: Mapped[QualificationStatus] = mapped_column(choice(QualificationStatus, "status"))
    reason: Mapped[str | None]
    decided_at: Mapped[When | None]
    decided_by: Mapped[int | None] = key_of("people.id")

    application: Mapped[Application] = relationship(back_populates="qualifications")
    organisation: Mapped[Organisation] = relationship()
    category: Mapped[Category] = relationship()
    place: Mapped[Place] = relationship()


class SupplierCohort(Base):
    """A cohort for whom a supplier tailors its services."""

    __tablename__ = "supplier_cohorts"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    cohort_code: Mapped[str] = mapped_column(ForeignKey("cohorts.code"), primary_key=True)
