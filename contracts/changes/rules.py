"""Changes to a contract: where a variation stands, what it changes, and what it does to the price. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from contracts.agreements.rules import Side, price_of
from marketplace.money import split


class VariationStatus(StrEnum):
    """Where a variation stands: drafted, approved by each funder, signed by the supplier, then by the commissioner."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_SUPPLIER = "awaiting_supplier"
    AWAITING_COMMISSIONER = "awaiting_commissioner"
    AGREED = "agreed"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            VariationStatus.AWAITING_APPROVAL: "Funders to approve",
            VariationStatus.AWAITING_SUPPLIER: "Supplier to sign",
            VariationStatus.AWAITING_COMMISSIONER: "Commissioner to sign",
        }.get(self, self.value.capitalize())


VARIATION_MOVES: dict[VariationStatus, frozenset[VariationStatus]] = {
    VariationStatus.DRAFT: frozenset({VariationStatus.AWAITING_APPROVAL, VariationStatus.WITHDRAWN}),
    VariationStatus.AWAITING_APPROVAL: frozenset(
        {VariationStatus.DRAFT, VariationStatus.AWAITING_SUPPLIER, VariationStatus.AGREED, VariationStatus.WITHDRAWN}
    ),
    VariationStatus.AWAITING_SUPPLIER: frozenset(
        {VariationStatus.DRAFT, VariationStatus.AWAITING_COMMISSIONER, VariationStatus.WITHDRAWN}
    ),
    VariationStatus.AWAITING_COMMISSIONER: frozenset(
        {VariationStatus.DRAFT, VariationStatus.AGREED, VariationStatus.WITHDRAWN}
    ),
    VariationStatus.AGREED: frozenset(),
    VariationStatus.WITHDRAWN: frozenset(),
}
WITH_COMMISSIONER = frozenset({VariationStatus.DRAFT, VariationStatus.AWAITING_APPROVAL})
OPEN = frozenset(status for status, to in VARIATION_MOVES.items() if to)
# Whose turn it is to sign, and where the signature takes the variation.
TURN = {VariationStatus.AWAITING_SUPPLIER: Side.SUPPLIER, VariationStatus.AWAITING_COMMISSIONER: Side.COMMISSIONER}
AFTER = {Side.SUPPLIER: VariationStatus.AWAITING_COMMISSIONER, Side.COMMISSIONER: VariationStatus.AGREED}


class ProposalStatus(StrEnum):
    """Where a supplier's proposal stands."""

    SENT = "sent"
    TAKEN_UP = "taken_up"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The status in words."""
        return {ProposalStatus.SENT: "To be answered", ProposalStatus.WITHDRAWN: "Taken back"}.get(
            self, self.value.replace("_", " ").capitalize()
        )


PROPOSAL_MOVES: dict[ProposalStatus, frozenset[ProposalStatus]] = {
    ProposalStatus.SENT: frozenset({ProposalStatus.TAKEN_UP, ProposalStatus.DECLINED, ProposalStatus.WITHDRAWN}),
    ProposalStatus.TAKEN_UP: frozenset(),
    ProposalStatus.DECLINED: frozenset(),
    ProposalStatus.WITHDRAWN: frozenset(),
}


class Purpose(StrEnum):
    """What a variation is for. A notice is given by the commissioner alone: the funders approve, nobody signs."""

    CHANGE = "change"
    EXTENSION = "extension"
    ENDING = "ending"
    NOTICE = "notice"

    @property
    def label(self) -> str:
        """The purpose in words."""
        return {
            Purpose.CHANGE: "Change",
            Purpose.EXTENSION: "Extension, as agreed",
            Purpose.ENDING: "Early ending, agreed by both sides",
            Purpose.NOTICE: "Early ending by notice",
        }[self]


ENDS = frozenset({Purpose.ENDING, Purpose.NOTICE})


class Ground(StrEnum):
    """Why a contract ends before its last day. The termination notice (UK11) says which."""

    NOT_NEEDED = "not_needed"
    FUNDING = "funding"
    CHANGED = "changed"
    BREACH = "breach"
    UNABLE = "unable"
    EXCLUDED = "excluded"

    @property
    def label(self) -> str:
        """The ground in words."""
        return {
            Ground.NOT_NEEDED: "The service is no longer needed",
            Ground.FUNDING: "There is no more money for it",
            Ground.CHANGED: "It would have to change so much that it must be competed for anew",
            Ground.BREACH: "The supplier has not kept to the contract",
            Ground.UNABLE: "The supplier can no longer deliver",
            Ground.EXCLUDED: "The supplier must be excluded, or is debarred",
        }[self]


# Our default (‡): how many days there are to approve and sign another last day, before it is taken back and dated anew.
SIGNING_DAYS = 30


def end_applies_from(last_day: date, *, before: date, latest: date, asked_on: date) -> date:
    """From when another last day applies, agreed by both sides: an extension, or an early ending.

    Soon, as nothing can be varied or ended before what is agreed last applies: never before the version agreed last,
    and else at the latest on the new last day, or the day after the last one before, whichever is sooner.
    """
    by = min(last_day, before + timedelta(days=1))
    return max(latest, min(by, asked_on + timedelta(days=SIGNING_DAYS)))


# Our default (‡): how many days a notice leaves, unless the ground lies with the supplier.
NOTICE_DAYS = 90
_AT_ONCE = frozenset({Ground.BREACH, Ground.UNABLE, Ground.EXCLUDED})


def earliest_last_day(ground: Ground, *, notice_on: date) -> date:
    """The earliest last day after a notice given on a day; that very day if the ground lies with the supplier."""
    return notice_on + timedelta(days=0 if ground in _AT_ONCE else NOTICE_DAYS)


@dataclass(frozen=True)
class UsualTask:
    """A task of every ending: whose it is, and how many days before the last day it is due (after it, if below 0)."""

    title: str
    what: str
    side: Side
    lead_days: int


# Our default set (‡), for the contract manager to change. Sources: R61, R92, R131; domain.md, "Words" (TUPE).
EXIT_TASKS = (
    UsualTask("Exit plan agreed", "Who does what by when, agreed by both sides.", Side.COMMISSIONER, 150),
    UsualTask(
        "Staff who may transfer (TUPE)", "The anonymised workforce list for the next supplier.", Side.SUPPLIER, 120
    ),
    UsualTask("What comes after", "The next call-off, an extension, or why there is none.", Side.COMMISSIONER, 120),
    UsualTask(
        "People in service", "For each: stays until done, moves to the next supplier, or ends.", Side.SUPPLIER, 60
    ),
    UsualTask("Officers told", "From when to refer elsewhere, and where.", Side.COMMISSIONER, 60),
    UsualTask("Supply chain", "Subcontractors told, what they are owed settled.", Side.SUPPLIER, 30),
    UsualTask("Premises and equipment", "Given back or handed on; prison keys and passes returned.", Side.SUPPLIER, 0),
    UsualTask("Records", "Handed over or kept as the law asks; access ended.", Side.SUPPLIER, 0),
    UsualTask("Final promises judged", "Last reports on promises and the supply chain.", Side.COMMISSIONER, -30),
    UsualTask("Final reconciliation", "The last contract year reconciled, invoices settled.", Side.COMMISSIONER, -60),
)
# Of a grant, instead of the last, which it has not.
GRANT_EXIT_TASKS = (
    *EXIT_TASKS[:-1],
    UsualTask("Use of the grant reported", "Each instalment: what it was spent on, what is left.", Side.SUPPLIER, -30),
    UsualTask("Grant accounted for", "Reports accepted, what was not spent given back.", Side.COMMISSIONER, -60),
)
# Our defaults (‡): how long before the end its tasks are made; how many days each leaves at least; when it is near.
EXIT_MONTHS = 6
LEAST_DAYS = 7
SOON_DAYS = 14


def lead_days_left(usual: int, *, ends_on: date, made_on: date) -> int:
    """How many days before the end a task is due that is made on a day: as usual, but never sooner than can be done."""
    return min(usual, (ends_on - made_on).days - LEAST_DAYS)


class OptionStanding(StrEnum):
    """Where an option to extend is on a day: what was decided of it and came of that; else what the clock says."""

    NOT_AGREED = "not_agreed"
    OPEN = "open"
    IN_HAND = "in_hand"
    USED = "used"
    LEFT = "left"
    LAPSED = "lapsed"

    @property
    def label(self) -> str:
        """The standing in words."""
        return {
            OptionStanding.NOT_AGREED: "In a draft",
            OptionStanding.OPEN: "To be decided",
            OptionStanding.IN_HAND: "Being approved and signed",
            OptionStanding.LEFT: "Not used",
        }.get(self, self.value.capitalize())


# Our default (‡): how many days before its decision day an option is told of.
OPTION_REMINDERS = (90, 30, 7)


def reminder_due(decide_by: date, on: date) -> int | None:
    """Which reminder of an option is the last that is due on a day; None before the first, and after its day."""
    left = (decide_by - on).days
    return min((days for days in OPTION_REMINDERS if 0 <= left <= days), default=None)


class TaskStanding(StrEnum):
    """Where a task of an ending is on a day."""

    TO_DO = "to_do"
    SOON = "soon"
    LATE = "late"
    DONE = "done"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        """The standing in words."""
        return {TaskStanding.TO_DO: "To do", TaskStanding.SOON: "Due soon", TaskStanding.DROPPED: "Not needed"}.get(
            self, self.value.capitalize()
        )


def task_standing(*, done: bool, dropped: bool, due_on: date, on: date) -> TaskStanding:
    """Where a task is: what people said, and else what the clock says."""
    if dropped:
        return TaskStanding.DROPPED
    if done:
        return TaskStanding.DONE
    if due_on < on:
        return TaskStanding.LATE
    return TaskStanding.SOON if (due_on - on).days <= SOON_DAYS else TaskStanding.TO_DO


class Payer(NamedTuple):
    """A body that pays a part: its key, and its name for people."""

    id: int
    name: str


@dataclass(frozen=True)
class Span:
    """Days of a contract under one version, both included: its services' planned prices a year, who pays what part."""

    first: date
    last: date
    annual_prices: tuple[Decimal, ...]
    shares: tuple[tuple[Payer, Decimal], ...]


def varied(spans: Sequence[Span], new: Span) -> list[Span]:
    """The spans with the new one from its first day on: what came before ends the day before."""
    cut = new.first - timedelta(days=1)
    kept = [Span(one.first, min(one.last, cut), one.annual_prices, one.shares) for one in spans if one.first <= cut]
    return [*kept, new]


def costs(spans: Sequence[Span], *, starts_on: date, first: date, last: date) -> dict[Payer, Decimal]:
    """What first..last costs each funder at the planned bands, in pounds. The sum is what the services cost together.

    Days cost what `price_of` says, so that parts sum to the whole wherever a version begins. Each span is split by
    its own shares.
    """
    found: dict[Payer, Decimal] = {}
    for span in spans:
        since, until = max(span.first, first), min(span.last, last)
        if since > until:
            continue
        amount = sum(
            (price_of(price, starts_on=starts_on, first=since, last=until) for price in span.annual_prices), Decimal(0)
        )
        parts = split(amount, [percent for _, percent in span.shares]) if span.shares else []
        for (payer, _), part in zip(span.shares, parts, strict=True):
            found[payer] = found.get(payer, Decimal(0)) + part
    return found


@dataclass(frozen=True)
class Priced:
    """What a variation does for one funder: pounds in the contract year in which it begins, and over the whole life."""

    payer: Payer
    year_before: Decimal
    year_after: Decimal
    life_before: Decimal
    life_after: Decimal


def priced(before: Sequence[Span], after: Sequence[Span], *, starts_on: date, year: tuple[date, date]) -> list[Priced]:
    """The price of a variation for each funder, those of today first."""
    life = (starts_on, max(before[-1].last, after[-1].last))
    return _beside(
        [
            costs(spans, starts_on=starts_on, first=first, last=last)
            for first, last in (year, life)
            for spans in (before, after)
        ]
    )


def granted(
    spans: Sequence[Span], parts: Sequence[tuple[date, Decimal]], *, first: date, last: date
) -> dict[Payer, Decimal]:
    """What of a grant's instalments (day, pounds) falls into first..last for each funder, by its share on their day."""
    found: dict[Payer, Decimal] = {}
    for day, amount in parts:
        shares = next((one.shares for one in reversed(spans) if one.first <= day), spans[0].shares)
        if first <= day <= last and shares:
            split_up = split(amount, [percent for _, percent in shares])
            for (payer, _), part in zip(shares, split_up, strict=True):
                found[payer] = found.get(payer, Decimal(0)) + part
    return found


def grant_priced(
    before: tuple[Sequence[Span], Sequence[tuple[date, Decimal]]],
    after: tuple[Sequence[Span], Sequence[tuple[date, Decimal]]],
    *,
    year: tuple[date, date],
) -> list[Priced]:
    """The price of a variation of a grant for each funder: its spans and its instalments, before and after."""
    return _beside(
        [
            granted(*plan, first=first, last=last)
            for first, last in (year, (date.min, date.max))
            for plan in (before, after)
        ]
    )


def _beside(figures: Sequence[dict[Payer, Decimal]]) -> list[Priced]:
    payers = dict.fromkeys(payer for by in (figures[2], figures[3]) for payer in by)
    return [Priced(payer, *(by.get(payer, Decimal(0)) for by in figures)) for payer in payers]
