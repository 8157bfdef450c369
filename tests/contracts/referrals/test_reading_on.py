"""Who reads what was recorded of somebody who was moved: the earlier supplier, and the next one as they agreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.referrals import actions, queries
from contracts.referrals.rules import (
    Attendance,
    Consent,
)
from marketplace.access import Actor, Role
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from tests.conftest import StandingClock
from tests.contracts.referrals.test_transferring import NOW, Status, _manager, _move, once
from tests.factories.accounts import make_actor
from tests.factories.referrals import (
    make_officer,
    make_referral,
    make_service,
    make_session,
)


@once
def test_the_earlier_supplier_reads_what_it_did_for_26_weeks_and_changes_nothing(clock: StandingClock) -> None:
    old_line, to = make_service(), make_service()
    old = make_referral(old_line, status=Status.ACCEPTED)
    before = make_session(old, starts_at=NOW - timedelta(days=1), number=1)
    after = make_session(old, starts_at=NOW + timedelta(hours=1), number=2)
    new, manager = _move(old, to), _manager(old_line)
    with pytest.raises(NotFound):
        queries.referral_for(manager, new.id)
    assert actions.look(old.id, actor=manager, now=NOW).need == "A need."
    # What took place before can still be said; nothing after it.
    actions.record_session(before.id, attendance=Attendance.ATTENDED, actor=manager, now=NOW)
    with pytest.raises(Refused, match="has ended"):
        actions.record_session(after.id, attendance=Attendance.ATTENDED, actor=manager, now=NOW + timedelta(days=1))
    with pytest.raises(Refused):
        actions.offer_session(old.id, starts_at=NOW, actor=manager, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.complete(old.id, actor=manager, now=NOW)
    clock.set(datetime(2027, 3, 8, 12, tzinfo=UTC))
    assert queries.referral_for(manager, old.id)
    clock.set(datetime(2027, 3, 9, 12, tzinfo=UTC))
    with pytest.raises(NotFound):
        actions.look(old.id, actor=manager, now=NOW)


@once
def test_the_next_supplier_reads_the_earlier_record_only_as_the_person_agreed() -> None:
    old_line, to, officer = make_service(), make_service(), make_officer()
    old = make_referral(old_line, officer=officer, status=Status.ACCEPTED)
    session = make_session(old, starts_at=NOW - timedelta(days=1))
    actions.record_session(
        session.id, attendance=Attendance.ATTENDED, note="Came early.", actor=_manager(old_line), now=NOW
    )
    new, manager = _move(old, to), _manager(to)
    caseworker = make_actor(to.agreement.supplier, Role.CASEWORKER)

    def reads(actor: Actor) -> bool:
        try:
            (one,) = actions.look_back(new.id, actor=actor, now=NOW)
        except NotFound:
            return False
        return one.notes == {session.id: "Came early."}

    for answer in (Consent.ASKED, Consent.REFUSED):
        actions.record_consent(old.id, answer, actor=officer, now=NOW)
        assert not reads(manager)
    assert reads(officer)
    actions.record_consent(old.id, Consent.GIVEN, actor=officer, now=NOW)
    assert (old.consent_at, old.consent_by) == (NOW, officer.person)
    assert reads(manager)
    looks = [one for one in events_for(old) if one.what == actions.LOOKED]
    assert {one.person_id for one in looks} == {manager.person_id, officer.person_id}
    # Never by the old referral's own page, never a caseworker to whom it is not given, never somebody else.
    with pytest.raises(NotFound):
        actions.look(old.id, actor=manager, now=NOW)
    assert not reads(caseworker)
    assert not reads(make_officer())
    assert not reads(_manager(make_service()))
    actions.accept(new.id, caseworker_id=caseworker.person, actor=manager, now=NOW)
    assert reads(caseworker)
    actions.record_consent(old.id, Consent.REFUSED, actor=officer, now=NOW)
    assert not reads(caseworker)


@once
def test_who_gives_the_referral_back_reads_no_more() -> None:
    officer = make_officer()
    old, to = make_referral(make_service(), officer=officer), make_service()
    new, manager = _move(old, to), _manager(to)
    actions.record_consent(old.id, Consent.GIVEN, actor=officer, now=NOW)
    assert actions.look_back(new.id, actor=manager, now=NOW)
    actions.return_to_officer(new.id, reason="No", actor=manager, now=NOW)
    with pytest.raises(NotFound):
        actions.look_back(new.id, actor=manager, now=NOW)


@once
def test_each_record_of_a_chain_needs_its_own_consent() -> None:
    officer, lines = make_officer(), [make_service() for _ in range(3)]
    first = make_referral(lines[0], officer=officer)
    second = _move(first, lines[1])
    third = _move(second, lines[2])
    manager = _manager(lines[2])
    actions.record_consent(first.id, Consent.GIVEN, actor=officer, now=NOW)
    with pytest.raises(NotFound):
        actions.look_back(third.id, actor=manager, now=NOW)
    actions.record_consent(second.id, Consent.GIVEN, actor=officer, now=NOW)
    found = actions.look_back(third.id, actor=manager, now=NOW)
    assert [one.referral.id for one in found] == [second.id, first.id]
    actions.record_consent(first.id, Consent.REFUSED, actor=officer, now=NOW)
    assert [one.referral.id for one in actions.look_back(third.id, actor=manager, now=NOW)] == [second.id]


@once
def test_who_wants_to_read_never_writes_down_the_consent() -> None:
    old_line, to, officer = make_service(), make_service(), make_officer()
    old = make_referral(old_line, officer=officer, status=Status.ACCEPTED)
    deliverer = _manager(old_line)
    actions.record_consent(old.id, Consent.ASKED, actor=deliverer, now=NOW)
    _move(old, to)
    with pytest.raises(NotFound):
        actions.record_consent(old.id, Consent.GIVEN, actor=_manager(to), now=NOW)
    with pytest.raises(NotAllowed):
        actions.record_consent(old.id, Consent.GIVEN, actor=deliverer, now=NOW)
    with pytest.raises(Refused, match="stays on record"):
        actions.record_consent(old.id, Consent.NOT_ASKED, actor=officer, now=NOW)
    assert old.consent is Consent.ASKED
