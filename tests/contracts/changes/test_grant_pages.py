"""Pages of varying a grant: its value and its instalments, drafted, shown old beside new, and signed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session, scoped_session

from contracts.changes.models import Variation
from tests.conftest import Client, StandingClock
from tests.factories.accounts import letter, sign_in
from tests.factories.changes import make_change
from tests.factories.grants import GrantChange, make_grant

Database = scoped_session[Session]


@pytest.fixture
def grant(session: Database, clock: StandingClock) -> GrantChange:
    return make_grant()


def typed(amount: str, day: date, what: str) -> dict[str, str]:
    return {
        "milestone": what,
        "amount": amount,
        "due_on-day": str(day.day),
        "due_on-month": str(day.month),
        "due_on-year": str(day.year),
    }


def test_a_grant_is_drafted_part_by_part(grant: GrantChange, client: Client, session: Database) -> None:
    sign_in(client, grant.manager)
    variation = grant.draft()
    base = f"/contracts/changes/{variation.id}"
    page = client.get(base).text
    assert f"{base}/value" in page
    assert f"{base}/instalments" in page
    assert "Volume of" in page
    assert "By its instalments" in page
    assert client.post(f"{base}/value", data={"value": "125000"}).status_code == 302
    page = client.get(f"{base}/instalments").text
    assert "Still without an instalment" in page
    assert "£5,000" in page
    wrong = client.post(f"{base}/instalments/new", data=typed("5000", date(2030, 1, 1), "A second house"))
    assert (wrong.status_code, "within the grant" in wrong.text, "A second house" in wrong.text) == (422, True, True)
    new = client.post(f"{base}/instalments/new", data=typed("5000", date(2028, 1, 1), "A second <b>house</b>"))
    assert new.headers["Location"].endswith("/instalments")
    assert "A second &lt;b&gt;house&lt;/b&gt;" in client.get(f"{base}/instalments").text
    assert "Twenty people" in client.get(f"{base}/instalments/2").text
    changed = client.post(f"{base}/instalments/2", data=typed("39999.99", date(2027, 8, 31), "Twenty people"))
    assert changed.status_code == 302
    assert client.post(f"{base}/instalments/3/drop").status_code == 302
    assert client.post(f"{base}/instalments/3/drop").status_code == 409
    assert client.get(f"{base}/instalments/3").status_code == 404
    refused = client.post(f"{base}/submit")
    assert (refused.status_code, "£40,000.00 of the grant has no instalment" in refused.text) == (409, True)
    client.post(f"{base}/instalments/new", data=typed("40000", date(2029, 1, 1), "Sixty people"))
    assert client.post(f"{base}/submit").status_code == 302
    page = client.get(base).text
    assert "£40,000.00, expected by 1 January 2029: Sixty people" in page
    assert client.get(f"{base}/instalments").status_code == 409
    assert f"grant {grant.agreement.reference}" in letter(session, "waits for your approval").body


def test_what_is_claimed_is_shown_and_left(grant: GrantChange, client: Client) -> None:
    variation = grant.draft()
    grant.set(variation, 1, "30000.01")
    grant.claim(1)
    page = sign_in(client, grant.manager).get(f"/contracts/changes/{variation.id}/instalments").text
    assert "It stays as it is" in page
    assert "£40,000.01" in page
    assert f"/contracts/changes/{variation.id}/instalments/1" not in page


def test_the_cap_of_a_grant_changes_without_a_price(grant: GrantChange, client: Client) -> None:
    sign_in(client, grant.manager)
    variation = grant.draft()
    line = grant.agreement.lines[0].id
    path = f"/contracts/changes/{variation.id}/volume/{line}"
    assert "price a year" not in client.get(path).text
    data = {
        "low_1": "0",
        "high_1": "50",
        "planned_band": "1",
        "referrals_until-day": "30",
        "referrals_until-month": "9",
        "referrals_until-year": "2029",
    }
    assert client.post(path, data=data).status_code == 302
    page = client.get(f"/contracts/changes/{variation.id}").text
    assert "0 to 50 referrals a year" in page
    assert "0 to 50 referrals a year, £" not in page


def test_a_varied_grant_is_not_planned_by_one_side(grant: GrantChange, client: Client) -> None:
    sign_in(client, grant.manager)
    path = f"/contracts/{grant.agreement.id}/instalments"
    assert "Remove" in client.get(path).text
    variation = grant.raised()
    page = client.get(path).text
    assert ("under way" in page, "Remove" in page) == (True, False)
    grant.agree(variation)
    page = client.get(path).text
    assert ("Both sides have agreed these instalments" in page, "Remove" in page) == (True, False)
    assert "£50,000.00" in page
    show = client.get(f"/contracts/{grant.agreement.id}?on=2027-01-01").text
    assert "Instalments as agreed" in show


def test_only_the_lead_and_only_of_grants(grant: GrantChange, client: Client, session: Database) -> None:
    contract = make_change()
    other = contract.draft()
    variation: Variation = grant.draft()
    for part in ("value", "instalments", "instalments/new", "instalments/1"):
        assert sign_in(client, contract.manager).get(f"/contracts/changes/{other.id}/{part}").status_code == 404
        assert client.get(f"/contracts/changes/{variation.id}/{part}").status_code == 404
        assert sign_in(client, grant.partner).get(f"/contracts/changes/{variation.id}/{part}").status_code == 403
        assert sign_in(client, grant.manager).get(f"/contracts/changes/{variation.id}/{part}").status_code == 200
    assert variation.version.whole_life_value == Decimal("120000.00")
