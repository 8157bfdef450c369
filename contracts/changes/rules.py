"""Changes to a contract: where a variation stands, what it changes, and what it does to the price. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest

from contracts.agreements.rules import LineTerm, Side, Terms, price_of
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
        {VariationStatus.DRAFT, VariationStatus.AWAITING_SUPPLIER, VariationStatus.WITHDRAWN}
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
OPEN = frozenset(status for status, to in VARIATION_MOVES.items() if to)
# Whose turn it is to sign, and where the signature takes the variation.
TURN = {VariationStatus.AWAITING_SUPPLIER: Side.SUPPLIER, VariationStatus.AWAITING_COMMISSIONER: Side.COMMISSIONER}
AFTER = {Side.SUPPLIER: VariationStatus.AWAITING_COMMISSIONER, Side.COMMISSIONER: VariationStatus.AGREED}


@dataclass(frozen=True)
class Difference:
    """One thing that changes: what it is, how it was, how it will be."""

    what: str
    old: str
    new: str


def differences(old: Terms, new: Terms) -> list[Difference]:
    """What a variation changes, in words, part by part. The whole-life value follows from the rest and is priced."""
    found = [Difference("Last day", _day(old.ends_on), _day(new.ends_on))]
    shares = [{one.name: one.percent for one in terms.funders} for terms in (old, new)]
    for name in dict.fromkeys([*shares[0], *shares[1]]):
        before, after = (f"{by[name].normalize():f}%" if name in by else "Nothing" for by in shares)
        found.append(Difference(f"Share of {name}", before, after))
    for one, other in zip(old.lines, new.lines, strict=True):
        found.extend(_of_line(one, other, several=len(old.lines) > 1))
    return [one for one in found if one.old != one.new]


def _of_line(old: LineTerm, new: LineTerm, *, several: bool) -> Iterator[Difference]:
    of = f" of {new.title}" if several else ""
    yield Difference(f"Where{of}", ", ".join(old.places), ", ".join(new.places))
    yield Difference(f"Referrals until{of}", _day(old.referrals_until), _day(new.referrals_until))
    yield Difference(f"Planned band{of}", str(old.planned_band), str(new.planned_band))
    for one, other in zip_longest(old.bands, new.bands):
        words = [
            f"{band.low:,} to {band.high:,} referrals a year, £{band.annual_price:,.2f} a year" if band else "None"
            for band in (one, other)
        ]
        yield Difference(f"Band {(one or other).number}{of}", *words)


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "Not fixed"


@dataclass(frozen=True)
class Span:
    """Days of a contract under one version, both included: its services' planned prices a year, who pays what part."""

    first: date
    last: date
    annual_prices: tuple[Decimal, ...]
    shares: tuple[tuple[str, Decimal], ...]


def varied(spans: Sequence[Span], new: Span) -> list[Span]:
    """The spans with the new one from its first day on: what came before ends the day before."""
    cut = new.first - timedelta(days=1)
    kept = [Span(one.first, min(one.last, cut), one.annual_prices, one.shares) for one in spans if one.first <= cut]
    return [*kept, new]


def costs(spans: Sequence[Span], *, starts_on: date, first: date, last: date) -> dict[str, Decimal]:
    """What first..last costs each funder at the planned bands, in pounds. The sum is what the services cost together.

    Days cost what `price_of` says, so that parts sum to the whole wherever a version begins. Each span is split by
    its own shares.
    """
    found: dict[str, Decimal] = {}
    for span in spans:
        since, until = max(span.first, first), min(span.last, last)
        if since > until:
            continue
        amount = sum(
            (price_of(price, starts_on=starts_on, first=since, last=until) for price in span.annual_prices), Decimal(0)
        )
        parts = split(amount, [percent for _, percent in span.shares]) if span.shares else []
        for (name, _), part in zip(span.shares, parts, strict=True):
            found[name] = found.get(name, Decimal(0)) + part
    return found


@dataclass(frozen=True)
class Priced:
    """What a variation does for one funder: pounds in the contract year in which it begins, and over the whole life."""

    name: str
    year_before: Decimal
    year_after: Decimal
    life_before: Decimal
    life_after: Decimal


def priced(before: Sequence[Span], after: Sequence[Span], *, starts_on: date, year: tuple[date, date]) -> list[Priced]:
    """The price of a variation for each funder, those of today first."""
    life = (starts_on, max(before[-1].last, after[-1].last))
    figures = [
        costs(spans, starts_on=starts_on, first=first, last=last)
        for first, last in (year, life)
        for spans in (before, after)
    ]
    names = dict.fromkeys(name for by in (figures[2], figures[3]) for name in by)
    return [Priced(name, *(by.get(name, Decimal(0)) for by in figures)) for name in names]
