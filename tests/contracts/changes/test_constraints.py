"""What the database itself refuses of changes to contracts, whatever program writes: each rule by its name."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.changes import actions
from contracts.changes.models import VariationApproval
from marketplace.extensions import db
from tests.factories.agreements import NOW, make_agreement
from tests.factories.changes import Change, make_change, make_proposal
from tests.factories.constraints import assert_once, assert_refused

pytestmark = pytest.mark.usefixtures("session", "clock")
ANSWERED = "answered_at = now(), answered_by = :somebody"
DECIDED = "decided_at = now(), decided_by = :somebody"
LIFTED = "lifted_at = now(), lifted_by = :somebody, lifted_reason = 'x'"
BROKEN = (
    ("variations", "status = 'withdrawn'", "withdrawn_with_reason"),
    ("variations", "withdrawn_reason = 'x'", "withdrawn_with_reason"),
    ("variations", "round = 0", "round"),
    ("variations", "purpose = 'extension'", "extension_of_option"),
    ("variations", "purpose = 'notice'", "ending_with_ground"),
    ("variations", "ground = 'breach'", "ending_with_ground"),
    ("variation_approvals", "approved = false", "refused_with_reason"),
    ("exit_tasks", "done_at = now()", "done"),
    ("exit_tasks", "done_at = now(), done_by = :somebody, dropped_reason = 'x'", "done_or_dropped"),
    ("abandonments", "decided_at = now()", "decided"),
    ("abandonments", DECIDED, "decided"),
    ("abandonments", "decided_at = now(), decided_by = proposed_by, approved = true", "two_people"),
    ("abandonments", f"{DECIDED}, approved = false", "refused_with_reason"),
    ("abandonments", f"{DECIDED}, approved = true, refused_reason = 'x'", "refused_with_reason"),
    ("change_proposals", f"status = 'taken_up', {ANSWERED}", "taken_up_as_variation"),
    ("change_proposals", f"status = 'declined', {ANSWERED}", "declined_with_reason"),
    ("change_proposals", ANSWERED, "answered"),
    ("change_proposals", "status = 'declined', answer = 'x', answered_at = now()", "answered_by_somebody"),
    ("change_proposals", "ends_on = from_on - 1", "dates"),
    ("suspensions", "lifted_at = now()", "lifted"),
    ("suspensions", f"{LIFTED}, lifted_from = from_on - 1", "lifted_later"),
    ("suspensions", "cause = 'another'", "cause"),
    ("extension_options", "months = 0", "months"),
    ("extension_options", "months = 61", "months"),
    ("extension_options", "decision = 'use'", "decided"),
)
ONCE = (
    ("exit_tasks", "uq_exit_tasks_title"),
    ("abandonments", "uq_abandonments_one"),
    ("change_proposals", "uq_change_proposals_one_sent"),
    ("suspensions", "uq_suspensions_one_of_contract"),
)


def test_each_rule_of_a_row_and_what_may_stand_once() -> None:
    made, unsigned = make_change(), Change(make_agreement())
    manager = made.manager
    variation = made.draft()
    approval = VariationApproval(
        round=1, organisation_id=made.approver.organisation, person_id=made.approver.person, at=NOW, approved=True
    )
    variation.approvals.append(approval)
    actions.begin_exit(made.agreement, actor=manager, now=NOW)
    make_proposal(made)
    actions.suspend(made.agreement, line=None, from_on=NOW.date(), reason="x", actor=manager, now=NOW)
    actions.propose_abandoning(unsigned.agreement, reason="x", actor=unsigned.manager, now=NOW)
    decide_by = date(2029, 1, 1) - timedelta(days=1)
    actions.add_option(unsigned.agreement.versions[0], months=6, decide_by=decide_by, actor=unsigned.manager, now=NOW)
    db.session.flush()
    for table, change, name in BROKEN:
        assert_refused(f"UPDATE {table} SET {change}", f"ck_{table}_{name}", somebody=made.approver.person)
    for table, name in ONCE:
        assert_once(table, name)
