from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.changes.models import Variation
from contracts.changes.rules import VariationStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.changes import make_change

pytestmark = pytest.mark.usefixtures("session", "clock")


def _text(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", answer.text)


def _day(name: str, day: int, month: int, year: int) -> dict[str, str]:
    return {f"{name}-day": str(day), f"{name}-month": str(month), f"{name}-year": str(year)}


def test_a_change_from_the_draft_to_the_last_signature_on_the_pages(client: FlaskClient) -> None:
    made = make_change()
    _ = made.partner, made.approver, made.signatory
    changes = f"/contracts/{made.agreement.id}/changes"
    sign_in(client, made.manager)
    page = _text(client, changes)
    assert "has not been changed" in page
    assert "stays with its supplier" in page
    begun = {"reason": "More people come.", **_day("in_force_from", 1, 1, 2027)}
    assert "Enter the day" in client.post(f"{changes}/new", data={"reason": "x"}).text
    client.post(f"{changes}/new", data=begun)
    variation = db.session.scalars(select(Variation)).one()
    one = f"/contracts/changes/{variation.id}"
    assert "Change one part after the other" in _text(client, one)
    assert "Nothing yet." in _text(client, one)

    volume = f"{one}/volume/{made.agreement.lines[0].id}"
    page = _text(client, volume)
    assert 'value="100000.00"' in page
    typed = {"planned_band": "2", **_day("referrals_until", 30, 9, 2029)}
    for number, (low, high) in enumerate(((60, 80), (81, 100), (101, 120), (121, 140)), start=1):
        typed |= {f"low_{number}": str(low), f"high_{number}": str(high), f"price_{number}": str(2000 * high)}
    apart = client.post(volume, data={**typed, "low_3": "105"})
    assert apart.status_code == 422
    assert 'value="105"' in apart.text
    client.post(volume, data=typed)
    early = client.post(f"{one}/dates", data={**_day("in_force_from", 1, 1, 2026), **_day("ends_on", 30, 9, 2029)})
    assert "from today at the earliest" in early.text
    lead = client.post(f"{one}/shares", data={"lead": "60"} | {f"body_{n}": "" for n in range(1, 5)})
    assert "must be 100%" in lead.text
    assert "Kent" in _text(client, f"{one}/areas/{made.agreement.lines[0].id}")
    page = _text(client, one)
    assert "The whole contract as it will be" in page
    assert "Find and keep a home for each person referred." in page
    table = client.get(f"{changes}.csv").text
    assert "2,change,draft," in table
    assert "£200,000.00 a year" in table
    assert "81 to 100 referrals a year, £100,000.00 a year" in page
    assert "81 to 100 referrals a year, £200,000.00 a year" in page
    assert "£575,000.01" in page
    client.post(f"{one}/submit")

    sign_in(client, made.signatory)
    _text(client, one, 404)
    for approver in (made.approver, made.partner):
        sign_in(client, approver)
        assert f"Approve the change to {made.agreement.reference}" in _text(client, "/home")
        assert "Approve the change" in _text(client, one)
        assert "Sign the change" not in _text(client, one)
        client.post(f"{one}/approve", data={"round": "1"})
        assert "Approve the change" not in _text(client, "/home")
    for signer in (made.signatory, made.approver):
        sign_in(client, signer)
        assert f"Sign the change to {made.agreement.reference}" in _text(client, "/home")
        found = re.search(r'name="digest"[^>]* value="([0-9a-f]{64})"', _text(client, one))
        assert found
        assert "Tick the box" in client.post(f"{one}/sign", data={"digest": found[1]}).text
        client.post(f"{one}/sign", data={"digest": found[1], "agreed": "y"})
    assert variation.status is VariationStatus.AGREED
    page = _text(client, changes)
    assert "1 January 2027" in page
    assert "£575,000.01" in page
    assert "not approved yet" not in _text(client, one)


def test_sent_back_taken_back_and_withdrawn_on_the_pages(client: FlaskClient) -> None:
    made = make_change()
    variation = made.submitted()
    one = f"/contracts/changes/{variation.id}"
    sign_in(client, made.partner)
    assert "Give the reason" in client.post(f"{one}/send-back", data={"round": "1", "reason": ""}).text
    client.post(f"{one}/send-back", data={"round": "1", "reason": "Too much."})
    sign_in(client, made.manager)
    assert "Sent back: the change to" in _text(client, "/home")
    assert "Too much." in _text(client, one)
    client.post(f"{one}/submit")
    client.post(f"{one}/take-back")
    assert variation.status is VariationStatus.DRAFT
    client.post(f"{one}/withdraw", data={"reason": "No money."})
    assert "Withdrawn: No money." in _text(client, one)
    assert client.post(f"{one}/submit").status_code == 409
    _text(client, f"{one}/dates", 409)


def test_others_find_no_change(client: FlaskClient) -> None:
    made = make_change()
    variation = made.agreed()
    for stranger in (make_actor(make_supplier(), Role.SIGNATORY), make_actor(make_commissioner(), Role.APPROVER)):
        sign_in(client, stranger)
        _text(client, f"/contracts/{made.agreement.id}/changes", 404)
        _text(client, f"/contracts/changes/{variation.id}", 404)
    sign_in(client, make_actor(make_commissioner(), Role.CONTRACT_MANAGER))
    _text(client, f"/contracts/changes/{variation.id}/dates", 404)
    sign_in(client, make_actor(made.agreement.funders[1].organisation, Role.CONTRACT_MANAGER))
    _text(client, f"/contracts/{made.agreement.id}/changes/new", 403)


def test_the_contract_is_shown_as_of_any_day_with_the_signatures_of_that_version(client: FlaskClient) -> None:
    made = make_change()
    made.agreed()
    sign_in(client, made.manager)
    path = f"/contracts/{made.agreement.id}"
    for query, price, other in (("", "£100,000.00", "£200,000.00"), ("?on=2027-01-01", "£200,000.00", "£100,000.00")):
        page = _text(client, path + query)
        assert price in page
        assert other not in page
        assert page.count("As shown here") == 2
        assert "Other terms" not in page
    assert "version 2" in _text(client, f"{path}?on=2027-01-01")
    assert "£100,000.00" in _text(client, f"{path}?on=nonsense")
    assert client.get(f"{path}/terms.json?on=2027-01-01").json["version"] == 2
