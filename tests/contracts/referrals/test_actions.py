from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from contracts.referrals import actions, queries
from contracts.referrals.models import Referral
from contracts.referrals.rules import AbsenceKind, Attendance, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import AlreadyDone, Full, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.framework.models import DesiredOutcome
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_supplier
from tests.factories.referrals import (
    make_need,
    make_officer,
    make_referral,
    make_referrals,
    make_service,
    make_session,
)

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("session")


def _letters(prefix: str) -> list[Letter]:
    return list(db.session.scalars(select(Letter).where(Letter.key.startswith(prefix))))


def _manager_of(referral: Referral) -> Actor:
    return make_actor(referral.line.agreement.supplier, Role.SERVICE_MANAGER)


def _caseworker_of(referral: Referral) -> Actor:
    assert referral.caseworker is not None
    return Actor(
        referral.caseworker.id,
        referral.caseworker.name,
        referral.line.agreement.supplier_id,
        "",
        frozenset({Role.CASEWORKER}),
        is_supplier=True,
    )


def test_sending_takes_a_place_and_tells_the_service_managers_without_saying_who() -> None:
    line = make_service(bands=((0, 10),))
    referral = actions.send(line.id, make_need(), actor=make_officer(), now=NOW)
    assert referral.status is ReferralStatus.SENT
    assert queries.room(line, NOW.date()) == 9
    (letter,) = _letters("referral-sent:")
    assert referral.reference in letter.subject
    assert "X123456" not in letter.body + letter.subject
    assert "car" not in letter.body
    assert [event.what for event in events_for(referral)] == ["Sent to the supplier"]


def test_a_reference_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line, officer = make_service(), make_officer()
    draws = iter([0] * 14 + [1] * 7)
    monkeypatch.setattr("contracts.referrals.actions.references.secrets.randbelow", lambda _: next(draws))
    assert actions.send(line.id, make_need(), actor=officer, now=NOW).reference == "R-2222222"
    assert actions.send(line.id, make_need(crn="X654321"), actor=officer, now=NOW).reference == "R-3333333"


def test_the_audit_trail_and_the_tables_hold_neither_case_reference_nor_need_in_clear() -> None:
    line = make_service()
    referral = actions.send(line.id, make_need(), actor=make_officer(), now=NOW)
    actions.look(referral.id, actor=_manager_of(referral), now=NOW)
    actions.return_to_officer(referral.id, reason="Already housed.", actor=_manager_of(referral), now=NOW)
    for table in ("referrals", "audit_events", "letters", "sessions"):
        rows = db.session.execute(text(f"SELECT t::text FROM {table} t")).scalars()
        for row in rows:
            for secret in ("X123456", "Sleeps in a car", "Already housed"):
                # Columns of bytes are shown in hexadecimal.
                assert secret not in row
                assert secret.encode().hex() not in row


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"crn": "12345"}, "crn"),
        ({"category_code": "ETE"}, "category"),
        ({"need": "  "}, "need"),
        ({"rar_days": 0}, "rar_days"),
        ({"rar_days": 366}, "rar_days"),
        ({"outcome_codes": ["ETE-1"]}, "outcomes"),
    ],
)
def test_what_cannot_be_right_is_refused_at_its_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        actions.send(make_service().id, replace(make_need(), **changed), actor=make_officer(), now=NOW)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "line",
    [
        {"referrals_from": (NOW + timedelta(days=1)).date()},
        {"referrals_until": (NOW - timedelta(days=1)).date()},
        {"ends_on": (NOW - timedelta(days=1)).date()},
    ],
)
def test_a_service_that_is_not_open_takes_nobody(line: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        actions.send(make_service(**line).id, make_need(), actor=make_officer(), now=NOW)


def test_a_referral_that_nobody_would_see_is_refused() -> None:
    line = make_service(with_manager=False)
    with pytest.raises(Refused, match="nobody would see"):
        actions.send(line.id, make_need(), actor=make_officer(), now=NOW)


def test_only_officers_refer() -> None:
    with pytest.raises(NotAllowed):
        actions.send(make_service().id, make_need(), actor=make_actor(make_supplier(), Role.CASEWORKER), now=NOW)


def test_a_full_service_refuses_in_plain_words() -> None:
    line = make_service(bands=((0, 3),))
    make_referrals(line, 3)
    with pytest.raises(Full, match="all 3 people it can this contract year"):
        actions.send(line.id, make_need(), actor=make_officer(), now=NOW)


def test_the_cap_is_the_top_bands_high_end() -> None:
    line = make_service(bands=((1, 2), (3, 4)))
    make_referrals(line, 3)
    actions.send(line.id, make_need(), actor=make_officer(), now=NOW)
    with pytest.raises(Full):
        actions.send(line.id, make_need("X000002"), actor=make_officer(), now=NOW)


def test_returned_withdrawn_and_last_years_referrals_take_no_place() -> None:
    line = make_service(bands=((0, 1),))
    make_referral(line, status=ReferralStatus.RETURNED)
    make_referral(line, status=ReferralStatus.WITHDRAWN)
    # The contract year begins on 1 April; this is one minute before, on a London clock.
    make_referral(line, sent_at=datetime(2026, 3, 31, 22, 59, tzinfo=UTC))
    actions.send(line.id, make_need(), actor=make_officer(), now=NOW)
    with pytest.raises(Full):
        actions.send(line.id, make_need("X000002"), actor=make_officer(), now=NOW)


def test_the_contract_year_begins_at_midnight_in_london() -> None:
    line = make_service(bands=((0, 1),))
    make_referral(line, sent_at=datetime(2026, 3, 31, 23, 0, tzinfo=UTC))
    with pytest.raises(Full):
        actions.send(line.id, make_need(), actor=make_officer(), now=NOW)


def test_the_same_person_is_not_referred_twice_to_the_same_service_while_one_is_open() -> None:
    line, other = make_service(bands=((0, 1),)), make_service()
    first = actions.send(line.id, make_need("X123456"), actor=make_officer(), now=NOW)
    with pytest.raises(AlreadyDone, match="still open"):
        actions.send(line.id, make_need("x 123456"), actor=make_officer(), now=NOW)
    actions.send(other.id, make_need("X123456"), actor=make_officer(), now=NOW)
    actions.return_to_officer(first.id, reason="Moved away", actor=_manager_of(first), now=NOW)
    actions.send(line.id, make_need("X123456"), actor=make_officer(), now=NOW)


def test_accepting_gives_it_to_a_caseworker_of_the_supplier() -> None:
    referral = make_referral(make_service())
    manager = _manager_of(referral)
    with pytest.raises(Invalid):
        actions.accept(
            referral.id,
            caseworker_id=make_actor(make_supplier(), Role.CASEWORKER).person,
            actor=manager,
            now=NOW,
        )
    caseworker = make_actor(referral.line.agreement.supplier, Role.CASEWORKER)
    actions.accept(referral.id, caseworker_id=caseworker.person, actor=manager, now=NOW)
    assert referral.caseworker_id == caseworker.person
    assert {letter.person_id for letter in _letters("referral-accepted:")} == {referral.officer_id}
    assert {letter.person_id for letter in _letters("referral-assigned:")} == {caseworker.person}
    with pytest.raises(AlreadyDone):
        actions.return_to_officer(referral.id, reason="Too late", actor=manager, now=NOW)


def test_a_return_needs_a_reason_frees_the_place_and_waits_for_the_officer() -> None:
    officer = make_officer()
    line = make_service(bands=((0, 1),))
    referral = make_referral(line, officer=officer)
    manager = _manager_of(referral)
    with pytest.raises(Invalid):
        actions.return_to_officer(referral.id, reason=" ", actor=manager, now=NOW)
    actions.return_to_officer(referral.id, reason="Lives elsewhere", actor=manager, now=NOW)
    assert queries.room(line, NOW.date()) == 1
    assert len(_letters("referral-returned:")) == 1
    assert [item.text for item in queries.waiting(officer, NOW)] == [
        f"{referral.reference} was returned by the supplier"
    ]
    actions.look(referral.id, actor=officer, now=NOW + timedelta(minutes=1))
    assert queries.waiting(officer, NOW) == []


@pytest.mark.parametrize("status", [ReferralStatus.RETURNED, ReferralStatus.COMPLETED, ReferralStatus.WITHDRAWN])
def test_a_supplier_reads_what_has_ended_for_26_weeks_and_its_officer_for_good(
    status: ReferralStatus, clock: StandingClock
) -> None:
    officer = make_officer()
    referral = make_referral(make_service(), officer=officer, status=ReferralStatus.ACCEPTED)
    manager = _manager_of(referral)
    if status is ReferralStatus.RETURNED:
        referral.status = ReferralStatus.SENT
        actions.return_to_officer(referral.id, reason="No room", actor=manager, now=NOW)
    elif status is ReferralStatus.COMPLETED:
        actions.complete(referral.id, actor=manager, now=NOW)
    else:
        actions.withdraw(referral.id, reason="Moved away", actor=officer, now=NOW)
    last = referral.supplier_reads_until
    assert last == date(2027, 3, 8)
    clock.set(datetime(2027, 3, 8, 23, 59, tzinfo=UTC))
    assert queries.referral_for(manager, referral.id)
    clock.set(datetime(2027, 3, 9, tzinfo=UTC))
    with pytest.raises(NotFound):
        queries.referral_for(manager, referral.id)
    assert queries.referral_for(officer, referral.id)


def test_only_the_officer_withdraws() -> None:
    officer = make_officer()
    referral = make_referral(make_service(), officer=officer)
    with pytest.raises(NotAllowed):
        actions.withdraw(referral.id, reason="No", actor=_manager_of(referral), now=NOW)
    actions.withdraw(referral.id, reason="Recalled", actor=officer, now=NOW)
    assert referral.status is ReferralStatus.WITHDRAWN


def test_a_missed_session_tells_the_officer_at_once() -> None:
    officer = make_officer()
    referral = make_referral(make_service(), officer=officer, status=ReferralStatus.ACCEPTED)
    caseworker = _caseworker_of(referral)
    session = actions.offer_session(referral.id, starts_at=NOW - timedelta(hours=1), actor=caseworker, now=NOW)
    with pytest.raises(AlreadyDone, match="at this time already"):
        actions.offer_session(referral.id, starts_at=NOW - timedelta(hours=1), actor=caseworker, now=NOW)
    assert [item.text for item in queries.waiting(caseworker, NOW)] == [
        f"Record whether session 1 of {referral.reference} was attended"
    ]
    actions.record_session(
        session.id, attendance=Attendance.MISSED, absence=AbsenceKind.UNACCEPTABLE, actor=caseworker, now=NOW
    )
    (letter,) = _letters("referral-missed:")
    assert letter.person_id == officer.person
    assert "unacceptable absence" in letter.body
    assert [item.text for item in queries.waiting(officer, NOW)] == [f"A session of {referral.reference} was missed"]
    assert queries.waiting(caseworker, NOW) == []
    actions.look(referral.id, actor=officer, now=NOW + timedelta(minutes=1))
    assert queries.waiting(officer, NOW) == []


def test_a_session_attended_writes_to_nobody() -> None:
    referral = make_referral(make_service(), status=ReferralStatus.ACCEPTED)
    caseworker = _caseworker_of(referral)
    session = make_session(referral, starts_at=NOW)
    actions.record_session(session.id, attendance=Attendance.LATE, actor=caseworker, now=NOW)
    assert _letters("referral-missed:") == []
    with pytest.raises(AlreadyDone):
        actions.record_session(session.id, attendance=Attendance.ATTENDED, actor=caseworker, now=NOW)


def test_the_third_acceptable_absence_calls_for_management_oversight() -> None:
    referral = make_referral(make_service(), status=ReferralStatus.ACCEPTED)
    caseworker = _caseworker_of(referral)
    for number in range(1, 4):
        session = make_session(referral, starts_at=NOW - timedelta(days=10 - number), number=number)
        db.session.expire(referral)
        actions.record_session(
            session.id, attendance=Attendance.MISSED, absence=AbsenceKind.ACCEPTABLE, actor=caseworker, now=NOW
        )
        told = [letter for letter in _letters("referral-missed:") if "three acceptable absences" in letter.body]
        assert len(told) == (1 if number == 3 else 0)
    assert any("a manager must look" in event.what for event in events_for(referral))


def test_sessions_are_not_recorded_before_they_begin_nor_without_the_kind_of_absence() -> None:
    referral = make_referral(make_service(), status=ReferralStatus.ACCEPTED)
    caseworker = _caseworker_of(referral)
    session = make_session(referral, starts_at=NOW + timedelta(minutes=1))
    with pytest.raises(Invalid, match="once it has begun"):
        actions.record_session(session.id, attendance=Attendance.ATTENDED, actor=caseworker, now=NOW)
    with pytest.raises(Invalid, match="acceptable"):
        actions.record_session(session.id, attendance=Attendance.MISSED, actor=caseworker, now=NOW + timedelta(hours=1))


def test_an_appointment_is_made_for_the_year_ahead_and_says_when_it_was_entered() -> None:
    referral = make_referral(make_service(), status=ReferralStatus.ACCEPTED)
    caseworker, last = _caseworker_of(referral), NOW + timedelta(days=366)
    with pytest.raises(Invalid, match="within a year"):
        actions.offer_session(referral.id, starts_at=last + timedelta(minutes=1), actor=caseworker, now=NOW)
    assert actions.offer_session(referral.id, starts_at=last, actor=caseworker, now=NOW).entered_at == NOW


def test_sessions_belong_to_accepted_referrals() -> None:
    referral = make_referral(make_service())
    with pytest.raises(Refused, match="accepted"):
        actions.offer_session(referral.id, starts_at=NOW, actor=_manager_of(referral), now=NOW)


def test_completing_waits_until_every_past_session_is_recorded() -> None:
    referral = make_referral(make_service(), status=ReferralStatus.ACCEPTED)
    caseworker = _caseworker_of(referral)
    session = make_session(referral, starts_at=NOW - timedelta(hours=1))
    with pytest.raises(Refused, match="Record every session"):
        actions.complete(referral.id, actor=caseworker, now=NOW)
    actions.record_session(session.id, attendance=Attendance.ATTENDED, actor=caseworker, now=NOW)
    db.session.expire(referral)
    actions.complete(referral.id, actor=caseworker, now=NOW)
    assert queries.room(referral.line, NOW.date()) == 119


def test_whoever_completes_says_which_outcomes_were_reached() -> None:
    line = make_service()
    for reached, said in ((["ACC-1"], {"ACC-1": True, "ACC-2": False}), ([], dict.fromkeys(("ACC-1", "ACC-2"), False))):
        referral = make_referral(line, status=ReferralStatus.ACCEPTED)
        referral.outcomes = [db.session.get_one(DesiredOutcome, code) for code in ("ACC-1", "ACC-2")]
        db.session.flush()
        assert queries.outcomes_reached(referral.id) == {}
        with pytest.raises(Invalid, match="that were desired"):
            actions.complete(referral.id, reached=["ACC-3"], actor=_caseworker_of(referral), now=NOW)
        actions.complete(referral.id, reached=reached, actor=_caseworker_of(referral), now=NOW)
        assert queries.outcomes_reached(referral.id) == said


def test_only_those_who_deliver_it_and_the_officer_can_open_what_is_sealed() -> None:
    officer = make_officer()
    referral = make_referral(make_service(), officer=officer, status=ReferralStatus.ACCEPTED, crn="X777777")
    supplier = referral.line.agreement.supplier
    for allowed in (officer, _manager_of(referral), _caseworker_of(referral)):
        assert actions.look(referral.id, actor=allowed, now=NOW).crn == "X777777"
    strangers = [
        make_officer(),
        make_actor(supplier, Role.CASEWORKER),
        make_actor(supplier, Role.BID_MANAGER),
        make_actor(make_supplier(), Role.SERVICE_MANAGER),
        make_actor(referral.line.agreement.commissioner, Role.CONTRACT_MANAGER),
        replace(officer, organisation_id=make_officer().organisation_id),
    ]
    for stranger in strangers:
        with pytest.raises(NotFound):
            actions.look(referral.id, actor=stranger, now=NOW)
        assert queries.page_for(stranger, status=None, mine=False, number=1).total == 0


def test_every_look_is_on_record_without_personal_data() -> None:
    referral = make_referral(make_service(), crn="X777777")
    manager = _manager_of(referral)
    actions.look(referral.id, actor=manager, now=NOW)
    actions.look(referral.id, actor=manager, now=NOW)
    looks = db.session.scalars(select(AuditEvent).where(AuditEvent.what == "Looked at")).all()
    assert [(look.person_id, look.details) for look in looks] == [(manager.person_id, {})] * 2


def test_what_is_sealed_is_not_loaded_by_chance() -> None:
    referral_id = make_referral(make_service()).id
    db.session.expunge_all()
    referral = db.session.get_one(Referral, referral_id)
    with pytest.raises(Exception, match="raiseload"):
        _ = referral.crn
