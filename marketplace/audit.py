"""The audit trail: who did what, when, on what. Written in the same transaction, never changed or deleted.

The database itself refuses update, delete and truncate on the table (a trigger, made by the first migration).
Details hold keys, codes and figures only: never personal data of people on probation, never the words of a bid.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.access import Actor
from marketplace.database import Base, Key, When
from marketplace.extensions import db


class AuditEvent(Base):
    """One thing that one person (or the marketplace itself) did to one object."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject", "subject_kind", "subject_id", "id"),)

    id: Mapped[Key]
    at: Mapped[When]
    # No foreign keys: the trail outlives whatever it speaks of, and names people as they were called then.
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    person_name: Mapped[str]
    organisation_id: Mapped[int | None] = mapped_column(BigInteger)
    organisation_name: Mapped[str]
    what: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


def subject_kind(subject: Base) -> str:
    """The name under which an object's events are kept: its table's."""
    return str(subject.__tablename__)


def record(what: str, subject: Base, *, actor: Actor, now: datetime, **details: Any) -> None:
    """Add one event. `what` is a past-tense phrase people read: "Submitted for approval"."""
    if subject.id is None:  # type: ignore[attr-defined]
        db.session.flush()
    db.session.add(
        AuditEvent(
            at=now,
            person_id=actor.person_id,
            person_name=actor.name,
            organisation_id=actor.organisation_id,
            organisation_name=actor.organisation_name,
            what=what,
            subject_kind=subject_kind(subject),
            subject_id=subject.id,  # type: ignore[attr-defined]
            details=details,
        )
    )


def events_for(subject: Base) -> Sequence[AuditEvent]:
    """Everything that was done to this object, latest first: its timeline."""
    return db.session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.subject_kind == subject_kind(subject),
            AuditEvent.subject_id == subject.id,  # type: ignore[attr-defined]
        )
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
    ).all()
