"""What stops a contract's services for a time, and what may make it longer."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models.contracts import Agreement, ServiceLine
from contracts.agreements.rules import OptionDecision, SuspensionCause
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, choice, key_of


class ExtensionOption(Base):
    """That the commissioner may make the contract longer, and what it decided. Agreed with a version, and for good."""

    __tablename__ = "extension_options"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        ForeignKeyConstraint(
            ["version_id", "agreement_id"], ["agreement_versions.id", "agreement_versions.agreement_id"]
        ),
        CheckConstraint("months BETWEEN 1 AND 60", name="months"),
        CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL) "
            "AND (decision IS NULL) = (decided_reason IS NULL)",
            name="decided",
        ),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    # The version with which it was agreed.
    version_id: Mapped[int] = mapped_column(BigInteger, index=True)
    number: Mapped[int]
    months: Mapped[int]
    decide_by: Mapped[date]
    decision: Mapped[OptionDecision | None] = mapped_column(choice(OptionDecision, "decision"))
    decided_at: Mapped[When | None]
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    decided_reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship(back_populates="extension_options", foreign_keys=[agreement_id])
    decider: Mapped[Person | None] = relationship()


class Suspension(Base):
    """No new referrals from a day until it is lifted: to one service of a contract, or to all of them."""

    __tablename__ = "suspensions"
    __table_args__ = (
        Index(
            "uq_suspensions_one_of_contract",
            "agreement_id",
            unique=True,
            postgresql_where=text("line_id IS NULL AND lifted_at IS NULL"),
        ),
        Index("uq_suspensions_one_of_line", "line_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
        ForeignKeyConstraint(["line_id", "agreement_id"], ["service_lines.id", "service_lines.agreement_id"]),
        CheckConstraint(
            "(lifted_at IS NULL) = (lifted_from IS NULL) AND (lifted_at IS NULL) = (lifted_by IS NULL) "
            "AND (lifted_at IS NULL) = (lifted_reason IS NULL)",
            name="lifted",
        ),
        CheckConstraint("lifted_from >= from_on", name="lifted_later"),
        CheckConstraint("cause <> 'handover' OR line_id IS NOT NULL", name="handover_of_service"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    # None: every service of the contract.
    line_id: Mapped[int | None] = mapped_column(BigInteger)
    from_on: Mapped[date]
    cause: Mapped[SuspensionCause] = mapped_column(choice(SuspensionCause, "cause"), default=SuspensionCause.DECIDED)
    reason: Mapped[str]
    at: Mapped[When]
    by: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.id"))
    # The first day on which referrals are taken again.
    lifted_from: Mapped[date | None]
    lifted_reason: Mapped[str | None]
    lifted_at: Mapped[When | None]
    lifted_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))

    agreement: Mapped[Agreement] = relationship(back_populates="suspensions", foreign_keys=[agreement_id])
    line: Mapped[ServiceLine | None] = relationship(
        viewonly=True, primaryjoin="Suspension.line_id == ServiceLine.id", foreign_keys=[line_id]
    )
    person: Mapped[Person] = relationship(foreign_keys=[by])
    lifter: Mapped[Person | None] = relationship(foreign_keys=[lifted_by])

    def applies_on(self, day: date) -> bool:
        """Whether no referrals are taken because of it on a day; `queries.is_suspended` for rows at hand."""
        return self.from_on <= day and (self.lifted_from is None or day < self.lifted_from)
