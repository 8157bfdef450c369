"""What happens to a bid when many things are done to it at once: real commits, real threads."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from flask import Flask
from sqlalchemy import func, select

from calloffs.bids import actions, queries
from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.rules import BidStatus
from calloffs.competitions.actions import next_reference
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from marketplace.access import Actor
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.factories.at_once import at_once
from tests.factories.competitions import CLOSES_AT, Tender, make_tender


def _tender(app: Flask) -> Tender:
    with app.app_context():
        made = make_tender()
        _ = made.content
        db.session.commit()
        competition = made.competition
        _ = (competition.id, competition.questions, competition.bands, competition.funders, competition.places)
        db.session.expunge_all()
    return made


def _call_off(made: Tender) -> Competition:
    return db.session.get_one(Competition, made.competition.id)


def test_thirty_submissions_of_the_same_bid_at_once_make_one_bid(committed_app: Flask, clock: StandingClock) -> None:
    made = _tender(committed_app)
    content = made.content

    def save_and_submit(number: int) -> tuple[int, str]:
        competition = _call_off(made)
        bid = actions.save_draft(competition, content=content, base_version=0, actor=made.bidder, now=clock())
        receipt = actions.submit(competition, version=bid.version, actor=made.bidder, now=clock())
        return receipt.number, receipt.digest

    answers = at_once(committed_app, 30, save_and_submit)
    assert set(answers) == {(1, content.digest())}
    with committed_app.app_context():
        (bid,) = db.session.scalars(select(Bid)).all()
        assert (bid.status, bid.version) == (BidStatus.SUBMITTED, 1)
        assert db.session.scalar(select(func.count()).select_from(Receipt)) == 1


def test_thirty_different_bids_of_one_supplier_at_once_leave_one_whole_one(
    committed_app: Flask, clock: StandingClock
) -> None:
    made = _tender(committed_app)
    contents = [replace(made.content, prices={1: Decimal(50_000 + number)}) for number in range(30)]

    def save_and_submit(number: int) -> str:
        competition = _call_off(made)
        bid = actions.save_draft(competition, content=contents[number], base_version=0, actor=made.bidder, now=clock())
        return actions.submit(competition, version=bid.version, actor=made.bidder, now=clock()).digest

    answers = at_once(committed_app, 30, save_and_submit)
    kept = [answer for answer in answers if isinstance(answer, str)]
    assert len(kept) == 1
    assert sum(isinstance(answer, actions.SavedMeanwhile) for answer in answers) == 29
    with committed_app.app_context():
        own = queries.own_bid(_call_off(made), actor=made.bidder)
        assert own is not None
        assert own.submitted is not None
        assert own.submitted.digest() == kept[0]
        assert [one.digest for one in db.session.scalars(select(Receipt))] == kept


def test_two_officers_turning_their_keys_at_once_open_the_bids(committed_app: Flask, clock: StandingClock) -> None:
    made = _tender(committed_app)
    clock.set(CLOSES_AT)
    officers: list[Actor] = [made.partner, made.approver, made.partner, made.author]

    def turn(number: int) -> bool:
        return actions.turn_key(_call_off(made), actor=officers[number], now=clock())

    answers = at_once(committed_app, 4, turn)
    assert sorted(answer for answer in answers if isinstance(answer, bool)) == [False, True]
    with committed_app.app_context():
        assert _call_off(made).status is CompetitionStatus.OPENED
        assert db.session.scalar(select(func.count()).select_from(Opening)) == 2


def test_opening_waits_for_a_submission_under_way(committed_app: Flask, clock: StandingClock) -> None:
    made = _tender(committed_app)
    submitted, opened = threading.Event(), threading.Event()
    with committed_app.app_context(), transaction():
        bid = actions.save_draft(_call_off(made), content=made.content, base_version=0, actor=made.bidder, now=clock())
        version = bid.version

    def turn_keys() -> None:
        with committed_app.app_context():
            submitted.wait(30)
            for officer in (made.partner, made.approver):
                with transaction():
                    actions.turn_key(_call_off(made), actor=officer, now=CLOSES_AT)
            opened.set()

    officers = threading.Thread(target=turn_keys)
    officers.start()
    with committed_app.app_context(), transaction():
        clock.set(CLOSES_AT - timedelta(seconds=1))
        actions.submit(_call_off(made), version=version, actor=made.bidder, now=clock())
        submitted.set()
        assert not opened.wait(0.5)
    officers.join(30)
    assert opened.is_set()
    with committed_app.app_context():
        assert len(queries.opened_bids(_call_off(made), actor=made.author)) == 1


def test_references_given_at_once_are_all_different(committed_app: Flask) -> None:
    answers = at_once(committed_app, 10, lambda number: next_reference(2026))
    assert sorted(map(str, answers)) == [f"DF-2026-{number:04}" for number in range(1, 11)]
