"""What people decide about volumes: when in the year referrals are expected."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, Integer
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Person
from marketplace.database import Base, Key, When, key_of


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
