from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from calloffs.competitions.rules import CompetitionStatus
from catalogue.publishing.queries import Choice, process, register
from contracts.agreements.models import Agreement
from contracts.agreements.queries import Filter, agreements, awards_to_draw
from contracts.agreements.rules import AgreementStatus, Standing, standing_of
from contracts.changes import actions, queries
from contracts.changes.models import Abandonment
from marketplace.access import Role
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.agreements import NOW, make_agreement, sign_as
from tests.factories.at_once import at_once
from tests.factories.changes import Change, make_change

pytestmark = pytest.mark.usefixtures("clock")
DAY = timedelta(days=1)


def _ask(made: Change) -> Abandonment:
    return actions.propose_abandoning(
        made.agreement, reason="The supplier never signs.", actor=made.manager, now=NOW + 40 * DAY
    )


@pytest.mark.usefixtures("session")
class TestAbandoning:
    """A contract that one side never signs has an end."""

    def test_it_is_given_up_by_two_people_and_its_call_off_ends(self) -> None:
        made = Change(make_agreement())
        sign_as(made.signatory, made.agreement)
        asked = _ask(made)
        assert [one.text for one in queries.waiting(made.approver, NOW)][:1] == [
            f"Decide whether {made.agreement.reference} is abandoned"
        ]
        actions.abandon(asked, actor=made.approver, now=NOW + 41 * DAY)
        agreement = made.agreement
        assert agreement.status is AgreementStatus.ABANDONED
        assert agreement.award is not None
        competition = agreement.award.competition
        assert competition.status is CompetitionStatus.CANCELLED
        assert competition.ended_reason == "The supplier never signs."
        assert queries.waiting(made.approver, NOW) == []
        # Nobody signs, draws or publishes it any more.
        with pytest.raises(Refused, match="abandoned"):
            sign_as(made.approver, agreement)
        assert agreement.award not in awards_to_draw(NOW + 50 * DAY)
        assert process(competition.reference).agreement is None
        assert register(Choice()).total == 0
        told = set(db.session.scalars(select(Letter.subject)))
        assert f"{agreement.reference} is abandoned" in told

    def test_kept_it_can_be_signed_and_asked_again(self) -> None:
        made = Change(make_agreement())
        asked = _ask(made)
        with pytest.raises(AlreadyDone):
            _ask(made)
        actions.keep(asked, reason="They sign on Monday.", actor=made.approver, now=NOW)
        with pytest.raises(AlreadyDone):
            actions.abandon(asked, actor=made.approver, now=NOW)
        again = _ask(made)
        # Signed by both meanwhile, it is a contract, and no longer to be given up.
        sign_as(made.signatory, made.agreement)
        sign_as(made.approver, made.agreement)
        with pytest.raises(Refused, match="not yet signed"):
            actions.abandon(again, actor=made.approver, now=NOW)
        assert queries.waiting(made.approver, NOW) == []

    def test_who_may(self) -> None:
        made = Change(make_agreement())
        for actor in (made.signatory, made.approver, make_actor(make_commissioner(), Role.CONTRACT_MANAGER)):
            with pytest.raises(NotAllowed):
                actions.propose_abandoning(made.agreement, reason="x", actor=actor, now=NOW)
        both = make_actor(made.agreement.commissioner, Role.CONTRACT_MANAGER, Role.APPROVER)
        asked = actions.propose_abandoning(made.agreement, reason="x", actor=both, now=NOW)
        for actor in (both, made.manager, make_actor(make_commissioner(), Role.APPROVER)):
            with pytest.raises(NotAllowed):
                actions.abandon(asked, actor=actor, now=NOW)
        signed = make_change()
        with pytest.raises(Refused):
            _ask(signed)

    def test_lists_know_it(self) -> None:
        made = Change(make_agreement())
        actions.abandon(_ask(made), actor=made.approver, now=NOW)
        for standing in Standing:
            page = agreements(made.manager, Filter(standing=standing), number=1, on=NOW.date())
            assert page.total == (1 if standing is Standing.ABANDONED else 0)
        one = made.agreement
        assert standing_of(one.status, starts_on=one.starts_on, ends_on=one.ends_on, on=NOW.date()) == "abandoned"


@pytest.mark.usefixtures("session")
def test_on_the_pages(client: FlaskClient) -> None:
    made = Change(make_agreement())
    _ = made.approver, made.signatory
    at = f"/contracts/{made.agreement.id}"
    sign_in(client, made.manager)
    assert "abandon the contract" in client.get(at).text
    assert client.post(f"{at}/abandon", data={}).status_code == 422
    assert client.post(f"{at}/abandon", data={"reason": "They never sign."}).status_code == 302
    assert "Abandon the contract</button>" not in client.get(f"{at}/abandonment").text
    sign_in(client, made.signatory)
    assert client.get(f"{at}/abandonment").status_code == 404
    sign_in(client, made.approver)
    assert client.get(f"{at}/abandonment/keep").status_code == 200
    assert client.post(f"{at}/abandonment/approve").status_code == 302
    assert "is abandoned" in client.get(at).text
    assert client.get("/contracts/?status=abandoned").status_code == 200
    sign_in(client, made.signatory)
    assert "They never sign." in client.get(f"{at}/abandonment").text


@pytest.mark.usefixtures("session")
def test_reasons_stand_on_the_page_and_in_no_letter(client: FlaskClient) -> None:
    made = Change(make_agreement())
    _ = made.manager, made.approver, made.signatory
    page = f"/contracts/{made.agreement.id}/abandonment"
    actions.keep(_ask(made), reason="They sign on Monday.", actor=made.approver, now=NOW)
    sign_in(client, made.manager)
    assert "They sign on Monday." in client.get(page).text
    sign_in(client, made.signatory)
    assert client.get(page).status_code == 404
    actions.abandon(_ask(made), actor=made.approver, now=NOW)
    assert "The supplier never signs." in client.get(page).text
    bodies = [one.body for one in db.session.scalars(select(Letter)) if "abandon" in one.subject]
    assert len(bodies) >= 3
    assert not [one for one in bodies if "never signs" in one or "Monday" in one]
    assert all(page in one for one in bodies)


def test_signing_and_abandoning_at_once_end_in_one_of_them(committed_app: Flask) -> None:
    with committed_app.app_context():
        made = Change(make_agreement())
        sign_as(made.signatory, made.agreement)
        key, asked, approver = made.agreement.id, _ask(made).id, made.approver
        db.session.commit()

    def do(number: int) -> str:
        if number % 2:
            actions.abandon(db.session.get_one(Abandonment, asked), actor=approver, now=NOW)
            return "abandoned"
        sign_as(approver, db.session.get_one(Agreement, key))
        return "signed"

    answers = [one for one in at_once(committed_app, 10, do) if isinstance(one, str)]
    with committed_app.app_context():
        assert answers == [db.session.get_one(Agreement, key).status.value]
