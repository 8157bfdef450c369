from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.changes import actions, queries
from contracts.changes.models import Proposal
from contracts.changes.rules import PROPOSAL_MOVES, ProposalStatus, VariationStatus
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.agreements import NOW, make_agreement
from tests.factories.at_once import at_once
from tests.factories.changes import APPLIES, Change, make_change

pytestmark = pytest.mark.usefixtures("clock")
DAY = timedelta(days=1)
LONGER = date(2030, 3, 31)


def _deliverer(made: Change) -> Actor:
    return make_actor(made.agreement.supplier, Role.SERVICE_MANAGER)


def _propose(made: Change, actor: Actor, *, from_on: date = APPLIES, ends_on: date | None = None) -> Proposal:
    return actions.propose(
        made.agreement,
        what="Forty more people a year.",
        reason="We turn people away.",
        from_on=from_on,
        ends_on=ends_on,
        actor=actor,
        now=NOW + DAY,
    )


@pytest.mark.usefixtures("session")
class TestProposing:
    """A supplier proposes; the lead drafts a change from it, or says why not."""

    def test_taken_up_it_is_a_draft_of_the_lead(self) -> None:
        made = make_change()
        deliverer = _deliverer(made)
        proposal = _propose(made, deliverer, ends_on=LONGER)
        assert [one.text for one in queries.waiting(made.manager, NOW)] == [
            f"Answer the supplier’s proposal to change {made.agreement.reference}"
        ]
        variation = actions.take_up(proposal, actor=made.manager, now=NOW + 2 * DAY)
        assert (variation.status, variation.version.in_force_from) == (VariationStatus.DRAFT, APPLIES)
        assert variation.version.ends_on == LONGER
        assert "Forty more people a year." in variation.reason
        assert (proposal.status, proposal.variation_id) == (ProposalStatus.TAKEN_UP, variation.id)
        # The supplier sees the draft only when it comes to it.
        assert queries.variations_of(deliverer, made.agreement) == []
        for again in (actions.take_up, actions.take_proposal_back):
            with pytest.raises(AlreadyDone):
                again(proposal, actor=made.manager if again is actions.take_up else deliverer, now=NOW)
        assert queries.waiting(made.manager, NOW) == []
        subjects = set(db.session.scalars(select(Letter.subject).where(Letter.person_id == deliverer.person)))
        assert subjects == {f"Your proposal to change {made.agreement.reference} is taken up"}

    def test_one_that_waited_past_its_day_applies_from_the_day_it_is_taken_up(self) -> None:
        made = make_change(funders=1)
        proposal = _propose(made, _deliverer(made), from_on=NOW.date() + 30 * DAY)
        late = NOW + 60 * DAY
        assert actions.take_up(proposal, actor=made.manager, now=late).version.in_force_from == late.date()

    def test_declined_it_says_why_and_another_can_follow(self) -> None:
        made = make_change(funders=1)
        deliverer = _deliverer(made)
        proposal = _propose(made, deliverer)
        with pytest.raises(AlreadyDone):
            _propose(made, deliverer)
        actions.decline(proposal, reason="There is no money.", actor=made.manager, now=NOW)
        assert (proposal.status, proposal.answer) == (ProposalStatus.DECLINED, "There is no money.")
        actions.take_proposal_back(_propose(made, deliverer), actor=deliverer, now=NOW)
        assert _propose(made, deliverer).status is ProposalStatus.SENT

    def test_a_change_under_way_comes_first(self) -> None:
        made = make_change(funders=1)
        proposal = _propose(made, _deliverer(made))
        made.draft()
        with pytest.raises(AlreadyDone, match="under way"):
            actions.take_up(proposal, actor=made.manager, now=NOW + DAY)
        assert db.session.get_one(Proposal, proposal.id).status is ProposalStatus.SENT

    def test_who_and_what_is_refused(self) -> None:
        made = make_change()
        for actor in (made.manager, made.approver, make_actor(make_commissioner(), Role.CONTRACT_MANAGER)):
            with pytest.raises(NotAllowed):
                _propose(made, actor)
        deliverer = _deliverer(made)
        with pytest.raises(Invalid):
            _propose(made, deliverer, from_on=date(2026, 9, 7))
        with pytest.raises(Invalid):
            _propose(made, deliverer, ends_on=APPLIES - DAY)
        proposal = _propose(made, deliverer)
        for actor in (deliverer, made.approver):
            with pytest.raises(NotAllowed):
                actions.take_up(proposal, actor=actor, now=NOW)
            with pytest.raises(NotAllowed):
                actions.decline(proposal, reason="x", actor=actor, now=NOW)
        unsigned = Change(make_agreement())
        with pytest.raises(Refused):
            _propose(unsigned, _deliverer(unsigned))


def test_every_status_of_a_proposal_has_its_moves() -> None:
    assert set(PROPOSAL_MOVES) == set(ProposalStatus)
    assert {status for status, to in PROPOSAL_MOVES.items() if to} == {ProposalStatus.SENT}


@pytest.mark.usefixtures("session")
def test_on_the_pages(client: FlaskClient) -> None:
    made = make_change(funders=1)
    at = f"/contracts/{made.agreement.id}/changes"
    sign_in(client, _deliverer(made))
    assert "Propose a change" in client.get(at).text
    assert client.post(f"{at}/propose", data={}).status_code == 422
    typed = {
        "what": "More <room>.",
        "reason": "Full.",
        "from_on-day": "1",
        "from_on-month": "1",
        "from_on-year": "2027",
    }
    assert client.post(f"{at}/propose", data=typed).status_code == 302
    page = client.get(at).text
    assert "More &lt;room&gt;." in page
    assert "Take it back" in page
    proposal = db.session.scalars(select(Proposal)).one()
    assert client.post(f"/contracts/proposals/{proposal.id}/take-up").status_code == 403
    sign_in(client, made.manager)
    assert "Draft a change from it" in client.get(at).text
    assert client.get(f"/contracts/proposals/{proposal.id}/decline").status_code == 200
    answer = client.post(f"/contracts/proposals/{proposal.id}/take-up")
    assert answer.status_code == 302
    assert "More &lt;room&gt;." in client.get(answer.location).text


def test_ten_answers_at_once_are_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        made = make_change(funders=1)
        key, manager = _propose(made, _deliverer(made)).id, made.manager
        db.session.commit()

    def answer(number: int) -> object:
        proposal = db.session.get_one(Proposal, key)
        if number % 2:
            return actions.take_up(proposal, actor=manager, now=NOW + DAY).id
        actions.decline(proposal, reason="x", actor=manager, now=NOW + DAY)
        return "declined"

    assert len([one for one in at_once(committed_app, 10, answer) if not isinstance(one, Refused)]) == 1
