"""What is on record about volumes: when in the year referrals are expected, what was warned of, and what
was done about it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import ServiceLine
from contracts.referrals.models import LineNotice
from contracts.volumes.rules import ActionKind, ActionStatus, AlertKind, AlertStatus, Verdict
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


class VolumeAction(Base):
    """What is done about a service's volume: decided, followed up on a day, and found to have helped or not."""

    __tablename__ = "volume_actions"
    __table_args__ = (
        ForeignKeyConstraint(["alert_id", "line_id"], ["volume_alerts.id", "volume_alerts.line_id"]),
        # A second one of the same kind is the first one, to be followed up.
        Index(
            "uq_volume_actions_one_under_way",
            "line_id",
            "kind",
            unique=True,
            postgresql_where=text("status = 'under_way'"),
        ),
        Index("ix_volume_actions_follow_up", "follow_up_on", postgresql_where=text("status = 'under_way'")),
        CheckConstraint("what <> ''", name="what"),
        CheckConstraint("notice_id IS NULL OR kind IN ('slow', 'waiting_list')", name="notice"),
        CheckConstraint("letters_wanted_at IS NULL OR kind = 'market'", name="letters_of_marketing"),
        CheckConstraint("letters_written_at IS NULL OR letters_wanted_at IS NOT NULL", name="letters_wanted"),
    )

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    # The alert it answers, where there was one.
    alert_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    kind: Mapped[ActionKind] = mapped_column(choice(ActionKind, "kind"))
    status: Mapped[ActionStatus] = mapped_column(choice(ActionStatus, "status"))
    what: Mapped[str]
    # Who sees to it, for which body, and when it is looked at again.
    owner_id: Mapped[int] = key_of("people.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    follow_up_on: Mapped[date]
    decided_on: Mapped[date]
    decided_at: Mapped[When]
    decided_by: Mapped[int] = key_of("people.id")
    # What officers see on the service meanwhile.
    notice_id: Mapped[int | None] = key_of("line_notices.id")
    # When letters to the officers of the area were asked for, and when all were written.
    letters_wanted_at: Mapped[When | None]
    letters_written_at: Mapped[When | None]

    line: Mapped[ServiceLine] = relationship()
    alert: Mapped[VolumeAlert | None] = relationship(
        primaryjoin="VolumeAction.alert_id == VolumeAlert.id", foreign_keys=[alert_id], viewonly=True
    )
    owner: Mapped[Person] = relationship(foreign_keys=[owner_id])
    decider: Mapped[Person] = relationship(foreign_keys=[decided_by])
    notice: Mapped[LineNotice | None] = relationship()
    reviews: Mapped[list[VolumeReview]] = relationship(order_by="VolumeReview.id")


class VolumeReview(Base):
    """One time that an action was followed up: what was found, and when it is looked at next."""

    __tablename__ = "volume_reviews"
    __table_args__ = (
        Index(
            "uq_volume_reviews_one_last",
            "action_id",
            unique=True,
            postgresql_where=text("verdict <> 'goes_on'"),
        ),
        UniqueConstraint("action_id", "due_on"),
        CheckConstraint("(verdict = 'goes_on') = (next_on IS NOT NULL)", name="next"),
        CheckConstraint("words <> ''", name="words"),
    )

    id: Mapped[Key]
    action_id: Mapped[int] = key_of("volume_actions.id")
    # The day for which it was planned: so that a second press of the button is not a second review.
    due_on: Mapped[date]
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict, "verdict"))
    words: Mapped[str]
    next_on: Mapped[date | None]
    reviewed_on: Mapped[date]
    at: Mapped[When]
    by: Mapped[int] = key_of("people.id")

    person: Mapped[Person] = relationship()
