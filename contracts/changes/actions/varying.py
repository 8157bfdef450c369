"""What is done to variations: drafted, changed, approved by each funder, signed in order, taken back, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import select

from calloffs.competitions.rules import Instrument
from calloffs.plans.rules import Band
from calloffs.plans.rules import faults as band_faults
from contracts.agreements import actions as agreeing
from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, AgreementFunder, AgreementVersion, LineBand, LineTerms, Signature
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.changes import letters, queries
from contracts.changes.actions.checks import lock, must_lead
from contracts.changes.models import Variation, VariationApproval
from contracts.changes.rules import AFTER, OPEN, TURN, VARIATION_MOVES, VariationStatus
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from marketplace.places.models import Place


def begin(agreement: Agreement, *, reason: str, in_force_from: date, actor: Actor, now: datetime) -> Variation:
    """Draft a variation: the latest version copied, to be changed part by part. One is open at a time.

    Refused: for others than the lead's contract manager or commercial partner, a contract that is not signed by both
    sides, or is over, a grant, and a day that is past or before a version agreed already.
    """
    lock(agreement)
    must_lead(agreement, actor)
    if agreement.status is not AgreementStatus.SIGNED or agreement.origin is not Origin.AWARD:
        raise Refused("Only a contract that both sides have signed here can be varied.")
    if agreement.instrument is Instrument.GRANT:
        # A change is priced by bands, and a grant is paid by instalments.
        raise Refused("A grant cannot be varied here yet. Agree the change in writing and change its instalments.")
    if agreement.ends_on is not None and agreement.ends_on < clock.london(now).date():
        raise TooLate("This contract has ended.")
    open_one = db.session.scalar(
        select(Variation.id).where(Variation.agreement_id == agreement.id, Variation.status.in_(OPEN))
    )
    if open_one is not None:
        raise AlreadyDone("A change to this contract is under way already. Finish or withdraw it first.")
    _check_day(agreement, in_force_from, agreement.latest.ends_on, now)
    version = _copy(agreement, agreement.latest, in_force_from=in_force_from)
    variation = Variation(
        agreement_id=agreement.id,
        version_id=version.id,
        status=VariationStatus.DRAFT,
        reason=reason,
        author_id=actor.person,
        created_at=now,
    )
    db.session.add(variation)
    db.session.flush()
    audit.record("Began to draft a change", agreement, actor=actor, now=now, variation=variation.id)
    return variation


def set_dates(variation: Variation, *, in_force_from: date, ends_on: date, actor: Actor, now: datetime) -> None:
    """From when the change applies, and the contract's last day. Referrals that ended with the contract end with it."""
    version = _drafting(variation, actor)
    _check_day(variation.agreement, in_force_from, ends_on, now)
    for terms in version.line_terms:
        if terms.referrals_until == version.ends_on or (terms.referrals_until or ends_on) > ends_on:
            terms.referrals_until = ends_on
    version.in_force_from, version.ends_on = in_force_from, ends_on
    _changed(variation, "dates", actor, now)


def set_volume(
    variation: Variation,
    terms: LineTerms,
    *,
    bands: Sequence[Band],
    planned_band: int,
    referrals_until: date,
    actor: Actor,
    now: datetime,
) -> None:
    """One service's bands or cap with their prices, the planned band, and until when referrals are taken."""
    version = _drafting(variation, actor)
    if wrong := band_faults(bands):
        raise Invalid(wrong[0])
    if planned_band not in {band.number for band in bands}:
        raise Invalid("Choose one of the bands as the planned one", field="planned_band")
    if version.ends_on is not None and referrals_until > version.ends_on:
        raise Invalid("Referrals end with the contract at the latest", field="referrals_until")
    terms.bands.clear()
    db.session.flush()
    terms.bands.extend(
        LineBand(number=band.number, low=band.low, high=band.high, annual_price=band.annual_value) for band in bands
    )
    terms.planned_band, terms.referrals_until = planned_band, referrals_until
    _changed(variation, "volume", actor, now)


def set_places(
    variation: Variation, terms: LineTerms, *, place_codes: Sequence[str], actor: Actor, now: datetime
) -> None:
    """Where one service is delivered."""
    _drafting(variation, actor)
    found = db.session.scalars(select(Place).where(Place.code.in_(place_codes), Place.retired_on.is_(None))).all()
    if not found or len(found) != len(set(place_codes)):
        raise Invalid("Choose at least one area from the list", field="place_codes")
    terms.places = list(found)
    _changed(variation, "areas", actor, now)


def set_shares(variation: Variation, *, shares: Sequence[tuple[int, Decimal]], actor: Actor, now: datetime) -> None:
    """Who pays which part from then on, in percent. Refused unless they come to 100, each body once."""
    version = _drafting(variation, actor)
    if len({body for body, _ in shares}) != len(shares):
        raise Invalid("Name each body once.")
    if any(percent <= 0 for _, percent in shares) or sum((percent for _, percent in shares), Decimal(0)) != 100:
        raise Invalid("All shares together must be 100%.", field="lead")
    kept = {one.organisation_id: one for one in version.funders}
    for one in list(version.funders):
        if one.organisation_id not in {body for body, _ in shares}:
            version.funders.remove(one)
            db.session.delete(one)
    for body, percent in shares:
        if body in kept:
            kept[body].percent = percent
        else:
            version.funders.append(
                AgreementFunder(agreement_id=version.agreement_id, organisation_id=body, percent=percent)
            )
    _changed(variation, "shares", actor, now)


def submit(variation: Variation, *, actor: Actor, now: datetime) -> None:
    """Ask every funder to approve. Refused while nothing is changed, and when its day has passed."""
    version = _drafting(variation, actor)
    _check_day(variation.agreement, version.in_force_from, version.ends_on, now)
    found = queries.effect(variation)
    if not found.differences:
        raise Refused("Nothing is changed yet. Change at least one part before you ask for approval.")
    version.whole_life_value = found.whole_life_value
    _move(variation, VariationStatus.AWAITING_APPROVAL)
    variation.returned_reason = None
    db.session.flush()
    audit.record(
        "Asked the funders to approve the change",
        variation.agreement,
        actor=actor,
        now=now,
        variation=variation.id,
        whole_life_value=str(version.whole_life_value),
    )
    letters.ask_to_approve(variation, queries.must_approve(variation), now=now)


def approve(variation: Variation, *, shown_round: int, actor: Actor, now: datetime) -> None:
    """One funder's approver approves it as it was shown; the last one's approval sends it to the supplier.

    Refused for the author, for others than approvers of a funder, twice, and when it went back to draft meanwhile.
    """
    _deciding(variation, shown_round, actor)
    _decide(variation, None, actor=actor, now=now)
    audit.record("Approved the change", variation.agreement, actor=actor, now=now, variation=variation.id)
    if not queries.still_to_approve(variation):
        _move(variation, VariationStatus.AWAITING_SUPPLIER)
        db.session.flush()
        letters.ask_to_sign(variation, now=now)


def send_back(variation: Variation, *, shown_round: int, reason: str, actor: Actor, now: datetime) -> None:
    """One funder does not approve: it goes back to its author with the reason, and every approval is given anew."""
    _deciding(variation, shown_round, actor)
    _decide(variation, reason, actor=actor, now=now)
    _move(variation, VariationStatus.DRAFT)
    variation.returned_reason, variation.round = reason, variation.round + 1
    db.session.flush()
    audit.record("Sent the change back", variation.agreement, actor=actor, now=now, variation=variation.id)
    letters.tell_sent_back(variation, now=now)


def take_back(variation: Variation, *, actor: Actor, now: datetime) -> None:
    """Back into draft, to be dated or written anew. Approvals and signatures are given anew, under a new version."""
    must_lead(variation.agreement, actor)
    _locked(variation)
    _move(variation, VariationStatus.DRAFT)
    variation.round += 1
    if variation.version.signatures:
        old = variation.version
        old.abandoned_at = now
        db.session.flush()
        new = _copy(variation.agreement, old, in_force_from=old.in_force_from)
        variation.version_id = new.id
        db.session.flush()
        db.session.expire(variation, ["version"])
    db.session.flush()
    audit.record("Took the change back into draft", variation.agreement, actor=actor, now=now, variation=variation.id)


def withdraw(variation: Variation, *, reason: str, actor: Actor, now: datetime) -> None:
    """Give the change up, with the reason. Its version never applied and never will."""
    must_lead(variation.agreement, actor)
    _locked(variation)
    was = variation.status
    _move(variation, VariationStatus.WITHDRAWN)
    variation.withdrawn_reason, variation.version.abandoned_at = reason, now
    db.session.flush()
    audit.record("Withdrew the change", variation.agreement, actor=actor, now=now, variation=variation.id)
    letters.tell_withdrawn(variation, was_with_supplier=was in TURN, now=now)


def sign(variation: Variation, *, digest: str, actor: Actor, now: datetime) -> Signature:
    """One side's signature: the supplier's signatory first, then the lead commissioner's approver; then it is agreed.

    Refused out of turn, twice, to one person for both sides, under other terms than were shown, and when the day from
    which it was to apply has passed: then it is taken back and dated anew.
    """
    _locked(variation)
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
    _move(variation, AFTER[side])
    if variation.status is VariationStatus.AGREED:
        agreeing.agree(variation.version, actor=actor, now=now)
        db.session.flush()
        audit.record("Agreed the change", variation.agreement, actor=actor, now=now, variation=variation.id)
        letters.tell_agreed(variation, now=now)
    else:
        db.session.flush()
        letters.ask_to_sign(variation, now=now)
    return signature


def _copy(agreement: Agreement, source: AgreementVersion, *, in_force_from: date) -> AgreementVersion:
    version = AgreementVersion(
        agreement=agreement,
        number=max(one.number for one in agreement.versions) + 1,
        in_force_from=in_force_from,
        ends_on=source.ends_on,
        whole_life_value=source.whole_life_value,
        funders=[
            AgreementFunder(agreement_id=agreement.id, organisation_id=one.organisation_id, percent=one.percent)
            for one in source.funders
        ],
    )
    db.session.add(version)
    db.session.flush()
    for one in source.line_terms:
        db.session.add(
            LineTerms(
                line=one.line,
                version=version,
                volume_kind=one.volume_kind,
                planned_band=one.planned_band,
                referrals_until=one.referrals_until,
                places=list(one.places),
                bands=[
                    LineBand(number=band.number, low=band.low, high=band.high, annual_price=band.annual_price)
                    for band in one.bands
                ],
            )
        )
    db.session.flush()
    return version


def _locked(variation: Variation) -> None:
    lock(variation.agreement)
    db.session.refresh(variation)
    db.session.refresh(variation.version)


def _drafting(variation: Variation, actor: Actor) -> AgreementVersion:
    must_lead(variation.agreement, actor)
    _locked(variation)
    if variation.status is not VariationStatus.DRAFT:
        raise Refused("This change is no longer a draft, so that it cannot be changed here.")
    return variation.version


def _deciding(variation: Variation, shown_round: int, actor: Actor) -> None:
    actor.must(Permission.APPROVE_CHANGES)
    _locked(variation)
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


def _check_day(agreement: Agreement, in_force_from: date, ends_on: date | None, now: datetime) -> None:
    if in_force_from < clock.london(now).date():
        raise Invalid("A change applies from today at the earliest", field="in_force_from")
    if in_force_from < agreement.latest.in_force_from:
        raise Invalid("It cannot apply before a change that is agreed already", field="in_force_from")
    if ends_on is not None and ends_on < in_force_from:
        raise Invalid("The contract must last until the day from which the change applies", field="ends_on")


def _changed(variation: Variation, part: str, actor: Actor, now: datetime) -> None:
    db.session.flush()
    audit.record(
        "Changed the draft change", variation.agreement, actor=actor, now=now, variation=variation.id, part=part
    )


def _move(variation: Variation, to: VariationStatus) -> None:
    if variation.status is to:
        raise AlreadyDone("This is done already.")
    if to not in VARIATION_MOVES[variation.status]:
        raise Refused(f"This change is “{variation.status.label.lower()}”, so that this cannot be done now.")
    variation.status = to
