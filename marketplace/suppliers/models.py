"""Applications to join the framework, and what suppliers are qualified for."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.database import Base, Key, When, choice, key_of
from marketplace.framework.models import Category
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

    organisation: Mapped[Organisation] = relationship()
    answers: Mapped[list[ApplicationAnswer]] = relationship(back_populates="application")
    qualifications: Mapped[list[Qualification]] = relationship(back_populates="application")


class ApplicationAnswer(Base):
    """The answer to one selection question."""

    __tablename__ = "application_answers"
    __table_args__ = (UniqueConstraint("application_id", "question_code"),)

    id: Mapped[Key]
    application_id: Mapped[int] = key_of("applications.id")
    question_code: Mapped[str] = mapped_column(ForeignKey("selection_questions.code"))
    answer: Mapped[str]

    application: Mapped[Application] = relationship(back_populates="answers")


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
