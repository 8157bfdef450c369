"""What a contract year comes to at its end: the band that its referrals reached, of every version in force within it.

How a year cut short and a variation within a year are reckoned is ours to say: docs/decisions/0031 and 0048.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from calloffs.plans.rules import Band
from contracts.agreements.rules import price_of
from contracts.volumes.rules.profile import scaled_up


@dataclass(frozen=True)
class Span:
    """Days of a contract in which one version of a service's terms was in force, both included.

    `planned_band` is the number of the band by whose price the twelfths are paid; `version` the version's number.
    """

    first: date
    last: date
    bands: tuple[Band, ...]
    planned_band: int
    version: int = 1

    @property
    def planned_price(self) -> Decimal:
        """The planned band's price, in pounds a year."""
        return next(band.annual_value for band in self.bands if band.number == self.planned_band)

    @property
    def planned_volume(self) -> int:
        """The referrals planned for a year: the planned band's high end, which is the cap where that is alone."""
        return next(band.high for band in self.bands if band.number == self.planned_band)

    @property
    def days(self) -> int:
        """How many days it is."""
        return (self.last - self.first).days + 1

    def within(self, first: date, last: date) -> Span | None:
        """The part of it that lies in first..last; None if there is none."""
        since, until = max(self.first, first), min(self.last, last)
        return replace(self, first=since, last=until) if since <= until else None


@dataclass(frozen=True)
class SpanDue:
    """One span of a contract year at its end: what was charged by twelfths, and what the band reached comes to.

    The band is reached by `low` to `high` referrals of the whole year; nought, and None: however few, however many.
    """

    version: int
    first: date
    last: date
    planned_band: int
    planned_price: Decimal
    charged: Decimal
    band: int
    band_price: Decimal
    low: int
    high: int | None
    due: Decimal

    @property
    def difference(self) -> Decimal:
        """What is still to be paid; below nought, what is to be given back."""
        return self.due - self.charged


@dataclass(frozen=True)
class YearDue:
    """A service's contract year at its end.

    `counted` is how many referrals count; `compared` the same scaled up to a whole year, where the contract ended
    within it, which is what the bands, being of a year, are compared with.
    """

    first: date
    last: date
    whole_days: int
    counted: int
    compared: int
    spans: tuple[SpanDue, ...]

    @property
    def days(self) -> int:
        """How many of the year's days the contract ran."""
        return (self.last - self.first).days + 1

    @property
    def is_part(self) -> bool:
        """Whether the contract ended within the year."""
        return self.days < self.whole_days

    @property
    def charged(self) -> Decimal:
        """What the twelfths came to."""
        return sum((span.charged for span in self.spans), Decimal(0))

    @property
    def due(self) -> Decimal:
        """What the year costs."""
        return sum((span.due for span in self.spans), Decimal(0))

    @property
    def difference(self) -> Decimal:
        """What is still to be paid; below nought, what is to be given back."""
        return self.due - self.charged


def year_due(
    spans: Sequence[Span], *, starts_on: date, ends_on: date | None, year: tuple[date, date], counted: int
) -> YearDue:
    """What a contract year comes to at its end: each span at the price of the band that the whole year's count reached.

    `year` is the contract year's first and last day, the last perhaps after the contract's end: then the count is
    scaled up by days to a whole year before it is compared with the bands, and only the contract's days are paid.
    A count below every band is paid as the lowest (the guaranteed minimum, R42), one above all as the highest.
    Where the terms changed within the year, the count is compared once, with the bands of the whole year
    (`bands_of_year`), and each version's days are paid by their own prices.
    """
    first, whole_last = year
    last = min(whole_last, ends_on or date.max)
    whole = (whole_last - first).days + 1
    compared = scaled_up(counted, first, last, whole_last)
    parts = [part for span in spans if (part := span.within(first, last))]
    found = []
    for part, lows in zip(parts, bands_of_year(parts), strict=True):
        place = max((index for index, low in enumerate(lows) if low <= compared), default=0)
        reached = part.bands[place]
        found.append(
            SpanDue(
                version=part.version,
                first=part.first,
                last=part.last,
                planned_band=part.planned_band,
                planned_price=part.planned_price,
                charged=price_of(part.planned_price, starts_on=starts_on, first=part.first, last=part.last),
                band=reached.number,
                band_price=reached.annual_value,
                low=lows[place] if place else 0,
                high=lows[place + 1] - 1 if place + 1 < len(lows) else None,
                due=price_of(reached.annual_value, starts_on=starts_on, first=part.first, last=part.last),
            )
        )
    return YearDue(first, last, whole, counted, compared, tuple(found))


def bands_of_year(parts: Sequence[Span]) -> list[list[int]]:
    """By span of one contract year, from how many referrals of the whole year on each of its bands is reached.

    Where all have as many bands, each begins where they do by days: half a year from 81 and half from 161 make 121.
    Where one has other bands (a cap alone beside four, say), what is planned stands for them: each span's bands are to
    the year's plan as they are to its own. So whoever delivers what was planned is paid what was planned, in all spans.
    """
    days = sum(part.days for part in parts)
    if len({len(part.bands) for part in parts}) == 1:
        lows = [
            _at_least(sum(part.bands[place].low * part.days for part in parts), days)
            for place in range(len(parts[0].bands))
        ]
        return [lows for _ in parts]
    planned = sum(part.planned_volume * part.days for part in parts)
    return [
        [
            _at_least(band.low * planned, part.planned_volume * days) if part.planned_volume else band.low
            for band in part.bands
        ]
        for part in parts
    ]


def _at_least(part: int, whole: int) -> int:
    """The least whole number that is no less than part ÷ whole."""
    return -(-part // whole)
