from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from contracts.cohorts import queries
from contracts.cohorts.queries import Asked, cohort
from contracts.cohorts.rules import FEWEST, ROUNDED_TO, By, Row, counts, for_whom, shown
from contracts.referrals.rules import Complexity, ReferralStatus
from contracts.volumes.queries import position
from contracts.volumes.rules import half_up
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.errors import NotAllowed
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner, make_framework_team, sign_in
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, KENT, SURREY, make_places
from tests.factories.referrals import make_referral, make_referrals, make_service

pytestmark = pytest.mark.usefixtures("session", "clock")

YEAR = Asked(date(2025, 9, 1), date(2026, 9, 7))


def planner() -> tuple[Organisation, Actor]:
    lead = make_commissioner()
    return lead, make_actor(lead, Role.COMMERCIAL_PARTNER)


def rows(actor: Actor, by: By, asked: Asked = YEAR) -> dict[str, int | None]:
    return {row.name: row.shown for row in cohort(actor, asked, by=by).rows}


@pytest.mark.parametrize(
    ("count", "may_be_shown"),
    [(0, None), (1, None), (4, None), (5, 5), (7, 5), (8, 10), (12, 10), (13, 15), (1000, 1000)],
)
def test_small_counts_are_not_shown_and_the_rest_is_rounded(count: int, may_be_shown: int | None) -> None:
    assert shown(count) == may_be_shown


@given(st.integers(0, 10_000))
def test_one_person_more_or_less_cannot_be_told_exactly(count: int) -> None:
    found = shown(count)
    if found is None:
        assert count < FEWEST
    else:
        # Every figure that is shown stands for at least two counts beside each other.
        assert [shown(other) for other in range(count - 2, count + 3)].count(found) >= 2
        assert found % ROUNDED_TO == 0
        assert abs(found - count) <= ROUNDED_TO // 2


@given(st.lists(st.integers(0, 40), max_size=8))
def test_nothing_is_shown_of_too_few(given_counts: list[int]) -> None:
    found = counts([(str(n), count) for n, count in enumerate(given_counts)])
    if sum(given_counts) < FEWEST:
        assert (found.rows, found.total) == ((), None)
    assert all(row.shown is None or row.shown >= FEWEST for row in found.rows)


def test_rows_of_nought_are_left_out() -> None:
    assert counts([("A", 12), ("B", 0), ("C", 3)]).rows == (Row("A", 10), Row("C", None))


def test_for_whom_a_service_is() -> None:
    assert for_whom(women=True, men=False, minimum_age=18, maximum_age=None) == "Women, 18 and over"
    assert for_whom(women=True, men=True, minimum_age=18, maximum_age=25) == "Women and men, 18 to 25"
    assert for_whom(women=False, men=True, minimum_age=21, maximum_age=None) == "Men, 21 and over"


def test_referrals_are_counted_by_each_thing_that_is_known() -> None:
    make_places()
    lead, actor = planner()
    line = make_service(commissioner=lead, open_to_men=False)
    young = make_service(commissioner=lead, maximum_age=25, places=(KENT, SURREY))
    make_referrals(line, 12, sent_at=datetime(2026, 8, 3, 9, 0, tzinfo=UTC))
    # Half past eleven at night in UTC is the first of August in London.
    make_referrals(young, 6, sent_at=datetime(2026, 7, 31, 23, 30, tzinfo=UTC))
    for status in (ReferralStatus.RETURNED, ReferralStatus.WITHDRAWN, ReferralStatus.WAITING):
        make_referral(line, status=status, sent_at=datetime(2026, 6, 3, 9, 0, tzinfo=UTC))
    assert rows(actor, By.CATEGORY) == {"Accommodation": 20}
    assert rows(actor, By.FOR_WHOM) == {"Women, 18 and over": 15, "Women and men, 18 to 25": 5}
    assert rows(actor, By.MONTH) == {"June 2026": None, "August 2026": 20}
    assert rows(actor, By.AREA) == {"Kent": 15, "Several areas together": 5}
    assert sum(count or 0 for count in rows(actor, By.COMPLEXITY).values()) == 20
    assert cohort(actor, YEAR, by=By.CATEGORY).total == 20


def test_what_is_asked_narrows() -> None:
    make_places()
    lead, actor = planner()
    line = make_service(commissioner=lead)
    make_referrals(line, 10, sent_at=datetime(2026, 8, 3, 9, 0, tzinfo=UTC))
    asked = Asked(date(2026, 8, 3), date(2026, 8, 3))
    assert rows(actor, By.CATEGORY, asked) == {"Accommodation": 10}
    assert rows(actor, By.CATEGORY, Asked(date(2026, 8, 4), date(2026, 9, 1))) == {}
    assert rows(actor, By.CATEGORY, Asked(date(2026, 8, 1), date(2026, 8, 2))) == {}
    assert rows(actor, By.CATEGORY, Asked(asked.first, asked.last, category_code="ETE")) == {}
    seen = [
        rows(actor, By.CATEGORY, Asked(asked.first, asked.last, complexity=one)).get("Accommodation")
        for one in Complexity
    ]
    assert sorted(seen, key=str) == sorted([10, None, None], key=str)
    assert rows(actor, By.CATEGORY, Asked(asked.first, asked.last, place_code=DOVER)) != {}
    assert rows(actor, By.CATEGORY, Asked(asked.first, asked.last, place_code=SURREY)) == {}


def test_a_person_moved_to_another_service_counts_once() -> None:
    lead, actor = planner()
    line, other = make_service(commissioner=lead), make_service(commissioner=lead, open_to_men=False)
    make_referrals(line, 7)
    first = make_referral(line)
    moved = make_referral(other)
    db.session.flush()
    assert rows(actor, By.FOR_WHOM) == {"Women and men, 18 and over": 10, "Women, 18 and over": None}
    moved.moved_from_id = first.id
    db.session.flush()
    assert rows(actor, By.FOR_WHOM) == {"Women and men, 18 and over": 10}


def test_each_sees_the_services_that_concern_them_and_no_others() -> None:
    lead, _ = planner()
    make_referrals(make_service(commissioner=lead), 10)
    stranger = make_actor(make_commissioner("Elsewhere"), Role.COMMERCIAL_PARTNER)
    assert rows(stranger, By.CATEGORY) == {}
    assert rows(make_actor(make_framework_team(), Role.FRAMEWORK_TEAM), By.CATEGORY) == {"Accommodation": 10}
    for role in (Role.RESPONSIBLE_OFFICER, Role.EVALUATOR, Role.SERVICE_MANAGER):
        with pytest.raises(NotAllowed):
            rows(make_actor(lead, role), By.CATEGORY)


def test_history_of_contract_years() -> None:
    line = make_service(starts_on=date(2024, 3, 1))
    for year, count in ((2024, 3), (2025, 7), (2026, 5)):
        make_referrals(line, count, sent_at=datetime(year, 5, 4, 9, 0, tzinfo=UTC))
    found = queries.history_of(line, on=date(2026, 9, 7))
    assert found.years[:2] == ((2025, 3), (2026, 7))
    year, projected = found.years[2]
    assert year == 2027
    assert projected == position(line, on=date(2026, 9, 7)).projected != 5
    assert line.agreement.reference in found.source
    assert "as projected on 7 September 2026" in found.source


def test_a_year_of_which_it_is_too_early_to_say_anything_goes_into_no_plan() -> None:
    line = make_service(starts_on=date(2025, 9, 1))
    make_referrals(line, 7, sent_at=datetime(2026, 5, 4, 9, 0, tzinfo=UTC))
    make_referrals(line, 3, sent_at=datetime(2026, 9, 2, 9, 0, tzinfo=UTC))
    found = queries.history_of(line, on=date(2026, 9, 2))
    assert found.years == ((2026, 7),)
    assert "the year to 31 August 2027 left out, because it is too early to say" in found.source
    # 20 working days are over on 28 September, and the day after it is not too early any more.
    assert [len(queries.history_of(line, on=date(2026, 9, day)).years) for day in (28, 29)] == [1, 2]


@pytest.mark.parametrize("on", [date(2026, 8, 28), date(2026, 9, 30), date(2026, 11, 2), date(2028, 1, 3)])
def test_a_year_cut_short_goes_into_the_next_plan_as_a_whole_one(on: date) -> None:
    line = make_service(starts_on=date(2025, 4, 1), ends_on=date(2026, 9, 30))
    make_referrals(line, 7, sent_at=datetime(2025, 5, 5, 9, 0, tzinfo=UTC))
    make_referrals(line, 50, sent_at=datetime(2026, 5, 5, 9, 0, tzinfo=UTC))
    before, (year, whole) = queries.history_of(line, on=on).years
    assert (before, year) == ((2026, 7), 2027)
    # 50 x 365 / 183 days; on 28 August 50 x 126 / 104 working days of the part, 61, come first.
    assert whole == (122 if on == date(2026, 8, 28) else 100)
    assert "the contract ends on 30 September 2026" in queries.history_of(line, on=on).source


def test_who_was_moved_here_and_counts_nowhere_else_is_planned_for_here() -> None:
    line, other = make_service(), make_service()
    moved = make_referral(line)
    make_referrals(line, 4)
    for status, count in ((ReferralStatus.TRANSFERRED, 4), (ReferralStatus.RETURNED, 5)):
        moved.moved_from_id = make_referral(other, status=status).id
        db.session.flush()
        line.agreement.ends_on = date(2027, 3, 31)
        ((_, projected),) = queries.history_of(line, on=date(2026, 9, 7)).years
        assert projected == half_up(position(line, on=date(2026, 9, 7)).projected * count, 5)


def test_who_was_moved_here_is_planned_for_where_they_came_from() -> None:
    old, line = make_service(starts_on=date(2024, 3, 1)), make_service(starts_on=date(2024, 3, 1))
    on = date(2026, 9, 7)
    for year in (2025, 2026):
        sent_at = datetime(year, 5, 4, 9, 0, tzinfo=UTC)
        make_referrals(line, 3, sent_at=sent_at)
        left = make_referral(old, sent_at=sent_at, status=ReferralStatus.TRANSFERRED)
        make_referral(line, sent_at=sent_at).moved_from_id = left.id
        # One whose move was undone has given its place back.
        left = make_referral(old, sent_at=sent_at, status=ReferralStatus.TRANSFERRED)
        make_referral(line, sent_at=sent_at, status=ReferralStatus.WITHDRAWN).moved_from_id = left.id
    db.session.flush()
    assert queries.history_of(old, on=on).years[1] == (2026, 2)
    *_, last_year, (_, projected) = queries.history_of(line, on=on).years
    assert last_year == (2026, 3)
    assert projected == round((position(line, on=on).projected or 0) * 3 / 4)


def test_the_page_shows_chart_table_and_file(client: FlaskClient) -> None:
    lead, actor = planner()
    sign_in(client, actor)
    assert "Fewer than 5 referrals match" in client.get("/cohorts").text
    line = make_service(commissioner=lead)
    make_referrals(line, 10, sent_at=datetime(2026, 8, 3, 9, 0, tzinfo=UTC))
    make_referrals(line, 2, sent_at=datetime(2026, 7, 3, 9, 0, tzinfo=UTC))
    page = client.get("/cohorts?place=&by=month").text
    assert "August 2026" in page and "fewer than 5" in page
    assert "<desc id=" in page
    assert "‡ Our default" in page
    assert "does not hold anybody’s sex, age or offence" in page
    assert "which probation delivery unit" in page
    file = client.get("/cohorts/cohorts.csv?place=&by=month").text
    assert "July 2026,2025-09-01,2026-09-07,\r\n" in file
    assert "August 2026,2025-09-01,2026-09-07,10\r\n" in file
    assert "All,2025-09-01,2026-09-07,10\r\n" in file
    with counted_queries() as few:
        client.get("/cohorts?place=&by=area")
    for _ in range(10):
        make_referrals(make_service(commissioner=lead), 6, sent_at=datetime(2026, 8, 3, 9, 0, tzinfo=UTC))
    with counted_queries() as many:
        client.get("/cohorts?place=&by=area")
    assert len(many) <= len(few)


def test_figures_of_a_service_go_into_the_next_plan(client: FlaskClient) -> None:
    lead, actor = planner()
    sign_in(client, actor)
    line = make_service(commissioner=lead, starts_on=date(2025, 3, 1))
    make_referrals(line, 10)
    assert "Use these figures for the next plan" in client.get(f"/volumes/{line.id}").text
    answer = client.get(f"/cohorts/next-plan/{line.id}")
    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "These figures come with you" in page
    assert line.agreement.reference in page
    assert f'value="{line.title}"' in page or line.title in page
    sign_in(client, make_actor(make_commissioner("Elsewhere"), Role.COMMERCIAL_PARTNER))
    assert client.get(f"/cohorts/next-plan/{line.id}").status_code == 404
