"""Bids: saving, submitting, withdrawing; opening them together.

Every write holds the call-off's row shared and the opening of bids holds it alone: no submission is under way while
bids are opened.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from calloffs.bids import letters, queries, rules
from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.rules import BID_MOVES, KEYS_TO_OPEN, Asked, BidContent, BidStatus
from calloffs.competitions import queries as competitions
from calloffs.competitions.actions import end, join_if_qualified
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus, Stage
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.presentation import moment_words
from marketplace.transactions import before_commit
from marketplace.vault import vault


class SavedMeanwhile(Refused):
    """Somebody of the same supplier (perhaps the same person elsewhere) saved after this page was opened."""


class NotComplete(Invalid):
    """The bid lacks something or has too much of it. `faults` names each with its field."""

    def __init__(self, faults: list[rules.Fault]) -> None:
        super().__init__(". ".join(fault.words for fault in faults) + ".")
        self.faults = faults


def look_at_invitation(competition_id: int, *, actor: Actor, now: datetime) -> Competition:
    """Open the invitation; the first look is kept, for the funnel.

    A supplier that has qualified since publication joins here, until the deadline (R1). For every other supplier
    there is no such call-off.
    """
    actor.must(Permission.SEE_INVITATIONS)
    invitation = competitions.invitation(competition_id, actor.organisation)
    if invitation is None:
        competition = competitions.public_competition(competition_id)
        if join_if_qualified(competition, actor=actor, now=now):
            invitation = competitions.invitation(competition_id, actor.organisation)
    competition = queries.invited_competition(actor, competition_id)
    if invitation is not None and invitation.first_opened_at is None:
        invitation.first_opened_at = now
        db.session.flush()
    return competition


def save_draft(competition: Competition, *, content: BidContent, base_version: int, actor: Actor, now: datetime) -> Bid:
    """Keep what is being written, sealed from the first word. Too long or too dear may be kept, not submitted.

    `base_version` is what the page was opened with (0: no bid yet). Refused: by a supplier not invited; after
    closing; and when something newer was saved meanwhile, unless it is the very same.
    """
    competition = _held(competition, actor)
    _must_be_open(competition, now, "saved", also=Stage.PAUSED)
    _only_what_is_asked(competition, content)
    sealed = _seal(competition, actor, content)
    new = db.session.scalar(
        insert(Bid)
        .values(
            competition_id=competition.id,
            organisation_id=actor.organisation,
            status=BidStatus.DRAFT,
            sealed_draft=sealed,
            version=1,
            started_at=now,
            started_by=actor.person,
            changed_at=now,
        )
        .on_conflict_do_nothing(index_elements=["competition_id", "organisation_id"])
        .returning(Bid.id)
    )
    bid = _locked(competition, actor)
    if new is not None:
        audit.record("Began a bid", bid, actor=actor, now=now)
    else:
        own = queries.own_bid(competition, actor=actor)
        if own is not None and own.draft == content and bid.status is not BidStatus.WITHDRAWN:
            return bid
        if bid.version != base_version:
            raise SavedMeanwhile(
                "A newer version of this bid was saved after you opened this page. Nothing you typed is lost: compare "
                "it with what is saved, then save again."
            )
        if bid.status is BidStatus.WITHDRAWN:
            _move(bid, BidStatus.DRAFT)
            bid.withdrawn_at = None
        bid.sealed_draft, bid.version, bid.changed_at = sealed, bid.version + 1, now
        audit.record("Saved the draft of the bid", bid, actor=actor, now=now, version=bid.version)
    _hold_to_closing(competition, "saved", also=Stage.PAUSED)
    db.session.flush()
    return bid


def submit(competition: Competition, *, version: int, actor: Actor, now: datetime) -> Receipt:
    """Submit the saved draft of this version; every submission gives a receipt with the digest of its content.

    "Submitted" means committed before the instant of closing: the clock is read again at the commit. Submitting the
    same content again gives the receipt there is. Refused while an answer or a price is missing or too much.
    """
    competition = _held(competition, actor)
    _must_be_open(competition, now, "submitted")
    bid = _locked(competition, actor)
    own = queries.own_bid(competition, actor=actor)
    assert own is not None  # its row is held
    receipts = queries.own_receipts(competition, actor=actor)
    digest = own.draft.digest()
    if bid.status is BidStatus.SUBMITTED and receipts and receipts[0].digest == digest:
        return receipts[0]
    if bid.version != version:
        raise SavedMeanwhile("A newer version of this bid was saved after you opened this page. Check it, then submit.")
    if found := faults(competition, own.draft):
        raise NotComplete(found)
    _move(bid, BidStatus.SUBMITTED)
    bid.sealed_submission, bid.submitted_at, bid.withdrawn_at = _seal(competition, actor, own.draft), now, None
    receipt = Receipt(
        bid_id=bid.id, number=len(receipts) + 1, digest=digest, submitted_at=now, submitted_by=actor.person
    )
    db.session.add(receipt)
    audit.record("Submitted the bid", bid, actor=actor, now=now, receipt=receipt.number, digest=digest)
    letters.receipt(competition, receipt, actor=actor, now=now)
    _hold_to_closing(competition, "submitted")
    db.session.flush()
    return receipt


def withdraw(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """Take the bid back, until closing. Its draft is kept for the supplier; nothing remains to be opened."""
    competition = _held(competition, actor)
    _must_be_open(competition, now, "withdrawn", also=Stage.PAUSED)
    bid = _locked(competition, actor)
    if bid.status is BidStatus.WITHDRAWN:
        raise AlreadyDone("The bid is withdrawn already.")
    _move(bid, BidStatus.WITHDRAWN)
    bid.sealed_submission, bid.submitted_at, bid.withdrawn_at = None, None, now
    audit.record("Withdrew the bid", bid, actor=actor, now=now)
    _hold_to_closing(competition, "withdrawn", also=Stage.PAUSED)
    db.session.flush()


def turn_key(competition: Competition, *, actor: Actor, now: datetime) -> bool:
    """One officer's part in opening the bids; the second officer's opens them. Returns whether they are open now.

    Refused: before the instant of closing, to the same officer twice, to whoever also acts for a bidder, and to
    everyone outside the lead body.
    """
    actor.must(Permission.OPEN_BIDS)
    if competition.organisation_id != actor.organisation:
        raise NotAllowed("Only officers of the body that leads the call-off open its bids.")
    competition = _alone(competition)
    if competition.stage(now) is Stage.OPEN:
        raise Refused(f"Bids cannot be opened before {moment_words(competition.closes_at)}, when bidding closes.")
    if competition.status is CompetitionStatus.OPENED:
        raise AlreadyDone("The bids are open already.")
    if competition.stage(now) is not Stage.CLOSED:
        raise Refused("There are no bids to open at the stage that the call-off has reached.")
    queries.must_not_be_a_bidder(competition, actor)
    if any(one.person_id == actor.person for one in queries.openings(competition.id)):
        raise AlreadyDone("You have turned your key. A different officer must turn theirs.")
    db.session.add(Opening(competition_id=competition.id, person_id=actor.person, at=now))
    db.session.flush()
    turned = len(queries.openings(competition.id))
    audit.record("Turned a key to open the bids", competition, actor=actor, now=now, keys=turned)
    if turned < KEYS_TO_OPEN:
        letters.second_key(competition, actor=actor, now=now)
        db.session.flush()
        return False
    competition.status, competition.opened_at = CompetitionStatus.OPENED, now
    db.session.flush()
    opened = queries.opened_bids(competition, actor=actor)
    audit.record("Opened the bids", competition, actor=actor, now=now, bids=len(opened))
    letters.opened(competition, [one.bid.organisation_id for one in opened], now=now)
    db.session.flush()
    return True


def end_without_bids(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """Record that the call-off failed because nobody bid. Refused before opening, and if there is a bid."""
    actor.must(Permission.MODERATE)
    if competition.organisation_id != actor.organisation:
        raise NotAllowed("Only the body that leads the call-off can do this.")
    competition = _alone(competition)
    if queries.opened_bids(competition, actor=actor):
        raise Refused("This call-off has bids, so it has not failed for want of them.")
    end(competition, CompetitionStatus.FAILED, reason="No bid was submitted.", actor=actor, now=now)


def faults(competition: Competition, content: BidContent) -> list[rules.Fault]:
    """Everything that keeps this content from being submitted."""
    questions, most = asked(competition), {band.number: band.annual_value for band in competition.bands}
    return [
        *rules.gaps(content, questions=questions, most=most),
        *rules.excesses(content, questions=questions, most=most),
    ]


def asked(competition: Competition) -> list[Asked]:
    """The questions, numbered as the page numbers them."""
    return [Asked(one.id, number, one.word_limit) for number, one in enumerate(competition.questions, start=1)]


def _held(competition: Competition, actor: Actor) -> Competition:
    """The call-off's row, fresh and shared among bidders; opening waits for all of them, and they for it."""
    actor.must(Permission.BID)
    if competitions.invitation(competition.id, actor.organisation) is None:
        raise NotFound("There is no such call-off, or you are not invited to it.")
    return db.session.scalars(
        select(Competition)
        .where(Competition.id == competition.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).one()


def _alone(competition: Competition) -> Competition:
    return db.session.scalars(
        select(Competition)
        .where(Competition.id == competition.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _locked(competition: Competition, actor: Actor) -> Bid:
    bid = db.session.scalar(
        select(Bid)
        .where(Bid.competition_id == competition.id, Bid.organisation_id == actor.organisation)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if bid is None:
        raise NotFound("You have not begun a bid for this call-off.")
    return bid


def _must_be_open(competition: Competition, now: datetime, what: str, *, also: Stage = Stage.OPEN) -> None:
    stage = competition.stage(now)
    if stage in (Stage.OPEN, also):
        return
    if stage is Stage.PAUSED:
        raise Refused(f"This call-off is paused, so nothing can be {what}. What you saved is kept.")
    if stage in (Stage.CANCELLED, Stage.FAILED):
        raise Refused(f"This call-off has ended, so nothing can be {what}.")
    raise TooLate(
        f"This call-off closed on {moment_words(competition.closes_at)}. Your bid was not {what}: "
        "after closing nothing can be."
    )


def _hold_to_closing(competition: Competition, what: str, *, also: Stage = Stage.OPEN) -> None:
    """Read the clock once more at the commit: waiting for a lock must not carry anything past the closing."""
    before_commit(lambda: _must_be_open(competition, clock.now(), what, also=also))


def _only_what_is_asked(competition: Competition, content: BidContent) -> None:
    unknown = set(content.answers) - {one.id for one in competition.questions}
    unknown |= set(content.prices) - {one.number for one in competition.bands}
    if unknown:
        raise Invalid("The bid answers something that this call-off does not ask. Open it again and check.")


def _seal(competition: Competition, actor: Actor, content: BidContent) -> bytes:
    return vault().seal(content.to_bytes(), context=queries.context(competition.id, actor.organisation))


def _move(bid: Bid, to: BidStatus) -> None:
    if to not in BID_MOVES[bid.status]:
        raise Refused("This cannot be done with the bid as it stands.")
    bid.status = to
