"""What is on record about volumes: when in the year referrals are expected, and what was warned of."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import ServiceLine
from contracts.volumes.rules import AlertKind, AlertStatus
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, choice, key_of


class LineSeason(Base):
    """How much a working day of each month weighs in a line's profile, from a day on. The latest entry holds.

    Never changed: another decision is another row, so that the profile of a past day stays what it was.
    """

    __tablename__ = "line_seasons"
    __table_args__ = (
        CheckConstraint(
            "cardinality(weights) = 12 AND 0 <= ALL (weights) AND 1000 >= ALL (weights) AND 0 < ANY (weights)",
            name="weights",
        ),
        CheckConstraint("reason <> ''", name="reason"),
        Index("ix_line_seasons_latest", "line_id", "from_day", "id"),
    )

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    from_day: Mapped[date]
    # January to December.
    weights: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    reason: Mapped[str]
    set_by: Mapped[int] = key_of("people.id")
    set_at: Mapped[When]

    person: Mapped[Person] = relationship()


class VolumeAlert(Base):
    """A service came near a volume that matters. Once for each line, contract year and volume: a variation that moves
    the cap warns anew."""

    __tablename__ = "volume_alerts"
    __table_args__ = (
        UniqueConstraint("line_id", "year_begins", "kind", "volume"),
        UniqueConstraint("id", "line_id"),
        Index("ix_volume_alerts_unclosed", "line_id", postgresql_where=text("status <> 'closed'")),
        CheckConstraint("volume >= 0 AND counted >= 0", name="figures"),
        CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL) AND (status = 'closed') = (closed_why IS NOT NULL)",
            name="closed",
        ),
        CheckConstraint("closed_by IS NULL OR closed_at IS NOT NULL", name="closed_by"),
    )

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    # The first day of the contract year it is about.
    year_begins: Mapped[date]
    kind: Mapped[AlertKind] = mapped_column(choice(AlertKind, "kind"))
    # The cap, or the volume at which the lowest band begins.
    volume: Mapped[int]
    status: Mapped[AlertStatus] = mapped_column(choice(AlertStatus, "status"))
    raised_on: Mapped[date]
    raised_at: Mapped[When]
    # The count at the time, and where the year was heading.
    counted: Mapped[int]
    projected: Mapped[int | None]
    closed_at: Mapped[When | None]
    # Nobody where the marketplace itself closed it.
    closed_by: Mapped[int | None] = key_of("people.id")
    closed_why: Mapped[str | None]

    line: Mapped[ServiceLine] = relationship()
    closer: Mapped[Person | None] = relationship()
