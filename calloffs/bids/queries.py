"""Bids: the only reader of what is in them.

A supplier reads its own. Officers of the bodies that fund the call-off read all submitted ones once two different
officers have opened them after closing. No other person reads any, the framework team included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, undefer

from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.rules import KEYS_TO_OPEN, BidContent, BidStatus
from calloffs.competitions import queries as competitions
from calloffs.competitions.models import Competition, Invitation
from calloffs.competitions.rules import Stage
from marketplace.access import SYSTEM, Actor, Permission
from marketplace.accounts.models import Organisation, RoleGrant
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.paging import paginate
from marketplace.vault import vault
from marketplace.waiting import Waiting

_NO_INVITATION = "There is no such call-off, or you are not invited to it."


@dataclass(frozen=True)
class OwnBid:
    """A supplier's own bid: what it is writing, and what it last submitted."""

    bid: Bid
    draft: BidContent
    submitted: BidContent | None

    @property
    def changed_since_submitted(self) -> bool:
        """Whether the draft differs from what stands submitted."""
        return self.submitted is not None and self.submitted != self.draft


@dataclass(frozen=True)
class OpenedBid:
    """A submitted bid, opened: its content, and the receipt that its supplier holds."""

    bid: Bid
    content: BidContent
    receipt: Receipt

    @property
    def is_intact(self) -> bool:
        """Whether the content is what the receipt was given for."""
        return self.receipt.digest == self.content.digest()


@dataclass(frozen=True)
class InvitedTo:
    """An invitation, with the supplier's bid if it has begun one."""

    invitation: Invitation
    bid: Bid | None


def context(competition_id: int, organisation_id: int) -> str:
    """The place a bid is sealed for: moved to another supplier or call-off it does not open."""
    return f"bid:{competition_id}:{organisation_id}"


def invitations_of(actor: Actor, *, page: int = 1) -> tuple[Pagination, list[InvitedTo]]:
    """The supplier's invitations, latest deadline first, with its bids."""
    found = paginate(
        select(Invitation)
        .join(Invitation.competition)
        .where(Invitation.organisation_id == actor.organisation)
        .options(
            joinedload(Invitation.competition).joinedload(Competition.organisation),
            joinedload(Invitation.competition).joinedload(Competition.category),
        )
        .order_by(Competition.closes_at.desc(), Competition.id.desc()),
        page,
    )
    bids = {
        bid.competition_id: bid
        for bid in db.session.scalars(
            select(Bid).where(
                Bid.organisation_id == actor.organisation,
                Bid.competition_id.in_([one.competition_id for one in found.items]),
            )
        )
    }
    return found, [InvitedTo(one, bids.get(one.competition_id)) for one in found.items]


def invited_competition(actor: Actor, competition_id: int) -> Competition:
    """The call-off that this supplier is invited to; for every other supplier there is none."""
    if competitions.invitation(competition_id, actor.organisation) is None:
        raise NotFound(_NO_INVITATION)
    return competitions.public_competition(competition_id)


def own_bid(competition: Competition, *, actor: Actor) -> OwnBid | None:
    """The bid of the supplier acted for, if it has begun one. Others' bids cannot be asked for."""
    actor.must(Permission.SEE_INVITATIONS)
    bid = db.session.scalar(
        select(Bid)
        .where(Bid.competition_id == competition.id, Bid.organisation_id == actor.organisation)
        .options(undefer(Bid.sealed_draft), undefer(Bid.sealed_submission))
        .execution_options(populate_existing=True)
    )
    if bid is None:
        return None
    submitted = None if bid.sealed_submission is None else _unseal(bid, bid.sealed_submission)
    return OwnBid(bid, _unseal(bid, bid.sealed_draft), submitted)


def own_receipts(competition: Competition, *, actor: Actor) -> Sequence[Receipt]:
    """The receipts given to the supplier acted for, latest first."""
    return db.session.scalars(
        select(Receipt)
        .join(Receipt.bid)
        .where(Bid.competition_id == competition.id, Bid.organisation_id == actor.organisation)
        .options(joinedload(Receipt.person))
        .order_by(Receipt.number.desc())
    ).all()


def own_receipt(competition: Competition, number: int, *, actor: Actor) -> Receipt:
    """One of them."""
    for receipt in own_receipts(competition, actor=actor):
        if receipt.number == number:
            return receipt
    raise NotFound("There is no such receipt.")


def openings(competition_id: int) -> Sequence[Opening]:
    """Who has turned the key, in order."""
    return db.session.scalars(
        select(Opening)
        .where(Opening.competition_id == competition_id)
        .options(joinedload(Opening.person))
        .order_by(Opening.id)
    ).all()


def are_open(competition: Competition) -> bool:
    """Whether two different officers have opened the bids after closing: told from their rows, not from a status."""
    if competition.closes_at is None:
        return False
    officers = db.session.scalar(
        select(func.count(func.distinct(Opening.person_id))).where(
            Opening.competition_id == competition.id, Opening.at >= competition.closes_at
        )
    )
    return (officers or 0) >= KEYS_TO_OPEN


# What else keeps somebody from the bids: later areas add theirs, which raise NotAllowed.
Bar = Callable[[Competition, Actor], None]
bars: list[Bar] = []


def must_not_be_a_bidder(competition: Competition, actor: Actor) -> None:
    """Refuse whoever also holds a role for a supplier that bid, whichever organisation they act for now."""
    own = db.session.scalar(
        select(Bid.id)
        .join(RoleGrant, RoleGrant.organisation_id == Bid.organisation_id)
        .where(
            Bid.competition_id == competition.id,
            Bid.status == BidStatus.SUBMITTED,
            RoleGrant.person_id == actor.person,
        )
        .limit(1)
    )
    if own is not None:
        raise NotAllowed("You also act for a supplier that may bid for this call-off, so its bids are not for you.")


def bidders(competition: Competition) -> list[str]:
    """The names of those whose bids were opened; none before. The caller has asked who may know."""
    if not are_open(competition):
        return []
    return list(
        db.session.scalars(
            select(Organisation.name)
            .join(Bid, Bid.organisation_id == Organisation.id)
            .where(Bid.competition_id == competition.id, Bid.status == BidStatus.SUBMITTED)
            .order_by(Organisation.name, Bid.id)
        )
    )


def opened_bids(competition: Competition, *, actor: Actor) -> list[OpenedBid]:
    """All submitted bids with their content, by name of supplier.

    Refused to whoever is not of the lead or a funding body, also acts for a bidder, or declared a conflict of
    interest; and to everyone before two officers have opened them.
    """
    actor.must(Permission.SEE_COMPETITION_FILE)
    bodies = {competition.organisation_id, *(one.organisation_id for one in competition.funders)}
    # The marketplace itself carries the winner's words into the contract, by no person's hand (agreements).
    if actor is not SYSTEM and actor.organisation not in bodies:
        raise NotAllowed("Only the bodies that fund this call-off can read its bids.")
    if not are_open(competition):
        raise NotAllowed("The bids are sealed until two different officers open them after closing.")
    if actor is not SYSTEM:
        for bar in (must_not_be_a_bidder, *bars):
            bar(competition, actor)
    bids = db.session.scalars(
        select(Bid)
        .where(Bid.competition_id == competition.id, Bid.status == BidStatus.SUBMITTED)
        .options(undefer(Bid.sealed_submission), joinedload(Bid.organisation))
    ).all()
    receipts: dict[int, Receipt] = {}
    for receipt in db.session.scalars(
        select(Receipt).where(Receipt.bid_id.in_([bid.id for bid in bids])).order_by(Receipt.number)
    ):
        receipts[receipt.bid_id] = receipt
    found = [OpenedBid(bid, _unseal(bid, bid.sealed_submission or b""), receipts[bid.id]) for bid in bids]
    return sorted(found, key=lambda one: (one.bid.organisation.name, one.bid.id))


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Open invitations without a submitted bid; closed call-offs whose bids this officer can help open."""
    items = []
    if actor.may(Permission.BID):
        rows = db.session.execute(
            select(Competition, Bid)
            .join(Invitation, Invitation.competition_id == Competition.id)
            .outerjoin(
                Bid,
                and_(Bid.competition_id == Competition.id, Bid.organisation_id == Invitation.organisation_id),
            )
            .where(
                Invitation.organisation_id == actor.organisation,
                competitions.at_stage(Stage.OPEN, now),
                or_(Bid.id.is_(None), Bid.status != BidStatus.SUBMITTED),
            )
            .order_by(Competition.closes_at)
            .limit(50)
        )
        for competition, bid in rows:
            words = "You are invited to bid" if bid is None else "Finish and submit your bid"
            url = url_for("bids.invitation" if bid is None else "bids.edit", competition_id=competition.id)
            items.append(Waiting(f"{words}: {competition.title}", url, competition.closes_at))
    if actor.may(Permission.OPEN_BIDS):
        turned = exists().where(Opening.competition_id == Competition.id, Opening.person_id == actor.person)
        closed = db.session.scalars(
            select(Competition)
            .where(Competition.organisation_id == actor.organisation, competitions.at_stage(Stage.CLOSED, now), ~turned)
            .order_by(Competition.closes_at)
            .limit(50)
        )
        items += [
            Waiting(f"Open the bids: {one.title}", url_for("bids.opening", competition_id=one.id)) for one in closed
        ]
    return items


def _unseal(bid: Bid, sealed: bytes) -> BidContent:
    return BidContent.from_bytes(vault().unseal(sealed, context=context(bid.competition_id, bid.organisation_id)))
