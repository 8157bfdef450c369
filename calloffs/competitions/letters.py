"""Letters about call-offs: who is asked, told or invited."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from calloffs.competitions import queries
from calloffs.competitions.models import Competition
from marketplace.access import Permission
from marketplace.accounts.letters import write_to


def ask_for_approval(competition: Competition, *, now: datetime) -> None:
    """To the lead body's approvers, except the author."""
    people = queries.people_of([competition.organisation_id], Permission.APPROVE_COMPETITION)
    write_to(
        [person for person in people if person.id != competition.author_id],
        key=f"competition:{competition.id}:approve:{now.isoformat()}",
        subject=f"Approve the call-off {competition.reference}",
        template="emails/competitions/approve.txt",
        now=now,
        competition=competition,
    )


def sent_back(competition: Competition, *, now: datetime) -> None:
    """To the author, with the reason."""
    write_to(
        [competition.author],
        key=f"competition:{competition.id}:sent-back:{now.isoformat()}",
        subject=f"The call-off {competition.reference} was sent back to you",
        template="emails/competitions/sent_back.txt",
        now=now,
        competition=competition,
    )


def invite(competition: Competition, organisation_ids: Collection[int], *, now: datetime) -> None:
    """To everyone who bids for the invited suppliers."""
    write_to(
        queries.people_of(organisation_ids, Permission.SEE_INVITATIONS),
        key=f"competition:{competition.id}:invitation",
        subject=f"You are invited to bid: {competition.title} ({competition.reference})",
        template="emails/competitions/invitation.txt",
        now=now,
        competition=competition,
    )


def cancelled(competition: Competition, *, now: datetime) -> None:
    """To everyone who bids for any invited supplier, at once and with the reason (R16)."""
    suppliers = [one.organisation_id for one in queries.invited(competition.id)]
    write_to(
        queries.people_of(suppliers, Permission.SEE_INVITATIONS),
        key=f"competition:{competition.id}:cancelled",
        subject=f"Cancelled: {competition.title} ({competition.reference})",
        template="emails/competitions/cancelled.txt",
        now=now,
        competition=competition,
    )
