"""What surrounds a contract: milestones, people who deliver, promises, and what the supply chain did."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Agreement, Subcontractor
from contracts.agreements.rules import Side
from contracts.mobilisation.rules import (
    Clearance,
    Frequency,
    MilestoneStatus,
    PromiseKind,
    PromiseStatus,
    Verdict,
    VettingLevel,
    clearance,
)
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, Percent, When, choice, key_of


class Mobilisation(Base):
    """That a contract's mobilisation has begun: its usual milestones are made once, however often it is asked for."""

    __tablename__ = "mobilisations"

    agreement_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("agreements.id"), primary_key=True)
    begun_at: Mapped[When]

    agreement: Mapped[Agreement] = relationship()


class Milestone(Base):
    """Something that must be ready before the contract begins: one side does it, the other accepts it."""

    __tablename__ = "milestones"
    __table_args__ = (
        Index(
            "uq_milestones_title",
            "agreement_id",
            "title",
            unique=True,
            postgresql_where=text("status <> 'dropped'"),
        ),
        CheckConstraint("(status = 'dropped') = (dropped_reason IS NOT NULL)", name="dropped_with_reason"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    title: Mapped[str]
    # What its owner shows to have it accepted.
    evidence: Mapped[str]
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    due_on: Mapped[date] = mapped_column(index=True)
    status: Mapped[MilestoneStatus] = mapped_column(choice(MilestoneStatus, "status"), default=MilestoneStatus.OPEN)
    dropped_reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    reports: Mapped[list[MilestoneReport]] = relationship(order_by="MilestoneReport.id")


class MilestoneReport(Base):
    """Its owner says that a milestone is done, and what shows it; the other side accepts it or says why not."""

    __tablename__ = "milestone_reports"
    __table_args__ = (
        Index("uq_milestone_reports_unjudged", "milestone_id", unique=True, postgresql_where=text("judged_at IS NULL")),
        Index("uq_milestone_reports_accepted", "milestone_id", unique=True, postgresql_where=text("accepted")),
        CheckConstraint(
            "(judged_at IS NULL) = (accepted IS NULL) AND (judged_at IS NULL) = (judged_by IS NULL)", name="judged"
        ),
        CheckConstraint("accepted IS NOT FALSE OR reason IS NOT NULL", name="sent_back_with_reason"),
    )

    id: Mapped[Key]
    milestone_id: Mapped[int] = key_of("milestones.id")
    evidence: Mapped[str]
    reported_at: Mapped[When]
    reported_by: Mapped[int] = key_of("people.id")
    judged_at: Mapped[When | None]
    judged_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    accepted: Mapped[bool | None]
    reason: Mapped[str | None]

    person: Mapped[Person] = relationship(foreign_keys=[reported_by])
    judge: Mapped[Person | None] = relationship(foreign_keys=[judged_by])


class StaffMember(Base):
    """Somebody who delivers, by initials or staff number only: no more is needed to see that a service is cleared."""

    __tablename__ = "staff_members"
    __table_args__ = (
        Index(
            "uq_staff_members_reference",
            "agreement_id",
            "reference",
            unique=True,
            postgresql_where=text("left_on IS NULL"),
        ),
        CheckConstraint("cleared_on IS NULL OR applied_on IS NULL OR cleared_on >= applied_on", name="cleared_later"),
        CheckConstraint(
            "expires_on IS NULL OR (cleared_on IS NOT NULL AND expires_on >= cleared_on)", name="expires_later"
        ),
        CheckConstraint("length(reference) <= 12 AND position(' ' in reference) = 0", name="no_names"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    reference: Mapped[str]
    # What they do: "caseworker".
    role: Mapped[str]
    level: Mapped[VettingLevel] = mapped_column(choice(VettingLevel, "level"))
    applied_on: Mapped[date | None]
    cleared_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    left_on: Mapped[date | None]

    agreement: Mapped[Agreement] = relationship()
    access: Mapped[list[PrisonAccess]] = relationship(order_by="PrisonAccess.prison")

    def clearance(self, on: date) -> Clearance:
        """Where their clearance stands on a day."""
        return clearance(applied_on=self.applied_on, cleared_on=self.cleared_on, expires_on=self.expires_on, on=on)


class PrisonAccess(Base):
    """That one person may enter a prison, or the prisons of a region."""

    __tablename__ = "prison_access"
    __table_args__ = (
        UniqueConstraint("staff_member_id", "prison"),
        CheckConstraint("granted_on IS NULL OR applied_on IS NULL OR granted_on >= applied_on", name="granted_later"),
        CheckConstraint(
            "expires_on IS NULL OR (granted_on IS NOT NULL AND expires_on >= granted_on)", name="expires_later"
        ),
    )

    id: Mapped[Key]
    staff_member_id: Mapped[int] = key_of("staff_members.id")
    # A prison by name, or the prisons of a region.
    prison: Mapped[str]
    applied_on: Mapped[date | None]
    granted_on: Mapped[date | None]
    expires_on: Mapped[date | None]

    def standing(self, on: date) -> Clearance:
        """Where the access stands on a day."""
        return clearance(applied_on=self.applied_on, cleared_on=self.granted_on, expires_on=self.expires_on, on=on)


class Promise(Base):
    """What the supplier promised under the equality duty or as social value, so that it can be measured (R8, R9)."""

    __tablename__ = "promises"
    __table_args__ = (
        Index(
            "uq_promises_measure",
            "agreement_id",
            "who",
            "measure",
            unique=True,
            postgresql_where=text("status IN ('proposed', 'agreed')"),
        ),
        CheckConstraint("(status = 'proposed') = (answered_at IS NULL)", name="answered"),
        CheckConstraint("status NOT IN ('declined', 'ended') OR reason IS NOT NULL", name="with_reason"),
        CheckConstraint("length(who) <= 100 AND length(measure) <= 300", name="short"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    kind: Mapped[PromiseKind] = mapped_column(choice(PromiseKind, "kind"))
    # The group it is for, what they need, what is counted, and how much of it is promised.
    who: Mapped[str]
    need: Mapped[str]
    measure: Mapped[str]
    target: Mapped[str]
    frequency: Mapped[Frequency] = mapped_column(choice(Frequency, "frequency"))
    first_due_on: Mapped[date]
    status: Mapped[PromiseStatus] = mapped_column(choice(PromiseStatus, "status"))
    # Who wrote the row; the other side agrees to it.
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    proposed_at: Mapped[When]
    proposed_by: Mapped[int] = key_of("people.id")
    answered_at: Mapped[When | None]
    answered_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    reports: Mapped[list[PromiseReport]] = relationship(
        back_populates="promise", order_by="PromiseReport.due_on, PromiseReport.id"
    )


class PromiseReport(Base):
    """What the supplier says came of a promise by one of its days, and what the contract manager finds."""

    __tablename__ = "promise_reports"
    __table_args__ = (
        Index(
            "uq_promise_reports_day",
            "promise_id",
            "due_on",
            unique=True,
            postgresql_where=text("verdict IS DISTINCT FROM 'sent_back'"),
        ),
        CheckConstraint(
            "(judged_at IS NULL) = (verdict IS NULL) AND (judged_at IS NULL) = (judged_by IS NULL)", name="judged"
        ),
        CheckConstraint("verdict IS NULL OR verdict = 'kept' OR reason IS NOT NULL", name="with_reason"),
    )

    id: Mapped[Key]
    promise_id: Mapped[int] = key_of("promises.id")
    due_on: Mapped[date]
    # What was reached, in the terms of the measure, and anything to say about it.
    reached: Mapped[str]
    words: Mapped[str]
    reported_at: Mapped[When]
    reported_by: Mapped[int] = key_of("people.id")
    judged_at: Mapped[When | None]
    judged_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    verdict: Mapped[Verdict | None] = mapped_column(choice(Verdict, "verdict"))
    reason: Mapped[str | None]

    promise: Mapped[Promise] = relationship(back_populates="reports")
    person: Mapped[Person] = relationship(foreign_keys=[reported_by])
    judge: Mapped[Person | None] = relationship(foreign_keys=[judged_by])


class ChainReport(Base):
    """The part of a quarter's work that one subcontractor did, in percent of its value."""

    __tablename__ = "supply_chain_reports"
    __table_args__ = (
        UniqueConstraint("subcontractor_id", "quarter_begins"),
        CheckConstraint("percent >= 0 AND percent <= 100", name="percent"),
    )

    id: Mapped[Key]
    subcontractor_id: Mapped[int] = key_of("subcontractors.id")
    quarter_begins: Mapped[date]
    percent: Mapped[Percent] = mapped_column()
    reported_at: Mapped[When]
    reported_by: Mapped[int] = key_of("people.id")

    subcontractor: Mapped[Subcontractor] = relationship()
