"""The pages of handovers, each to whom it is for, and never more than that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.handovers import jobs
from contracts.handovers.models import Handover
from contracts.handovers.rules import HandoverStatus
from contracts.referrals import actions as referring
from contracts.referrals.models import Referral
from contracts.referrals.rules import Attendance, Consent, ReferralStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, make_commissioner, sign_in
from tests.factories.agreements import make_version
from tests.factories.counting import counted_queries
from tests.factories.handovers import Handing, in_days
from tests.factories.places import GREATER_MANCHESTER_REGION
from tests.factories.referrals import make_referral, make_service, make_session

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
Status = ReferralStatus
pytestmark = pytest.mark.usefixtures("session", "clock")


def _plan(client: FlaskClient, handing: Handing, day: str = "7", **changed: str) -> str:
    typed = {
        "from_line": str(handing.old.id),
        "to_line": str(handing.new.id),
        "day-day": day,
        "day-month": "9",
        "day-year": "2026",
    }
    answer = client.post(f"/contracts/{handing.old.agreement_id}/handover/new", data=typed | changed)
    return answer.location if answer.status_code == 302 else answer.text


def test_a_handover_is_planned_looked_through_fixed_and_run_on_the_pages(
    client: FlaskClient, handing: Handing, run_jobs: object
) -> None:
    goes, stays = handing.referral(), handing.referral()
    sign_in(client, handing.lead)
    index = f"/contracts/{handing.old.agreement_id}/handover"
    assert "No handover is planned" in client.get(index).text
    assert "Choose the next service" in _plan(client, handing, to_line="")
    assert "today or a day to come" in _plan(client, handing, day="6")
    url = _plan(client, handing)
    page = client.get(url).text
    assert "Nobody outside your organisation knows of it yet" in page
    assert "so all in service find a place" in page
    decided = client.post(f"{url}/cases/{stays.id}", data={"decision": "stay"}, follow_redirects=True).text
    assert "Stays until completed" in decided
    assert "Fix the handover" in decided
    fixed = client.post(f"{url}/fix", follow_redirects=True).text
    assert "Both suppliers and the officers are told" in fixed
    run_jobs()  # type: ignore[operator]
    done = client.get(url).text
    assert "1 referral moved" in done
    assert "Undo the handover" in done
    there = client.get(f"/contracts/{handing.new.agreement_id}/handover").text
    assert "1 person was moved here and is not taken on yet." in there
    assert db.session.get_one(Referral, goes.id).status is Status.TRANSFERRED
    assert "Rooms, old" in client.get(f"/contracts/{handing.new.agreement_id}/handover").text
    # The whole is undone on its own page.
    assert "1 is not taken on yet" in " ".join(client.get(f"{url}/undo").text.split())
    client.post(f"{url}/undo")
    run_jobs()  # type: ignore[operator]
    assert "It was undone" in client.get(url).text
    assert db.session.get_one(Referral, goes.id).status is Status.ACCEPTED
    assert client.post(f"{url}/undo").status_code == 409


def test_a_handover_is_cancelled_with_a_reason(client: FlaskClient, handing: Handing) -> None:
    sign_in(client, handing.lead)
    url = _plan(client, handing, day="21")
    assert "Enter a reason" in client.post(f"{url}/cancel", data={"reason": ""}).text
    assert client.post(f"{url}/cancel", data={"reason": "The contract is late."}).status_code == 302
    assert "It was given up: The contract is late." in client.get(url).text
    assert client.post(f"{url}/fix").status_code == 409


def test_who_sees_what_of_a_handover(client: FlaskClient, handing: Handing) -> None:
    case = handing.referral()
    handover = handing.fixed(in_days(14))
    url, csv = f"/contracts/handovers/{handover.id}", f"/contracts/handovers/{handover.id}/cases.csv"
    for actor, cases, buttons in (
        (handing.lead, True, True),
        (handing.old_manager, True, True),
        # The next supplier, and who only sees the contract, see numbers.
        (handing.new_manager, False, False),
        (make_actor(handing.old.agreement.supplier, Role.SIGNATORY), False, False),
        (make_actor(handing.old.agreement.commissioner, Role.REGIONAL_COORDINATOR), False, False),
    ):
        sign_in(client, actor)
        page = client.get(url).text
        assert "Referrals in numbers" in page, actor.roles
        assert (case.reference in page) is cases, actor.roles
        assert ("Let it stay" in page) is buttons, actor.roles
        assert client.get(csv).status_code == (200 if cases else 403), actor.roles
        assert ("Cancel the handover" in page) is (actor is handing.lead)
    for role in (Role.CONTRACT_MANAGER, Role.SERVICE_MANAGER):
        sign_in(client, actor_with(role))
        assert client.get(url).status_code == 404
        assert client.get(csv).status_code == 404


def test_a_draft_is_not_there_for_suppliers_and_other_funders(client: FlaskClient, handing: Handing) -> None:
    funder = make_commissioner()
    make_version(handing.old.agreement, funders=[(funder, Decimal(100))], agreed_at=NOW)
    handover = handing.planned(in_days(14))
    pays = make_actor(funder, Role.CONTRACT_MANAGER)
    for actor in (handing.old_manager, handing.new_manager, pays):
        sign_in(client, actor)
        assert client.get(f"/contracts/handovers/{handover.id}").status_code == 404
        assert "No handover is planned" in client.get(f"/contracts/{_own(handing, actor)}/handover").text


def _own(handing: Handing, actor: object) -> int:
    return (handing.new if actor is handing.new_manager else handing.old).agreement_id


def test_no_page_or_file_of_a_handover_says_who_somebody_is(client: FlaskClient, handing: Handing) -> None:
    handing.referral(crn="Q424242")
    handover = handing.run()
    for actor in (handing.lead, handing.old_manager, handing.new_manager):
        sign_in(client, actor)
        for path in ("", "/cases.csv"):
            text = client.get(f"/contracts/handovers/{handover.id}{path}").text
            assert "Q424242" not in text
            assert "A need." not in text
    sign_in(client, handing.officer)
    for path in ("/referrals/moved", "/referrals/moved.csv"):
        assert "Q424242" not in client.get(path).text


def test_the_cases_are_filtered_sorted_paged_and_a_file(client: FlaskClient, handing: Handing) -> None:
    many = [handing.referral() for _ in range(27)]
    there = handing.referral(crn="X000077")
    make_referral(handing.new, crn="X000077")
    handover = handing.planned()
    sign_in(client, handing.lead)
    url = f"/contracts/handovers/{handover.id}"
    page = client.get(url).text
    assert "Page 1 of 2" in page
    cannot = client.get(f"{url}?show=cannot&sort=status").text
    assert there.reference in cannot
    assert many[0].reference not in cannot
    assert "open referral to the new service already" in cannot
    assert "No referral matches" in client.get(f"{url}?show=moved").text
    rows = client.get(f"{url}/cases.csv").text.splitlines()
    assert len(rows) == 29
    assert client.get(f"{url}/cases.csv?show=cannot").text.splitlines()[1].startswith(there.reference)
    handover_id = handover.id
    db.session.commit()
    counts = []
    for more in (0, 30):
        for _ in range(more):
            handing.referral()
        with counted_queries() as sent:
            client.get(f"/contracts/handovers/{handover_id}")
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_who_may_not_act_is_refused(client: FlaskClient, handing: Handing) -> None:
    case, handover = handing.referral(), handing.fixed(in_days(14))
    url = f"/contracts/handovers/{handover.id}"
    sign_in(client, handing.new_manager)
    assert client.post(f"{url}/cases/{case.id}", data={"decision": "stay"}).status_code == 403
    sign_in(client, handing.old_manager)
    assert client.post(f"{url}/fix").status_code == 403
    assert client.post(f"{url}/cancel", data={"reason": "x"}).status_code == 403
    assert client.post(f"{url}/cases/{case.id}", data={"decision": "elsewhere"}).status_code == 409
    assert client.post(f"{url}/cases/{case.id}", data={"decision": "stay"}).status_code == 302
    sign_in(client, make_actor(handing.new.agreement.commissioner, Role.APPROVER))
    assert client.post(f"{url}/fix").status_code == 403
    assert db.session.get_one(Handover, handover.id).status is HandoverStatus.AGREED


def test_the_officer_moves_a_case_to_another_area_follows_it_and_takes_it_back(
    client: FlaskClient, handing: Handing, clock: StandingClock
) -> None:
    old = handing.referral()
    elsewhere = make_service(places=(GREATER_MANCHESTER_REGION,), title="Homes up north")
    sign_in(client, handing.officer)
    assert "None of your referrals has moved" in client.get("/referrals/moved").text
    assert "Move to another service" in client.get(f"/referrals/{old.id}").text
    url = f"/referrals/{old.id}/move"
    assert "Homes up north" in client.get(f"{url}?text=manchester").text
    assert "No service matches" in client.get(f"{url}?text=nowhere").text
    assert "Choose a service" in client.post(url, data={}).text
    moved = client.post(f"{url}?text=north", data={"line": str(elsewhere.id)})
    assert moved.status_code == 302
    page = client.get(moved.location).text
    assert "The next supplier is told" in page
    assert "It came from Rooms, old" in page
    assert "Homes up north" in client.get(f"/referrals/{old.id}").text
    listed = client.get("/referrals/moved?waiting=yes").text
    assert old.reference in listed
    assert "5 October 2026" in listed
    assert "Late" not in client.get("/referrals/moved").text
    clock.set(NOW + timedelta(days=29))
    sign_in(client, handing.officer)
    assert "Late" in client.get("/referrals/moved").text
    assert client.get("/referrals/moved.csv").text.splitlines()[1].endswith("yes")
    clock.set(NOW)
    sign_in(client, handing.officer)
    undo = moved.location.rstrip("/") + "/undo-move"
    assert "sees it no more" in client.get(undo).text
    assert client.post(undo).status_code == 302
    assert "Accepted" in client.get(f"/referrals/{old.id}").text
    assert client.get(moved.location).status_code == 404
    # Nobody else moves it.
    for actor in (handing.old_manager, actor_with(Role.RESPONSIBLE_OFFICER)):
        sign_in(client, actor)
        assert client.post(url, data={"line": str(elsewhere.id)}).status_code in (403, 404)


def test_the_old_supplier_is_not_told_where_the_person_has_gone(
    client: FlaskClient, handing: Handing, clock: StandingClock
) -> None:
    old = handing.referral()
    elsewhere = make_service(places=(GREATER_MANCHESTER_REGION,), title="Homes up north")
    sign_in(client, handing.officer)
    client.post(f"/referrals/{old.id}/move", data={"line": str(elsewhere.id)})
    clock.move(minutes=5)
    client.post(f"/referrals/{old.id}/consent", data={"answer": "given"})
    new = db.session.scalars(select(Referral).where(Referral.moved_from_id == old.id)).one()
    reads = make_actor(elsewhere.agreement.supplier, Role.SERVICE_MANAGER, name="Rea Dsitall")
    sign_in(client, reads)
    assert client.get(f"/referrals/{new.id}/history").status_code == 200
    sign_in(client, handing.officer)
    assert "Rea Dsitall" in client.get(f"/referrals/{old.id}").text
    sign_in(client, handing.old_manager)
    page = client.get(f"/referrals/{old.id}").text
    assert "Rea Dsitall" not in page
    assert elsewhere.agreement.supplier.name not in page
    assert "Consent to share" not in page
    assert "Moved to the next supplier" in page
    assert "You can read it until 8 March 2027" in page
    assert "Homes up north" not in page
    assert new.reference not in page


def test_the_record_is_read_by_the_next_supplier_once_the_person_agrees(client: FlaskClient, handing: Handing) -> None:
    old = handing.referral()
    session = make_session(old, starts_at=NOW - timedelta(days=1))
    referring.record_session(
        session.id, attendance=Attendance.ATTENDED, note="Came early.", actor=handing.old_manager, now=NOW
    )
    handing.fixed()
    jobs.run_handovers()
    db.session.expire_all()
    new = db.session.scalars(select(Referral).where(Referral.moved_from_id == old.id)).one()
    sign_in(client, handing.new_manager)
    url = f"/referrals/{new.id}"
    assert "has not agreed" in client.get(url).text
    assert client.get(f"{url}/history").status_code == 404
    assert client.get(f"/referrals/{old.id}").status_code == 404
    assert client.post(f"/referrals/{old.id}/consent", data={"answer": "given"}).status_code == 404
    sign_in(client, handing.officer)
    assert "Choose what the person said" in client.post(f"/referrals/{old.id}/consent", data={}).text
    assert client.post(f"/referrals/{old.id}/consent", data={"answer": "given"}).status_code == 302
    sign_in(client, handing.new_manager)
    assert "Read what was recorded there" in client.get(url).text
    page = client.get(f"{url}/history").text
    assert "Came early." in page
    assert "Rooms, old" in page
    sign_in(client, handing.old_manager)
    assert client.post(f"/referrals/{old.id}/consent", data={"answer": "refused"}).status_code == 403
    assert db.session.get_one(Referral, old.id).consent is Consent.GIVEN
    sign_in(client, actor_with(Role.CASEWORKER))
    assert client.get(f"{url}/history").status_code == 404
