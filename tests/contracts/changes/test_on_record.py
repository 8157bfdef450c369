"""What is done to a contract after signature stands on its record, each thing once, and is told to those concerned."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from contracts.agreements.rules import Side
from contracts.changes import actions, queries
from contracts.changes.models import Proposal
from contracts.changes.rules import Ground
from marketplace.access import SYSTEM, Role
from marketplace.audit import AuditEvent
from marketplace.extensions import db
from tests.factories.accounts import make_actor
from tests.factories.agreements import NOW, make_agreement
from tests.factories.changes import APPLIES, Change, make_change, make_proposal
from tests.factories.on_record import recorded, told
from tests.factories.places import KENT

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)


def test_a_change_from_its_proposal_to_its_last_signature() -> None:
    made = make_change()
    agreement, manager = made.agreement, made.manager
    _ = made.approver, made.partner, made.signatory
    deliverer = make_actor(agreement.supplier, Role.SERVICE_MANAGER)
    before = recorded()

    def proposal() -> Proposal:
        return make_proposal(made)

    actions.take_proposal_back(proposal(), actor=deliverer, now=NOW)
    declined = proposal()
    actions.decline(declined, reason="No money.", actor=manager, now=NOW)
    taken_up = proposal()
    variation = actions.take_up(taken_up, actor=manager, now=NOW)
    later = NOW + DAY
    made.reprice(variation, now=later)
    actions.set_dates(variation, in_force_from=APPLIES, ends_on=date(2030, 3, 31), actor=manager, now=later)
    actions.set_places(variation, variation.version.line_terms[0], place_codes=[KENT], actor=manager, now=later)
    other = made.partner.organisation
    lead = agreement.commissioner_id
    actions.set_shares(variation, shares=[(lead, Decimal(50)), (other, Decimal(50))], actor=manager, now=later)
    actions.set_lead(variation, body_id=other, actor=manager, now=later)
    actions.submit(variation, actor=manager, now=later)
    actions.send_back(variation, shown_round=1, reason="Too dear.", actor=made.partner, now=later)
    actions.submit(variation, actor=manager, now=later)
    made.approve(variation)
    actions.take_back(variation, actor=manager, now=later)
    actions.submit(variation, actor=manager, now=later)
    made.approve(variation)
    made.sign(variation, made.signatory)
    made.sign(variation, made.approver)
    actions.hand_lead_over(agreement, actor=SYSTEM, now=datetime(2027, 1, 1, 6, tzinfo=NOW.tzinfo))
    assert recorded() - before == {
        "Proposed a change": 3,
        "Took the proposal back": 1,
        "Declined the supplier’s proposal": 1,
        "Took up the supplier’s proposal": 1,
        "Began to draft a change": 1,
        "Changed the draft change": 5,
        "Asked the funders to approve the change": 3,
        "Sent the change back": 1,
        "Took the change back into draft": 1,
        "Approved the change": 4,
        "Asked the supplier to sign the change": 2,
        "Signed for the supplier": 1,
        "Signed for the commissioner": 1,
        "Agreed the change": 1,
        "Handed the lead over": 1,
    }
    parts = set(db.session.scalars(select(AuditEvent.details["part"].astext).where(AuditEvent.details.has_key("part"))))
    assert parts == {"volume", "dates", "areas", "shares", "lead"}
    # Each round asks anew; both sides are asked in turn.
    assert told(f"variation:{variation.id}:") == [
        *("1:approve", "2:sent_back", "2:approve", "2:sign:awaiting_supplier"),
        *("3:approve", "3:sign:awaiting_supplier", "3:sign:awaiting_commissioner", "3:agreed"),
    ]
    assert told(f"proposal:{declined.id}:") == ["proposed", "declined"]
    assert told(f"proposal:{taken_up.id}:") == ["proposed", "taken_up"]


def test_an_ending_and_what_it_asks_for() -> None:
    made = make_change(funders=1)
    agreement, manager = made.agreement, made.manager
    _ = made.approver
    deliverer = make_actor(agreement.supplier, Role.SERVICE_MANAGER)
    before = recorded()
    when = NOW + DAY

    def ending(by_notice: bool) -> None:
        variation = actions.begin_ending(
            agreement,
            last_day=date(2027, 12, 31),
            ground=Ground.FUNDING,
            reason="No money.",
            by_notice=by_notice,
            actor=manager,
            now=when,
        )
        if not by_notice:
            actions.withdraw(variation, reason="Found some.", actor=manager, now=when)
            return
        actions.submit(variation, actor=manager, now=when)
        made.approve(variation)

    ending(by_notice=False)
    ending(by_notice=True)
    task = actions.add_task(
        agreement,
        title="Garden",
        what="Dug over.",
        side=Side.SUPPLIER,
        owner=None,
        due_on=date(2027, 12, 1),
        actor=manager,
        now=when,
    )
    same = {"title": "Garden", "what": "Dug over.", "side": Side.SUPPLIER, "due_on": date(2027, 12, 1)}
    actions.change_task(task, **same, owner="Jo", actor=deliverer, now=when)  # type: ignore[arg-type]
    actions.finish_task(task, note="Dug.", actor=deliverer, now=when)
    actions.reopen_task(task, reason="The shed.", actor=manager, now=when)
    actions.drop_task(task, reason="Sold.", actor=manager, now=when)
    stopped = actions.suspend(agreement, line=None, from_on=when.date(), reason="Staff", actor=manager, now=when)
    actions.lift(stopped, on=when.date(), reason="Staff came.", actor=manager, now=when)
    assert recorded() - before == {
        "Began to draft a change": 2,
        "Began to end the contract early": 2,
        "Withdrew the change": 1,
        "Asked the funders to approve the change": 1,
        "Approved the change": 1,
        "Gave notice": 1,
        "Made the exit plan": 1,
        "Added the exit task": 1,
        "Changed the exit task": 1,
        "Did the exit task": 1,
        "Opened the exit task again": 1,
        "Found the exit task not needed": 1,
        "Stopped new referrals": 1,
        "Lifted the suspension": 1,
    }
    assert told(f"exit:{agreement.id}:") == ["begun"]
    assert told(f"suspension:{stopped.id}:") == ["suspended", "lifted"]


def test_options_and_giving_up() -> None:
    made = Change(make_agreement())
    agreement, manager = made.agreement, made.manager
    _ = made.approver
    first, before = agreement.versions[0], recorded()
    options = [
        actions.add_option(first, months=6, decide_by=date(2029, 3, 31), actor=manager, now=NOW) for _ in range(2)
    ]
    actions.remove_option(options[1], actor=manager, now=NOW)
    kept = actions.propose_abandoning(agreement, reason="They never sign.", actor=manager, now=NOW)
    actions.keep(kept, reason="They will.", actor=made.approver, now=NOW)
    given_up = actions.propose_abandoning(agreement, reason="They never sign.", actor=manager, now=NOW)
    actions.abandon(given_up, actor=made.approver, now=NOW)
    assert recorded() - before == {
        "Added an option to extend": 2,
        "Took out an option to extend": 1,
        "Asked to abandon the contract": 2,
        "Decided not to abandon the contract": 1,
        "Abandoned the contract": 1,
        "Cancelled": 1,
    }
    assert told(f"abandonment:{kept.id}:") == ["ask", "kept"]
    assert told(f"abandonment:{given_up.id}:") == ["ask", "abandoned"]
    assert queries.abandonment_of(agreement) is given_up
