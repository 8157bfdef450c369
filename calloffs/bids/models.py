"""Bids, receipts and the opening of bids. A bid's content is only ever in the database sealed."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.bids.rules import BidStatus
from calloffs.competitions.models import Competition
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, When, choice, key_of


class Bid(Base):
    """One supplier's bid in one competition: never two, whatever happens at once.

    `sealed_draft` is what is being written; `sealed_submission` what was last submitted. Both are read through
    calloffs.bids.queries only, which asks who may.
    """

    __tablename__ = "bids"
    __table_args__ = (
        UniqueConstraint("competition_id", "organisation_id"),
        CheckConstraint(
            "status <> 'submitted' OR (sealed_submission IS NOT NULL AND submitted_at IS NOT NULL)",
            name="submitted_complete",
        ),
    )

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    status: Mapped[BidStatus] = mapped_column(choice(BidStatus, "status"))
    sealed_draft: Mapped[bytes] = mapped_column(deferred=True)
    sealed_submission: Mapped[bytes | None] = mapped_column(deferred=True)
    # Counts saved drafts: a save that began from an older one is told so, and nothing typed is lost.
    version: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[When]
    started_by: Mapped[int] = key_of("people.id")
    changed_at: Mapped[When]
    submitted_at: Mapped[When | None]
    withdrawn_at: Mapped[When | None]

    competition: Mapped[Competition] = relationship()
    organisation: Mapped[Organisation] = relationship()


class Receipt(Base):
    """Proof of one submission: when it was taken and the digest of what was in it."""

    __tablename__ = "bid_receipts"
    __table_args__ = (UniqueConstraint("bid_id", "number"),)

    id: Mapped[Key]
    bid_id: Mapped[int] = key_of("bids.id")
    number: Mapped[int]
    digest: Mapped[str]
    submitted_at: Mapped[When]
    submitted_by: Mapped[int] = key_of("people.id")

    bid: Mapped[Bid] = relationship()
    person: Mapped[Person] = relationship()


class Opening(Base):
    """One officer's turn of the key. Bids are open when two different officers have turned theirs after closing."""

    __tablename__ = "bid_openings"
    __table_args__ = (UniqueConstraint("competition_id", "person_id"),)

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    person_id: Mapped[int] = key_of("people.id")
    at: Mapped[When]

    person: Mapped[Person] = relationship()
