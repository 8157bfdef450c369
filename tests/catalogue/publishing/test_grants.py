"""Grants as published: the 360Giving standard itself, a varied one with what holds now, nothing counted twice."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from catalogue.publishing import ocds, queries
from contracts.changes import actions
from contracts.changes.rules import Ground
from tests.conftest import Client, StandingClock
from tests.factories.agreements import NOW, make_agreement
from tests.factories.changes import make_change
from tests.factories.counting import counted_queries
from tests.factories.grants import GrantChange, make_grant

Database = scoped_session[Session]
STANDARD = Path(__file__).resolve().parents[3].parent / "shared" / "standards" / "360giving"


@pytest.fixture
def grant(session: Database, clock: StandingClock) -> GrantChange:
    return make_grant()


def _records(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/open-data/grants.json").get_json()["grants"]
    return found


def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STANDARD / name).read_text())
    return found


def test_they_are_what_the_standard_asks_for(grant: GrantChange, client: Client) -> None:
    if not STANDARD.is_dir():
        pytest.skip("the standards are not at ../shared/standards")
    grant.agree(grant.raised())
    package = _schema("360-giving-package-schema.json")
    address = package["properties"]["grants"]["items"]["$ref"]
    schema = _schema("360-giving-schema.json")
    registry: Registry[Any] = Registry().with_resource(address, Resource(schema, DRAFT202012))
    validator = Draft202012Validator(package, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
    published = client.get("/open-data/grants.json").get_json()
    assert [one.message for one in validator.iter_errors(published)] == []
    assert set(published) <= set(package["properties"])
    for record in published["grants"]:
        assert set(record) <= set(schema["properties"])


def test_each_funder_has_its_part_and_together_they_are_the_grant(grant: GrantChange, client: Client) -> None:
    reference = grant.agreement.reference
    first, second = _records(client)
    assert [first["id"], second["id"]] == [f"360G-dfm-{reference}-1", f"360G-dfm-{reference}-2"]
    assert [first["amountAwarded"], second["amountAwarded"]] == [72000.0, 48000.0]
    assert first["relatedActivity"] == [second["id"]]
    assert first["plannedDates"] == [{"startDate": "2026-10-01", "endDate": "2029-09-30"}]
    assert first["recipientOrganization"][0]["name"] == grant.agreement.supplier.name
    assert first["beneficiaryLocation"][0]["name"] == "Kent"
    assert first["fundingOrganization"][0]["name"] == grant.agreement.commissioner.name


def test_a_varied_grant_has_what_holds_now(grant: GrantChange, client: Client) -> None:
    later = NOW + timedelta(days=3)
    assert _records(client)[0]["dateModified"] == (NOW + timedelta(hours=2)).isoformat(timespec="seconds")
    variation = grant.raised()
    assert [one["amountAwarded"] for one in _records(client)] == [72000.0, 48000.0]
    actions.set_shares(
        variation,
        shares=[(one.organisation_id, Decimal(50)) for one in grant.agreement.funders],
        actor=grant.manager,
        now=NOW,
    )
    grant.agree(variation, now=later)
    # Instalment 1 is expected before the change applies, in the shares of then; the others after it.
    assert [one["amountAwarded"] for one in _records(client)] == [69000.01, 60999.99]
    assert _records(client)[0]["dateModified"] == later.isoformat(timespec="seconds")
    variation = actions.begin_ending(
        grant.agreement,
        last_day=date(2027, 12, 31),
        ground=Ground.FUNDING,
        reason="x",
        by_notice=False,
        actor=grant.manager,
        now=later,
    )
    grant.agree(variation, now=later)
    assert [one["amountAwarded"] for one in _records(client)] == [44000.01, 35999.99]
    assert _records(client)[0]["plannedDates"][0]["endDate"] == "2027-12-31"


def test_changes_of_a_grant_are_no_notices_of_the_act(grant: GrantChange) -> None:
    grant.agree(grant.raised())
    process = queries.process(grant.agreement.award.competition.reference)  # type: ignore[union-attr]
    (contract,) = ocds.release_package(process, uri="x", now=NOW)["releases"][0]["contracts"]
    assert contract["value"]["amount"] == 130000.0
    assert [one["rationale"] for one in contract["amendments"]] == ["Grant varied: Change"]
    assert "£120,000" in contract["amendments"][0]["description"]


def test_contracts_and_what_is_not_signed_are_not_there(
    session: Database, clock: StandingClock, client: Client
) -> None:
    make_change()
    make_agreement(instrument=Instrument.GRANT, bands=[(0, 40)])
    assert _records(client) == []


def test_however_many_there_are_it_asks_as_often(grant: GrantChange, session: Database, client: Client) -> None:
    def count() -> int:
        session.expunge_all()
        with counted_queries() as sent:
            assert _records(client)
        return len(sent)

    grant.agree(grant.raised())
    first = count()
    for _ in range(3):
        other = make_grant()
        other.agree(other.raised())
    assert count() == first
