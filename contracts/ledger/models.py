"""The ledger: postings and their entries, and base rates. The database refuses to change or delete what is posted.

It also refuses a posting that does not balance, or whose entries are not those it was made with (triggers of the
migration), and a day that is not that of the moment at which it was posted.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.ledger.rules import Account, PostingKind
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of


class Posting(Base):
    """One thing that moved money between accounts, once for its key."""

    __tablename__ = "postings"
    __table_args__ = (
        # Days are London's. What happened earlier and became known now is posted now, so that a day that is over
        # reads back for ever as it was read on that day.
        CheckConstraint("day = (at AT TIME ZONE 'Europe/London')::date", name="day_of_moment"),
        CheckConstraint("entry_count >= 2", name="has_entries"),
        CheckConstraint("(kind = 'invoice') = (due_on IS NOT NULL)", name="due"),
        Index("ix_postings_item", "item"),
        # With whom a funder has an account is read from this alone.
        Index("ix_postings_funder_id", "funder_id", "supplier_id"),
    )

    id: Mapped[Key]
    # What it is posted for, as "invoice:12": posting it again changes nothing.
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[PostingKind] = mapped_column(choice(PostingKind, "kind"))
    at: Mapped[When]
    day: Mapped[date] = mapped_column(index=True)
    agreement_id: Mapped[int] = key_of("agreements.id")
    funder_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    supplier_id: Mapped[int] = key_of("organisations.id")
    # The number of the invoice whose debt it makes or settles, and that of the document which says so.
    item: Mapped[str]
    document: Mapped[str]
    # Of an invoice: the last day on which it is paid in time.
    due_on: Mapped[date | None]
    entry_count: Mapped[int]

    entries: Mapped[list[Entry]] = relationship(order_by="Entry.id")
    funder: Mapped[Organisation] = relationship(foreign_keys=[funder_id])
    supplier: Mapped[Organisation] = relationship(foreign_keys=[supplier_id])


class BaseRate(Base):
    """The Bank of England's base rate from a day on. A correction is another row: what was entered first is kept."""

    __tablename__ = "base_rates"
    __table_args__ = (
        Index("uq_base_rates_day", "from_day", unique=True, postgresql_where=text("corrected_at IS NULL")),
        CheckConstraint("percent BETWEEN 0 AND 25", name="percent_within"),
        CheckConstraint("reason IS NULL OR length(reason) > 0", name="reason_given"),
    )

    id: Mapped[Key]
    from_day: Mapped[date]
    percent: Mapped[Percent] = mapped_column()
    entered_at: Mapped[When]
    # By nobody where the marketplace came with it.
    entered_by: Mapped[int | None] = key_of("people.id")
    # Why it corrects the one before for this day; and when another took its place.
    reason: Mapped[str | None]
    corrected_at: Mapped[When | None]

    enterer: Mapped[Person | None] = relationship()

    @property
    def is_default(self) -> bool:
        """Whether it came with the marketplace, and nobody has entered it."""
        return self.entered_by is None


class Entry(Base):
    """So many pounds to one organisation's account, or from it if below nought."""

    __tablename__ = "posting_entries"
    __table_args__ = (
        UniqueConstraint("posting_id", "account"),
        CheckConstraint("amount <> 0", name="not_nought"),
        Index("ix_posting_entries_account", "organisation_id", "account"),
    )

    id: Mapped[Key]
    posting_id: Mapped[int] = mapped_column(ForeignKey("postings.id"))
    account: Mapped[Account] = mapped_column(choice(Account, "account"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    amount: Mapped[Money] = mapped_column()
