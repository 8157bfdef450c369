"""Base rates: kept by the framework team from a day on, corrected with their history, and read by the interest rule."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.ledger.actions import enter_base_rate
from contracts.ledger.models import BaseRate
from contracts.ledger.queries import Rates, debts, interest_by_item
from marketplace import audit
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from tests.conftest import Client, StandingClock
from tests.contracts.ledger.test_actions import charge
from tests.factories.accounts import make_actor, make_commissioner, make_framework_team, sign_in
from tests.factories.counting import counted_queries
from tests.factories.invoices import finance_of, make_contract

Database = scoped_session[Session]
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 25)
SEEDED = date(2025, 12, 18)


def team() -> Actor:
    return make_actor(make_framework_team(), Role.FRAMEWORK_TEAM)


def enter(actor: Actor, percent: str, from_day: date, reason: str = "") -> BaseRate:
    return enter_base_rate(percent=Decimal(percent), from_day=from_day, reason=reason, actor=actor, now=NOW)


def test_what_the_marketplace_comes_with_is_marked_until_somebody_enters_it(session: Database) -> None:
    there = Rates().on(TODAY)
    assert there is not None
    assert (there.percent, there.from_day, there.is_default) == (Decimal("3.75"), SEEDED, True)
    assert Rates().on(date(2022, 12, 14)) is None
    confirmed = enter(team(), "3.75", SEEDED)
    assert Rates().on(TODAY) is confirmed
    assert (confirmed.is_default, there.corrected_at) == (False, NOW)


def test_interest_takes_the_rate_of_the_half_year_in_which_the_debt_became_late(session: Database) -> None:
    somebody, contract = team(), make_contract()
    enter(somebody, "5.00", date(2026, 6, 30))
    enter(somebody, "6.00", date(2026, 7, 1))
    enter(somebody, "2.00", date(2026, 12, 31))
    for number, due_on in (("A", date(2026, 6, 29)), ("B", date(2026, 6, 30)), ("C", date(2026, 12, 31))):
        charge(contract, "1000.00", number, due_on=due_on)
    # £1,200.00 for 365 days each, at 8 points above the rate of 31 December 2025, 30 June and 31 December 2026.
    ends = {"A": date(2027, 6, 29), "B": date(2027, 6, 30), "C": date(2027, 12, 31)}
    found = {item: interest_by_item([item], on=on)[item] for item, on in ends.items()}
    assert {item: (one.rate.percent, one.amount) for item, one in found.items()} == {
        "A": (Decimal("3.75"), Decimal("141.00")),
        "B": (Decimal("5.00"), Decimal("156.00")),
        "C": (Decimal("2.00"), Decimal("120.00")),
    }


def test_a_debt_from_before_any_rate_is_known_bears_none(session: Database) -> None:
    contract = make_contract()
    charge(contract, "1000.00", "A", due_on=date(2022, 7, 1))
    (found,) = debts(finance_of(contract.supplier), on=TODAY)
    assert (found.interest, found.rate) == (Decimal("0.00"), None)


def test_a_late_instalment_of_a_grant_bears_none(session: Database) -> None:
    grant = make_contract()
    grant.instrument = Instrument.GRANT
    charge(grant, "1000.00", "A", due_on=date(2026, 6, 29))
    (found,) = debts(finance_of(grant.supplier), on=TODAY)
    assert (found.owed, found.interest) == (Decimal("1200.00"), Decimal("0.00"))


def test_what_is_to_come_is_corrected_without_a_reason_and_what_applies_with_one(session: Database) -> None:
    somebody, soon = team(), TODAY + timedelta(days=22)
    first = enter(somebody, "3.50", soon)
    second = enter(somebody, "3.25", soon)
    assert (first.corrected_at, second.reason, Rates().on(soon)) == (NOW, None, second)
    for day in (TODAY, SEEDED):
        if day == TODAY:
            enter(somebody, "3.00", day)
        with pytest.raises(Invalid, match="Say why you correct a rate") as refused:
            enter(somebody, "4.00", day)
        assert refused.value.field == "reason"
        assert enter(somebody, "4.00", day, "Read from the wrong line").reason == "Read from the wrong line"
    with pytest.raises(AlreadyDone):
        enter(somebody, "4.00", TODAY)
    kept = session.scalars(select(BaseRate.percent).where(BaseRate.from_day == TODAY).order_by(BaseRate.id)).all()
    assert kept == [Decimal("3.00"), Decimal("4.00")]
    assert "Base rate of 3.25%" in audit.events_for(second)[0].what


@pytest.mark.parametrize(
    ("percent", "days", "field"), [("25.01", 0, "percent"), ("-0.01", 0, "percent"), ("4.00", 367, "from_day")]
)
def test_what_cannot_be_is_refused(session: Database, percent: str, days: int, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        enter(team(), percent, TODAY + timedelta(days=days))
    assert refused.value.field == field


def test_others_keep_no_base_rates(session: Database) -> None:
    for actor in (finance_of(make_commissioner()), finance_of(make_contract().supplier)):
        with pytest.raises(NotAllowed):
            enter(actor, "4.00", TODAY)


# Pages


def typed(percent: str, day: date, **more: str) -> dict[str, str]:
    parts = {f"from_day-{part}": str(getattr(day, part)) for part in ("day", "month", "year")}
    return {"percent": percent, **parts, **more}


def test_the_framework_team_enters_and_corrects_on_a_page_and_others_read_it(
    session: Database, client: Client, clock: StandingClock
) -> None:
    clock.set(NOW)
    sign_in(client, team())
    page = client.get("/base-rates").text
    assert all(words in page for words in ("3.75% ‡", "11.75% ‡", "Correct or confirm it", "18 December 2025"))
    assert 'value="3.75"' in client.get(f"/base-rates/enter?from={SEEDED}").text
    path = "/base-rates/enter"
    for data, words in (
        ({}, "Enter the base rate"),
        (typed("", TODAY), "Enter the base rate"),
        (typed("four", TODAY), "Enter a share in percent"),
        (typed("26", TODAY), "Enter a rate from 0 to 25%"),
        (typed("4.00", SEEDED), "Say why you correct a rate"),
    ):
        answer = client.post(path, data=data)
        assert (answer.status_code, words in answer.text) == (422, True), words
    assert client.post(path, data=typed("0", TODAY)).status_code == 302
    assert client.post(path, data=typed("0", TODAY)).status_code == 409
    assert client.post(path, data=typed("4", SEEDED, reason="A slip")).status_code == 302
    page = client.get("/base-rates").text
    assert all(words in page for words in ("A slip", "Corrected 25 November 2026", "0.00%"))
    rows = list(csv.DictReader(io.StringIO(client.get("/base-rates.csv").text.lstrip("\ufeff"))))
    assert [(row["from_day"], row["percent"], row["our_default"]) for row in rows[:3]] == [
        ("2026-11-25", "0.00", "no"),
        ("2025-12-18", "4.00", "no"),
        ("2025-12-18", "3.75", "yes"),
    ]
    sign_in(client, finance_of(make_commissioner()))
    assert "Correct" not in client.get("/base-rates").text.replace("Corrected", "")
    assert client.get(path).status_code == 403


def test_the_list_takes_the_same_few_queries_however_long_it_is(session: Database, client: Client) -> None:
    somebody = team()
    sign_in(client, somebody)
    with counted_queries() as few:
        client.get("/base-rates")
    for days in range(10):
        enter(somebody, "3.00", TODAY - timedelta(days=days))
    session.flush()
    with counted_queries() as many:
        client.get("/base-rates")
    assert len(many) <= len(few)
