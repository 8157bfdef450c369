"""Invoices and their lines."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Agreement, ServiceLine
from contracts.invoices.rules import InvoiceStatus, payment_reference
from marketplace.accounts.models import Organisation
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of


class Invoice(Base):
    """What one funder owes for one month of one agreement: never twice for the same month."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("agreement_id", "organisation_id", "month"),
        CheckConstraint("extract(day from month) = 1", name="month_begins"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status <> 'paid' OR paid_at IS NOT NULL", name="paid_complete"),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    agreement_id: Mapped[int] = key_of("agreements.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    # The first day of the month delivered, paid in arrears.
    month: Mapped[date]
    percent: Mapped[Percent] = mapped_column()
    amount: Mapped[Money] = mapped_column()
    status: Mapped[InvoiceStatus] = mapped_column(choice(InvoiceStatus, "status"), index=True)
    raised_at: Mapped[When]
    due_on: Mapped[date]
    # What the payment provider calls it, and where the funder pays; set when it has been sent.
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    payment_url: Mapped[str | None]
    sent_at: Mapped[When | None]
    paid_at: Mapped[When | None]
    next_attempt_at: Mapped[When]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    organisation: Mapped[Organisation] = relationship()
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.id", cascade="all, delete-orphan")

    @property
    def payment_reference(self) -> str:
        """What the payment provider is told to know it by."""
        return payment_reference(self.number, self.raised_at)


class InvoiceLine(Base):
    """One line: a service line's month, at this funder's share."""

    __tablename__ = "invoice_lines"

    id: Mapped[Key]
    invoice_id: Mapped[int] = key_of("invoices.id")
    service_line_id: Mapped[int] = key_of("service_lines.id")
    text: Mapped[str]
    amount: Mapped[Money] = mapped_column()

    service_line: Mapped[ServiceLine] = relationship()
