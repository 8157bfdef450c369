"""What the commissioners prepare is theirs until it comes to the supplier: the supplier reads none of it anywhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.changes import actions, queries
from contracts.changes.models import Variation
from contracts.changes.rules import Ground, VariationStatus
from marketplace import audit
from marketplace.access import Actor, Role
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_actor, sign_in
from tests.factories.agreements import NOW, make_agreement
from tests.factories.changes import APPLIES, Change, make_change

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)


def _happened(client: FlaskClient, actor: Actor, path: str) -> list[str]:
    sign_in(client, actor)
    return re.findall(r'dfm-timeline__what">([^<]+)<', client.get(path).text)


def _prepared(made: Change, kind: str) -> Variation:
    """A change, an agreed ending or a notice that has been before the funders and is a draft again."""
    if kind == "change":
        variation = made.draft(now=NOW + DAY)
        made.reprice(variation)
        option = actions.add_option(variation.version, months=6, decide_by=APPLIES, actor=made.manager, now=NOW + DAY)
        actions.remove_option(option, actor=made.manager, now=NOW + DAY)
    else:
        variation = actions.begin_ending(
            made.agreement,
            last_day=APPLIES,
            ground=Ground.BREACH,
            reason="Nobody comes.",
            by_notice=kind == "notice",
            actor=made.manager,
            now=NOW + DAY,
        )
    for decide in (actions.send_back, None):
        actions.submit(variation, actor=made.manager, now=NOW + DAY)
        actions.approve(variation, shown_round=variation.round, actor=made.partner, now=NOW + DAY)
        if decide:
            decide(variation, shown_round=variation.round, reason="Too dear.", actor=made.approver, now=NOW + DAY)
    actions.take_back(variation, actor=made.manager, now=NOW + DAY)
    return variation


@pytest.mark.parametrize("kind", ["change", "ending", "notice"])
def test_the_supplier_reads_nothing_of_what_has_not_come_to_it(client: FlaskClient, kind: str) -> None:
    made = make_change()
    at = f"/contracts/{made.agreement.id}"
    before = _happened(client, made.signatory, at)
    variation = _prepared(made, kind)
    one = f"/contracts/changes/{variation.id}"
    # Not while it is prepared, and not when it is dropped.
    for _ in range(2):
        assert _happened(client, made.signatory, at) == before
        assert client.get(one).status_code == 404
        for page in ("changes", "changes.csv", "ending"):
            assert "Nobody comes." not in client.get(f"{at}/{page}").text
            assert "More people come." not in client.get(f"{at}/{page}").text
        if variation.status is VariationStatus.DRAFT:
            actions.withdraw(variation, reason="We need no such thing.", actor=made.manager, now=NOW + 2 * DAY)
    assert {"Sent the change back", "Approved the change", "Withdrew the change"} <= set(
        _happened(client, made.partner, one)
    )


def test_the_supplier_reads_that_it_was_asked_and_what_became_of_it(client: FlaskClient) -> None:
    made = make_change()
    variation = made.submitted()
    made.approve(variation)
    at, one = f"/contracts/{made.agreement.id}", f"/contracts/changes/{variation.id}"
    assert _happened(client, made.signatory, at)[0] == "Asked the supplier to sign the change"
    assert _happened(client, made.signatory, one) == []
    actions.take_back(variation, actor=made.manager, now=NOW + 3 * DAY)
    assert _happened(client, made.signatory, at)[0] == "Took the change back into draft"
    assert client.get(one).status_code == 404
    # It was asked, so that it is told that nothing comes of it.
    actions.withdraw(variation, reason="We need no such thing.", actor=made.manager, now=NOW + 4 * DAY)
    assert _happened(client, made.signatory, at)[0] == "Withdrew the change"
    assert "We need no such thing." in client.get(one).text
    told = db.session.scalars(select(Letter.person_id).where(Letter.subject.contains("is withdrawn"))).all()
    assert made.signatory.person_id in told


def test_that_a_contract_is_to_be_abandoned_is_the_leads_own_until_it_is(client: FlaskClient) -> None:
    made = Change(make_agreement())
    at = f"/contracts/{made.agreement.id}"
    before = _happened(client, made.signatory, at)
    asked = actions.propose_abandoning(made.agreement, reason="It never signs.", actor=made.manager, now=NOW)
    actions.keep(asked, reason="Wait.", actor=made.approver, now=NOW)
    assert _happened(client, made.signatory, at) == before
    asked = actions.propose_abandoning(made.agreement, reason="It never signs.", actor=made.manager, now=NOW)
    actions.abandon(asked, actor=made.approver, now=NOW)
    assert _happened(client, made.signatory, at) == ["Abandoned the contract", *before]


def test_what_was_written_of_it_with_the_contract_before_is_not_read_by_the_supplier(client: FlaskClient) -> None:
    made = make_change()
    at = f"/contracts/{made.agreement.id}"
    audit.record("Began to draft a change", made.agreement, actor=made.manager, now=NOW + DAY, variation=1)
    assert "Began to draft a change" in _happened(client, made.partner, at)
    assert "Began to draft a change" not in _happened(client, made.signatory, at)


def test_an_option_in_a_draft_is_the_commissioners_own(client: FlaskClient) -> None:
    made = make_change()
    variation = made.draft()
    actions.add_option(variation.version, months=6, decide_by=APPLIES, actor=made.manager, now=NOW + DAY)
    path = f"/contracts/{made.agreement.id}/ending"
    supplier = make_actor(made.agreement.supplier, Role.SERVICE_MANAGER)

    def shown(actor: Actor) -> bool:
        sign_in(client, actor)
        return "6 months longer" in client.get(path).text

    assert (shown(made.manager), shown(supplier)) == (True, False)
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    assert (shown(made.manager), shown(supplier)) == (True, False)
    made.approve(variation)
    assert (shown(made.manager), shown(supplier)) == (True, True)
    assert queries.options_of(supplier, made.agreement) == queries.options_of(made.manager, made.agreement)
