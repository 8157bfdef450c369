"""What the fields of forms make of what is typed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import CompetitionStatus
from marketplace.errors import Invalid
from marketplace.forms import DateParts, Form, Pounds, Text, moment
from tests.factories.accounts import sign_in
from tests.factories.competitions import make_plan, make_tender


class Typed(Form):
    """One field of each shape."""

    line = Text("Line")
    amount = Pounds("Amount")
    day = DateParts("Day")


def typed(app: Flask, **data: str) -> Typed:
    with app.test_request_context(method="POST", data=data):
        form = Typed(meta={"csrf": False})
        form.validate()
        return form


@pytest.mark.parametrize("between", ["\n", "\r\n", "\t", "\x00", "\u2028", "\x85"])
def test_one_line_is_one_line_so_that_it_can_be_the_subject_of_a_letter(app: Flask, between: str) -> None:
    assert typed(app, line=f" Homes{between}Bcc: everyone ").line.data == "Homes Bcc: everyone"


@pytest.mark.parametrize(
    ("amount", "found"),
    [("£99,999,999.99", Decimal("99999999.99")), ("0000000001", Decimal(1)), ("100000000", None), ("9" * 4000, None)],
)
def test_amounts_stay_below_what_ten_years_of_them_can_be_kept_in(app: Flask, amount: str, found: object) -> None:
    form = typed(app, amount=amount)
    assert form.amount.data == found
    assert bool(form.amount.errors) is (found is None)


def test_a_plan_with_the_greatest_budget_becomes_a_call_off(
    client: FlaskClient, session: scoped_session[Session]
) -> None:
    tender = make_tender()
    plan = make_plan(tender.lead, tender.author, annual_budget=99_999_999)
    sign_in(client, tender.author)
    assert client.post(f"/call-offs/from-plan/{plan.id}").status_code == 302


@pytest.mark.parametrize(("year", "found"), [("2027", date(2027, 12, 31)), ("9999", None), ("0001", None)])
def test_dates_are_of_our_time(app: Flask, year: str, found: date | None) -> None:
    assert typed(app, **{"day-day": "31", "day-month": "12", "day-year": year}).day.data == found


def test_an_hour_that_the_clocks_leave_out_is_refused_and_one_that_comes_twice_is_its_first() -> None:
    with pytest.raises(Invalid, match="There is no 01:30 on 28 March 2027: the clocks go forward"):
        moment(date(2027, 3, 28), time(1, 30))
    assert moment(date(2027, 3, 28), time(2)) == datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert moment(date(2026, 10, 25), time(1, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert moment(date(2026, 10, 25), time(2)) == datetime(2026, 10, 25, 2, tzinfo=UTC)


def test_a_closing_time_that_does_not_exist_is_said_on_the_page(
    client: FlaskClient, session: scoped_session[Session]
) -> None:
    tender = make_tender(CompetitionStatus.DRAFT)
    sign_in(client, tender.author)
    data = {"closes_at": "1:30am", "months": "24"}
    for name, parts in {"closes_on": ("28", "3", "2027"), "starts_on": ("1", "9", "2027")}.items():
        data |= dict(zip((f"{name}-day", f"{name}-month", f"{name}-year"), parts, strict=True))
    answer = client.post(f"/call-offs/{tender.competition.id}/draft/dates", data=data)
    assert "the clocks go forward" in answer.text
