"""Variations: a draft version of a contract on its way to being agreed, and who approved it."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Agreement, AgreementVersion, ExtensionOption
from contracts.agreements.rules import Side
from contracts.changes.rules import (
    WITH_COMMISSIONER,
    Ground,
    ProposalStatus,
    Purpose,
    TaskStanding,
    VariationStatus,
    task_standing,
)
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, When, choice, key_of


class Variation(Base):
    """A change to a contract: why, by whom, and the version that says what the contract becomes (decision 0021)."""

    __tablename__ = "variations"
    __table_args__ = (
        Index(
            "uq_variations_one_open",
            "agreement_id",
            unique=True,
            postgresql_where=text("status NOT IN ('agreed', 'withdrawn')"),
        ),
        ForeignKeyConstraint(
            ["version_id", "agreement_id"], ["agreement_versions.id", "agreement_versions.agreement_id"]
        ),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_reason IS NOT NULL)", name="withdrawn_with_reason"),
        CheckConstraint("round >= 1", name="round"),
        CheckConstraint(
            "with_supplier_at IS NOT NULL OR status IN ('draft', 'awaiting_approval', 'withdrawn')",
            name="with_supplier",
        ),
        CheckConstraint("(purpose = 'extension') = (option_id IS NOT NULL)", name="extension_of_option"),
        CheckConstraint("(purpose IN ('ending', 'notice')) = (ground IS NOT NULL)", name="ending_with_ground"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    version_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    status: Mapped[VariationStatus] = mapped_column(choice(VariationStatus, "status"))
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose, "purpose"), default=Purpose.CHANGE)
    # The option to extend that it uses.
    option_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("extension_options.id"), index=True)
    # Why the contract ends early.
    ground: Mapped[Ground | None] = mapped_column(choice(Ground, "ground"))
    reason: Mapped[str]
    author_id: Mapped[int] = key_of("people.id")
    created_at: Mapped[When]
    # Approvals count for the round in which they were given: each time it goes back to draft, all are given anew.
    round: Mapped[int] = mapped_column(default=1)
    returned_reason: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]
    # When it first came to the supplier, to sign or as a notice. Until then it is the commissioners' own.
    with_supplier_at: Mapped[When | None]

    agreement: Mapped[Agreement] = relationship(viewonly=True, foreign_keys=[agreement_id])
    version: Mapped[AgreementVersion] = relationship(
        viewonly=True,
        primaryjoin="Variation.version_id == AgreementVersion.id",
        foreign_keys=[version_id],
    )
    option: Mapped[ExtensionOption | None] = relationship()
    author: Mapped[Person] = relationship(foreign_keys=[author_id])
    approvals: Mapped[list[VariationApproval]] = relationship(order_by="VariationApproval.id")

    @property
    def is_with_commissioner(self) -> bool:
        """Whether the supplier is not to see it: drafted, before the funders, or dropped before it came to it."""
        return self.with_supplier_at is None or self.status in WITH_COMMISSIONER

    @property
    def present_approvals(self) -> list[VariationApproval]:
        """What was decided of it as it stands."""
        return [one for one in self.approvals if one.round == self.round]


class VariationApproval(Base):
    """One funder's approval of a variation, or its refusal with the reason."""

    __tablename__ = "variation_approvals"
    __table_args__ = (
        UniqueConstraint("variation_id", "round", "organisation_id"),
        CheckConstraint("approved OR reason IS NOT NULL", name="refused_with_reason"),
    )

    id: Mapped[Key]
    variation_id: Mapped[int] = key_of("variations.id")
    round: Mapped[int]
    organisation_id: Mapped[int] = key_of("organisations.id")
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.id"))
    at: Mapped[When]
    approved: Mapped[bool]
    reason: Mapped[str | None]

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person] = relationship()


class ExitPlan(Base):
    """That a contract's ending is prepared: its usual tasks are made once, however often it is asked for."""

    __tablename__ = "exit_plans"

    agreement_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("agreements.id"), primary_key=True)
    begun_at: Mapped[When]


class ExitTask(Base):
    """Something to be done because the contract ends. Its day moves with the contract's last day."""

    __tablename__ = "exit_tasks"
    __table_args__ = (
        Index(
            "uq_exit_tasks_title",
            "agreement_id",
            "title",
            unique=True,
            postgresql_where=text("dropped_reason IS NULL"),
        ),
        CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name="done"),
        CheckConstraint("done_at IS NULL OR dropped_reason IS NULL", name="done_or_dropped"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    title: Mapped[str]
    what: Mapped[str]
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    # Who of that side does it, where somebody is named.
    owner: Mapped[str | None]
    # Days before the contract's last day; after it, if below nought.
    lead_days: Mapped[int]
    done_at: Mapped[When | None]
    done_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    note: Mapped[str | None]
    dropped_reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    doer: Mapped[Person | None] = relationship()

    @property
    def due_on(self) -> date:
        """Its day, as the contract's end is agreed now. A contract whose end is open has no such tasks."""
        return (self.agreement.ends_on or date.max) - timedelta(days=self.lead_days)

    def standing(self, on: date) -> TaskStanding:
        """Where it is on a day."""
        dropped = self.dropped_reason is not None
        return task_standing(done=self.done_at is not None, dropped=dropped, due_on=self.due_on, on=on)


class Abandonment(Base):
    """That a contract which one side never signs is to be given up, and what the approver decided."""

    __tablename__ = "abandonments"
    __table_args__ = (
        Index(
            "uq_abandonments_one",
            "agreement_id",
            unique=True,
            postgresql_where=text("approved IS NOT FALSE"),
        ),
        CheckConstraint(
            "(decided_at IS NULL) = (decided_by IS NULL) AND (decided_at IS NULL) = (approved IS NULL)", name="decided"
        ),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
        CheckConstraint("(approved IS FALSE) = (refused_reason IS NOT NULL)", name="refused_with_reason"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    reason: Mapped[str]
    proposed_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.id"))
    proposed_at: Mapped[When]
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    decided_at: Mapped[When | None]
    approved: Mapped[bool | None]
    refused_reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    proposer: Mapped[Person] = relationship(foreign_keys=[proposed_by])
    decider: Mapped[Person | None] = relationship(foreign_keys=[decided_by])


class Proposal(Base):
    """What a supplier would change about its contract, and how the lead commissioner answered."""

    __tablename__ = "change_proposals"
    __table_args__ = (
        Index("uq_change_proposals_one_sent", "agreement_id", unique=True, postgresql_where=text("status = 'sent'")),
        CheckConstraint("(status = 'taken_up') = (variation_id IS NOT NULL)", name="taken_up_as_variation"),
        CheckConstraint("(status = 'declined') = (answer IS NOT NULL)", name="declined_with_reason"),
        CheckConstraint("(status IN ('taken_up', 'declined')) = (answered_at IS NOT NULL)", name="answered"),
        CheckConstraint("(answered_at IS NULL) = (answered_by IS NULL)", name="answered_by_somebody"),
        CheckConstraint("ends_on IS NULL OR ends_on >= from_on", name="dates"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    status: Mapped[ProposalStatus] = mapped_column(choice(ProposalStatus, "status"))
    what: Mapped[str]
    reason: Mapped[str]
    from_on: Mapped[date]
    # Another last day, where the supplier wishes for one.
    ends_on: Mapped[date | None]
    author_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.id"))
    at: Mapped[When]
    answer: Mapped[str | None]
    answered_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    answered_at: Mapped[When | None]
    variation_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("variations.id"), unique=True)

    agreement: Mapped[Agreement] = relationship()
    author: Mapped[Person] = relationship(foreign_keys=[author_id])
    answerer: Mapped[Person | None] = relationship(foreign_keys=[answered_by])
