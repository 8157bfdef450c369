"""What is decided of a change: approved by each funder, signed in order, taken back, withdrawn."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements import actions as agreeing
from contracts.agreements import queries as agreements
from contracts.agreements.models import Signature
from contracts.changes import letters, queries
from contracts.changes.actions.checks import drafting, locked, move, must_lead
from contracts.changes.actions.drafting import check_day, check_notice, copy_version, end_day
from contracts.changes.actions.exiting import prepare_exit
from contracts.changes.actions.extending import give_option_back
from contracts.changes.actions.granting import bring_up_to_date, check_schedule
from contracts.changes.actions.leading import hand_lead_over
from contracts.changes.models import Variation, VariationApproval
from contracts.changes.rules import AFTER, ENDS, TURN, Purpose, VariationStatus
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, NotAllowed, Refused, TooLate
from marketplace.extensions import db


def submit(variation: Variation, *, actor: Actor, now: datetime) -> None:
    """Ask every funder to approve. Refused while nothing is changed, and when its day has passed."""
    version = drafting(variation, actor)
    if variation.purpose is Purpose.NOTICE:
        check_notice(variation, now)
    else:
        _date_end(variation, now)
        check_day(variation.agreement, version.in_force_from, version.ends_on, now)
    bring_up_to_date(variation)
    check_schedule(variation)
    found = queries.effect(variation)
    if not found.differences:
        raise Refused("Nothing is changed yet. Change at least one part before you ask for approval.")
    version.whole_life_value = found.whole_life_value
    version.asked_at = version.asked_at or now
    move(variation, VariationStatus.AWAITING_APPROVAL)
    variation.returned_reason = None
    db.session.flush()
    audit.record(
        "Asked the funders to approve the change",
        variation,
        actor=actor,
        now=now,
        whole_life_value=str(version.whole_life_value),
    )
    letters.ask_to_approve(variation, queries.must_approve(variation), now=now)


def _date_end(variation: Variation, now: datetime) -> None:
    version = variation.version
    if variation.purpose in (Purpose.EXTENSION, Purpose.ENDING) and version.ends_on is not None:
        version.in_force_from = end_day(variation.agreement, version.ends_on, now)


def approve(variation: Variation, *, shown_round: int, actor: Actor, now: datetime) -> None:
    """One funder's approver approves it as it was shown; the last one's approval sends it to the supplier.

    Refused for the author, for others than approvers of a funder, twice, and when it went back to draft meanwhile.
    """
    _deciding(variation, shown_round, actor)
    _decide(variation, None, actor=actor, now=now)
    audit.record("Approved the change", variation, actor=actor, now=now)
    if queries.still_to_approve(variation):
        return
    if variation.purpose is Purpose.NOTICE:
        _give_notice(variation, actor=actor, now=now)
    else:
        move(variation, VariationStatus.AWAITING_SUPPLIER)
        _comes_to_supplier(variation, now)
        audit.record(
            "Asked the supplier to sign the change",
            variation.agreement,
            actor=actor,
            now=now,
            variation=variation.id,
        )
        letters.ask_to_sign(variation, now=now)


def _give_notice(variation: Variation, *, actor: Actor, now: datetime) -> None:
    """Every funder has approved: the commissioner ends the contract alone, and the supplier is told."""
    check_notice(variation, now)
    version = variation.version
    version.in_force_from = max(clock.london(now).date(), variation.agreement.latest.in_force_from)
    move(variation, VariationStatus.AGREED)
    _comes_to_supplier(variation, now)
    agreeing.agree(version, owed=queries.effect(variation).owed, actor=actor, now=now)
    db.session.flush()
    audit.record("Gave notice", variation.agreement, actor=actor, now=now, last_day=str(version.ends_on))
    letters.tell_agreed(variation, now=now)
    prepare_exit(variation.agreement, now=now)


def _comes_to_supplier(variation: Variation, now: datetime) -> None:
    variation.with_supplier_at = variation.with_supplier_at or now
    db.session.flush()


def send_back(variation: Variation, *, shown_round: int, reason: str, actor: Actor, now: datetime) -> None:
    """One funder does not approve: it goes back to its author with the reason, and every approval is given anew."""
    _deciding(variation, shown_round, actor)
    _decide(variation, reason, actor=actor, now=now)
    move(variation, VariationStatus.DRAFT)
    variation.returned_reason, variation.round = reason, variation.round + 1
    db.session.flush()
    audit.record("Sent the change back", variation, actor=actor, now=now)
    letters.tell_sent_back(variation, now=now)


def take_back(variation: Variation, *, actor: Actor, now: datetime) -> None:
    """Back into draft, to be dated or written anew. Approvals and signatures are given anew, under a new version."""
    locked(variation)
    must_lead(variation.agreement, actor)
    was = variation.status
    move(variation, VariationStatus.DRAFT)
    variation.round += 1
    if variation.version.signatures:
        old = variation.version
        old.abandoned_at = now
        db.session.flush()
        new = copy_version(variation.agreement, old, in_force_from=old.in_force_from)
        variation.version_id, new.asked_at = new.id, old.asked_at
        db.session.flush()
        db.session.expire(variation, ["version"])
        for one in variation.agreement.extension_options:
            if one.version_id == old.id:
                one.version_id = new.id
    db.session.flush()
    about = variation.agreement if was in TURN else variation
    audit.record("Took the change back into draft", about, actor=actor, now=now, variation=variation.id)


def withdraw(variation: Variation, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give the change up, with the reason. Its version never applied and never will."""
    locked(variation)
    must_lead(variation.agreement, actor)
    move(variation, VariationStatus.WITHDRAWN)
    variation.withdrawn_reason, variation.version.abandoned_at = reason, now
    give_option_back(variation)
    db.session.flush()
    was_with_supplier = variation.with_supplier_at is not None
    about = variation.agreement if was_with_supplier else variation
    audit.record("Withdrew the change", about, actor=actor, now=now, variation=variation.id)
    letters.tell_withdrawn(variation, was_with_supplier=was_with_supplier, now=now)


def sign(variation: Variation, *, digest: str, actor: Actor, now: datetime) -> Signature:
    """One side's signature: the supplier's signatory first, then the lead commissioner's approver; then it is agreed.

    Refused out of turn, twice, to one person for both sides, under other terms than were shown, and when the day from
    which it was to apply has passed: then it is taken back and dated anew.
    """
    locked(variation)
    side = agreements.side_of(actor, variation.agreement)
    if side is None:
        raise NotAllowed("Only the supplier’s signatory and the lead commissioner’s approver sign this change.")
    turn = TURN.get(variation.status)
    if turn is not side:
        if any(one.side is side for one in variation.version.signatures):
            raise AlreadyDone("Your side has signed this change already.")
        raise Refused("This change does not wait for your signature.")
    if variation.version.in_force_from < clock.london(now).date():
        raise TooLate(
            "The day from which this change was to apply has passed. "
            "The commissioner can take it back and date it anew; it is then approved and signed again."
        )
    signature = agreeing.sign_version(variation.version, side, digest=digest, actor=actor, now=now)
    move(variation, AFTER[side])
    if variation.status is VariationStatus.AGREED:
        agreeing.agree(variation.version, owed=queries.effect(variation).owed, actor=actor, now=now)
        db.session.flush()
        hand_lead_over(variation.agreement, actor=actor, now=now)
        audit.record("Agreed the change", variation.agreement, actor=actor, now=now, variation=variation.id)
        letters.tell_agreed(variation, now=now)
        if variation.purpose in ENDS:
            prepare_exit(variation.agreement, now=now)
    else:
        db.session.flush()
        letters.ask_to_sign(variation, now=now)
    return signature


def _deciding(variation: Variation, shown_round: int, actor: Actor) -> None:
    actor.must(Permission.APPROVE_CHANGES)
    locked(variation)
    if actor.organisation_id not in {body.id for body in queries.must_approve(variation)}:
        raise NotAllowed("Only approvers of the bodies that fund this contract approve a change to it.")
    if variation.author_id == actor.person:
        raise NotAllowed("You drafted this change, so that somebody else must approve it.")
    if variation.status is not VariationStatus.AWAITING_APPROVAL or variation.round != shown_round:
        raise Refused("This change does not wait for approval as you were shown it. Look at it again.")


def _decide(variation: Variation, reason: str | None, *, actor: Actor, now: datetime) -> None:
    if any(one.organisation_id == actor.organisation for one in variation.present_approvals):
        raise AlreadyDone("Your organisation has approved this change already.")
    variation.approvals.append(
        VariationApproval(
            round=variation.round,
            organisation_id=actor.organisation,
            person_id=actor.person,
            at=now,
            approved=reason is None,
            reason=reason,
        )
    )
    db.session.flush()
