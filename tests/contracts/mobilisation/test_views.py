from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.mobilisation import queries
from contracts.mobilisation.models import Milestone, Promise, PromiseReport, StaffMember
from contracts.mobilisation.rules import Dates, MilestoneStatus, PromiseStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_supplier, sign_in
from tests.factories.agreements import NOW, PROMISE, make_agreement, make_signed_agreement
from tests.factories.counting import counted_queries
from tests.factories.mobilisation import make_contract_to_mobilise

pytestmark = pytest.mark.usefixtures("session", "clock")


def _text(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", answer.text)


def _rows(client: FlaskClient, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path).text.removeprefix("\ufeff"))))


def test_a_milestone_from_making_to_acceptance_on_the_pages(client: FlaskClient) -> None:
    made = make_contract_to_mobilise(starts_in=30)
    path = f"/contracts/{made.agreement.id}/readiness"
    sign_in(client, made.manager)
    assert "Make the usual milestones" in _text(client, path)
    begun = client.post(f"/contracts/{made.agreement.id}/mobilisation", follow_redirects=True)
    assert "The usual milestones are made" in begun.text
    new = {"title": "Keys", "evidence": "With the lead.", "side": "supplier", "days_before": "5"}
    untyped = client.post(f"/contracts/{made.agreement.id}/milestones/new", data={**new, "days_before": ""})
    assert untyped.status_code == 422
    assert 'value="Keys"' in untyped.text
    client.post(f"/contracts/{made.agreement.id}/milestones/new", data=new)
    page = _text(client, path)
    assert "5 working days before the start" in page
    keys = db.session.scalars(select(Milestone).where(Milestone.title == "Keys")).one()
    one = f"/contracts/milestones/{keys.id}"
    assert "By the start" in client.post(
        f"{one}/change", data={**new, "days_before": "0"}, follow_redirects=True
    ).text or ("By the start" in _text(client, path))

    sign_in(client, made.deliverer)
    assert "milestones due" in _text(client, "/home")
    assert "Say that it is done" in _text(client, one)
    client.post(f"{one}/done", data={"evidence": "They hang in the office."})
    assert keys.status is MilestoneStatus.DONE
    assert _text(client, f"{one}/send-back", 403)

    sign_in(client, made.manager)
    assert f"Accept 1 milestone of {made.agreement.reference}" in _text(client, "/home")
    assert "They hang in the office." in _text(client, one)
    assert client.post(f"{one}/send-back", data={"reason": ""}).status_code == 422
    client.post(f"{one}/send-back", data={"reason": "Which office?"})
    sign_in(client, made.deliverer)
    assert "Which office?" in _text(client, one)
    client.post(f"{one}/done", data={"evidence": "The one in Dover."})
    sign_in(client, made.manager)
    assert "The milestone is accepted" in client.post(f"{one}/accept", follow_redirects=True).text
    rows = _rows(client, f"/contracts/{made.agreement.id}/milestones.csv")
    assert {row["status"] for row in rows} == {"open", "accepted"}


def test_what_is_not_needed_stays_with_its_reason(client: FlaskClient) -> None:
    made = make_contract_to_mobilise()
    first = made.begin()[0]
    sign_in(client, made.manager)
    client.post(f"/contracts/milestones/{first.id}/not-needed", data={"reason": "A small contract."})
    assert "A small contract." in _text(client, f"/contracts/milestones/{first.id}")
    assert "Not needed" in _text(client, f"/contracts/{made.agreement.id}/readiness")


def test_the_list_of_what_gets_ready_filters_pages_and_is_a_csv(client: FlaskClient) -> None:
    supplier = make_supplier("Long List Trust")
    for number in range(26):
        make_agreement(supplier=supplier, title=f"Lot{number:02}", starts_on=NOW.date() + timedelta(days=100))
    late = make_contract_to_mobilise(supplier=supplier, starts_in=40, title="Late one")
    late.begin(now=NOW - timedelta(days=60))
    make_signed_agreement(supplier=supplier, title="Long over", starts_on=date(2026, 8, 1)).ends_on = date(2026, 9, 1)
    sign_in(client, late.deliverer)
    page = _text(client, "/contracts/readiness")
    assert "27 contracts, the gravest first" in page
    assert "Page 1 of 2" in page
    assert page.index("Late one") < page.index("Lot00")
    assert "Not signed by both sides" in page
    assert "Long over" not in page
    only = _text(client, "/contracts/readiness?text=lot07")
    assert "1 contract," in only
    assert "Late one" in _text(client, "/contracts/readiness?standing=late")
    assert "No contract matches" in _text(client, "/contracts/readiness?standing=ready&page=7")
    rows = _rows(client, "/contracts/readiness.csv")
    assert len(rows) == 27
    assert rows[0]["readiness"] == "late"
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert "No contract is getting ready now" in _text(client, "/contracts/readiness")


def test_the_list_asks_the_database_as_often_for_many_contracts_as_for_few(client: FlaskClient) -> None:
    supplier = make_supplier()
    first = make_contract_to_mobilise(supplier=supplier)
    first.begin()
    sign_in(client, first.deliverer)
    counts = []
    for more in (0, 8):
        for _ in range(more):
            make_contract_to_mobilise(supplier=supplier).begin()
        db.session.commit()
        with counted_queries() as sent:
            client.get("/contracts/readiness")
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 6


def test_the_home_page_asks_as_often_for_many_contracts_as_for_few(client: FlaskClient, clock: StandingClock) -> None:
    supplier = make_supplier()
    first = make_contract_to_mobilise(supplier=supplier)
    first.begin()
    first.promise()
    first.subcontractor()
    counts = []
    for more in (0, 6):
        for _ in range(more):
            made = make_contract_to_mobilise(supplier=supplier)
            made.begin()
            made.promise()
            made.subcontractor()
        clock.set(NOW.replace(year=2027, month=3))
        sign_in(client, first.deliverer)
        with counted_queries() as sent:
            assert client.get("/home").status_code == 200
        counts.append(len(sent))
        clock.set(NOW)
    assert counts[0] == counts[1]


def test_the_supplier_sees_its_people_and_the_commissioner_counts(client: FlaskClient) -> None:
    made = make_contract_to_mobilise()
    path = f"/contracts/{made.agreement.id}/people"
    sign_in(client, made.deliverer)
    assert "Nobody is entered yet" in _text(client, path)
    typed = {"reference": "ZQ-7", "role": "Mentor", "level": "standard"}
    typed |= {f"given_on-{part}": value for part, value in (("day", "1"), ("month", "8"), ("year", "2026"))}
    typed |= {f"expires_on-{part}": value for part, value in (("day", "1"), ("month", "10"), ("year", "2026"))}
    named = client.post(f"{path}/new", data={**typed, "reference": "Zoe Quill"})
    assert "not a name" in named.text
    client.post(f"{path}/new", data=typed)
    member = db.session.scalars(select(StaffMember)).one()
    client.post(f"/contracts/people/{member.id}/access", data={"prison": "HMP Elmley"})
    page = _text(client, path)
    assert "ZQ-7" in page
    assert "HMP Elmley" in page
    assert "Ends soon" in page
    assert ": ending soon, or over" in _text(client, "/home")
    assert _rows(client, f"{path}.csv")[0]["prison"] == "HMP Elmley"
    opened = _text(client, f"/contracts/people/{member.id}")
    assert 'value="ZQ-7"' in opened
    assert client.post(f"/contracts/people/{member.id}", data={**typed, "role": "Lead mentor"}).status_code == 302
    assert member.role == "Lead mentor"

    sign_in(client, made.manager)
    page = _text(client, path)
    assert "ZQ-7" not in page
    assert "HMP Elmley" in page
    assert ": ending soon, or over" in _text(client, "/home")
    rows = _rows(client, f"{path}.csv")
    assert "ZQ-7" not in str(rows)
    assert [row["people"] for row in rows if row["what"] == "Standard" and row["state"] == "expiring"] == ["1"]
    _text(client, f"/contracts/people/{member.id}", 403)

    sign_in(client, made.deliverer)
    (access,) = member.access
    client.post(f"/contracts/access/{access.id}/remove")
    client.post(f"/contracts/people/{member.id}/left")
    assert "Nobody is entered yet" in _text(client, path)


def test_a_promise_is_written_agreed_reported_and_judged_on_the_pages(
    client: FlaskClient, clock: StandingClock
) -> None:
    made = make_contract_to_mobilise()
    path = f"/contracts/{made.agreement.id}/promises"
    promised = PROMISE.replace("&", "&amp;")
    _ = made.deliverer
    sign_in(client, made.manager)
    assert promised in _text(client, path)
    assert promised in _text(client, f"{path}/new")
    typed = {
        "kind": "equality",
        "who": "Carers",
        "need": "Sessions in the evening.",
        "measure": "Evening sessions",
        "target": "26",
        "frequency": "quarterly",
        "first_due_on-day": "31",
        "first_due_on-month": "12",
        "first_due_on-year": "2026",
    }
    assert "Enter what is counted" in client.post(f"{path}/new", data={**typed, "measure": ""}).text
    assert "asked to agree" in client.post(f"{path}/new", data=typed, follow_redirects=True).text
    promise = db.session.scalars(select(Promise)).one()
    _text(client, f"/contracts/promises/{promise.id}/decline", 403)

    sign_in(client, made.deliverer)
    assert f"Agree how 1 promise of {made.agreement.reference}" in _text(client, "/home")
    assert "Decline the row" in _text(client, f"/contracts/promises/{promise.id}/decline")
    client.post(f"/contracts/promises/{promise.id}/agree")
    assert promise.status is PromiseStatus.AGREED
    report = f"/contracts/{made.agreement.id}/report"
    assert "Nothing is asked for now" in _text(client, report)
    clock.set(NOW.replace(year=2027, month=1))
    sign_in(client, made.deliverer)
    assert f"Report on {made.agreement.reference}: 1 answer" in _text(client, "/home")
    assert "Evening sessions, for Carers" in _text(client, report)
    assert "Enter at least one answer" in client.post(report).text
    client.post(report, data={f"reached_{promise.id}_2026-12-31": "20", f"words_{promise.id}_2026-12-31": "Snow."})

    sign_in(client, made.manager)
    assert "Judge 1 report" in _text(client, "/home")
    found = db.session.scalars(select(PromiseReport)).one()
    judging = f"/contracts/promises/reports/{found.id}"
    assert "Snow." in _text(client, judging)
    assert "Say why" in client.post(judging, data={"verdict": "partly", "reason": ""}).text
    client.post(judging, data={"verdict": "partly", "reason": "Six were missed."})
    _text(client, judging, 409)
    assert "Six were missed." in _text(client, path)
    assert _rows(client, f"{path}.csv")[0]["verdict"] == "partly"
    client.post(f"/contracts/promises/{promise.id}/end", data={"reason": "Replaced."})
    assert "Replaced." in _text(client, path)


def test_the_supply_chain_is_entered_agreed_and_reported_on_one_page(client: FlaskClient, clock: StandingClock) -> None:
    made = make_contract_to_mobilise(starts_in=30)
    path = f"/contracts/{made.agreement.id}/supply-chain"
    _ = made.manager
    sign_in(client, made.deliverer)
    assert "does all of it itself" in _text(client, path)
    typed = {"name": "Open Door", "work": "Mentoring", "share": "33.5", "status": "vcse"}
    assert "like 40 or 33.33" in client.post(f"{path}/new", data={**typed, "share": "101"}).text
    client.post(f"{path}/new", data=typed)
    client.post(f"{path}/new", data={**typed, "name": "Bridge", "share": "20", "status": "large"})
    assert "46.50% is left" in client.post(f"{path}/new", data={**typed, "name": "Third", "share": "50"}).text
    first, second = queries.chain_of(made.agreement, NOW.date()).to_agree
    (door,) = [one for one in (first, second) if one.name == "Open Door"]
    client.post(f"/contracts/supply-chain/{door.id}", data={**typed, "share": "30"})

    sign_in(client, made.manager)
    assert f"Agree 2 subcontractors of {made.agreement.reference}" in _text(client, "/home")
    page = client.get(path).text
    mark = re.search(r'name="mark" value="([^"]+)"', page)
    assert mark
    assert client.post(f"{path}/agree", data={"mark": "0"}).status_code == 409
    assert "is agreed" in client.post(f"{path}/agree", data={"mark": mark[1]}, follow_redirects=True).text

    clock.set(NOW.replace(year=2027, month=1, day=20))
    sign_in(client, made.deliverer)
    report = f"/contracts/{made.agreement.id}/report"
    begins = made.agreement.starts_on
    fields = {one.id: f"part_{one.id}_{begins}" for one in (first, second)}
    lacking = client.post(report, data={fields[first.id]: "10"})
    assert lacking.status_code == 422
    assert "Enter its part, or 0" in lacking.text
    assert 'value="10"' in lacking.text
    over = client.post(report, data={fields[first.id]: "60", fields[second.id]: "40.01"})
    assert "more than 100%" in over.text
    client.post(report, data={fields[first.id]: "10", fields[second.id]: "0"})
    assert "Delivered by them in the quarter" in _text(client, path)
    assert {row["delivered_percent"] for row in _rows(client, f"{path}.csv")} == {"10.00", "0.00"}
    client.post(f"/contracts/supply-chain/{second.id}/left")
    assert "Left on 20 January 2027" in _text(client, path)


def test_nobody_else_finds_what_surrounds_a_contract(client: FlaskClient) -> None:
    made = make_contract_to_mobilise()
    first = made.begin()[0]
    promise, member, chain = made.promise(), made.staff(dates=Dates()), made.subcontractor()
    stranger = make_actor(make_supplier(), Role.SERVICE_MANAGER, Role.BID_MANAGER)
    sign_in(client, stranger)
    own = f"/contracts/{made.agreement.id}"
    for path in (
        *(f"{own}/{page}" for page in ("readiness", "people", "promises", "supply-chain", "report")),
        *(f"{own}/{page}.csv" for page in ("milestones", "people", "promises", "supply-chain")),
        *(f"{own}/{page}/new" for page in ("people", "promises", "supply-chain")),
        f"/contracts/milestones/{first.id}",
        f"/contracts/milestones/{first.id}/done",
        f"/contracts/promises/{promise.id}/decline",
        f"/contracts/people/{member.id}",
        f"/contracts/people/{member.id}/access",
        f"/contracts/supply-chain/{chain.id}",
    ):
        _text(client, path, 404)
    for path in (
        f"/contracts/milestones/{first.id}/accept",
        f"/contracts/promises/{promise.id}/agree",
        f"/contracts/people/{member.id}/left",
        f"/contracts/supply-chain/{chain.id}/left",
    ):
        assert client.post(path).status_code == 404
