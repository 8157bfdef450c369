"""Letters about bids: receipts, and what becomes of sealed bids. Never a word or a price of a bid."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from calloffs.bids.models import Receipt
from calloffs.competitions import queries as competitions
from calloffs.competitions.models import Competition
from marketplace.access import Actor, Permission
from marketplace.accounts.letters import write_to


def receipt(competition: Competition, given: Receipt, *, actor: Actor, now: datetime) -> None:
    """To everyone who bids for the supplier."""
    write_to(
        competitions.people_of([actor.organisation], Permission.SEE_INVITATIONS),
        key=f"bid:{given.bid_id}:receipt:{given.number}",
        subject=f"Your bid is submitted: {competition.title} ({competition.reference})",
        template="emails/bids/receipt.txt",
        now=now,
        competition=competition,
        receipt=given,
        who=actor.name,
    )


def second_key(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """To the other officers: one of them is needed."""
    officers = competitions.people_of([competition.organisation_id], Permission.OPEN_BIDS)
    write_to(
        [person for person in officers if person.id != actor.person],
        key=f"competition:{competition.id}:second-key",
        subject=f"A second officer is needed to open the bids: {competition.reference}",
        template="emails/bids/second_key.txt",
        now=now,
        competition=competition,
        who=actor.name,
    )


def opened(competition: Competition, bidder_ids: Collection[int], *, now: datetime) -> None:
    """To every bidder, and to the officers."""
    write_to(
        competitions.people_of(bidder_ids, Permission.SEE_INVITATIONS),
        key=f"competition:{competition.id}:opened:bidder",
        subject=f"The bids are opened: {competition.title} ({competition.reference})",
        template="emails/bids/opened_bidder.txt",
        now=now,
        competition=competition,
    )
    write_to(
        competitions.people_of([competition.organisation_id], Permission.OPEN_BIDS),
        key=f"competition:{competition.id}:opened:officer",
        subject=f"The bids are opened: {competition.reference}",
        template="emails/bids/opened_officer.txt",
        now=now,
        competition=competition,
        count=len(bidder_ids),
    )
