"""Invoices, their lines, credit notes and disputes, and the PDFs of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Agreement, GrantInstalment, ServiceLine
from contracts.agreements.rules import DocumentStatus
from contracts.invoices.rules import (
    OWED,
    CreditKind,
    CreditStatus,
    DisputeStatus,
    InvoiceKind,
    InvoiceStatus,
    last_of_month,
    net_within,
    payment_reference,
    vat_of_credit,
)
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of

# Of one line as the payment provider is told it: it takes 500 characters.
TOLD_LENGTH = 500


class Invoice(Base):
    """What one funder owes under one agreement for a month, a year's reconciliation, a supplement or an instalment.

    Never twice for the same: what was credited or voided may be invoiced again under the next `sequence`.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("id", "agreement_id"),
        Index(
            "uq_invoices_once",
            *("agreement_id", "organisation_id", "kind", "period_from", "sequence"),
            unique=True,
            postgresql_where=text("kind NOT IN ('instalment', 'supplementary')"),
        ),
        Index(
            "uq_invoices_instalment_once",
            *("instalment_id", "organisation_id", "sequence"),
            unique=True,
            postgresql_where=text("kind = 'instalment'"),
        ),
        Index(
            "uq_invoices_supplement_once",
            *("supplement_id", "organisation_id", "sequence"),
            unique=True,
            postgresql_where=text("kind = 'supplementary'"),
        ),
        Index("ix_invoices_month", "month"),
        ForeignKeyConstraint(["reissue_of_id", "agreement_id"], ["invoices.id", "invoices.agreement_id"]),
        ForeignKeyConstraint(
            ["instalment_id", "agreement_id"], ["grant_instalments.id", "grant_instalments.agreement_id"]
        ),
        ForeignKeyConstraint(["supplement_id", "agreement_id"], ["supplements.id", "supplements.agreement_id"]),
        CheckConstraint("extract(day from month) = 1", name="month_begins"),
        CheckConstraint("period_to >= period_from", name="period"),
        CheckConstraint("sequence >= 1 AND (sequence = 1) = (reissue_of_id IS NULL)", name="reissue"),
        CheckConstraint("(kind = 'instalment') = (instalment_id IS NOT NULL)", name="instalment"),
        CheckConstraint("(kind = 'supplementary') = (supplement_id IS NOT NULL)", name="supplement"),
        CheckConstraint("net >= 0 AND vat >= 0 AND amount = net + vat", name="sums"),
        CheckConstraint(
            "credited_net BETWEEN 0 AND net AND credited BETWEEN 0 AND amount AND credited_net <= credited",
            name="credited_within",
        ),
        CheckConstraint("status <> 'credited' OR credited = amount", name="credited_whole"),
        CheckConstraint("amount > 0 OR status = 'credited'", name="amount_positive"),
        CheckConstraint(
            "approved_at IS NOT NULL OR status IN ('awaiting_approval', 'credited')", name="approved_first"
        ),
        CheckConstraint("owed_again >= 0 AND (status = 'taken_back') = (owed_again > 0)", name="owed_again"),
        CheckConstraint("status <> 'paid' OR (paid_at IS NOT NULL AND paid_amount IS NOT NULL)", name="paid_complete"),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    agreement_id: Mapped[int] = key_of("agreements.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    kind: Mapped[InvoiceKind] = mapped_column(choice(InvoiceKind, "kind"))
    # The days it is for; and the month under which lists have it: that in which those days end.
    period_from: Mapped[date]
    period_to: Mapped[date]
    month: Mapped[date]
    sequence: Mapped[int] = mapped_column(default=1)
    reissue_of_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    instalment_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    supplement_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    # The funder's share by the terms in force at the period's end.
    percent: Mapped[Percent] = mapped_column()
    net: Mapped[Money] = mapped_column()
    vat_rate: Mapped[Percent] = mapped_column()
    vat: Mapped[Money] = mapped_column()
    # Net and VAT together: what is asked for.
    amount: Mapped[Money] = mapped_column()
    # What its credit notes come to, net and together with VAT, kept in the same transactions as they.
    credited_net: Mapped[Money] = mapped_column(default=Decimal(0))
    credited: Mapped[Money] = mapped_column(default=Decimal(0))
    po_number: Mapped[str | None]
    # As they were when it was raised; None where nobody had given one.
    supplier_address: Mapped[str | None]
    funder_address: Mapped[str | None]
    status: Mapped[InvoiceStatus] = mapped_column(choice(InvoiceStatus, "status"), index=True)
    raised_at: Mapped[When]
    due_on: Mapped[date]
    # By nobody where it was raised before approval was asked for.
    approved_at: Mapped[When | None]
    approved_by: Mapped[int | None] = key_of("people.id")
    # What the payment provider calls it, and where the funder pays; set when it has been sent.
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    payment_url: Mapped[str | None]
    sent_at: Mapped[When | None]
    paid_at: Mapped[When | None]
    paid_amount: Mapped[Money | None] = mapped_column()
    # What a bank took back of what was paid, as far as it is still to be paid, in pounds.
    owed_again: Mapped[Money] = mapped_column(default=Decimal(0), server_default="0")
    next_attempt_at: Mapped[When]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship()
    organisation: Mapped[Organisation] = relationship()
    approver: Mapped[Person | None] = relationship()
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.id", cascade="all, delete-orphan")
    reissue_of: Mapped[Invoice | None] = relationship(
        primaryjoin="foreign(Invoice.reissue_of_id) == remote(Invoice.id)", viewonly=True
    )
    instalment: Mapped[GrantInstalment | None] = relationship(
        primaryjoin="foreign(Invoice.instalment_id) == GrantInstalment.id", viewonly=True
    )
    credit_notes: Mapped[list[CreditNote]] = relationship(
        back_populates="invoice", order_by="CreditNote.place", foreign_keys="CreditNote.invoice_id"
    )
    disputes: Mapped[list[Dispute]] = relationship(back_populates="invoice", order_by="Dispute.id")

    @property
    def payment_reference(self) -> str:
        """What the payment provider is told to know it by."""
        return payment_reference(self.number, self.raised_at)

    @property
    def asked(self) -> list[tuple[str, Decimal]]:
        """What the payment provider is told that it asks for, in pounds, its VAT last: together its amount.

        Without free words: the reason of a deduction may name people, and the provider writes e-mails with these.
        """
        lines = [(self._told(line)[:TOLD_LENGTH], line.amount) for line in self.lines]
        return [*lines, (f"VAT at {self.vat_rate.normalize():f}%", self.vat)] if self.vat else lines

    def _told(self, line: InvoiceLine) -> str:
        if line.service_line is None:
            return f"Instalment {self.instalment.number}" if self.instalment else "Instalment"
        return line.text if line.amount > 0 else f"Deduction, {line.service_line.title}"

    @property
    def is_whole_month(self) -> bool:
        """Whether it is for all days of a calendar month."""
        return (self.period_from, self.period_to) == (self.month, last_of_month(self.month))

    @property
    def left(self) -> Decimal:
        """What is still to be paid, in pounds: its amount less its credit notes, or what a bank took back."""
        if self.status is InvoiceStatus.TAKEN_BACK:
            return self.owed_again
        return self.amount - self.credited if self.status in OWED else Decimal("0.00")

    @property
    def creditable_net(self) -> Decimal:
        """How much of its net amount has not been credited, in pounds; nothing of a voided one."""
        return Decimal("0.00") if self.status is InvoiceStatus.VOID else self.net - self.credited_net

    @property
    def disputable_net(self) -> Decimal:
        """How much of it may be disputed, in pounds before VAT: what is left to pay, never what stands paid."""
        if self.status is not InvoiceStatus.TAKEN_BACK:
            return self.creditable_net
        return net_within(
            self.owed_again, invoice_net=self.net, invoice_vat=self.vat, credited_before=self.credited_net
        )

    def vat_with(self, net: Decimal) -> Decimal:
        """The VAT, in pounds, of a credit note over so much of what has not been credited yet."""
        return vat_of_credit(net, invoice_net=self.net, invoice_vat=self.vat, credited_before=self.credited_net)

    @property
    def open_dispute(self) -> Dispute | None:
        """The dispute that is not settled yet."""
        return next((one for one in self.disputes if one.status is DisputeStatus.OPEN), None)


class InvoiceLine(Base):
    """One line, at this funder's share: a service's days, a deduction (below nought), an instalment."""

    __tablename__ = "invoice_lines"

    id: Mapped[Key]
    invoice_id: Mapped[int] = key_of("invoices.id")
    # None for a grant's instalment, which is for no one service.
    service_line_id: Mapped[int | None] = key_of("service_lines.id")
    deduction_id: Mapped[int | None] = key_of("deductions.id")
    text: Mapped[str]
    amount: Mapped[Money] = mapped_column()

    service_line: Mapped[ServiceLine | None] = relationship()


class CreditNote(Base):
    """So much of an invoice is charged no more. It counts from the moment it is given; the provider is told after."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        UniqueConstraint("invoice_id", "place"),
        ForeignKeyConstraint(["dispute_id", "invoice_id"], ["disputes.id", "disputes.invoice_id"]),
        CheckConstraint("net > 0 AND vat >= 0 AND amount = net + vat", name="sums"),
        CheckConstraint("(kind = 'dispute') = (dispute_id IS NOT NULL)", name="dispute"),
        CheckConstraint("(kind = 'reconciliation') = (year_begins IS NOT NULL)", name="reconciliation"),
        CheckConstraint("(kind = 'deduction') = (deduction_id IS NOT NULL)", name="deduction"),
        CheckConstraint("kind IN ('reconciliation', 'deduction') OR issued_by IS NOT NULL", name="issued_by_somebody"),
        CheckConstraint("(status = 'refunded') = (refunded_at IS NOT NULL)", name="refunded"),
        CheckConstraint("length(reason) > 0", name="reason_given"),
        CheckConstraint("given_back BETWEEN 0 AND amount", name="given_back_within"),
        CheckConstraint("taken_back >= 0 AND to_refund + taken_back <= amount", name="taken_back_within"),
        CheckConstraint("provider_id IS NULL OR sent_at IS NOT NULL", name="sent_when"),
    )

    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    invoice_id: Mapped[int] = key_of("invoices.id")
    # The first (second, …) of its invoice.
    place: Mapped[int]
    kind: Mapped[CreditKind] = mapped_column(choice(CreditKind, "kind"))
    net: Mapped[Money] = mapped_column()
    vat: Mapped[Money] = mapped_column()
    amount: Mapped[Money] = mapped_column()
    reason: Mapped[str]
    dispute_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    # The contract year that gave it, by its first day.
    year_begins: Mapped[date | None]
    # The deduction that it takes, of which no month was left to take it from.
    deduction_id: Mapped[int | None] = key_of("deductions.id")
    status: Mapped[CreditStatus] = mapped_column(choice(CreditStatus, "status"), index=True)
    issued_at: Mapped[When]
    issued_by: Mapped[int | None] = key_of("people.id")
    # How much of it was paid before and is to go back to the funder, in pounds; and when it went.
    to_refund: Mapped[Money] = mapped_column()
    # How much of it a bank had taken back for the funder already, so that nothing more of that goes back.
    taken_back: Mapped[Money] = mapped_column(default=Decimal(0), server_default="0")
    refunded_at: Mapped[When | None]
    # The invoice that asks again for what was credited, or part of it.
    reissued_as_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"), unique=True)
    # What the payment provider calls it, when it was told, and what it gave back for it, in pounds.
    provider_id: Mapped[str | None] = mapped_column(unique=True)
    sent_at: Mapped[When | None]
    given_back: Mapped[Money] = mapped_column(default=Decimal(0), server_default="0")
    # The provider's key of a refund for it that did not arrive, of which we may hear before the credit note itself.
    failed_refund: Mapped[str | None]
    next_attempt_at: Mapped[When]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]

    invoice: Mapped[Invoice] = relationship(back_populates="credit_notes", foreign_keys=[invoice_id])
    reissued_as: Mapped[Invoice | None] = relationship(foreign_keys=[reissued_as_id])
    issuer: Mapped[Person | None] = relationship()
    dispute: Mapped[Dispute | None] = relationship(
        primaryjoin="foreign(CreditNote.dispute_id) == Dispute.id", viewonly=True
    )

    @property
    def payment_reference(self) -> str:
        """What the payment provider is told to know it by."""
        return payment_reference(self.number, self.issued_at)

    @property
    def memo(self) -> str:
        """What the payment provider is told that it is; no free words, which may name people."""
        return f"Credit note {self.number}: {self.kind.label.lower()}"

    @property
    def is_to_be_given_back(self) -> bool:
        """Whether the supplier itself is to give money back: the provider has been told, and gives none back."""
        return self.status is CreditStatus.ISSUED and self.to_refund > 0 and not self.given_back


class Dispute(Base):
    """A funder says that an invoice, or part of it, is not owed. One at a time; while it is open its part is credited.

    If it is not upheld, that part is invoiced again.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        UniqueConstraint("id", "invoice_id"),
        Index("uq_disputes_one_open", "invoice_id", unique=True, postgresql_where=text("status = 'open'")),
        CheckConstraint("net > 0", name="net_positive"),
        CheckConstraint("upheld_net IS NULL OR upheld_net BETWEEN 0 AND net", name="upheld_within"),
        CheckConstraint(
            "(status = 'open') = (settled_at IS NULL) AND (status = 'open') = (upheld_net IS NULL)", name="settled"
        ),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered"),
        CheckConstraint("answered_by IS NULL OR answered_at IS NOT NULL", name="answered_by_somebody"),
    )

    id: Mapped[Key]
    invoice_id: Mapped[int] = key_of("invoices.id")
    status: Mapped[DisputeStatus] = mapped_column(choice(DisputeStatus, "status"), index=True)
    net: Mapped[Money] = mapped_column()
    is_whole: Mapped[bool]
    reason: Mapped[str]
    raised_at: Mapped[When]
    raised_by: Mapped[int] = key_of("people.id")
    # What the supplier says to it.
    answer: Mapped[str | None]
    answered_at: Mapped[When | None]
    # Nobody where an answer from before this was kept cannot be told from the audit trail.
    answered_by: Mapped[int | None] = key_of("people.id")
    # How it ended: how much of it was right, and why.
    upheld_net: Mapped[Money | None] = mapped_column()
    outcome: Mapped[str | None]
    settled_at: Mapped[When | None]
    settled_by: Mapped[int | None] = key_of("people.id")

    invoice: Mapped[Invoice] = relationship(back_populates="disputes")
    raiser: Mapped[Person] = relationship(foreign_keys=[raised_by])
    answerer: Mapped[Person | None] = relationship(foreign_keys=[answered_by])
    settler: Mapped[Person | None] = relationship(foreign_keys=[settled_by])


class InvoiceDocument(Base):
    """The PDF of an invoice or of a credit note, made by a job and kept with its hash."""

    __tablename__ = "invoice_documents"
    __table_args__ = (
        CheckConstraint("num_nonnulls(invoice_id, credit_note_id) = 1", name="of_one"),
        CheckConstraint("(status = 'made') = (sha256 IS NOT NULL)", name="made"),
    )

    id: Mapped[Key]
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id"), unique=True)
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("credit_notes.id"), unique=True)
    status: Mapped[DocumentStatus] = mapped_column(choice(DocumentStatus, "status"), index=True)
    wanted_at: Mapped[When]
    made_at: Mapped[When | None]
    sha256: Mapped[str | None]
    size: Mapped[int | None]

    invoice: Mapped[Invoice | None] = relationship()
    credit_note: Mapped[CreditNote | None] = relationship()
