"""Release packages against the standard itself, at every stage of a process."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4
from sqlalchemy.orm import Session, scoped_session

from calloffs.awards.models import Award
from calloffs.competitions.rules import CompetitionStatus
from catalogue.publishing import ocds, queries
from catalogue.publishing.rules import OCID_PREFIX, identifier, ocid, without_nothing
from contracts.agreements.actions import draw_agreement
from contracts.changes.actions import begin_ending, submit
from contracts.changes.rules import Ground
from marketplace.access import SYSTEM
from marketplace.accounts.rules import OrganisationKind, SupplierStatus
from tests.factories.accounts import make_commissioner, make_supplier
from tests.factories.agreements import (
    CLOSED,
    DECIDED,
    NOW,
    PROMISE,
    STANDSTILL_ENDS,
    approver_of,
    make_award,
    make_signed_agreement,
    sign_as,
    signatory_of,
)
from tests.factories.changes import make_change
from tests.factories.evaluation import CLOSED_AT, SECRET, make_call_off, make_evaluated, make_recommended

Database = scoped_session[Session]
STANDARD = Path(__file__).resolve().parents[3].parent / "shared" / "standards" / "ocds-1.1.5"
URI = "https://marketplace.example/open-data/ocds/x.json"


@cache
def _schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STANDARD / name).read_text())
    return found


def _patched(target: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _patched(merged.get(key), value)
    return merged


@cache
def _release_schema() -> dict[str, Any]:
    merged: dict[str, Any] = _patched(_schema("release-schema.json"), _schema("uk-extension-release-schema.json"))
    return merged


@pytest.fixture
def faults() -> Callable[[dict[str, Any]], list[str]]:
    """What is wrong with a package: by the schemas, and members that the standard does not know."""
    if not STANDARD.is_dir():
        pytest.skip("the standards are not at ../shared/standards")
    release = _release_schema()
    registry: Registry[Any] = Registry().with_resource(release["id"], Resource(release, DRAFT4))
    validator = Draft4Validator(
        _schema("release-package-schema.json"), registry=registry, format_checker=Draft4Validator.FORMAT_CHECKER
    )

    def check(package: dict[str, Any]) -> list[str]:
        wrong = [f"{'/'.join(map(str, one.path))}: {one.message}" for one in validator.iter_errors(package)]
        for one in package["releases"]:
            wrong += [f"unknown: {path}" for path in _unknown(one, release, "")]
        return wrong

    return check


def _unknown(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = _release_schema()["definitions"][schema["$ref"].rsplit("/", 1)[-1]]
    for variant in schema.get("oneOf", []):
        if "items" in variant or "$ref" in variant:
            schema = variant
    if isinstance(value, list):
        for one in value:
            yield from _unknown(one, schema.get("items", {}), path)
    elif isinstance(value, dict) and "properties" in schema:
        for key, one in value.items():
            if key not in schema["properties"]:
                yield f"{path}/{key}"
            else:
                yield from _unknown(one, schema["properties"][key], f"{path}/{key}")


def package(reference: str, now: datetime = NOW) -> dict[str, Any]:
    """The package as it is sent: through JSON and back."""
    made = ocds.release_package(queries.process(reference), uri=URI, now=now)
    read: dict[str, Any] = json.loads(json.dumps(made, ensure_ascii=False))
    return read


def release(reference: str, now: datetime = NOW) -> dict[str, Any]:
    one: dict[str, Any] = package(reference, now)["releases"][0]
    return one


# The stages, one after the other


def test_open_for_bids(session: Database, faults: Callable[[dict[str, Any]], list[str]]) -> None:
    made = make_call_off(status=CompetitionStatus.PUBLISHED)
    reference, now = made.competition.reference, CLOSED_AT - timedelta(days=1)
    assert faults(package(reference, now)) == []
    one = release(reference, now)
    assert one["ocid"] == f"{OCID_PREFIX}-{reference}"
    assert (one["tag"], one["tender"]["status"]) == (["tender"], "active")
    assert one["tender"]["value"] == {"amount": 1_000_000, "currency": "GBP"}  # £500,000 over 24 months
    assert one["tender"]["contractPeriod"] == {
        "startDate": "2027-01-04T00:00:00+00:00",
        "endDate": "2029-01-03T23:59:59+00:00",
    }
    assert [(party["name"], party["roles"]) for party in one["parties"]] == [
        ("Probation Region North", ["buyer", "procuringEntity", "funder"]),
        ("Northern PCC", ["funder"]),
    ]
    # Two suppliers have bid: not a word of it.
    assert "awards" not in one
    assert "numberOfTenderers" not in one["tender"]


@pytest.mark.parametrize("stage", ["opened", "evaluated", "recommended"])
def test_before_the_notice_nothing_of_the_bids_is_told(
    session: Database, faults: Callable[[dict[str, Any]], list[str]], stage: str
) -> None:
    made = make_call_off(123451, 234567) if stage == "opened" else make_evaluated(123451, 234567)
    if stage == "recommended":
        make_recommended(made)
    session.flush()
    text = json.dumps(package(made.competition.reference))
    assert faults(json.loads(text)) == []
    for word in ("Supplier A", "Supplier B", "numberOfTenderers", "awards", SECRET, "123451", "234567", "200000"):
        assert word not in text, word


def test_award_in_standstill(session: Database, faults: Callable[[dict[str, Any]], list[str]]) -> None:
    award = make_award(supplier=make_supplier("Harbour Trust", company_number="01234567"), months=36)
    now = STANDSTILL_ENDS - timedelta(days=1)
    assert faults(package(award.competition.reference, now)) == []
    one = release(award.competition.reference, now)
    assert one["tag"] == ["tender", "award"]
    assert (one["tender"]["status"], one["tender"]["numberOfTenderers"]) == ("complete", 1)
    (told,) = one["awards"]
    assert (told["status"], told["value"]["amount"]) == ("pending", 300_000)
    assert told["suppliers"] == [{"id": "GB-COH-01234567", "name": "Harbour Trust"}]
    assert told["standstillPeriod"] == {"startDate": DECIDED.isoformat(), "endDate": STANDSTILL_ENDS.isoformat()}
    assert one["date"] == DECIDED.isoformat()
    supplier = next(party for party in one["parties"] if party["roles"] == ["supplier"])
    assert supplier["details"] == {"vcse": True}
    assert supplier["identifier"] == {"scheme": "GB-COH", "id": "01234567", "legalName": "Harbour Trust"}


def test_award_after_standstill(session: Database, faults: Callable[[dict[str, Any]], list[str]]) -> None:
    award = make_award()
    assert faults(package(award.competition.reference)) == []
    one = release(award.competition.reference)
    assert one["awards"][0]["status"] == "active"
    # The clock has changed what is published, so it is another release.
    assert one["date"] == STANDSTILL_ENDS.isoformat()
    assert one["id"] != release(award.competition.reference, STANDSTILL_ENDS - timedelta(seconds=1))["id"]


def test_a_contract_is_told_once_both_have_signed(
    session: Database, faults: Callable[[dict[str, Any]], list[str]]
) -> None:
    award = make_award(starts_on=date(2027, 4, 1), months=12)
    reference = award.competition.reference
    agreement = draw_agreement(award, actor=SYSTEM, now=NOW)
    sign_as(signatory_of(agreement), agreement)
    assert "contracts" not in release(reference)
    signed_at = NOW + timedelta(hours=2)
    sign_as(approver_of(agreement), agreement, now=signed_at)
    assert faults(package(reference, signed_at)) == []
    one = release(reference, signed_at)
    assert one["tag"] == ["tender", "award", "contract"]
    (told,) = one["contracts"]
    assert (told["id"], told["awardID"]) == (agreement.reference, one["awards"][0]["id"])
    assert (told["status"], told["dateSigned"]) == ("active", signed_at.isoformat())
    # Days of British Summer Time begin and end an hour earlier in UTC.
    assert told["period"] == {"startDate": "2027-03-31T23:00:00+00:00", "endDate": "2028-03-31T22:59:59+00:00"}
    over = datetime.fromisoformat("2028-04-01T09:00:00+01:00")
    assert release(reference, over)["contracts"][0]["status"] == "terminated"
    assert faults(package(reference, over)) == []


def test_a_change_and_a_notice_are_amendments_without_their_reasons(
    session: Database, faults: Callable[[dict[str, Any]], list[str]]
) -> None:
    made = make_change(funders=1)
    agreement = made.agreement
    made.agreed()
    reference = agreement.award.competition.reference if agreement.award else ""
    ending = begin_ending(
        agreement,
        last_day=date(2027, 12, 31),
        ground=Ground.FUNDING,
        reason="Our secret reason.",
        by_notice=True,
        actor=made.manager,
        now=NOW + timedelta(days=4),
    )
    submit(ending, actor=made.manager, now=NOW + timedelta(days=4))
    before = release(reference, NOW + timedelta(days=5))
    given = NOW + timedelta(days=6)
    made.approve(ending, now=given)
    after = package(reference, given)
    assert faults(after) == []
    (one,) = after["releases"]
    assert [len(told["contracts"][0]["amendments"]) for told in (before, one)] == [1, 2]
    assert one["id"] != before["id"]
    assert one["tag"] == ["tender", "award", "contract", "contractAmendment"]
    change, notice = one["contracts"][0]["amendments"]
    assert (change["id"], change["rationale"]) == (f"{agreement.reference}-2", "UK10 contract change: Change")
    assert change["description"] == ("Applies from 1 January 2027. Whole-life value £575,000.01, before £300,000.")
    assert notice["rationale"] == "UK11 contract termination: There is no more money for it"
    assert "Last day 31 December 2027, before 30 September 2029." in notice["description"]
    assert notice["date"] == given.isoformat()
    assert "secret" not in json.dumps(after)
    # When the contract was signed is not when it was changed last.
    assert one["contracts"][0]["dateSigned"] == (NOW + timedelta(hours=2)).isoformat()
    over = release(reference, datetime.fromisoformat("2028-01-01T09:00:00+00:00"))
    assert over["tag"][-1] == "contractTermination"


@pytest.mark.parametrize(
    ("status", "told"), [(CompetitionStatus.CANCELLED, "cancelled"), (CompetitionStatus.FAILED, "unsuccessful")]
)
def test_ended_without_an_award(
    session: Database, faults: Callable[[dict[str, Any]], list[str]], status: CompetitionStatus, told: str
) -> None:
    competition = make_call_off().competition
    competition.status, competition.ended_at, competition.ended_reason = status, NOW, "A reason for those invited"
    session.flush()
    assert faults(package(competition.reference)) == []
    one = release(competition.reference)
    assert (one["tender"]["status"], one["date"]) == (told, NOW.isoformat())
    assert "A reason" not in json.dumps(one)


def test_cancelled_after_the_award(session: Database, faults: Callable[[dict[str, Any]], list[str]]) -> None:
    award = make_award()
    competition = award.competition
    competition.status, competition.ended_at, competition.ended_reason = CompetitionStatus.CANCELLED, NOW, "Funds cut"
    session.flush()
    assert faults(package(competition.reference)) == []
    one = release(competition.reference)
    assert (one["tender"]["status"], one["awards"][0]["status"]) == ("cancelled", "cancelled")


def test_the_check_itself_sees_what_is_wrong(session: Database, faults: Callable[[dict[str, Any]], list[str]]) -> None:
    made = package(make_award().competition.reference)
    tender = made["releases"][0]["tender"]
    tender["status"], tender["bidders"], tender["value"]["amount"] = "closed", 3, "12.50"
    tender["tenderPeriod"]["endDate"] = "2026-08-03"
    found = faults(made)
    assert "unknown: /tender/bidders" in found
    assert sorted(one.partition(":")[0] for one in found if one.startswith("releases")) == [
        "releases/0/tender/status",
        "releases/0/tender/tenderPeriod/endDate",
        "releases/0/tender/value/amount",
    ]


# What holds at every stage


def test_no_word_of_a_bid_is_ever_published(session: Database) -> None:
    agreement = make_signed_agreement()
    assert agreement.award is not None
    text = json.dumps(package(agreement.award.competition.reference, NOW + timedelta(days=1)), ensure_ascii=False)
    for secret in (PROMISE, "With care.", "The best offer.", "88.5"):
        assert secret not in text
    # The prices of the bands that are not planned are the supplier's business.
    assert "80000" not in text
    assert "140000" not in text


@pytest.mark.parametrize("amount", ["0.01", "1234567.89", "9999999999.99", "2999999999.10", "0.30"])
def test_money_is_exact_to_the_penny(session: Database, amount: str) -> None:
    award = make_award()
    award.whole_life_value = Decimal(amount)
    session.flush()
    made = ocds.release_package(queries.process(award.competition.reference), uri=URI, now=NOW)
    read = json.loads(json.dumps(made), parse_float=Decimal)
    assert Decimal(read["releases"][0]["awards"][0]["value"]["amount"]) == Decimal(amount)


def test_the_value_asked_for_is_rounded_half_up(session: Database) -> None:
    made = make_call_off(months=1)
    made.competition.bands[0].annual_value = Decimal("100.02")  # a twelfth of it is £8.335
    session.flush()
    assert release(made.competition.reference)["tender"]["value"]["amount"] == 8.34


@pytest.mark.parametrize("list_name", ["partyRole", "awardCriteria", "submissionMethod"])
def test_codes_of_open_lists_are_the_standards_own(session: Database, list_name: str) -> None:
    if not STANDARD.is_dir():
        pytest.skip("the standards are not at ../shared/standards")
    codes = {
        row["Code"] for row in csv.DictReader((STANDARD / "codelists" / f"{list_name}.csv").read_text().splitlines())
    }
    one = release(make_award(funders=[(make_commissioner(), "100")]).competition.reference)
    used = {
        "partyRole": {role for party in one["parties"] for role in party["roles"]},
        "awardCriteria": {one["tender"]["awardCriteria"]},
        "submissionMethod": set(one["tender"]["submissionMethod"]),
    }[list_name]
    assert used
    assert used <= codes


@pytest.mark.parametrize(
    ("status", "details"),
    [
        (SupplierStatus.VCSE, {"vcse": True}),
        (SupplierStatus.SME, {"scale": "sme", "vcse": False}),
        (SupplierStatus.LARGE, {"scale": "large", "vcse": False}),
    ],
)
def test_what_kind_of_supplier_it_is(session: Database, status: SupplierStatus, details: dict[str, object]) -> None:
    award = make_award(supplier=make_supplier(supplier_status=status))
    assert release(award.competition.reference)["parties"][-1]["details"] == details


@pytest.mark.parametrize(
    ("company", "charity", "known"),
    [
        ("01234567", "1234567", ("GB-COH", "01234567")),
        (None, "1234567", ("GB-CHC", "1234567")),
        (None, "SC012345", ("GB-SC", "SC012345")),
        (None, "NIC100001", ("GB-NIC", "NIC100001")),
        (None, None, None),
    ],
)
def test_by_which_public_register_an_organisation_is_known(
    company: str | None, charity: str | None, known: tuple[str, str] | None
) -> None:
    assert identifier(company, charity) == known


def test_members_without_a_value_are_left_out() -> None:
    assert without_nothing({"a": None, "b": [], "c": {"d": None}, "e": 0, "f": False, "g": [{"h": None, "i": 1}]}) == {
        "e": 0,
        "f": False,
        "g": [{"i": 1}],
    }


def test_one_process_keeps_its_identifier(session: Database) -> None:
    award: Award = make_award(lead=make_commissioner(kind=OrganisationKind.PCC))
    reference = award.competition.reference
    assert release(reference, CLOSED)["ocid"] == release(reference)["ocid"] == ocid(reference)
