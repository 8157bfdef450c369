"""Referrals and sessions. What would tell who somebody is, or what they need, is sealed in the database."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import ServiceLine
from contracts.referrals.rules import (
    AbsenceKind,
    Attendance,
    Complexity,
    Consent,
    ReferralStatus,
    read_until,
)
from marketplace import clock
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, choice, key_of
from marketplace.framework.models import Category, DesiredOutcome
from marketplace.vault import SealedText


def _sealed(context: str) -> Any:
    """A sealed column that no query loads by chance: it is read by `queries.sealed_words`, which checks the right."""
    return mapped_column(SealedText(context), deferred=True, deferred_raiseload=True)


class Referral(Base):
    """One person referred to one service line by their Responsible Officer."""

    __tablename__ = "referrals"
    __table_args__ = (
        # Counting a line again reads nothing but this.
        Index(
            "ix_referrals_placed",
            "line_id",
            "placed_at",
            postgresql_include=["released_at"],
            postgresql_where=text("placed_at IS NOT NULL"),
        ),
        # Nobody is referred twice to the same service while a referral is open.
        Index(
            "uq_referrals_one_open",
            "line_id",
            "crn_fingerprint",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'offered', 'sent', 'accepted')"),
        ),
        # Who was first referred when, to which kind of help: cohorts are counted from this alone.
        Index(
            "ix_referrals_begun",
            "line_id",
            func.coalesce(text("joined_at"), text("sent_at")),
            postgresql_include=["joined_at", "sent_at", "category_code", "complexity"],
            postgresql_where=text("moved_from_id IS NULL"),
        ),
        # What is open, or moved on, by line: the referral desk reads nothing else of a referral.
        Index(
            "ix_referrals_open",
            "line_id",
            postgresql_include=[*("id", "reference", "status", "sent_at", "accepted_at", "ended_at", "moved_from_id")],
            postgresql_where=text("status IN ('sent', 'accepted', 'transferred')"),
        ),
        # Waiting lists in numbers.
        Index(
            "ix_referrals_unsent",
            "line_id",
            postgresql_include=["status", "joined_at"],
            postgresql_where=text("status IN ('waiting', 'offered')"),
        ),
        # Who waits, in order; and which offers run out.
        Index("ix_referrals_queue", "line_id", "joined_at", "id", postgresql_where=text("status = 'waiting'")),
        Index("ix_referrals_offers", "offer_ends_at", postgresql_where=text("status = 'offered'")),
        CheckConstraint("rar_days IS NULL OR rar_days BETWEEN 1 AND 365", name="rar_days"),
        CheckConstraint(
            "status <> 'accepted' OR (accepted_at IS NOT NULL AND caseworker_id IS NOT NULL)", name="accepted"
        ),
        CheckConstraint(
            "status NOT IN ('offered', 'sent', 'accepted', 'returned', 'completed') OR placed_at IS NOT NULL",
            name="placed",
        ),
        CheckConstraint(
            "status <> 'waiting' OR (joined_at IS NOT NULL AND placed_at IS NULL AND sent_at IS NULL)", name="waiting"
        ),
        CheckConstraint(
            "status <> 'offered' OR (joined_at IS NOT NULL AND offered_at IS NOT NULL AND sent_at IS NULL)",
            name="offered",
        ),
        CheckConstraint("(offered_at IS NULL) = (offer_ends_at IS NULL)", name="offer_ends"),
        CheckConstraint("sent_at IS NOT NULL OR joined_at IS NOT NULL", name="sent_or_waited"),
        CheckConstraint(
            "status NOT IN ('sent', 'accepted', 'returned', 'completed') OR sent_at IS NOT NULL", name="sent"
        ),
        CheckConstraint(
            "released_at IS NULL OR (placed_at IS NOT NULL AND released_at >= placed_at)", name="released_after"
        ),
        CheckConstraint(
            "status NOT IN ('waiting', 'offered', 'sent', 'accepted', 'completed') OR released_at IS NULL",
            name="place_kept",
        ),
        CheckConstraint("status <> 'returned' OR released_at IS NOT NULL", name="place_given_back"),
        # Nobody is moved twice out of one referral, unless the first move was undone.
        Index("uq_referrals_moved_once", "moved_from_id", unique=True, postgresql_where=text("move_undone_at IS NULL")),
        CheckConstraint("moved_from_id <> id", name="moved_from_another"),
        CheckConstraint(
            "move_undone_at IS NULL OR (moved_from_id IS NOT NULL AND status = 'withdrawn')", name="move_undone"
        ),
        CheckConstraint("status <> 'transferred' OR ended_at IS NOT NULL", name="transferred"),
        CheckConstraint(
            "(consent = 'not_asked') = (consent_at IS NULL) AND (consent_at IS NULL) = (consent_by IS NULL)",
            name="consent_recorded",
        ),
    )

    id: Mapped[Key]
    # What people and letters call it: says nothing about the person, e.g. R-4F7K2M.
    reference: Mapped[str] = mapped_column(unique=True)
    line_id: Mapped[int] = key_of("service_lines.id")
    officer_id: Mapped[int] = key_of("people.id")
    officer_organisation_id: Mapped[int] = key_of("organisations.id")
    status: Mapped[ReferralStatus] = mapped_column(choice(ReferralStatus, "status"))
    crn: Mapped[str] = _sealed("referrals.crn")
    crn_fingerprint: Mapped[str] = mapped_column(index=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    need: Mapped[str] = _sealed("referrals.need")
    complexity: Mapped[Complexity] = mapped_column(choice(Complexity, "complexity"))
    rar_days: Mapped[int | None]
    # When it joined the line's waiting list (None if there was room at once), when a place was held for it, and until
    # when the officer may take that.
    joined_at: Mapped[When | None]
    offered_at: Mapped[When | None]
    offer_ends_at: Mapped[When | None]
    # When the supplier got it; None while it waits, and for ever if it left the waiting list.
    sent_at: Mapped[When | None]
    # When it took one of the line's places, and when it gave that back: between them it counts towards volume.
    placed_at: Mapped[When | None]
    released_at: Mapped[When | None]
    accepted_at: Mapped[When | None]
    caseworker_id: Mapped[int | None] = key_of("people.id")
    # When the officer last looked: what happened since waits for them.
    officer_looked_at: Mapped[When | None]
    ended_at: Mapped[When | None]
    ended_reason: Mapped[str | None] = _sealed("referrals.ended_reason")
    # The referral to another supplier that this one goes on from, and whether that move was undone.
    moved_from_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("referrals.id"))
    move_undone_at: Mapped[When | None]
    # Whether the person lets the next supplier read what is recorded here; who wrote the answer down, and when.
    consent: Mapped[Consent] = mapped_column(
        choice(Consent, "consent"), default=Consent.NOT_ASKED, server_default=Consent.NOT_ASKED.value
    )
    consent_at: Mapped[When | None]
    consent_by: Mapped[int | None] = key_of("people.id")

    line: Mapped[ServiceLine] = relationship()
    officer: Mapped[Person] = relationship(foreign_keys=[officer_id])
    caseworker: Mapped[Person | None] = relationship(foreign_keys=[caseworker_id])
    category: Mapped[Category] = relationship()
    outcomes: Mapped[list[DesiredOutcome]] = relationship(
        secondary="referral_outcomes", order_by="DesiredOutcome.position"
    )
    sessions: Mapped[list[Session]] = relationship(order_by="Session.number", back_populates="referral")
    moved_from: Mapped[Referral | None] = relationship(remote_side="Referral.id", viewonly=True)

    @property
    def begun_at(self) -> datetime:
        """When it was sent, or joined the waiting list if it has not been."""
        begun = self.sent_at or self.joined_at
        assert begun is not None  # a constraint of the table
        return begun

    @property
    def has_lapsed(self) -> bool:
        """Whether a place was held for it that nobody took in time."""
        if self.sent_at is not None or self.ended_at is None or self.offer_ends_at is None:
            return False
        return self.offer_ends_at <= self.ended_at

    @property
    def supplier_reads_until(self) -> date | None:
        """Once it has ended: the last London day on which its supplier reads it."""
        return None if self.ended_at is None else read_until(clock.london(self.ended_at).date())

    @property
    def held_until(self) -> date | None:
        """The last London day on which the place that is held for it can be taken."""
        return None if self.offer_ends_at is None else clock.london(self.offer_ends_at - timedelta(seconds=1)).date()


class HeldPlace(Base):
    """A place held for somebody when its contract year ended: given back with that year, for one of the next."""

    __tablename__ = "held_places"
    __table_args__ = (
        UniqueConstraint("referral_id", "placed_at"),
        CheckConstraint("released_at >= placed_at", name="released_after"),
    )

    id: Mapped[Key]
    referral_id: Mapped[int] = key_of("referrals.id")
    placed_at: Mapped[When]
    released_at: Mapped[When]


class LineDay(Base):
    """A line's running count: a row for each London day on which a place was taken or given back, or one completed.

    Kept by `actions.counting` alone, in the transaction of the referral itself, under the lock of the line's row.
    """

    __tablename__ = "line_days"
    __table_args__ = (
        CheckConstraint("day >= year_begins", name="within_year"),
        CheckConstraint("placed >= 0 AND released >= 0 AND total >= 0", name="not_negative"),
        CheckConstraint("completed >= 0 AND delivered >= completed", name="delivered"),
    )

    line_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("service_lines.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    # The first day of the contract year in which the places count.
    year_begins: Mapped[date]
    placed: Mapped[int]
    released: Mapped[int]
    # The contract year's count at the end of the day.
    total: Mapped[int]
    # How many of those that count were completed on the day, and in the contract year by its end.
    completed: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)


class LineNotice(Base):
    """What officers are told about a service before they refer somebody to it, until a day."""

    __tablename__ = "line_notices"
    __table_args__ = (
        CheckConstraint("words <> ''", name="words"),
        Index("ix_line_notices_shown", "line_id", "until", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    words: Mapped[str]
    # The last London day on which it is shown, unless it is ended before.
    until: Mapped[date]
    set_at: Mapped[When]
    set_by: Mapped[int] = key_of("people.id")
    ended_at: Mapped[When | None]


class ReferralOutcome(Base):
    """A desired outcome chosen for a referral."""

    __tablename__ = "referral_outcomes"

    referral_id: Mapped[int] = mapped_column(ForeignKey("referrals.id"), primary_key=True)
    outcome_code: Mapped[str] = mapped_column(ForeignKey("desired_outcomes.code"), primary_key=True)
    # Whether it was reached, as the service said at completion; None where nobody has said.
    reached: Mapped[bool | None]


class Session(Base):
    """An appointment offered to the person, and what became of it."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("referral_id", "number"),
        # When somebody was last heard of is read from this alone.
        Index("ix_sessions_referral_id", "referral_id", "starts_at", postgresql_include=["recorded_at"]),
        CheckConstraint("(attendance IS NULL) = (recorded_at IS NULL)", name="recorded"),
        CheckConstraint("(absence IS NOT NULL) = (attendance IS NOT NULL AND attendance = 'NO')", name="absence"),
    )

    id: Mapped[Key]
    referral_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("referrals.id"))
    number: Mapped[int]
    starts_at: Mapped[When]
    # When it was put on record: what is entered afterwards meets no clock that had run out by then.
    entered_at: Mapped[When]
    attendance: Mapped[Attendance | None] = mapped_column(choice(Attendance, "attendance"))
    absence: Mapped[AbsenceKind | None] = mapped_column(choice(AbsenceKind, "absence_kind"))
    note: Mapped[str | None] = _sealed("sessions.note")
    recorded_at: Mapped[When | None]
    recorded_by: Mapped[int | None] = key_of("people.id")

    referral: Mapped[Referral] = relationship(back_populates="sessions")
