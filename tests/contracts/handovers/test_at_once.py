"""What many do at once to a handover: workers that run it, people who press twice, suppliers who take on meanwhile."""

from __future__ import annotations

from collections import Counter

from flask import Flask
from sqlalchemy import select

from contracts.agreements.models import ServiceLine
from contracts.handovers import actions, jobs
from contracts.handovers.models import Handover
from contracts.handovers.rules import HandoverStatus
from contracts.referrals import actions as referring
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace.errors import AlreadyDone, NotFound
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.contracts.referrals.wandering import assert_counted_as_told
from tests.factories.at_once import at_once
from tests.factories.handovers import Handing, make_handing

Status = ReferralStatus


def _handing(app: Flask, people: int) -> tuple[Handing, int, int, list[int]]:
    """Those who hand over, their two services, and the referrals open with the old one."""
    with app.app_context():
        handing = make_handing()
        old = [handing.referral().id for _ in range(people)]
        keys = handing.old.id, handing.new.id
        db.session.commit()
    return handing, *keys, old


def _fixed(app: Flask, handing: Handing) -> int:
    with app.app_context():
        handing.old, handing.new = (db.session.merge(one) for one in (handing.old, handing.new))
        return handing.fixed().id


def test_a_handover_that_five_press_for_is_fixed_once_and_three_workers_move_each_once(
    committed_app: Flask, clock: StandingClock
) -> None:
    handing, old_line, new_line, old = _handing(committed_app, 12)
    now = clock()

    def plan(number: int) -> int:
        lines = [db.session.get_one(ServiceLine, key) for key in (old_line, new_line)]
        return actions.plan(*lines, day=now.date(), actor=handing.lead, now=now).id

    (key,) = [one for one in at_once(committed_app, 5, plan) if isinstance(one, int)]

    def fix(number: int) -> None:
        actions.agree(db.session.get_one(Handover, key), actor=handing.lead, now=now)

    answers = at_once(committed_app, 5, fix)
    assert Counter(type(one) for one in answers) == {type(None): 1, AlreadyDone: 4}
    at_once(committed_app, 3, lambda number: jobs.run_handovers())
    with committed_app.app_context():
        assert db.session.get_one(Handover, key).status is HandoverStatus.DONE
        came = db.session.scalars(select(Referral.moved_from_id).where(Referral.line_id == new_line)).all()
        assert Counter(came) == Counter(old)
        keys = db.session.scalars(select(Letter.key).where(Letter.key.startswith(f"handover:{key}:"))).all()
        assert len(keys) == len(set(keys))
        assert not [one for one in keys if ":halted:" in one], "one worker took for a fault what another had moved"
        for line in (old_line, new_line):
            assert_counted_as_told(db.session.get_one(ServiceLine, line))


def test_who_is_taken_on_while_it_is_undone_is_with_one_supplier_and_never_with_both(
    committed_app: Flask, clock: StandingClock
) -> None:
    handing, old_line, new_line, old = _handing(committed_app, 10)
    key, now = _fixed(committed_app, handing), clock()
    with committed_app.app_context():
        jobs.run_handovers()
        new = list(db.session.scalars(select(Referral.id).where(Referral.line_id == new_line).order_by(Referral.id)))

    def act(number: int) -> str:
        if number % 2:
            manager = handing.new_manager
            referring.accept(new[number // 2], caseworker_id=manager.person, actor=manager, now=now)
            return "taken on"
        referral = db.session.get_one(Referral, new[number // 2]).moved_from_id
        assert referral
        actions.undo_one(db.session.get_one(Handover, key), referral, actor=handing.lead, now=now)
        return "undone"

    answers = at_once(committed_app, 20, act)
    assert all(isinstance(one, str | AlreadyDone | NotFound) for one in answers), answers
    assert sum(isinstance(one, str) for one in answers) == 10, "somebody is with both, or with neither"
    with committed_app.app_context():
        for before, after in zip(old, new, strict=True):
            pair = (db.session.get_one(Referral, before).status, db.session.get_one(Referral, after).status)
            assert pair in ((Status.TRANSFERRED, Status.ACCEPTED), (Status.ACCEPTED, Status.WITHDRAWN))
        for line in (old_line, new_line):
            assert_counted_as_told(db.session.get_one(ServiceLine, line))
