"""Letters of the award: no scores and no words of any bid in them, only that there is something to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from calloffs.awards.models import Award, SentBack
from calloffs.competitions.models import Competition
from calloffs.competitions.queries import people_of
from marketplace.access import Permission
from marketplace.accounts.letters import write_to
from marketplace.accounts.queries import people_with, person
from marketplace.extensions import db
from marketplace.presentation import date_words


def ask_for_approval(award: Award, *, now: datetime) -> None:
    """Ask those of the lead body who can approve, without whoever recommended it."""
    competition = award.competition
    people = people_with(competition.organisation_id, Permission.APPROVE_AWARD)
    write_to(
        [someone for someone in people if someone.id != award.recommended_by],
        key=f"award-to-approve:{award.id}",
        subject=f"An award to approve: {competition.title}",
        template="emails/awards/to_approve.txt",
        now=now,
        competition=competition,
    )


def tell_of_sending_back(back: SentBack, *, competition: Competition, now: datetime) -> None:
    """Tell whoever recommended the award that it came back. Why is on the page, not in the letter."""
    db.session.flush()  # gives it its key
    write_to(
        [person(back.recommended_by)],
        key=f"award-sent-back:{back.id}",
        subject=f"Your recommendation was sent back: {competition.title}",
        template="emails/awards/sent_back.txt",
        now=now,
        competition=competition,
    )


def tell_bidders(award: Award, *, now: datetime) -> None:
    """Write to every bid manager and signatory of every bidder: the winner, others, those that failed a gate."""
    assert award.standstill_ends_at is not None  # it is approved
    competition = award.competition
    write_to(
        people_of([one.supplier_id for one in award.assessments], Permission.SEE_INVITATIONS),
        key=f"award-decided:{award.id}",
        subject=f"The outcome of your bid: {competition.title}",
        template="emails/awards/decided.txt",
        now=now,
        competition=competition,
        last_day=date_words(award.standstill_ends_at),
    )


def tell_of_failure(competition: Competition, bidders: Sequence[int], *, now: datetime) -> None:
    """Write to every bidder that no bid could win, and that nobody has."""
    write_to(
        people_of(bidders, Permission.SEE_INVITATIONS),
        key=f"no-award:{competition.id}",
        subject=f"The outcome of your bid: {competition.title}",
        template="emails/awards/failed.txt",
        now=now,
        competition=competition,
    )
