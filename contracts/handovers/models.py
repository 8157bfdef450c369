"""Handovers of a service to the next supplier, and what was decided and done about each referral."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import ServiceLine, Suspension
from contracts.handovers.rules import Decision, HandoverStatus
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, choice, key_of


class Handover(Base):
    """One service whose open referrals go over to another supplier's, from a day on."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index(
            "uq_handovers_one_open",
            "from_line_id",
            unique=True,
            postgresql_where=text("status IN ('draft', 'agreed', 'under_way', 'undoing')"),
        ),
        CheckConstraint("from_line_id <> to_line_id", name="to_another"),
        CheckConstraint("status IN ('draft', 'cancelled') OR agreed_at IS NOT NULL", name="agreed"),
        CheckConstraint("status IN ('draft', 'agreed', 'cancelled') OR begun_at IS NOT NULL", name="begun"),
        CheckConstraint("status NOT IN ('done', 'undone') OR ended_at IS NOT NULL", name="ended"),
        CheckConstraint("(status = 'cancelled') = (cancelled_reason IS NOT NULL)", name="cancelled_with_reason"),
    )

    id: Mapped[Key]
    from_line_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("service_lines.id"), index=True)
    to_line_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("service_lines.id"), index=True)
    # From the morning of this day the referrals move.
    day: Mapped[date]
    status: Mapped[HandoverStatus] = mapped_column(choice(HandoverStatus, "status"), index=True)
    planned_by: Mapped[int] = key_of("people.id")
    planned_at: Mapped[When]
    agreed_at: Mapped[When | None]
    begun_at: Mapped[When | None]
    ended_at: Mapped[When | None]
    cancelled_reason: Mapped[str | None]
    # What stops new referrals because of it; None where they were stopped already, or the contract ends before.
    suspension_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("suspensions.id"), unique=True)
    # Why nothing moves though the day has come; None while it goes on.
    halted: Mapped[str | None]

    from_line: Mapped[ServiceLine] = relationship(foreign_keys=[from_line_id])
    to_line: Mapped[ServiceLine] = relationship(foreign_keys=[to_line_id])
    planner: Mapped[Person] = relationship(foreign_keys=[planned_by])
    suspension: Mapped[Suspension | None] = relationship()


class HandoverCase(Base):
    """What was decided about one open referral, and the referral that goes on for it. No row: it goes, undecided."""

    __tablename__ = "handover_cases"
    __table_args__ = (
        CheckConstraint("(moved_to_id IS NULL) = (moved_at IS NULL)", name="moved"),
        CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided"),
    )

    handover_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("handovers.id"), primary_key=True)
    referral_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("referrals.id"), primary_key=True, index=True)
    decision: Mapped[Decision] = mapped_column(choice(Decision, "decision"))
    decided_at: Mapped[When | None]
    decided_by: Mapped[int | None] = key_of("people.id")
    moved_to_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("referrals.id"), unique=True)
    moved_at: Mapped[When | None]
    # The move could not be undone: it was answered, late, or the person had been referred again.
    kept_at: Mapped[When | None]
