from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from contracts.agreements.actions import ImportResult, import_register
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.queries import open_lines
from contracts.agreements.rules import AgreementStatus, Origin
from marketplace.access import SYSTEM, Role
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationKind
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import Invalid, NotAllowed
from marketplace.extensions import db
from tests.factories.accounts import actor_with, make_commissioner
from tests.factories.agreements import NOW, make_agreement, register_file, register_row
from tests.factories.framework import make_framework
from tests.factories.places import make_all_places

LIVE = Path(__file__).parents[3].parent / "shared" / "reference" / "live_contracts.csv"


@pytest.fixture(autouse=True)
def _reference(session: object) -> None:
    make_all_places()
    make_framework()


def _import(lines: list[str], **how: bool) -> ImportResult:
    return import_register(lines, actor=SYSTEM, now=NOW, **how)  # type: ignore[arg-type]


def _counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.imported, result.changed, result.unchanged, result.refused


def _agreement(reference: str) -> Agreement:
    return db.session.scalars(select(Agreement).where(Agreement.reference == reference)).one()


ROWS = [
    register_row("T_0001"),
    register_row(
        "T_0002",
        contract_type="Personal Wellbeing",
        area_level="PCC",
        probation_region="South West",
        police_area="Avon & Somerset",
        lead_provider="HARBOUR  HOMES",
        subcontractors="SHP;ACORN",
        maximum_age="25",
        referrals_close_at="2026-10-31",
    ),
    register_row(
        "T_0003",
        contract_type="Women's Services",
        area_level="PCC",
        probation_region="London",
        police_area="London (Metropolitan Police)",
        open_to_women="TRUE",
        open_to_men="FALSE",
        lead_provider="The Women’s Centre",
    ),
]


def test_rows_become_contracts_of_unclaimed_organisations_with_services_that_take_referrals() -> None:
    assert _counts(_import(register_file(ROWS))) == (3, 0, 0, 0)
    first, second, third = (_agreement(f"T_000{number}") for number in (1, 2, 3))
    assert (first.origin, first.status) == (Origin.REGISTER, AgreementStatus.SIGNED)
    assert (first.whole_life_value, first.ends_on, first.starts_on) == (None, None, date(2024, 4, 1))
    assert first.supplier is second.supplier  # the same provider, spelled with other marks
    assert (first.supplier.kind, first.supplier.claimed_at) == (OrganisationKind.SUPPLIER, None)
    assert (first.supplier.supplier_status, first.supplier.register_name) == (None, "Harbour Homes")
    assert first.commissioner.name == "Probation Service – Wales"
    assert (first.commissioner.place_code, first.commissioner.claimed_at) == ("D", None)
    (line,) = second.lines
    assert {category.name for category in line.categories} == {
        "Emotional Wellbeing",
        "Family and Significant Others",
        "Lifestyle and Associates",
        "Social Inclusion",
    }
    assert [place.name for place in line.terms[0].places] == ["Avon and Somerset"]
    assert (line.register_type, line.maximum_age) == ("Personal Wellbeing", 25)
    assert (line.terms[0].volume_kind, line.terms[0].cap, line.terms[0].planned_band) == (None, None, None)
    assert [one.name for one in second.subcontractors] == ["ACORN", "SHP"]
    assert {place.name for place in third.lines[0].terms[0].places} == {"Metropolitan Police", "London, City of"}
    assert [len(open_lines(day)) for day in (date(2024, 3, 31), date(2026, 10, 31), date(2026, 11, 1))] == [0, 3, 2]


def test_a_region_already_here_is_its_contracts_commissioner() -> None:
    wales = make_commissioner("Probation in Wales", place_code="D")
    result = _import(register_file(ROWS))
    assert _agreement("T_0001").commissioner is wales
    assert result.new_commissioners == 2


def test_again_changes_nothing() -> None:
    _import(register_file(ROWS))
    events = db.session.scalar(select(func.count()).select_from(AuditEvent))
    again = _import(register_file(ROWS, newline="\r\n"))
    assert _counts(again) == (0, 0, 3, 0)
    assert (again.new_suppliers, again.new_commissioners) == (0, 0)
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == events


def test_a_changed_row_updates_and_says_what_changed() -> None:
    _import(register_file(ROWS))
    changed = [ROWS[0] | {"lead_provider": "Other Trust", "referrals_close_at": "2027-03-31"}, *ROWS[1:]]
    changed[1] = changed[1] | {"subcontractors": "ACORN;NACRO", "police_area": "Devon & Cornwall"}
    assert _counts(_import(register_file(changed))) == (0, 2, 1, 0)
    first, second = _agreement("T_0001"), _agreement("T_0002")
    assert first.supplier.name == "Other Trust"
    assert first.lines[0].terms[0].referrals_until == date(2027, 3, 31)
    assert [one.name for one in second.subcontractors] == ["ACORN", "NACRO"]
    assert [place.name for place in second.lines[0].terms[0].places] == ["Devon & Cornwall"]
    latest = events_for(first)[0]
    assert latest.what == "Updated from the live register: supplier, referrals until"
    assert latest.details["changes"]["supplier"] == ["Harbour Homes", "Other Trust"]
    assert _counts(_import(register_file(changed))) == (0, 0, 3, 0)


TEN_BROKEN = [
    register_row("B_01", contract_type="Catering"),
    register_row("B_02", probation_region="Scotland"),
    register_row("B_03", area_level="TOWN"),
    register_row("B_04", area_level="PCC", police_area="Borsetshire"),
    register_row("B_05", area_level="PCC", police_area="Devon & Cornwall"),
    register_row("B_06", open_to_men="False"),
    register_row("B_07", minimum_age="30", maximum_age="25"),
    register_row("B_08", referrals_open_from="soon"),
    register_row("B_09", referrals_close_at="2020-01-01"),
    register_row("T_0001", title="The same reference again"),
]


def test_ten_broken_rows_are_named_and_the_rest_goes_in() -> None:
    rows = [ROWS[0], *TEN_BROKEN[:5], ROWS[1], *TEN_BROKEN[5:], ROWS[2]]
    result = _import(register_file(rows))
    assert _counts(result) == (3, 0, 0, 10)
    assert [(one.line, one.reference) for one in result.refusals] == [
        *((line, f"B_0{line - 2}") for line in range(3, 8)),
        *((line, f"B_0{line - 3}") for line in range(9, 13)),
        (13, "T_0001"),
    ]
    assert result.refusals[-1].reason == "the contract reference stands on line 2 already"
    assert all(one.reason for one in result.refusals)
    assert _counts(_import(register_file(rows))) == (0, 0, 3, 10)


def test_a_row_the_database_refuses_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contracts.agreements.register.YOUNGEST", 0)
    rows = [ROWS[0], register_row("T_0009", minimum_age="5", lead_provider="Nobody Else"), ROWS[1]]
    result = _import(register_file(rows))
    assert _counts(result) == (2, 0, 0, 1)
    assert result.refusals[0].reason == "the database refused it (ck_service_lines_ages)"
    assert result.new_suppliers == 1
    assert db.session.scalar(select(Organisation.id).where(Organisation.name == "Nobody Else")) is None


def test_a_dry_run_reports_the_same_and_keeps_nothing() -> None:
    rows = [*ROWS, TEN_BROKEN[0]]
    dry = _import(register_file(rows), dry_run=True)
    assert dry.dry_run
    assert db.session.scalar(select(func.count()).select_from(Agreement)) == 0
    assert db.session.scalar(select(func.count()).select_from(Organisation)) == 0
    wet = _import(register_file(rows))
    assert {**dry.as_json(), "dry_run": False} == wet.as_json()


def test_a_contract_drawn_from_an_award_is_not_overwritten() -> None:
    agreement = make_agreement()
    result = _import(register_file([register_row(agreement.reference)]))
    assert _counts(result) == (0, 0, 0, 1)
    assert "drawn from an award" in result.refusals[0].reason


def test_progress_is_told_on_the_way_and_at_the_end() -> None:
    told: list[tuple[int, int]] = []
    rows = [register_row(f"P_{number:03}") for number in range(120)]
    import_register(register_file(rows), actor=SYSTEM, now=NOW, progress=lambda done, total: told.append((done, total)))
    assert told == [(50, 120), (100, 120), (120, 120)]


def test_no_row_asks_the_database_what_was_known_before() -> None:
    rows = [register_row(f"Q_{number:03}") for number in range(40)]
    _import(register_file(rows))
    db.session.commit()
    db.session.expire_all()
    asked: list[str] = []

    def note(_1: object, _2: object, statement: str, *_3: object) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert _counts(_import(register_file(rows))) == (0, 0, 40, 0)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(asked) <= 12, asked


def test_people_do_not_import_and_other_files_are_refused_whole() -> None:
    with pytest.raises(NotAllowed):
        import_register(register_file(ROWS), actor=actor_with(Role.FRAMEWORK_TEAM), now=NOW)
    with pytest.raises(Invalid):
        _import(["name,date\n", "a,b\n"])


@pytest.mark.skipif(not LIVE.exists(), reason="the live register's file lies beside the checkout and is not here")
def test_the_live_register_goes_in_whole_and_again_changes_nothing() -> None:
    lines = io.StringIO(LIVE.read_text(encoding="utf-8"), newline="").readlines()
    result = _import(lines)
    assert _counts(result) == (98, 0, 0, 0), result.refusals
    assert _counts(_import(lines)) == (0, 0, 98, 0)
    assert db.session.scalar(select(func.count()).select_from(ServiceLine)) == 98
    rows = [*TEN_BROKEN[:9], register_row("CCS_0001")]
    broken = _import([*lines, *register_file(rows)[1:]])
    assert _counts(broken) == (0, 0, 98, 10)
    assert [one.line for one in broken.refusals] == list(range(100, 110))
