"""What the database itself refuses of a handover, whatever program writes: each rule by its name."""

from __future__ import annotations

import pytest

from contracts.handovers import actions
from contracts.handovers.rules import Decision
from marketplace import clock
from tests.factories.constraints import assert_once, assert_refused
from tests.factories.handovers import make_handing

pytestmark = pytest.mark.usefixtures("session", "clock")
BROKEN = (
    ("handovers", "to_line_id = from_line_id", "to_another"),
    ("handovers", "status = 'agreed'", "agreed"),
    ("handovers", "status = 'under_way', agreed_at = now()", "begun"),
    ("handovers", "status = 'done', agreed_at = now(), begun_at = now()", "ended"),
    ("handovers", "status = 'cancelled'", "cancelled_with_reason"),
    ("handovers", "cancelled_reason = 'x'", "cancelled_with_reason"),
    ("handover_cases", "moved_at = now()", "moved"),
    ("handover_cases", "decided_by = NULL", "decided"),
)


def test_each_rule_of_a_row_and_that_one_is_open_at_a_time() -> None:
    handing = make_handing()
    referral, handover = handing.referral(), handing.planned()
    actions.decide(handover, referral.id, Decision.STAY, actor=handing.lead, now=clock.now())
    for table, change, name in BROKEN:
        assert_refused(f"UPDATE {table} SET {change}", f"ck_{table}_{name}")
    assert_once("handovers", "uq_handovers_one_open")
