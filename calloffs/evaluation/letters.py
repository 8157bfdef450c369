"""Letters of evaluation."""

from __future__ import annotations

from datetime import datetime

from calloffs.competitions.models import Competition
from calloffs.evaluation.models import Evaluator
from marketplace.accounts.letters import write_to


def tell_of_appointment(member: Evaluator, competition: Competition, *, now: datetime) -> None:
    """Tell a person that they are on the panel, and what they do first."""
    write_to(
        [member.person],
        key=f"panel:{member.id}",
        subject=f"You are on the panel for {competition.title}",
        template="emails/evaluation/appointed.txt",
        now=now,
        competition=competition,
    )
