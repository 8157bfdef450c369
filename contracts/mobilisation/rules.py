"""Mobilisation: milestones before the start, who is cleared to deliver, promises as rows, and the supply chain."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import count, takewhile

from contracts.agreements.rules import Side, months_after
from marketplace.accounts.rules import SupplierStatus
from marketplace.working_days import add_working_days, is_working_day, working_days_between

# Our defaults (‡): how long before its day a milestone that is not done puts the start at risk; how long before its
# end a clearance is warned of; how long a contract that has begun stays in the list of those that get ready.
SOON_WORKING_DAYS = 10
EXPIRY_WARNING_DAYS = 60
LISTED_DAYS_AFTER_START = 90
# A milestone made late is never due at once: so many working days remain, though not past the start.
LEAST_WORKING_DAYS = 5
# A report on a promise or the supply chain is asked for from its day, and late after so many days.
REPORT_DAYS = 14


class MilestoneStatus(StrEnum):
    """Where a milestone stands: its owner says that it is done, the other side accepts it or sends it back."""

    OPEN = "open"
    DONE = "done"
    ACCEPTED = "accepted"
    SENT_BACK = "sent_back"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            MilestoneStatus.OPEN: "To do",
            MilestoneStatus.DONE: "Done, to be accepted",
            MilestoneStatus.DROPPED: "Not needed",
        }.get(self, self.value.replace("_", " ").capitalize())


MILESTONE_MOVES: dict[MilestoneStatus, frozenset[MilestoneStatus]] = {
    MilestoneStatus.OPEN: frozenset({MilestoneStatus.DONE, MilestoneStatus.DROPPED}),
    MilestoneStatus.DONE: frozenset({MilestoneStatus.ACCEPTED, MilestoneStatus.SENT_BACK}),
    MilestoneStatus.SENT_BACK: frozenset({MilestoneStatus.DONE, MilestoneStatus.DROPPED}),
    MilestoneStatus.ACCEPTED: frozenset(),
    MilestoneStatus.DROPPED: frozenset(),
}
# What its owner still has to do.
TO_DO = frozenset({MilestoneStatus.OPEN, MilestoneStatus.SENT_BACK})
# What is settled: nobody waits for it.
SETTLED = frozenset({MilestoneStatus.ACCEPTED, MilestoneStatus.DROPPED})


def other(side: Side) -> Side:
    """The side that judges what this side has done."""
    return Side.COMMISSIONER if side is Side.SUPPLIER else Side.SUPPLIER


@dataclass(frozen=True)
class Usual:
    """A milestone of the default set: who owns it, and how many working days before the start it is due."""

    title: str
    evidence: str
    side: Side
    days_before: int


# Our default set (‡), for the contract manager to change. Sources: R61, R131, R136, R150; domain.md, "Words" (TUPE).
_OURS, _THEIRS = Side.COMMISSIONER, Side.SUPPLIER
USUAL = (
    Usual("Mobilisation plan agreed", "The plan, with dates and who does what, agreed by both sides.", _THEIRS, 40),
    Usual("Insurance in force", "Insurer, cover and end date of public and employer’s liability.", _THEIRS, 30),
    Usual("Information kept safely", "Cyber Essentials Plus, and the data protection assessment.", _THEIRS, 30),
    Usual("Staff in post", "Posts filled, and the outcome for staff who transfer under TUPE.", _THEIRS, 20),
    Usual("Promises can be measured", "All promises written as rows under Promises and agreed.", _THEIRS, 20),
    Usual("Premises ready", "Where people are seen, and how those places are accessible.", _THEIRS, 15),
    Usual("Supply chain in place", "Subcontractors entered under Supply chain, terms signed.", _THEIRS, 15),
    Usual("Staff cleared", "Everybody who delivers is under People, with clearance and prison access.", _THEIRS, 10),
    Usual("Officers told how to refer", "When and how officers were told of the service.", _OURS, 10),
    Usual("Invoices can be paid", "Each funder’s purchase order number, and who approves.", _OURS, 10),
)


def working_days_before(start: date, days: int) -> date:
    """The working day so many working days before the start, which itself is not counted; for 0 the start itself."""
    day = start
    for _ in range(days):
        day -= timedelta(days=1)
        while not is_working_day(day):
            day -= timedelta(days=1)
    return day


def days_before(start: date, due_on: date) -> int:
    """How many working days before the start something is due; 0 for the start itself and later."""
    return working_days_between(due_on, start - timedelta(days=1))


def due_on(start: date, days: int, *, made_on: date) -> date:
    """When a milestone is due: so many working days before the start, but never sooner than people can do it.

    Made late, it leaves the least number of working days, though never past the start (or the day it is made).
    """
    least = min(add_working_days(made_on, LEAST_WORKING_DAYS), max(start, made_on))
    return max(working_days_before(start, days), least)


class Readiness(StrEnum):
    """Whether a contract can begin on its day (R136)."""

    LATE = "late"
    AT_RISK = "at_risk"
    ON_TRACK = "on_track"
    READY = "ready"


@dataclass(frozen=True)
class Tally:
    """What stands between a contract and its start, counted on one day.

    `late` counts what its owner has still to do and whose day is past; `sent_back` and `soon` what was sent back, or
    has its day near, among the rest; `unjudged` what is said to be done and waits for the other side; `open` all
    that is not settled.
    """

    starts_on: date
    signed: bool
    milestones: int
    open: int
    late: int
    soon: int
    sent_back: int
    unjudged: int
    staff: int
    cleared: int


def readiness(tally: Tally, on: date) -> Readiness:
    """The one rule. Before the start everybody entered should be cleared; after it at least one person must be."""
    begun = on >= tally.starts_on
    staffed = tally.cleared > 0 and (begun or tally.cleared == tally.staff)
    whole = tally.signed and tally.milestones > 0 and not tally.open and staffed
    if whole:
        return Readiness.READY
    if tally.late or begun:
        return Readiness.LATE
    near = on >= working_days_before(tally.starts_on, SOON_WORKING_DAYS)
    return Readiness.AT_RISK if near or tally.soon or tally.sent_back else Readiness.ON_TRACK


def missing(tally: Tally, on: date) -> tuple[str, ...]:
    """What is missing, in words, the gravest first."""
    found = []
    if not tally.signed:
        found.append("Not signed by both sides")
    if not tally.milestones:
        found.append("No milestones yet")
    if tally.late:
        found.append(f"{_many(tally.late, 'milestone')} past the day")
    if tally.sent_back:
        found.append(f"{_many(tally.sent_back, 'milestone')} sent back")
    rest = tally.open - tally.late - tally.sent_back - tally.unjudged
    if rest:
        found.append(f"{_many(rest, 'milestone')} to do")
    if tally.unjudged:
        found.append(f"{_many(tally.unjudged, 'milestone')} to be accepted")
    if not tally.staff:
        found.append("Nobody entered who delivers")
    elif not tally.cleared:
        found.append("Nobody cleared")
    elif on < tally.starts_on and tally.cleared < tally.staff:
        found.append(f"{tally.staff - tally.cleared} of {_many(tally.staff, 'person', 'people')} not cleared")
    return tuple(found)


def _many(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


class VettingLevel(StrEnum):
    """How deeply somebody is checked. Our list (‡) of the levels in use in prisons and probation."""

    BASELINE = "baseline"
    STANDARD = "standard"
    ENHANCED_1 = "enhanced_1"
    ENHANCED_2 = "enhanced_2"

    @property
    def label(self) -> str:
        """The level in words."""
        return {
            VettingLevel.BASELINE: "Baseline (BPSS)",
            VettingLevel.STANDARD: "Standard",
            VettingLevel.ENHANCED_1: "Enhanced level 1",
            VettingLevel.ENHANCED_2: "Enhanced level 2",
        }[self]


class Clearance(StrEnum):
    """What the dates of a clearance (or of a prison's access) come to on a day."""

    NOT_APPLIED = "not_applied"
    APPLIED = "applied"
    CLEARED = "cleared"
    EXPIRING = "expiring"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """The state in words."""
        return {
            Clearance.NOT_APPLIED: "Not applied for",
            Clearance.APPLIED: "Applied for",
            Clearance.EXPIRING: "Ends soon",
            Clearance.EXPIRED: "Has ended",
        }.get(self, "Cleared")

    @property
    def holds(self) -> bool:
        """Whether the person may work under it."""
        return self in (Clearance.CLEARED, Clearance.EXPIRING)


def clearance(*, applied_on: date | None, cleared_on: date | None, expires_on: date | None, on: date) -> Clearance:
    """Where a clearance stands on a day. Its last day counts. A day of clearing to come is one not reached yet."""
    if cleared_on is None or cleared_on > on:
        return Clearance.APPLIED if applied_on is not None and applied_on <= on else Clearance.NOT_APPLIED
    if expires_on is None:
        return Clearance.CLEARED
    if expires_on < on:
        return Clearance.EXPIRED
    return Clearance.EXPIRING if (expires_on - on).days <= EXPIRY_WARNING_DAYS else Clearance.CLEARED


@dataclass(frozen=True)
class Dates:
    """When a clearance or access was asked for, given, and ends."""

    applied_on: date | None = None
    given_on: date | None = None
    expires_on: date | None = None


_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,11}")


def is_staff_reference(text: str) -> bool:
    """Whether it can be initials or a staff number: at most twelve letters, digits, dots, strokes, no blank.

    A name is more than is needed, so that what looks like one (two words) is refused.
    """
    return bool(_REFERENCE.fullmatch(text))


class PromiseKind(StrEnum):
    """What a promise is about."""

    EQUALITY = "equality"
    SOCIAL_VALUE = "social_value"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {PromiseKind.EQUALITY: "Equality (PSED)", PromiseKind.SOCIAL_VALUE: "Social value"}[self]


class PromiseStatus(StrEnum):
    """One side writes a promise as a row, the other agrees that this is what was promised."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    ENDED = "ended"


PROMISE_MOVES: dict[PromiseStatus, frozenset[PromiseStatus]] = {
    PromiseStatus.PROPOSED: frozenset({PromiseStatus.AGREED, PromiseStatus.DECLINED}),
    PromiseStatus.AGREED: frozenset({PromiseStatus.ENDED}),
    PromiseStatus.DECLINED: frozenset(),
    PromiseStatus.ENDED: frozenset(),
}


class Frequency(StrEnum):
    """How often a promise is reported on."""

    ONCE = "once"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"

    @property
    def label(self) -> str:
        """The frequency in words."""
        return {
            Frequency.ONCE: "Once, on that day",
            Frequency.QUARTERLY: "Every three months from that day",
            Frequency.YEARLY: "Every year from that day",
        }[self]


class Verdict(StrEnum):
    """What the contract manager finds of a report."""

    KEPT = "kept"
    PARTLY = "partly"
    NOT_KEPT = "not_kept"
    SENT_BACK = "sent_back"

    @property
    def label(self) -> str:
        """The verdict in words."""
        return {
            Verdict.PARTLY: "Kept in part",
            Verdict.NOT_KEPT: "Not kept",
            Verdict.SENT_BACK: "Sent back: say more",
        }.get(self, "Kept")

    @property
    def needs_reason(self) -> bool:
        """Whether the supplier must be told why."""
        return self is not Verdict.KEPT


_STEPS = {Frequency.QUARTERLY: 3, Frequency.YEARLY: 12}


def report_days(first: date, frequency: Frequency, last: date | None) -> Iterator[date]:
    """The days on which a promise is reported, the first one always; none after the contract's last day.

    Without a last day they go on for ever: take no more than are wanted.
    """
    yield first
    step = _STEPS.get(frequency)
    if step is not None:
        days = (months_after(first, step * number) for number in count(1))
        yield from days if last is None else takewhile(lambda day: day <= last, days)


def next_report(first: date, frequency: Frequency, last: date | None, reported: Collection[date]) -> date | None:
    """The earliest day that has no report yet; None when all are in."""
    return next((day for day in report_days(first, frequency, last) if day not in reported), None)


def quarters_over(starts_on: date, ends_on: date | None, on: date) -> list[tuple[date, date]]:
    """The contract's quarters that are over on a day: three months each from the start, the last cut by the end."""
    found: list[tuple[date, date]] = []
    while True:
        first = months_after(starts_on, 3 * len(found))
        last = months_after(starts_on, 3 * (len(found) + 1)) - timedelta(days=1)
        if ends_on is not None:
            last = min(last, ends_on)
        if first > last or last >= on:
            return found
        found.append((first, last))


@dataclass(frozen=True)
class Share:
    """A member of the supply chain and its part of the contract's value, in percent."""

    status: SupplierStatus | None
    percent: Decimal


def vcse_share(lead: SupplierStatus | None, chain: Iterable[Share]) -> Decimal:
    """The part that reaches voluntary, community and social enterprises, in percent (R61, R132).

    What no subcontractor has stays with the supplier itself, and counts if that is one of them.
    """
    shares = list(chain)
    passed_on = sum((one.percent for one in shares), Decimal(0))
    reached = sum((one.percent for one in shares if one.status is SupplierStatus.VCSE), Decimal(0))
    return reached + (Decimal(100) - passed_on if lead is SupplierStatus.VCSE else 0)
