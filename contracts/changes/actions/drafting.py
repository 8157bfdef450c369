"""What is done to a draft change: begun, changed part by part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from calloffs.competitions.rules import Instrument
from calloffs.plans.rules import Band
from calloffs.plans.rules import faults as band_faults
from contracts.agreements.actions import hold, write_schedule
from contracts.agreements.models import (
    Agreement,
    AgreementFunder,
    AgreementVersion,
    ExtensionOption,
    LineBand,
    LineTerms,
)
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.changes import queries
from contracts.changes.actions.checks import changed, changing, must_lead
from contracts.changes.actions.granting import bring_up_to_date, keep_plan, must_be_planned
from contracts.changes.models import Variation
from contracts.changes.rules import (
    Ground,
    Purpose,
    VariationStatus,
    earliest_last_day,
    end_applies_from,
)
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, Refused, TooLate
from marketplace.extensions import db
from marketplace.places.models import Place
from marketplace.presentation import date_words


def begin(
    agreement: Agreement,
    *,
    reason: str,
    in_force_from: date,
    purpose: Purpose = Purpose.CHANGE,
    ground: Ground | None = None,
    option: ExtensionOption | None = None,
    ends_on: date | None = None,
    actor: Actor,
    now: datetime,
) -> Variation:
    """Draft a variation: the latest version copied, to be changed part by part. One is open at a time.

    `ends_on` is another last day, for what moves that alone.

    Refused: for others than the lead's contract manager or commercial partner, a contract that is not signed by both
    sides, or is over, and a day that is past or before a version agreed already.
    """
    hold(agreement)
    must_lead(agreement, actor)
    if agreement.status is not AgreementStatus.SIGNED or agreement.origin is not Origin.AWARD:
        raise Refused("Only a contract that both sides have signed here can be varied.")
    if agreement.ends_on is not None and agreement.ends_on < clock.london(now).date():
        raise TooLate("This contract has ended.")
    if queries.is_being_changed(agreement):
        raise AlreadyDone("A change to this contract is under way already. Finish or withdraw it first.")
    check_day(agreement, in_force_from, ends_on or agreement.latest.ends_on, now)
    keep_plan(agreement)
    if purpose is Purpose.EXTENSION:
        must_be_planned(agreement)
    version = copy_version(agreement, agreement.latest, in_force_from=in_force_from, ends_on=ends_on)
    variation = Variation(
        agreement_id=agreement.id,
        version_id=version.id,
        status=VariationStatus.DRAFT,
        purpose=purpose,
        ground=ground,
        option_id=option.id if option else None,
        reason=reason,
        author_id=actor.person,
        created_at=now,
    )
    db.session.add(variation)
    db.session.flush()
    bring_up_to_date(variation)
    # The supplier reads what was done to the contract: what is the commissioners' own is kept with the variation.
    audit.record("Began to draft a change", variation, actor=actor, now=now)
    return variation


def set_dates(variation: Variation, *, in_force_from: date, ends_on: date, actor: Actor, now: datetime) -> None:
    """From when the change applies, and the contract's last day. Referrals that ended with the contract end with it."""
    version = changing(variation, actor)
    check_day(variation.agreement, in_force_from, ends_on, now)
    move_end(version, ends_on)
    version.in_force_from = in_force_from
    changed(variation, "dates", actor, now)


def move_end(version: AgreementVersion, ends_on: date) -> None:
    """Another last day. Referrals that ended with the contract, or would end after it, end with it."""
    for terms in version.line_terms:
        terms.referrals_until = _until(terms.referrals_until, version.ends_on, ends_on)
    version.ends_on = ends_on


def _until(until: date | None, old_end: date | None, new_end: date | None) -> date | None:
    moves = until == old_end or (until is not None and new_end is not None and until > new_end)
    return new_end if moves else until


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
    version = changing(variation, actor)
    if version.agreement.instrument is Instrument.GRANT and [one.annual_value for one in bands] != [
        one.annual_price for one in terms.bands
    ]:
        raise Invalid("A grant is paid by its instalments: change those, and its value.")
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
    changed(variation, "volume", actor, now)


def set_places(
    variation: Variation, terms: LineTerms, *, place_codes: Sequence[str], actor: Actor, now: datetime
) -> None:
    """Where one service is delivered."""
    changing(variation, actor)
    found = db.session.scalars(select(Place).where(Place.code.in_(place_codes), Place.retired_on.is_(None))).all()
    if not found or len(found) != len(set(place_codes)):
        raise Invalid("Choose at least one area from the list", field="place_codes")
    terms.places = list(found)
    changed(variation, "areas", actor, now)


def set_shares(variation: Variation, *, shares: Sequence[tuple[int, Decimal]], actor: Actor, now: datetime) -> None:
    """Who pays which part from then on, in percent. Refused unless they come to 100, each body once."""
    version = changing(variation, actor)
    if len({body for body, _ in shares}) != len(shares):
        raise Invalid("Name each body once.")
    if any(percent <= 0 for _, percent in shares) or sum((percent for _, percent in shares), Decimal(0)) != 100:
        raise Invalid("All shares together must be 100%.", field="lead")
    if version.lead_id is not None and version.lead_id not in {body for body, _ in shares}:
        raise Invalid("The body that is to lead the contract must pay a part of it.")
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
    changed(variation, "shares", actor, now)


def set_lead(variation: Variation, *, body_id: int, actor: Actor, now: datetime) -> None:
    """Who leads the contract from then on: one of the bodies that pay it, which so approves as well."""
    version = changing(variation, actor)
    if body_id not in {one.organisation_id for one in version.funders}:
        raise Invalid("Only a body that funds the contract can lead it. Enter its part first.", field="lead")
    version.lead_id = body_id
    changed(variation, "lead", actor, now)


def check_notice(variation: Variation, now: datetime) -> None:
    """Refuse a notice that would leave less time than its ground asks for, from the day on which it is given."""
    if variation.ground is None or variation.version.ends_on is None:
        return
    earliest = earliest_last_day(variation.ground, notice_on=clock.london(now).date())
    if variation.version.ends_on < earliest:
        raise TooLate(
            f"On this ground the last day is {date_words(earliest)} at the earliest. "
            "Withdraw this ending, and enter another last day."
        )


def copy_version(
    agreement: Agreement, source: AgreementVersion, *, in_force_from: date, ends_on: date | None = None
) -> AgreementVersion:
    """Another version of the same terms, under the next number; with another last day, if one is given."""
    last_day = ends_on or source.ends_on
    version = AgreementVersion(
        agreement=agreement,
        number=max(one.number for one in agreement.versions) + 1,
        in_force_from=in_force_from,
        ends_on=last_day,
        whole_life_value=source.whole_life_value,
        lead_id=source.lead_id,
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
                referrals_until=_until(one.referrals_until, source.ends_on, last_day),
                places=list(one.places),
                bands=[
                    LineBand(number=band.number, low=band.low, high=band.high, annual_price=band.annual_price)
                    for band in one.bands
                ],
            )
        )
    write_schedule(version, [one.term for one in source.instalments])
    return version


def end_day(agreement: Agreement, last_day: date, now: datetime) -> date:
    """From when another last day applies if it is asked for now."""
    return end_applies_from(
        last_day,
        before=agreement.ends_on or date.max - timedelta(days=1),
        latest=agreement.latest.in_force_from,
        asked_on=clock.london(now).date(),
    )


def check_day(agreement: Agreement, in_force_from: date, ends_on: date | None, now: datetime) -> None:
    """Refuse a day that is past, before what is agreed already, or after the end."""
    if in_force_from < clock.london(now).date():
        raise Invalid("A change applies from today at the earliest", field="in_force_from")
    if in_force_from < agreement.latest.in_force_from:
        raise Invalid("It cannot apply before a change that is agreed already", field="in_force_from")
    if ends_on is not None and ends_on < in_force_from:
        raise Invalid("The contract must last until the day from which the change applies", field="ends_on")
