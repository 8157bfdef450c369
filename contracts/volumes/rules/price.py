"""What a position means in pounds: paid against used (R50), the guaranteed minimum at stake, one more referral.

"A minimum payment must never hide that nobody comes": what was paid and what the people who came would have cost stand
side by side. Used is measured at the planned unit price: the planned band's annual price over its planned volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from contracts.agreements.rules import first_of_month, price_of
from contracts.volumes.rules.position import Position
from contracts.volumes.rules.profile import spans
from contracts.volumes.rules.years import year_due
from marketplace.money import pounds


@dataclass(frozen=True)
class PaidAgainstUsed:
    """Pounds due for the months of the contract year that are over, and what the referrals made would cost at the
    planned unit price."""

    paid: Decimal
    used: Decimal
    unit_price: Decimal

    @property
    def difference(self) -> Decimal:
        """Paid and not used; negative where more was used than paid for."""
        return self.paid - self.used


@dataclass(frozen=True)
class AtStake:
    """The part of the guaranteed minimum income that a year would pay for nobody."""

    # How many people fewer than the lowest band begins with, and the pounds of the minimum that are paid for them.
    people: int
    amount: Decimal


@dataclass(frozen=True)
class OneMore:
    """What one more referral does, to the count as it stands."""

    # The band it would reach that is not reached yet; None if it reaches none.
    reaches_band: int | None
    meets_cap: bool
    room_after: int
    # What the contract year comes to with the count as it stands, and with one more: never below the lowest band's.
    price_now: Decimal
    price_after: Decimal

    @property
    def change(self) -> Decimal:
        """By how much the year's price changes."""
        return self.price_after - self.price_now


def paid_to_date(found: Position) -> Decimal:
    """What the contract year's months that are over cost by the planned price, in pounds: the twelfths in arrears.

    The month in which the contract ends is over when it ends. Before any month is over nothing is paid.
    """
    on, year = found.on, found.year
    last = year.closes if on >= year.closes else first_of_month(on + timedelta(days=1)) - timedelta(days=1)
    if len(found.plan) == 1:
        return price_of(found.plan[0].price, starts_on=year.first, first=found.plan[0].since, last=last)
    return sum(
        (
            price_of(planned.price, starts_on=year.first, first=planned.since, last=min(until, last))
            for planned, until in spans(found.plan, last)
        ),
        Decimal(0),
    )


def paid_against_used(found: Position) -> PaidAgainstUsed | None:
    """Paid to date against used; None where no volume or no price is agreed.

    The unit price is that of the plan that holds on the day.
    """
    if not found.plan or not found.plan[-1].volume:
        return None
    _, volume, price = found.plan[-1]
    return PaidAgainstUsed(paid_to_date(found), pounds(price * found.counted / volume), pounds(price / volume))


def at_stake(found: Position) -> AtStake | None:
    """What of the guaranteed minimum would be paid for nobody at the current rate; None where there is no minimum.

    The minimum (of a year cut short, that of its days) is spread evenly over the people at whom the lowest band begins.
    """
    minimum, projected = found.minimum_volume, found.projected
    if minimum is None or projected is None or not found.plan:
        return None
    needed = found.begins_at[0]
    missing = max(needed - projected, 0)
    return AtStake(missing, pounds(price_of_year(found, 0) * missing / needed) if missing else Decimal(0))


def one_more(found: Position) -> OneMore | None:
    """The effect of one more referral; None where the service is full or no volume is agreed."""
    room = found.room
    if not room:
        return None
    now, after = (price_of_year(found, count) for count in (found.counted, found.counted + 1))
    reached = next((number for number, low in enumerate(found.begins_at, start=1) if low == found.counted + 1), None)
    return OneMore(reached, room == 1, room - 1, now, after)


def price_of_year(found: Position, counted: int) -> Decimal:
    """What the contract year comes to at its end if so many count, in pounds, by the one rule of reconciling."""
    first, last = found.first_day, found.last_day
    return year_due(found.spans, starts_on=first, ends_on=last, year=(first, found.year.last), counted=counted).due
