"""What two versions of a contract's terms differ in, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest

from contracts.agreements.rules import BandTerm, LineTerm, Terms


@dataclass(frozen=True)
class Difference:
    """One thing that changes: what it is, how it was, how it will be."""

    what: str
    old: str
    new: str


def differences(old: Terms, new: Terms) -> list[Difference]:
    """What a variation changes, in words, part by part.

    The whole-life value of a contract follows from the rest and is priced; a grant’s is agreed, with its instalments.
    """
    found = [
        Difference("Last day", _day(old.ends_on), _day(new.ends_on)),
        Difference("Lead commissioner", old.commissioner.name, new.commissioner.name),
    ]
    found.extend(_of_grant(old, new))
    options = [{one.number: one for one in terms.options or ()} for terms in (old, new)]
    for number in sorted({*options[0], *options[1]}):
        words = [
            f"{by[number].months} months, decided by {_day(by[number].decide_by)}" if number in by else "None"
            for by in options
        ]
        found.append(Difference(f"Option {number} to extend", *words))
    shares = [{one.name: one.percent for one in terms.funders} for terms in (old, new)]
    for name in dict.fromkeys([*shares[0], *shares[1]]):
        before, after = (f"{by[name].normalize():f}%" if name in by else "Nothing" for by in shares)
        found.append(Difference(f"Share of {name}", before, after))
    for one, other in zip(old.lines, new.lines, strict=True):
        found.extend(_of_line(one, other, several=len(old.lines) > 1, priced=new.instrument is None))
    return [one for one in found if one.old != one.new]


def _of_grant(old: Terms, new: Terms) -> Iterator[Difference]:
    if new.instrument is None:
        return
    yield Difference("The grant", _pounds(old.whole_life_value), _pounds(new.whole_life_value))
    by = [{one.number: one for one in terms.instalments or ()} for terms in (old, new)]
    for number in sorted({*by[0], *by[1]}):
        words = [
            f"{_pounds(one.amount)}, expected by {_day(one.due_on)}: {one.milestone}" if one else "None"
            for one in (schedule.get(number) for schedule in by)
        ]
        yield Difference(f"Instalment {number}", *words)


def _of_line(old: LineTerm, new: LineTerm, *, several: bool, priced: bool) -> Iterator[Difference]:
    of = f" of {new.title}" if several else ""
    yield Difference(f"Where{of}", ", ".join(old.places), ", ".join(new.places))
    yield Difference(f"Referrals until{of}", _day(old.referrals_until), _day(new.referrals_until))
    yield Difference(f"Planned band{of}", str(old.planned_band), str(new.planned_band))
    for one, other in zip_longest(old.bands, new.bands):
        words = [_of_band(band, priced=priced) for band in (one, other)]
        yield Difference(f"Band {(one or other).number}{of}", *words)


def _of_band(band: BandTerm | None, *, priced: bool) -> str:
    if band is None:
        return "None"
    price = f", {_pounds(band.annual_price)} a year" if priced else ""
    return f"{band.low:,} to {band.high:,} referrals a year{price}"


def _pounds(amount: Decimal | None) -> str:
    return "Not fixed" if amount is None else f"£{amount:,.2f}"


def _day(day: date | None) -> str:
    return f"{day.day} {day:%B %Y}" if day else "Not fixed"
