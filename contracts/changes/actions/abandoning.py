"""Giving up a contract that one side never signs: proposed by one person, approved by another."""

from __future__ import annotations

from datetime import datetime

from calloffs.competitions import actions as calling
from calloffs.competitions import letters as call_off_letters
from calloffs.competitions.rules import CompetitionStatus
from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AGREEMENT_MOVES, AgreementStatus
from contracts.changes import letters, queries
from contracts.changes.actions.checks import must_lead
from contracts.changes.models import Abandonment
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db


def propose_abandoning(agreement: Agreement, *, reason: str, actor: Actor, now: datetime) -> Abandonment:
    """Ask the lead's approver to give the contract up, with the reason, which is published with the call-off.

    Refused for others than the lead's contract manager or commercial partner, once both sides have signed, and while
    it is asked already.
    """
    hold(agreement)
    must_lead(agreement, actor)
    _must_be_unsigned(agreement)
    if queries.abandonment_of(agreement) is not None:
        raise AlreadyDone("The approver has been asked already.")
    asked = Abandonment(agreement=agreement, reason=reason, proposed_by=actor.person, proposed_at=now)
    db.session.add(asked)
    db.session.flush()
    audit.record("Asked to abandon the contract", asked, actor=actor, now=now)
    letters.ask_to_abandon(asked, now=now)
    return asked


def abandon(asked: Abandonment, *, actor: Actor, now: datetime) -> None:
    """The approver agrees: nobody can sign any more, and the call-off ends as cancelled, so that all bidders are told.

    What a fund had set aside for it is free again. Refused to whoever asked, to others than the lead's approver, and
    when both sides have signed meanwhile.
    """
    agreement = _deciding(asked, actor)
    _must_be_unsigned(agreement)
    agreement.status = AgreementStatus.ABANDONED
    agreement.versions[0].abandoned_at = now
    asked.decided_by, asked.decided_at, asked.approved = actor.person, now, True
    db.session.flush()
    audit.record("Abandoned the contract", agreement, actor=actor, now=now)
    if agreement.award is not None:
        competition = agreement.award.competition
        calling.end(competition, CompetitionStatus.CANCELLED, reason=asked.reason, actor=actor, now=now)
        call_off_letters.cancelled(competition, now=now)
    letters.tell_abandoned(asked, now=now)


def keep(asked: Abandonment, *, reason: str, actor: Actor, now: datetime) -> None:
    """The approver does not agree, with the reason: the contract goes on waiting for its signatures."""
    _deciding(asked, actor)
    asked.decided_by, asked.decided_at, asked.approved, asked.refused_reason = actor.person, now, False, reason
    db.session.flush()
    audit.record("Decided not to abandon the contract", asked, actor=actor, now=now)
    letters.tell_kept(asked, now=now)


def _deciding(asked: Abandonment, actor: Actor) -> Agreement:
    actor.must(Permission.APPROVE_CHANGES)
    agreement = asked.agreement
    hold(agreement)
    db.session.refresh(asked)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("Only the lead commissioner’s approver decides this.")
    if asked.proposed_by == actor.person:
        raise NotAllowed("You asked for this, so that somebody else must decide.")
    if asked.decided_at is not None:
        raise AlreadyDone("This is decided already.")
    return agreement


def _must_be_unsigned(agreement: Agreement) -> None:
    if AgreementStatus.ABANDONED not in AGREEMENT_MOVES[agreement.status]:
        raise Refused("Only a contract that both sides have not yet signed can be abandoned.")
