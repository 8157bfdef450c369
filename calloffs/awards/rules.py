"""Awards: the standstill, by the law the framework follows.

Source: domain.md, "Evaluating and awarding". A pause between telling the bidders and signing, in which a bidder can
question the decision. Days are London's; working days are those of England and Wales.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from marketplace.framework.rules import Regime
from marketplace.working_days import add_working_days, next_working_day

LONDON = ZoneInfo("Europe/London")

# Our default under the Public Contracts Regulations 2015, light touch: calendar days after the day of sending.
PCR_2015_CALENDAR_DAYS = 10
# Procurement Act 2023, light touch (voluntary, on by default): working days, the day of publication counted.
PA_2023_WORKING_DAYS = 8

STANDSTILL_WORDS = {
    Regime.PCR_2015: f"{PCR_2015_CALENDAR_DAYS} calendar days after the day the letters were sent, ending on a working "
    "day. The number of days is our default.",
    Regime.PA_2023: f"{PA_2023_WORKING_DAYS} working days, the day the award notice was published counted. It is "
    "voluntary under the light touch rules, and on by default here.",
}


def standstill_last_day(regime: Regime, sent_on: date) -> date:
    """The last day of a standstill that began on this day: always a working day."""
    if regime is Regime.PCR_2015:
        return next_working_day(sent_on + timedelta(days=PCR_2015_CALENDAR_DAYS))
    # A notice published on a day that is no working day is counted from the next one.
    return add_working_days(next_working_day(sent_on), PA_2023_WORKING_DAYS - 1)


def standstill_ends(regime: Regime, sent_at: datetime) -> datetime:
    """The last instant of the standstill's last day in London, as UTC: from then on a contract may be signed.

    It is the day's last microsecond and not the next midnight, so that its date is the date people are told.
    """
    last = standstill_last_day(regime, sent_at.astimezone(LONDON).date())
    return datetime.combine(last, time.max, LONDON).astimezone(UTC)
