"""Funders and suppliers at the payment provider, its events and payments, and where its books differ from ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.invoices.models import Invoice
from contracts.payments.rules import UNDECIDED, AccountStatus, ChargebackStatus, DifferenceKind, RecoveryStatus
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, When, choice, key_of


class PaymentAccount(Base):
    """A funder's customer record with the payment provider."""

    __tablename__ = "payment_accounts"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    provider_id: Mapped[str] = mapped_column(unique=True)
    # The name and the address that the provider has been told: it writes there.
    name: Mapped[str]
    email: Mapped[str]


class ReceivingAccount(Base):
    """A supplier's account with the payment provider: where what funders pay goes on to."""

    __tablename__ = "receiving_accounts"
    __table_args__ = (CheckConstraint("status <> 'able' OR provider_id IS NOT NULL", name="able_there"),)

    id: Mapped[Key]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), unique=True)
    # What the provider calls it; set once it has been opened there.
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    status: Mapped[AccountStatus] = mapped_column(choice(AccountStatus, "status"))
    # What the provider still wants to know and why it pays nothing, in its own words. Names of fields, no particulars.
    wanted: Mapped[list[str]] = mapped_column(JSONB, default=list)
    reason: Mapped[str | None]
    begun_at: Mapped[When]
    # How late what we know is: news from before it changes nothing.
    as_of: Mapped[When | None]
    last_error: Mapped[str | None]

    organisation: Mapped[Organisation] = relationship()


class PaymentEvent(Base):
    """An event the provider sent, its signature checked: kept before it is used, applied once."""

    __tablename__ = "payment_events"
    __table_args__ = (
        Index("ix_payment_events_waiting", "happened_at", "id", postgresql_where=text("applied_at IS NULL")),
        CheckConstraint("set_aside_at IS NULL OR applied_at IS NULL", name="set_aside"),
    )

    id: Mapped[Key]
    provider_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    happened_at: Mapped[When]
    received_at: Mapped[When]
    applied_at: Mapped[When | None]
    # It cannot be read, for now.
    set_aside_at: Mapped[When | None]
    # It never came, and we asked for it.
    was_asked_for: Mapped[bool] = mapped_column(default=False, server_default="false")
    # As much of it as we have a use for.
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ProviderPayment(Base):
    """Money that the provider took from a funder, and how much of it has been given back since.

    The provider names the invoice in one event and the money given back in another, in any order.
    """

    __tablename__ = "provider_payments"
    __table_args__ = (
        CheckConstraint("refunded >= 0", name="refunded_not_negative"),
        CheckConstraint("(provider_invoice IS NULL) = (amount IS NULL)", name="invoice_known"),
    )

    id: Mapped[Key]
    provider_id: Mapped[str] = mapped_column(unique=True)
    # The invoice it paid, by the provider's key.
    provider_invoice: Mapped[str | None] = mapped_column(index=True)
    amount: Mapped[Money | None] = mapped_column()
    paid_at: Mapped[When | None]
    refunded: Mapped[Money] = mapped_column(default=Decimal(0))
    # How late what we know of money given back is: older news changes nothing.
    refunded_as_of: Mapped[When | None]


class Chargeback(Base):
    """A bank takes a payment back, or asks about it. Which invoice it was for may be told later than this.

    As soon as that is known, both sides are told, and the invoice keeps it.
    """

    __tablename__ = "chargebacks"
    __table_args__ = (CheckConstraint("posted_at IS NULL OR status = 'lost'", name="posted_if_lost"),)

    id: Mapped[Key]
    provider_id: Mapped[str] = mapped_column(unique=True)
    # The payment, by the provider's key.
    payment: Mapped[str | None] = mapped_column(index=True)
    invoice_id: Mapped[int | None] = key_of("invoices.id")
    amount: Mapped[Money] = mapped_column()
    reason: Mapped[str]
    status: Mapped[ChargebackStatus] = mapped_column(choice(ChargebackStatus, "status"), index=True)
    opened_at: Mapped[When]
    closed_at: Mapped[When | None]
    # When what is lost was posted: as soon as we know of the payment and of its invoice.
    posted_at: Mapped[When | None]

    invoice: Mapped[Invoice | None] = relationship()

    @property
    def is_undecided(self) -> bool:
        """Whether the bank may still decide either way."""
        return self.status in UNDECIDED


class Recovery(Base):
    """What a bank took from the marketplace for good is taken back from the supplier that it had been passed on to."""

    __tablename__ = "recoveries"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("(status = 'waiting') = (settled_at IS NULL)", name="settled"),
        CheckConstraint("(status = 'recovered') = (provider_id IS NOT NULL)", name="recovered_there"),
        CheckConstraint("(status = 'elsewhere') = (settled_by IS NOT NULL)", name="elsewhere_by_somebody"),
    )

    id: Mapped[Key]
    chargeback_id: Mapped[int] = mapped_column(ForeignKey("chargebacks.id"), unique=True)
    amount: Mapped[Money] = mapped_column()
    status: Mapped[RecoveryStatus] = mapped_column(choice(RecoveryStatus, "status"), index=True)
    begun_at: Mapped[When]
    # What the provider calls it, and what had passed the money on.
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    transfer: Mapped[str | None] = mapped_column(index=True)
    settled_at: Mapped[When | None]
    # Who of the framework team says that it came by another way.
    settled_by: Mapped[int | None] = key_of("people.id")
    next_attempt_at: Mapped[When]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]

    chargeback: Mapped[Chargeback] = relationship()
    settler: Mapped[Person | None] = relationship()

    @property
    def reference(self) -> str:
        """What the payment provider is told to know it by."""
        return f"recovery-{self.chargeback.provider_id}"


class Reconciliation(Base):
    """One night's comparison of the provider's books with ours, from one instant to another."""

    __tablename__ = "reconciliations"

    id: Mapped[Key]
    since: Mapped[When]
    until: Mapped[When]
    started_at: Mapped[When]
    finished_at: Mapped[When]
    # How many invoices were compared, ours and the provider's, and how many differences stood at the end.
    ours: Mapped[int]
    theirs: Mapped[int]
    differences: Mapped[int]


class Difference(Base):
    """Something that the provider's books and ours say differently. It is never mended by itself.

    Settled by the first comparison that no longer finds it.
    """

    __tablename__ = "payment_differences"
    __table_args__ = (
        Index(
            "uq_payment_differences_standing",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("settled_at IS NULL"),
        ),
        CheckConstraint("(note IS NULL) = (noted_at IS NULL) AND (note IS NULL) = (noted_by IS NULL)", name="noted"),
    )

    id: Mapped[Key]
    kind: Mapped[DifferenceKind] = mapped_column(choice(DifferenceKind, "kind"), index=True)
    # What it is about: our number, or the provider's key of what we do not know.
    subject: Mapped[str]
    invoice_id: Mapped[int | None] = key_of("invoices.id")
    ours: Mapped[str]
    theirs: Mapped[str]
    first_seen_at: Mapped[When]
    last_seen_at: Mapped[When]
    settled_at: Mapped[When | None]
    # What somebody found out about it.
    note: Mapped[str | None]
    noted_at: Mapped[When | None]
    noted_by: Mapped[int | None] = key_of("people.id")

    invoice: Mapped[Invoice | None] = relationship()
    noter: Mapped[Person | None] = relationship()
