"""What is kept of what was done: events of the audit trail, and letters."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from marketplace.audit import AuditEvent
from marketplace.extensions import db
from marketplace.outbox import Letter


def recorded() -> Counter[str]:
    """How often each thing was done, whatever it was done to."""
    return Counter(db.session.scalars(select(AuditEvent.what)))


def told(key: str) -> list[str]:
    """What letters under a key told of, in their order."""
    keys = db.session.scalars(select(Letter.key).where(Letter.key.startswith(key)).order_by(Letter.id))
    return list(dict.fromkeys(one.removeprefix(key).rpartition(":")[0] for one in keys))
