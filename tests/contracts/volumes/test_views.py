from __future__ import annotations

import csv
import io
import re
from datetime import date
from html import unescape

import pytest
from flask.testing import FlaskClient

from contracts.volumes import jobs, queries
from marketplace.access import Role
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.referrals import FOUR_BANDS, make_referrals, make_service

pytestmark = pytest.mark.usefixtures("session", "clock")


def test_the_page_of_a_line_says_what_its_figures_mean(client: FlaskClient, clock: StandingClock) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier, bands=FOUR_BANDS)
    make_referrals(line, 12)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    page = client.get(f"/volumes/{line.id}").text
    assert "Heading under its minimum" in page
    assert "guaranteed minimum of £80,000" in page
    assert '<svg class="dfm-chart"' in page
    assert "<title id=" in page
    assert "<desc id=" in page
    assert "Band 3 begins" in page
    assert "style=" not in page.split('<svg class="dfm-chart"')[1].split("</svg>")[0]


def test_the_figures_come_as_csv_too(client: FlaskClient) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier)
    make_referrals(line, 12)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    answer = client.get(f"/volumes/{line.id}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert answer.mimetype == "text/csv"
    assert len(rows) == 13
    today = next(row for row in rows if row["period_ends_on"] == "2026-09-07")
    assert today == {
        "period_ends_on": "2026-09-07",
        "referrals": "12",
        "referrals_to_date": "12",
        "profile_to_date": "52",
    }
    assert rows[-1]["referrals"] == ""


def test_a_contract_without_volume_has_no_chart(client: FlaskClient) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier, bands=())
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    page = client.get(f"/volumes/{line.id}").text
    assert "No volume is recorded" in page
    assert "<svg" not in page


def test_the_list_and_its_empty_state(client: FlaskClient) -> None:
    supplier = make_supplier()
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    assert "has no contract in force" in client.get("/volumes/").text
    line = make_service(supplier=supplier, bands=((0, 2),))
    make_referrals(line, 2)
    page = client.get("/volumes/?standing=full").text
    assert f"/volumes/{line.id}" in page
    assert "Full (1)" in page
    assert "No service matches" in client.get("/volumes/?text=nothing").text


def test_another_organisations_line_is_not_found(client: FlaskClient) -> None:
    line = make_service()
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert client.get(f"/volumes/{line.id}").status_code == 404
    assert client.get(f"/volumes/{line.id}.csv").status_code == 404


@pytest.mark.parametrize("role", [Role.CONTRACT_MANAGER, Role.REGIONAL_COORDINATOR])
def test_the_home_page_names_services_on_which_somebody_should_act(client: FlaskClient, role: Role) -> None:
    body = make_commissioner()
    full = make_service(commissioner=body, bands=((0, 2),), title="Rooms for Kent")
    make_referrals(full, 2)
    make_service(commissioner=body, bands=FOUR_BANDS, title="Work for Kent")
    calm = make_service(commissioner=body, title="Debts in Kent")
    make_referrals(calm, 52)
    sign_in(client, make_actor(body, role))
    home = client.get("/home").text
    assert "Full: Rooms for Kent" in home
    assert "Heading under its minimum: Work for Kent" in home
    assert "Debts in Kent" not in home


def test_other_people_of_the_body_have_no_volumes_waiting(client: FlaskClient) -> None:
    body = make_commissioner()
    make_referrals(make_service(commissioner=body, bands=((0, 2),), title="Rooms for Kent"), 2)
    sign_in(client, make_actor(body, Role.COMMERCIAL_PARTNER))
    assert "Rooms for Kent" not in client.get("/home").text


def test_many_services_in_one_standing_are_one_line(client: FlaskClient) -> None:
    body = make_commissioner()
    for _ in range(6):
        make_service(commissioner=body, bands=FOUR_BANDS)
    sign_in(client, make_actor(body, Role.CONTRACT_MANAGER))
    home = client.get("/home").text
    assert "Heading under its minimum: 6 services" in home
    assert "standing=under_minimum" in home


def test_the_page_says_how_sure_what_is_paid_and_what_one_more_would_do(client: FlaskClient) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier, bands=FOUR_BANDS)
    make_referrals(line, 80)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    page = client.get(f"/volumes/{line.id}").text
    # 109 of 251 working days by 7 September: 80 x 251 / 109 = 184.2.
    assert "<dd>184</dd>" in page
    assert "one with fewer and one with more" in page
    assert "reaches band 2, changes the price of the year by £20,000, and leaves room for 59" in page
    # Five twelfths of £100,000, and 80 at £1,000.
    assert "£41,666.69: twelfths of the planned price" in page
    assert "£80,000.00: 80 referrals at the planned £1,000.00 each" in page
    assert "used above what is due" in page
    assert "Nothing: at this rate enough people come" in page


def test_the_page_of_a_year_cut_short_says_what_it_is_compared_with(client: FlaskClient) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier, bands=FOUR_BANDS, ends_on=date(2026, 9, 30))
    make_referrals(line, 50)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    page = client.get(f"/volumes/{line.id}").text
    assert "50 referrals in this part are compared with them as 100" in page
    assert "Band 3 begins at 51 referrals" in page
    # Six twelfths of £120,000 for six of £100,000, each with its odd pennies.
    assert "reaches band 3, changes the price of the year by £9,999.98, and leaves room for 89" in page


def test_a_past_day_is_asked_by_its_date_and_stands_in_the_address(client: FlaskClient) -> None:
    supplier = make_supplier()
    line = make_service(supplier=supplier)
    make_referrals(line, 12)
    sign_in(client, make_actor(supplier, Role.SERVICE_MANAGER))
    answer = client.get(f"/volumes/{line.id}?on-day=31&on-month=8&on-year=2026")
    assert answer.location == f"/volumes/{line.id}?on=2026-08-31"
    page = client.get(answer.location).text
    assert "As it stood at the end of 31 August 2026" in page
    assert "<dt>Referrals so far</dt><dd>0</dd>" in page
    rows = client.get(f"/volumes/{line.id}.csv?on=2026-08-31").data.decode("utf-8-sig").splitlines()
    assert rows[5] == "2026-08-31,0,0,50"
    wrong = client.get(f"/volumes/{line.id}?on-day=31&on-month=9&on-year=2026").text
    assert "Enter a real date" in wrong
    for to_come in ("2027-01-01", "9999-99-99", "", "0001-01-01"):
        assert client.get(f"/volumes/{line.id}?on={to_come}").status_code == 200


def test_the_framework_team_may_look_at_any_line(client: FlaskClient) -> None:
    line = make_service()
    sign_in(client, make_actor(make_commissioner(), Role.FRAMEWORK_TEAM))
    assert client.get(f"/volumes/{line.id}").status_code == 200
    assert client.get("/volumes/").status_code == 403


@pytest.mark.parametrize("role", [Role.FRAMEWORK_TEAM, Role.SERVICE_MANAGER, Role.REGIONAL_COORDINATOR])
def test_nobody_is_led_where_it_is_closed_to_them(client: FlaskClient, role: Role) -> None:
    body, supplier = make_commissioner(), make_supplier()
    line = make_service(bands=FOUR_BANDS, commissioner=body, supplier=supplier)
    jobs.raise_due_alerts()
    (alert,) = queries.alerts_of(line.id, line.agreement.starts_on)
    sign_in(client, make_actor(supplier if role is Role.SERVICE_MANAGER else body, role))
    paths = ["/volumes/rate-card", "/volumes/actions", "/volumes/alerts"]
    paths += [f"/volumes/{line.id}", f"/volumes/{line.id}/seasons", f"/volumes/alerts/{alert.id}"]
    paths += ["/volumes/nation", "/volumes/comparison"] if role is Role.FRAMEWORK_TEAM else ["/volumes/"]
    seen: set[str] = set()
    for path in paths:
        page = client.get(path)
        assert page.status_code == 200, path
        for link in set(re.findall(r'<a [^>]*href="(/[^"#]*)"', page.text)) - seen:
            assert client.get(unescape(link)).status_code < 400, f"{path}: {link}"
            seen.add(link)
