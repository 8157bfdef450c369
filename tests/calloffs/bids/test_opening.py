"""Two officers open the bids after closing, and who then reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from calloffs.bids import actions, queries
from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.rules import BidContent
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from marketplace.access import SYSTEM, Actor, Role
from marketplace.accounts.models import Person
from marketplace.accounts.queries import as_actor
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import actor_with, give_role, make_actor
from tests.factories.competitions import CLOSES_AT, Tender, make_tender

pytestmark = pytest.mark.usefixtures("session", "clock")
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
JUST_BEFORE = CLOSES_AT - timedelta(microseconds=1)


def _save(made: Tender, *, base: int = 0, actor: Actor | None = None, content: BidContent | None = None) -> Bid:
    return actions.save_draft(
        made.competition, content=content or made.content, base_version=base, actor=actor or made.bidder, now=NOW
    )


def _submit(made: Tender, *, now: datetime = NOW) -> Receipt:
    bid = _save(made)
    return actions.submit(made.competition, version=bid.version, actor=made.bidder, now=now)


def _changed(made: Tender) -> BidContent:
    return replace(made.content, prices={1: Decimal("90000.00")})


def _open(made: Tender) -> bool:
    actions.turn_key(made.competition, actor=made.partner, now=CLOSES_AT)
    return actions.turn_key(made.competition, actor=made.approver, now=CLOSES_AT)


def test_two_officers_open_after_closing() -> None:
    made = make_tender()
    _submit(made)
    assert actions.turn_key(made.competition, actor=made.partner, now=CLOSES_AT) is False
    with pytest.raises(NotAllowed, match="sealed until two"):
        queries.opened_bids(made.competition, actor=made.partner)
    assert actions.turn_key(made.competition, actor=made.approver, now=CLOSES_AT) is True
    assert made.competition.status is CompetitionStatus.OPENED
    (opened,) = queries.opened_bids(made.competition, actor=made.author)
    assert opened.content == made.content
    assert opened.is_intact
    assert opened.bid.organisation.name == "Harbour Lights CIC"


def test_before_closing_nobody_opens() -> None:
    made = make_tender()
    with pytest.raises(Refused, match="cannot be opened before 5 October 2026 at midday"):
        actions.turn_key(made.competition, actor=made.partner, now=JUST_BEFORE)


def test_the_same_officer_is_not_two() -> None:
    made = make_tender()
    actions.turn_key(made.competition, actor=made.partner, now=CLOSES_AT)
    with pytest.raises(AlreadyDone, match="different officer"):
        actions.turn_key(made.competition, actor=made.partner, now=CLOSES_AT)
    assert made.competition.status is CompetitionStatus.PUBLISHED


def test_officers_of_other_bodies_do_not_open() -> None:
    made = make_tender()
    for actor in (actor_with(Role.COMMERCIAL_PARTNER), make_actor(made.funder, Role.APPROVER)):
        with pytest.raises(NotAllowed):
            actions.turn_key(made.competition, actor=actor, now=CLOSES_AT)


def test_a_status_alone_opens_nothing() -> None:
    made = make_tender()
    _submit(made)
    made.competition.status, made.competition.opened_at = CompetitionStatus.OPENED, CLOSES_AT
    db.session.add(Opening(competition_id=made.competition.id, person_id=made.partner.person, at=CLOSES_AT))
    db.session.add(Opening(competition_id=made.competition.id, person_id=made.approver.person, at=JUST_BEFORE))
    db.session.flush()
    with pytest.raises(NotAllowed, match="sealed until two"):
        queries.opened_bids(made.competition, actor=made.author)


def test_only_the_bodies_that_pay_read_opened_bids() -> None:
    made = make_tender()
    _submit(made)
    _open(made)
    assert len(queries.opened_bids(made.competition, actor=make_actor(made.funder, Role.EVALUATOR))) == 1
    refused = (made.bidder, actor_with(Role.FRAMEWORK_TEAM), actor_with(Role.COMMERCIAL_PARTNER))
    for actor in (*refused, make_actor(made.lead, Role.RESPONSIBLE_OFFICER)):
        with pytest.raises(NotAllowed):
            queries.opened_bids(made.competition, actor=actor)


def test_the_marketplace_itself_waits_for_the_two_officers_too() -> None:
    made = make_tender()
    _submit(made)
    with pytest.raises(NotAllowed, match="sealed until two"):
        queries.opened_bids(made.competition, actor=SYSTEM)
    _open(made)
    assert len(queries.opened_bids(made.competition, actor=SYSTEM)) == 1


def test_drafts_and_withdrawn_bids_are_not_opened() -> None:
    made = make_tender()
    _save(made)
    _open(made)
    assert queries.opened_bids(made.competition, actor=made.author) == []


def test_what_was_submitted_is_opened_and_not_the_later_draft() -> None:
    made = make_tender()
    _submit(made)
    _save(made, base=1, content=_changed(made))
    _open(made)
    assert queries.opened_bids(made.competition, actor=made.author)[0].content == made.content


def test_a_receipt_that_does_not_match_is_seen() -> None:
    made = make_tender()
    receipt = _submit(made)
    receipt.digest = "0" * 64
    _open(made)
    assert not queries.opened_bids(made.competition, actor=made.author)[0].is_intact


def test_a_call_off_without_bids_may_fail_and_one_with_a_bid_may_not() -> None:
    made = make_tender()
    with pytest.raises(NotAllowed):
        actions.end_without_bids(made.competition, actor=made.partner, now=CLOSES_AT)
    _open(made)
    actions.end_without_bids(made.competition, actor=made.partner, now=CLOSES_AT)
    assert made.competition.status is CompetitionStatus.FAILED
    other = make_tender()
    _submit(other)
    _open(other)
    with pytest.raises(Refused, match="has bids"):
        actions.end_without_bids(other.competition, actor=other.partner, now=CLOSES_AT)


def test_opening_tells_bidders_and_officers() -> None:
    made = make_tender()
    _submit(made)
    _open(made)
    subjects = [letter.subject for letter in db.session.query(Letter)]
    assert sum(subject.startswith("The bids are opened: Homes") for subject in subjects) == 2
    assert sum(subject.startswith("A second officer is needed") for subject in subjects) == 2
    assert db.session.get_one(Competition, made.competition.id).opened_at == CLOSES_AT


def test_nobody_who_also_acts_for_a_bidder_opens_or_reads_the_bids() -> None:
    made = make_tender()
    _submit(made)
    person = db.session.get_one(Person, made.bidder.person)
    give_role(person, made.lead, Role.COMMERCIAL_PARTNER)
    insider = as_actor(person, made.lead, [Role.COMMERCIAL_PARTNER])
    with pytest.raises(NotAllowed, match="also act for a supplier"):
        actions.turn_key(made.competition, actor=insider, now=CLOSES_AT)
    _open(made)
    with pytest.raises(NotAllowed, match="also act for a supplier"):
        queries.opened_bids(made.competition, actor=insider)
