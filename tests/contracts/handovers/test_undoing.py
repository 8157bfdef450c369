"""A handover or one of its moves is undone, and who is told of what."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from contracts.handovers import actions, jobs
from contracts.handovers.models import HandoverCase
from contracts.handovers.rules import Fate, HandoverStatus
from contracts.referrals import actions as referring
from contracts.referrals import queries as referrals
from contracts.referrals.models import Referral
from marketplace.audit import AuditEvent
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.contracts.handovers.test_actions import NOW, Status, _fates, _letters
from tests.contracts.referrals.wandering import assert_counted_as_told
from tests.factories.handovers import Handing
from tests.factories.referrals import make_officer, make_referral

pytestmark = pytest.mark.usefixtures("session", "clock")


def test_a_handover_is_undone_but_for_those_taken_on(handing: Handing) -> None:
    taken, others = handing.referral(), [handing.referral() for _ in range(3)]
    handover = handing.run()
    new = {
        one.moved_from_id: one for one in db.session.scalars(select(Referral).where(Referral.line_id == handing.new.id))
    }
    referring.accept(new[taken.id].id, caseworker_id=handing.new_manager.person, actor=handing.new_manager, now=NOW)
    with pytest.raises(NotAllowed):
        actions.undo(handover, actor=handing.new_manager, now=NOW)
    actions.undo(handover, actor=handing.lead, now=NOW)
    db.session.commit()
    jobs.run_handovers()
    db.session.expire_all()
    assert handover.status is HandoverStatus.UNDONE
    assert taken.status is Status.TRANSFERRED
    assert [one.status for one in others] == [Status.ACCEPTED] * 3
    for line in (handing.old, handing.new):
        assert_counted_as_told(line)
    assert referrals.counted(handing.new.id, date(2026, 4, 1), NOW.date()) == 1
    assert _letters(f"handover:{handover.id}:undone:")


def test_one_move_is_undone_and_the_run_does_not_move_it_again(handing: Handing) -> None:
    old, other = handing.referral(), handing.referral()
    handover = handing.run()
    with pytest.raises(NotAllowed):
        actions.undo_one(handover, old.id, actor=handing.old_manager, now=NOW)
    with pytest.raises(NotFound):
        actions.undo_one(handover, handing.referral().id, actor=handing.lead, now=NOW)
    actions.undo_one(handover, old.id, actor=handing.lead, now=NOW)
    assert (old.status, other.status) == (Status.ACCEPTED, Status.TRANSFERRED)
    assert _fates(handover)[old.reference] is Fate.STAYS
    assert {one.person_id for one in _letters(f"referral-back:{old.id}:")} >= {
        handing.officer.person,
        handing.old_manager.person,
    }


def test_officers_are_told_of_what_moved_and_stayed_so_and_of_the_undoing_if_anything_had_moved(
    handing: Handing,
) -> None:
    back, gone = handing.referral(), handing.referral()
    elsewhere = make_officer()
    other = make_referral(handing.old, officer=elsewhere, status=Status.ACCEPTED)
    handover = handing.fixed()
    actions.begin(handover.id, now=NOW)
    for one in (back, gone, other):
        actions.move_one(handover.id, one.id, now=NOW)
    for one in (back, other):
        actions.undo_one(handover, one.id, actor=handing.lead, now=NOW)
    assert actions.finish(handover.id, now=NOW)
    (told,) = _letters(f"handover:{handover.id}:moved:")
    assert told.person_id == handing.officer.person
    assert "1 of your referrals moved" in told.body
    actions.undo(handover, actor=handing.lead, now=NOW)
    jobs.run_handovers()
    assert handing.officer.person in {one.person_id for one in _letters(f"handover:{handover.id}:undone:")}


def test_letters_and_the_audit_trail_name_nobody(handing: Handing) -> None:
    old = handing.referral(crn="Q777777")
    handing.run()
    assert referring.look(old.id, actor=handing.officer, now=NOW).crn == "Q777777"
    bodies = "\n".join(f"{one.key} {one.subject} {one.body}" for one in db.session.scalars(select(Letter)))
    events = "\n".join(f"{one.what} {one.details}" for one in db.session.scalars(select(AuditEvent)))
    assert "Q777777" not in bodies + events
    assert "A need." not in bodies + events
    assert db.session.scalar(select(func.count()).select_from(HandoverCase)) == 1
