from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from contracts.agreements.models import Subcontractor
from contracts.referrals.rules import ReferralStatus
from marketplace.extensions import db
from tests.factories.accounts import make_supplier, sign_in
from tests.factories.referrals import make_officer, make_referral, make_referrals, make_service

pytestmark = pytest.mark.usefixtures("session", "clock")


def test_a_page_says_all_that_the_contract_says(client: FlaskClient) -> None:
    line = make_service(
        title="Rooms & keys", supplier=make_supplier("Safe Doors"), open_to_men=False, maximum_age=25, bands=((0, 9),)
    )
    db.session.add(Subcontractor(agreement_id=line.agreement_id, name="Key Menders"))
    make_referrals(line, 2)
    page = client.get(f"/services/{line.id}").text
    for words in (
        "Rooms &amp; keys",
        "Safe Doors",
        "Women aged 18 to 25",
        "Room for 7 more this contract year",
        "Prevented from losing accommodation",
        "Kent (police force area)",
        "Key Menders",
        "1 April 2026",
        "Sign in",
    ):
        assert words in page, words


def test_a_service_that_is_not_in_force_is_not_found(client: FlaskClient) -> None:
    assert client.get(f"/services/{make_service(ends_on=date(2026, 9, 6)).id}").status_code == 404
    assert client.get("/services/999999").status_code == 404


def test_officers_may_refer_where_there_is_room_and_somebody_to_receive(client: FlaskClient) -> None:
    open_one, full, silent = make_service(), make_service(bands=((0, 1),)), make_service(with_manager=False)
    make_referrals(full, 1)
    for _ in range(2):
        make_referral(full, status=ReferralStatus.WAITING)
    sign_in(client, make_officer())
    assert "Refer someone" in client.get(f"/services/{open_one.id}").text
    page = client.get(f"/services/{full.id}").text
    assert "Full: waiting list, 2 waiting" in page
    assert "It has taken everybody it can" in page
    assert "Add someone to the waiting list" in page
    assert "Refer the way you do today" in client.get(f"/services/{silent.id}").text
