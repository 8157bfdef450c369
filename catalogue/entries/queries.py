"""Entries of the catalogue: each is a service line in force, read straight from its contract. Nothing is kept twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from contracts.agreements.models import Agreement, LineTerms, ServiceLine
from contracts.agreements.queries import is_open, with_terms
from contracts.referrals.queries import notices_of, queues_of, suppliers_with_somebody
from contracts.volumes.queries import made_known, positions
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.presentation import plural


@dataclass(frozen=True)
class Entry:
    """One service of the catalogue: its contract line, the room it has, and whether it is referred to here."""

    line: ServiceLine
    # What is agreed about it on the day asked about.
    terms: LineTerms
    # None where no cap is recorded.
    room: int | None
    # Whether somebody of the supplier is here to receive a referral.
    takes_referrals: bool
    # How many wait for a place.
    waiting: int = 0
    # What whoever refers is told first.
    notices: Sequence[str] = ()
    # Whether the region is making it known that the service has room.
    is_made_known: bool = False

    @property
    def room_words(self) -> str:
        """The room in words."""
        if self.room is None:
            return "No cap recorded"
        if self.room:
            return f"Room for {self.room:,} more this contract year"
        return f"Full: waiting list, {f'{self.waiting:,}' if self.waiting else 'nobody'} waiting"

    @property
    def can_be_referred_to(self) -> bool:
        """Whether a referral made now would be taken."""
        return self.takes_referrals and self.room != 0

    @property
    def can_be_waited_for(self) -> bool:
        """Whether somebody could be put on its waiting list."""
        return self.takes_referrals and self.room == 0

    @property
    def who_words(self) -> str:
        """Who can be referred, in words: "Women aged 18 to 25"."""
        line = self.line
        who = "Women and men" if line.open_to_women and line.open_to_men else "Women" if line.open_to_women else "Men"
        if line.maximum_age is None:
            return f"{who} aged {line.minimum_age} and over"
        return f"{who} aged {line.minimum_age} to {line.maximum_age}"

    @property
    def places_words(self) -> str:
        """Where it is given, in words; many places are counted."""
        names = [place.name for place in self.terms.places]
        if len(names) > 6:
            return f"{', '.join(names[:5])} and {plural(len(names) - 5, 'other area')}"
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def entries_of(lines: Sequence[ServiceLine], *, on: date) -> list[Entry]:
    """These lines as entries, in their order. A few queries, however many there are."""
    found = positions(lines, on=on)
    receiving = suppliers_with_somebody([line.agreement.supplier_id for line in lines]) if lines else set()
    queues = queues_of(line.id for line in lines if found[line.id].room == 0)
    notices, known = notices_of(found, on), made_known(found)
    return [
        Entry(
            line,
            line.terms_on(on),
            found[line.id].room,
            line.agreement.supplier_id in receiving,
            queues[line.id].waiting if line.id in queues else 0,
            notices.get(line.id, ()),
            line.id in known and found[line.id].room != 0,
        )
        for line in lines
    ]


def entry(line_id: int, *, on: date) -> Entry:
    """One service, if it is in force and takes referrals on that day. Raises NotFound else."""
    line = db.session.scalar(
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(ServiceLine.id == line_id, is_open(on))
        .options(*whole(), joinedload(ServiceLine.agreement).selectinload(Agreement.subcontractors))
    )
    if line is None:
        raise NotFound("There is no such service, or it does not take referrals now.")
    return entries_of([line], on=on)[0]


def whole() -> list[ORMOption]:
    """What an entry's card shows, fetched at once."""
    return [
        joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
        selectinload(ServiceLine.categories),
        *with_terms(),
    ]
