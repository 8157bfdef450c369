"""What invoices are reckoned from beside the terms: deductions and years reconciled."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import ServiceLine
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, Money, When, key_of


class Deduction(Base):
    """So much less for one service, from one month on: taken from what months cost, never below nought."""

    __tablename__ = "deductions"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("extract(day from month) = 1", name="month_begins"),
        CheckConstraint("length(reason) > 0", name="reason_given"),
    )

    id: Mapped[Key]
    service_line_id: Mapped[int] = key_of("service_lines.id")
    # The month in which the fault was; it is taken from that month's price, or from the next that is invoiced.
    month: Mapped[date]
    amount: Mapped[Money] = mapped_column()
    reason: Mapped[str]
    decided_at: Mapped[When]
    decided_by: Mapped[int] = key_of("people.id")
    withdrawn_at: Mapped[When | None]

    service_line: Mapped[ServiceLine] = relationship()
    decider: Mapped[Person] = relationship()


class Supplement(Base):
    """So much more for one service and month than was invoiced for it, or was deducted and should not have been."""

    __tablename__ = "supplements"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        UniqueConstraint("id", "agreement_id"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("extract(day from month) = 1", name="month_begins"),
        CheckConstraint("length(reason) > 0", name="reason_given"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    # The first (second, …) of its contract.
    number: Mapped[int]
    service_line_id: Mapped[int] = key_of("service_lines.id")
    month: Mapped[date]
    # Of all funders together, in pounds before VAT.
    amount: Mapped[Money] = mapped_column()
    reason: Mapped[str]
    # The deduction that was withdrawn after it was taken: once.
    deduction_id: Mapped[int | None] = mapped_column(ForeignKey("deductions.id"), unique=True)
    asked_at: Mapped[When]
    asked_by: Mapped[int] = key_of("people.id")


class ReconciledYear(Base):
    """One service's contract year at its end, with all that the figure was made of. Once for each year.

    Nothing is invoiced or given back for it before it is approved.
    """

    __tablename__ = "reconciled_years"
    __table_args__ = (
        UniqueConstraint("service_line_id", "first"),
        CheckConstraint("last >= first", name="year"),
        CheckConstraint("approved_by IS NULL OR approved_at IS NOT NULL", name="approved_when"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    service_line_id: Mapped[int] = key_of("service_lines.id")
    first: Mapped[date]
    last: Mapped[date]
    whole_days: Mapped[int]
    counted: Mapped[int]
    compared: Mapped[int]
    at: Mapped[When]
    # By nobody where nothing came of it, or where it was reconciled before approval was asked for.
    approved_at: Mapped[When | None]
    approved_by: Mapped[int | None] = key_of("people.id")

    service_line: Mapped[ServiceLine] = relationship()
    approver: Mapped[Person | None] = relationship()
    spans: Mapped[list[ReconciledSpan]] = relationship(order_by="ReconciledSpan.first", cascade="all, delete-orphan")

    @property
    def days(self) -> int:
        """How many of the year's days the contract ran."""
        return (self.last - self.first).days + 1

    @property
    def charged(self) -> Decimal:
        """What its months came to, in pounds."""
        return sum((span.charged for span in self.spans), Decimal(0))

    @property
    def due(self) -> Decimal:
        """What the year costs, in pounds."""
        return sum((span.due for span in self.spans), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """What was still to be paid, in pounds; below nought, what was to be given back."""
        return self.due - self.charged


class ReconciledSpan(Base):
    """The days of one version of the terms within a reconciled year."""

    __tablename__ = "reconciled_spans"
    __table_args__ = (UniqueConstraint("reconciled_year_id", "first"),)

    id: Mapped[Key]
    reconciled_year_id: Mapped[int] = key_of("reconciled_years.id")
    version_id: Mapped[int] = key_of("agreement_versions.id")
    first: Mapped[date]
    last: Mapped[date]
    planned_band: Mapped[int]
    planned_price: Mapped[Money] = mapped_column()
    charged: Mapped[Money] = mapped_column()
    band: Mapped[int]
    band_price: Mapped[Money] = mapped_column()
    # By how many referrals of the whole year the band is reached; no high end of the highest. Neither is known of
    # years that were reconciled before it was kept.
    low: Mapped[int | None]
    high: Mapped[int | None]
    due: Mapped[Money] = mapped_column()

    @property
    def difference(self) -> Decimal:
        """What was still to be paid for these days, in pounds; below nought, what was to be given back."""
        return self.due - self.charged
