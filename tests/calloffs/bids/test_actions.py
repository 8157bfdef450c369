from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from calloffs.bids import actions, queries
from calloffs.bids.models import Bid, Receipt
from calloffs.bids.rules import BidContent, BidStatus
from calloffs.competitions.models import Invitation
from marketplace.access import Actor, Role
from marketplace.config import CHECKOUT
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.transactions import transaction
from marketplace.vault import Unreadable, vault
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, make_supplier
from tests.factories.competitions import CLOSES_AT, PHRASE, Tender, make_tender
from tests.factories.places import MANCHESTER
from tests.factories.suppliers import qualify

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


# Sealed


def test_no_phrase_of_a_bid_is_in_any_column_of_any_table() -> None:
    made = make_tender()
    _save(made)
    _submit(made)
    db.session.flush()
    tables = db.session.scalars(
        text("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    ).all()
    assert "bids" in tables
    for table in tables:
        for (row,) in db.session.execute(text(f'SELECT t::text FROM "{table}" t')):
            assert PHRASE not in row
            # bytea is written in hexadecimal
            assert PHRASE.encode().hex() not in row
            assert "99000" not in row


def test_a_bid_opens_only_in_its_own_place() -> None:
    made = make_tender()
    bid = _save(made)
    sealed = bid.sealed_draft
    assert PHRASE.encode() in vault().unseal(sealed, context=f"bid:{made.competition.id}:{made.supplier.id}")
    with pytest.raises(Unreadable):
        vault().unseal(sealed, context=f"bid:{made.competition.id}:{made.supplier.id + 1}")


def test_nothing_but_its_own_query_and_actions_touches_a_sealed_column() -> None:
    homes = {"calloffs/bids/models.py", "calloffs/bids/queries.py", "calloffs/bids/actions.py"}
    for package in ("marketplace", "calloffs", "contracts", "catalogue"):
        for path in Path(CHECKOUT / package).rglob("*.py"):
            if re.search(r"sealed_(draft|submission)|b.bid:\{", path.read_text()):
                assert path.relative_to(CHECKOUT).as_posix() in homes or "migrations" in path.parts


# Writing


def test_a_draft_is_kept_and_comes_back() -> None:
    made = make_tender()
    assert _save(made).version == 1
    own = queries.own_bid(made.competition, actor=made.colleague)
    assert own is not None
    assert own.draft == made.content
    assert own.submitted is None


def test_a_draft_may_be_too_long_and_too_dear_but_is_not_submitted() -> None:
    made = make_tender()
    psed, scored = made.competition.questions
    content = BidContent({psed.id: "Yes", scored.id: "word " * 11}, {1: Decimal("100000.01")})
    bid = _save(made, content=content)
    with pytest.raises(actions.NotComplete) as refused:
        actions.submit(made.competition, version=bid.version, actor=made.bidder, now=NOW)
    assert [fault.field for fault in refused.value.faults] == [f"answer_{scored.id}", "price_1"]


def test_a_bid_answers_only_what_is_asked() -> None:
    made = make_tender()
    for content in (BidContent({999_999: "Hello"}, {}), BidContent({}, {4: Decimal(1)})):
        with pytest.raises(Invalid, match="does not ask"):
            _save(made, content=content)


def test_a_save_from_an_older_version_is_told_so() -> None:
    made = make_tender()
    _save(made)
    changed = _changed(made)
    assert _save(made, base=1, actor=made.colleague, content=changed).version == 2
    with pytest.raises(actions.SavedMeanwhile, match="Nothing you typed is lost"):
        _save(made, base=1, content=replace(made.content, prices={}))
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert (own.draft, own.bid.version) == (changed, 2)


def test_a_second_first_save_does_not_overwrite_the_first() -> None:
    made = make_tender()
    _save(made)
    with pytest.raises(actions.SavedMeanwhile):
        _save(made, actor=made.colleague, content=_changed(made))


def test_saving_the_very_same_again_changes_nothing() -> None:
    made = make_tender()
    _save(made)
    assert _save(made).version == 1


# Submitting


def test_a_submission_gives_a_receipt_and_a_letter() -> None:
    made = make_tender()
    receipt = _submit(made)
    assert receipt.digest == made.content.digest()
    assert receipt.number == 1
    letters = db.session.query(Letter).all()
    assert {letter.person_id for letter in letters} == {made.bidder.person, made.colleague.person}
    assert all(receipt.digest in letter.body and PHRASE not in letter.body for letter in letters)


def test_the_same_content_again_gives_the_same_receipt() -> None:
    made = make_tender()
    first = _submit(made)
    assert actions.submit(made.competition, version=1, actor=made.colleague, now=NOW).id == first.id


def test_a_changed_bid_is_submitted_again_and_until_then_the_first_stands() -> None:
    made = make_tender()
    first = _submit(made)
    changed = _changed(made)
    bid = _save(made, base=1, content=changed)
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert bid.status is BidStatus.SUBMITTED
    assert own.submitted == made.content
    assert own.changed_since_submitted
    second = actions.submit(made.competition, version=2, actor=made.bidder, now=NOW)
    assert (second.number, second.digest) == (2, changed.digest())
    assert second.digest != first.digest


def test_a_page_that_shows_an_older_draft_does_not_submit() -> None:
    made = make_tender()
    _save(made)
    _save(made, base=1, content=_changed(made))
    with pytest.raises(actions.SavedMeanwhile):
        actions.submit(made.competition, version=1, actor=made.bidder, now=NOW)


def test_withdrawing_leaves_nothing_to_open_and_can_be_undone_by_submitting() -> None:
    made = make_tender()
    _submit(made)
    actions.withdraw(made.competition, actor=made.bidder, now=NOW)
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert own.bid.status is BidStatus.WITHDRAWN
    assert own.submitted is None
    assert own.draft == made.content
    with pytest.raises(AlreadyDone):
        actions.withdraw(made.competition, actor=made.bidder, now=NOW)
    again = actions.submit(made.competition, version=1, actor=made.bidder, now=NOW)
    assert again.number == 2


# Closing


def test_the_last_instant_before_closing_counts() -> None:
    made = make_tender()
    assert _submit(made, now=JUST_BEFORE).submitted_at == JUST_BEFORE


def test_at_the_instant_of_closing_everything_is_refused_in_plain_words() -> None:
    made = make_tender()
    bid = _save(made)
    words = "closed on 5 October 2026 at midday"
    with pytest.raises(TooLate, match=words):
        actions.submit(made.competition, version=bid.version, actor=made.bidder, now=CLOSES_AT)
    with pytest.raises(TooLate, match=words):
        actions.save_draft(made.competition, content=_changed(made), base_version=1, actor=made.bidder, now=CLOSES_AT)
    with pytest.raises(TooLate, match=words):
        actions.withdraw(made.competition, actor=made.bidder, now=CLOSES_AT)


def test_submitted_means_committed_before_closing(clock: StandingClock) -> None:
    made = make_tender()
    with transaction():
        _save(made)

    def submit_with_a_commit_that_comes_late() -> None:
        with transaction():
            actions.submit(made.competition, version=1, actor=made.bidder, now=JUST_BEFORE)
            # A lock was waited for, or the machine was busy.
            clock.set(CLOSES_AT)

    with pytest.raises(TooLate):
        submit_with_a_commit_that_comes_late()
    own = queries.own_bid(made.competition, actor=made.bidder)
    assert own is not None
    assert own.bid.status is BidStatus.DRAFT
    assert db.session.query(Receipt).count() == 0


# Who


def test_an_uninvited_supplier_finds_no_call_off() -> None:
    made = make_tender()
    stranger = actor_with(Role.BID_MANAGER)
    with pytest.raises(NotFound):
        queries.invited_competition(stranger, made.competition.id)
    with pytest.raises(NotFound):
        _save(made, actor=stranger)
    with pytest.raises(NotFound):
        actions.look_at_invitation(made.competition.id, actor=stranger, now=NOW)


def test_a_late_qualifier_joins_by_looking_until_closing() -> None:
    made = make_tender()
    late, too_late = make_supplier("Late"), make_supplier("Too late")
    for supplier in (late, too_late):
        qualify(supplier, "ACC", MANCHESTER)
    actions.look_at_invitation(made.competition.id, actor=make_actor(late, Role.BID_MANAGER), now=JUST_BEFORE)
    with pytest.raises(NotFound):
        actions.look_at_invitation(made.competition.id, actor=make_actor(too_late, Role.BID_MANAGER), now=CLOSES_AT)
    invited = db.session.query(Invitation).filter_by(organisation_id=late.id).one()
    assert invited.first_opened_at == JUST_BEFORE


def test_the_first_look_is_kept() -> None:
    made = make_tender()
    for hour in (1, 2):
        actions.look_at_invitation(made.competition.id, actor=made.bidder, now=NOW + timedelta(hours=hour))
    assert db.session.query(Invitation).one().first_opened_at == NOW + timedelta(hours=1)


def test_a_caseworker_does_not_bid() -> None:
    made = make_tender()
    with pytest.raises(NotAllowed):
        _save(made, actor=make_actor(made.supplier, Role.CASEWORKER))


def test_own_bid_is_only_ever_ones_own() -> None:
    made = make_tender()
    _submit(made)
    assert queries.own_bid(made.competition, actor=actor_with(Role.BID_MANAGER)) is None
    for other in (made.author, made.approver, actor_with(Role.FRAMEWORK_TEAM)):
        with pytest.raises(NotAllowed):
            queries.own_bid(made.competition, actor=other)
