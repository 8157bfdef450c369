"""Instalments of grants: each as it is agreed now and where it stands, and the schedule that each version agrees."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models.contracts import Agreement
from contracts.agreements.rules.instalments import InstalmentStatus, InstalmentTerm
from marketplace.database import Base, Key, Money, When, choice, key_of


class GrantInstalment(Base):
    """A part of a grant, paid when its milestone is accepted. What it is for and how much: as last agreed."""

    __tablename__ = "grant_instalments"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        UniqueConstraint("id", "agreement_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status = 'planned' OR (claimed_at IS NOT NULL AND evidence IS NOT NULL)", name="claimed"),
        CheckConstraint("(status = 'accepted') = (accepted_at IS NOT NULL)", name="accepted"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    number: Mapped[int]
    milestone: Mapped[str]
    amount: Mapped[Money] = mapped_column()
    # When the milestone is expected to be reached.
    due_on: Mapped[date]
    status: Mapped[InstalmentStatus] = mapped_column(choice(InstalmentStatus, "status"))
    evidence: Mapped[str | None]
    claimed_at: Mapped[When | None]
    claimed_by: Mapped[int | None] = key_of("people.id")
    accepted_at: Mapped[When | None]
    accepted_by: Mapped[int | None] = key_of("people.id")
    # Why it was not accepted, when last asked.
    sent_back_reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship(back_populates="instalments")

    @property
    def term(self) -> InstalmentTerm:
        """What is agreed about it."""
        return InstalmentTerm(self.number, self.milestone, self.amount, self.due_on)

    @property
    def is_fixed(self) -> bool:
        """Whether it can be changed no more: it is claimed or accepted."""
        return self.status is not InstalmentStatus.PLANNED


class VersionInstalment(Base):
    """One instalment of the schedule that a version agrees; of the first version, as it was planned when it ended.

    It says of the instalment with its number what that becomes when the version is agreed.
    """

    __tablename__ = "version_instalments"
    __table_args__ = (
        UniqueConstraint("version_id", "number"),
        ForeignKeyConstraint(
            ["version_id", "agreement_id"], ["agreement_versions.id", "agreement_versions.agreement_id"]
        ),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("length(milestone) > 0", name="milestone_given"),
    )

    id: Mapped[Key]
    version_id: Mapped[int] = mapped_column(BigInteger, index=True)
    agreement_id: Mapped[int] = key_of("agreements.id")
    number: Mapped[int]
    milestone: Mapped[str]
    amount: Mapped[Money] = mapped_column()
    due_on: Mapped[date]

    @property
    def term(self) -> InstalmentTerm:
        """What the version agrees about it."""
        return InstalmentTerm(self.number, self.milestone, self.amount, self.due_on)
