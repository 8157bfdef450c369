"""How funders and suppliers want to be invoiced and taxed, and how suppliers pay those below them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Subcontractor
from contracts.invoices.rules import VatKind
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, Money, When, choice, key_of


class PurchaseOrder(Base):
    """The number that a funder wants to read on its invoices under an agreement, from a day on."""

    __tablename__ = "purchase_orders"
    __table_args__ = (UniqueConstraint("agreement_id", "organisation_id", "from_day"),)

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    from_day: Mapped[date]
    number: Mapped[str]
    entered_at: Mapped[When]
    entered_by: Mapped[int] = key_of("people.id")


class VatStatus(Base):
    """What a supplier has said about VAT, for invoices raised from a day on. Until it has, none is charged."""

    __tablename__ = "vat_statuses"
    __table_args__ = (
        UniqueConstraint("organisation_id", "from_day"),
        CheckConstraint("(kind = 'not_registered') = (vat_number IS NULL)", name="number_known"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    from_day: Mapped[date]
    kind: Mapped[VatKind] = mapped_column(choice(VatKind, "kind"))
    vat_number: Mapped[str | None]
    stated_at: Mapped[When]
    stated_by: Mapped[int] = key_of("people.id")


class InvoiceAddress(Base):
    """Where an organisation is to be written to about invoices: what a VAT invoice must bear (VATREC5010)."""

    __tablename__ = "invoice_addresses"
    __table_args__ = (CheckConstraint("length(address) BETWEEN 1 AND 300", name="address_given"),)

    organisation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("organisations.id"), primary_key=True)
    # As it is printed, line by line.
    address: Mapped[str]
    stated_at: Mapped[When]
    stated_by: Mapped[int] = key_of("people.id")


class SubcontractorPayment(Base):
    """The supplier's own payment to a member of its supply chain for a month; none was due if the amount is nought.

    A correction is another row: what was confirmed before is kept, with when it was corrected.
    """

    __tablename__ = "subcontractor_payments"
    __table_args__ = (
        Index(
            "uq_subcontractor_payments_standing",
            "subcontractor_id",
            "month",
            unique=True,
            postgresql_where=text("corrected_at IS NULL"),
        ),
        CheckConstraint("reason IS NULL OR length(reason) > 0", name="reason_given"),
        CheckConstraint("corrected_at >= confirmed_at", name="corrected_after"),
        CheckConstraint("extract(day from month) = 1", name="month_begins"),
        CheckConstraint(
            "amount >= 0 AND (amount = 0) = (paid_on IS NULL) AND (amount = 0) = (invoiced_on IS NULL)", name="complete"
        ),
        CheckConstraint("paid_on >= invoiced_on", name="dates"),
    )

    id: Mapped[Key]
    subcontractor_id: Mapped[int] = key_of("subcontractors.id")
    month: Mapped[date]
    amount: Mapped[Money] = mapped_column()
    # When the subcontractor's own invoice came, and when it was paid.
    invoiced_on: Mapped[date | None]
    paid_on: Mapped[date | None]
    confirmed_at: Mapped[When]
    confirmed_by: Mapped[int] = key_of("people.id")
    # Why it corrects what was confirmed before; and when another took its place.
    reason: Mapped[str | None]
    corrected_at: Mapped[When | None]

    confirmer: Mapped[Person] = relationship()
    subcontractor: Mapped[Subcontractor] = relationship()
