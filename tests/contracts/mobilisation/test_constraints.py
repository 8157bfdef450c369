"""What the database itself refuses of what surrounds a contract, whatever program writes: each rule by its name."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.agreements.rules import Side
from contracts.mobilisation import actions
from contracts.mobilisation.rules import Dates
from tests.factories.agreements import NOW
from tests.factories.constraints import assert_once, assert_refused
from tests.factories.mobilisation import FIRST_DUE, make_contract_to_mobilise

pytestmark = pytest.mark.usefixtures("session", "clock")
LATER = NOW.replace(year=2027, month=3)
JUDGED = "judged_at = now(), judged_by = reported_by"
BROKEN = (
    ("milestones", "status = 'dropped'", "dropped_with_reason"),
    ("milestones", "dropped_reason = 'x'", "dropped_with_reason"),
    ("milestone_reports", "judged_at = now()", "judged"),
    ("milestone_reports", JUDGED, "judged"),
    ("milestone_reports", f"{JUDGED}, accepted = false", "sent_back_with_reason"),
    ("staff_members", "cleared_on = applied_on - 1, expires_on = NULL", "cleared_later"),
    ("staff_members", "expires_on = cleared_on - 1", "expires_later"),
    ("staff_members", "cleared_on = NULL", "expires_later"),
    ("staff_members", "reference = 'Ama Owusu'", "no_names"),
    ("staff_members", "reference = 'abcdefghijklm'", "no_names"),
    ("prison_access", "applied_on = '2026-09-02', granted_on = '2026-09-01'", "granted_later"),
    ("prison_access", "expires_on = '2026-09-01'", "expires_later"),
    ("promises", "answered_at = NULL", "answered"),
    ("promises", "status = 'ended'", "with_reason"),
    ("promises", "who = repeat('x', 101)", "short"),
    ("promise_reports", "judged_at = now()", "judged"),
    ("promise_reports", f"{JUDGED}, verdict = 'partly'", "with_reason"),
    ("supply_chain_reports", "percent = -0.01", "percent"),
    ("supply_chain_reports", "percent = 100.01", "percent"),
)
ONCE = (
    ("milestones", "uq_milestones_title"),
    ("staff_members", "uq_staff_members_reference"),
    ("prison_access", "uq_prison_access_staff_member_id_prison"),
    ("promises", "uq_promises_measure"),
    ("promise_reports", "uq_promise_reports_day"),
    ("supply_chain_reports", "uq_supply_chain_reports_subcontractor_id_quarter_begins"),
)


def test_each_rule_of_a_row_and_what_may_stand_once() -> None:
    made = make_contract_to_mobilise()
    milestone = actions.add_milestone(
        made.agreement,
        title="Doors",
        evidence="Wide.",
        side=Side.SUPPLIER,
        due_on=FIRST_DUE,
        actor=made.manager,
        now=NOW,
    )
    actions.say_done(milestone, evidence="x", actor=made.deliverer, now=NOW)
    actions.enter_access(made.staff(), prison="Elmley", dates=Dates(), actor=made.deliverer, now=NOW)
    actions.report_on_promise(made.promise(), due_on=FIRST_DUE, reached="1", words="", actor=made.deliverer, now=LATER)
    actions.report_quarter(
        made.agreement,
        quarter_begins=made.agreement.starts_on,
        parts={made.subcontractor().id: Decimal(1)},
        actor=made.deliverer,
        now=LATER,
    )
    for table, change, name in BROKEN:
        assert_refused(f"UPDATE {table} SET {change}", f"ck_{table}_{name}")
    for table, name in ONCE:
        assert_once(table, name)
