"""What was done stays with who did it: in the count, in what is measured, and in what is read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from contracts.performance.queries.counting import counts
from contracts.referrals import actions as referring
from contracts.referrals import queries as referrals
from contracts.referrals.models import Referral
from contracts.referrals.rules import Attendance
from marketplace.extensions import db
from tests.factories.handovers import make_handing
from tests.factories.referrals import make_session

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("session", "clock")


def test_what_was_done_counts_with_the_earlier_supplier_and_the_next_begins_with_its_own() -> None:
    handing = make_handing()
    people = [handing.referral(sent_at=NOW - timedelta(days=30)) for _ in range(4)]
    for number, one in enumerate(people):
        session = make_session(one, starts_at=NOW - timedelta(days=10))
        attendance = Attendance.ATTENDED if number else Attendance.MISSED
        absence = None if number else "POP_ACCEPTABLE"
        session.attendance, session.absence, session.recorded_at = attendance, absence, NOW  # type: ignore[assignment]
    db.session.flush()
    old, new = handing.old.agreement_id, handing.new.agreement_id
    days = date(2026, 8, 1), date(2026, 9, 6)
    year = date(2026, 4, 1), NOW.date()
    before = counts([old, new], *days)
    assert before[old] and new not in before
    handing.run()
    assert counts([old, new], *days) == before
    # The one who never came counts with the next supplier alone.
    assert [referrals.counted(line.id, *year) for line in (handing.old, handing.new)] == [3, 4]
    # What the next supplier does is its own.
    moved = db.session.scalars(select(Referral).where(Referral.line_id == handing.new.id).order_by(Referral.id)).first()
    assert moved
    referring.accept(moved.id, caseworker_id=handing.new_manager.person, actor=handing.new_manager, now=NOW)
    session = referring.offer_session(moved.id, starts_at=NOW, actor=handing.new_manager, now=NOW)
    referring.record_session(session.id, attendance=Attendance.ATTENDED, actor=handing.new_manager, now=NOW)
    assert counts([old], *days)[old] == before[old]
    assert counts([old, new], NOW.date(), NOW.date())[new]
    assert session.number == 1
