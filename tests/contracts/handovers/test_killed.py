"""A handover's run is killed without warning, again and again, and moves everybody once."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import func, select

from contracts.agreements.models import ServiceLine
from contracts.handovers import jobs
from contracts.handovers.models import Handover, HandoverCase
from contracts.handovers.rules import HandoverStatus
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.contracts.referrals.wandering import assert_counted_as_told
from tests.factories.handovers import make_handing

PEOPLE = 40


def _run_and_be_killed(app: Flask, after: int) -> None:
    """A process of its own runs the job; it is killed in the middle of moving somebody, when so many have moved."""
    child = os.fork()
    if child == 0:  # pragma: no cover
        with suppress(BaseException), app.app_context():
            db.engine.dispose(close=False)
            real, moved = jobs.actions.move_one, []

            def move_one(*args: object, **rest: object) -> bool:
                moved.append(real(*args, **rest))  # type: ignore[arg-type]
                if len(moved) > after:
                    os.kill(os.getpid(), signal.SIGKILL)
                return moved[-1]

            jobs.actions.move_one = move_one
            jobs.run_handovers()
        os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.usefixtures("clock")
def test_killed_three_times_each_referral_moves_once_and_each_officer_gets_one_letter(
    committed_app: Flask, clock: StandingClock
) -> None:
    with committed_app.app_context():
        handing = make_handing()
        old = [handing.referral().id for _ in range(PEOPLE)]
        old += [handing.referral(ReferralStatus.WAITING).id for _ in range(3)]
        handover, lines = handing.fixed().id, (handing.old.id, handing.new.id)
    for after in (7, 0, 15):
        _run_and_be_killed(committed_app, after)
    with committed_app.app_context():
        # What was in hand when it was killed has not moved; the rest has.
        assert db.session.scalar(select(func.count()).select_from(HandoverCase)) == 7 + 0 + 15
        assert db.session.get_one(Handover, handover).status is HandoverStatus.UNDER_WAY
        jobs.run_handovers()
        jobs.run_handovers()
        db.session.expire_all()
        assert db.session.get_one(Handover, handover).status is HandoverStatus.DONE
        came = Counter(db.session.scalars(select(Referral.moved_from_id).where(Referral.line_id == lines[1])))
        assert came == Counter(old)
        for line in lines:
            assert_counted_as_told(db.session.get_one(ServiceLine, line))
        moved = select(func.count()).where(Letter.key.startswith(f"handover:{handover}:moved:"))
        assert db.session.scalar(moved) == 1
