"""What a supplier proposes to change: sent, taken up as a draft, declined with the reason, taken back."""

from __future__ import annotations

from datetime import date, datetime

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus, Origin, Side
from contracts.changes import letters, queries
from contracts.changes.actions.checks import must_lead
from contracts.changes.actions.drafting import begin
from contracts.changes.models import Proposal, Variation
from contracts.changes.rules import PROPOSAL_MOVES, ProposalStatus
from contracts.mobilisation.queries import side_of
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db


def propose(
    agreement: Agreement,
    *,
    what: str,
    reason: str,
    from_on: date,
    ends_on: date | None = None,
    actor: Actor,
    now: datetime,
) -> Proposal:
    """The supplier says what it would change, from when and why; and another last day, if it wishes for one.

    Refused for others than those who manage delivery there, for what cannot be varied, for days that are past, and
    while another proposal waits for its answer.
    """
    if side_of(actor, agreement) is not Side.SUPPLIER:
        raise NotAllowed("Only those who manage delivery at the supplier propose a change.")
    hold(agreement)
    if agreement.status is not AgreementStatus.SIGNED or agreement.origin is not Origin.AWARD:
        raise Refused("Only a contract that both sides have signed here can be changed.")
    today = clock.london(now).date()
    if agreement.ends_on is not None and agreement.ends_on < today:
        raise TooLate("This contract has ended.")
    if from_on < today:
        raise Invalid("A change applies from today at the earliest", field="from_on")
    if ends_on is not None and ends_on < from_on:
        raise Invalid("The last day cannot lie before the day from which the change applies", field="ends_on")
    if any(one.status is ProposalStatus.SENT for one in queries.proposals_of(agreement)):
        raise AlreadyDone("Your last proposal waits for its answer. Take it back first.")
    proposal = Proposal(
        agreement=agreement,
        status=ProposalStatus.SENT,
        what=what,
        reason=reason,
        from_on=from_on,
        ends_on=ends_on,
        author_id=actor.person,
        at=now,
    )
    db.session.add(proposal)
    db.session.flush()
    audit.record("Proposed a change", agreement, actor=actor, now=now, proposal=proposal.id)
    letters.tell_proposed(proposal, now=now)
    return proposal


def take_up(proposal: Proposal, *, actor: Actor, now: datetime) -> Variation:
    """The lead drafts a change from it: with its reason, its days, and the rest to be written part by part.

    The day from which it applies is today's at the earliest, if the proposal has waited past it.
    """
    agreement = _to_answer(proposal, actor)
    _must_be_open(proposal)
    variation = begin(
        agreement,
        reason=f"The supplier proposes: {proposal.what}\n\n{proposal.reason}",
        in_force_from=max(proposal.from_on, clock.london(now).date(), agreement.latest.in_force_from),
        ends_on=proposal.ends_on,
        actor=actor,
        now=now,
    )
    proposal.variation_id = variation.id
    _answer(proposal, ProposalStatus.TAKEN_UP, None, actor=actor, now=now)
    audit.record("Took up the supplier’s proposal", agreement, actor=actor, now=now, proposal=proposal.id)
    letters.tell_answered(proposal, now=now)
    return variation


def decline(proposal: Proposal, *, reason: str, actor: Actor, now: datetime) -> None:
    """The lead does not draft a change from it, and says why."""
    agreement = _to_answer(proposal, actor)
    _must_be_open(proposal)
    _answer(proposal, ProposalStatus.DECLINED, reason, actor=actor, now=now)
    audit.record("Declined the supplier’s proposal", agreement, actor=actor, now=now, proposal=proposal.id)
    letters.tell_answered(proposal, now=now)


def take_proposal_back(proposal: Proposal, *, actor: Actor, now: datetime) -> None:
    """The supplier no longer proposes it."""
    agreement = proposal.agreement
    if side_of(actor, agreement) is not Side.SUPPLIER:
        raise NotAllowed("Only those who manage delivery at the supplier take its proposal back.")
    hold(agreement)
    db.session.refresh(proposal)
    _must_be_open(proposal)
    proposal.status = ProposalStatus.WITHDRAWN
    db.session.flush()
    audit.record("Took the proposal back", agreement, actor=actor, now=now, proposal=proposal.id)


def _to_answer(proposal: Proposal, actor: Actor) -> Agreement:
    hold(proposal.agreement)
    must_lead(proposal.agreement, actor)
    db.session.refresh(proposal)
    return proposal.agreement


def _answer(proposal: Proposal, status: ProposalStatus, reason: str | None, *, actor: Actor, now: datetime) -> None:
    proposal.status, proposal.answer = status, reason
    proposal.answered_by, proposal.answered_at = actor.person, now
    db.session.flush()


def _must_be_open(proposal: Proposal) -> None:
    if not PROPOSAL_MOVES[proposal.status]:
        raise AlreadyDone(f"This proposal is “{proposal.status.label.lower()}” already.")
