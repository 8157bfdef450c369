"""Options to extend a contract: agreed with its terms, and by their day used or left."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement, AgreementVersion, ExtensionOption
from contracts.agreements.rules import OptionDecision, ends_on
from contracts.changes import letters
from contracts.changes.actions.checks import must_lead
from contracts.changes.actions.drafting import begin, end_day
from contracts.changes.models import Variation
from contracts.changes.queries import is_open_to_change, option_standing
from contracts.changes.rules import OptionStanding, Purpose
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, Refused, TooLate
from marketplace.extensions import db


def add_option(
    version: AgreementVersion, *, months: int, decide_by: date, actor: Actor, now: datetime
) -> ExtensionOption:
    """Write an option into terms that nobody has signed: the contract as drawn, or a draft change.

    Refused to others than the lead's contract manager or commercial partner, once somebody has signed, for a day that
    is past or not before the contract's last day, and for more than five years.
    """
    agreement = version.agreement
    hold(agreement)
    must_lead(agreement, actor)
    _must_be_open(version)
    if not 1 <= months <= 60:
        raise Invalid("An option is for 1 to 60 months", field="months")
    if decide_by < clock.london(now).date():
        raise Invalid("The day by which to decide has passed", field="decide_by")
    if version.ends_on is None or decide_by >= version.ends_on:
        raise Invalid("It must be decided before the contract’s last day", field="decide_by")
    db.session.refresh(agreement, ["extension_options"])
    option = ExtensionOption(
        version_id=version.id,
        number=max((one.number for one in agreement.extension_options), default=0) + 1,
        months=months,
        decide_by=decide_by,
    )
    agreement.extension_options.append(option)
    db.session.flush()
    about = _draft_of(version) or agreement
    audit.record("Added an option to extend", about, actor=actor, now=now, months=months, decide_by=str(decide_by))
    return option


def remove_option(option: ExtensionOption, *, actor: Actor, now: datetime) -> None:
    """Take an option out of terms that nobody has signed."""
    agreement = option.agreement
    hold(agreement)
    must_lead(agreement, actor)
    version = next(one for one in agreement.versions if one.id == option.version_id)
    _must_be_open(version)
    agreement.extension_options.remove(option)
    db.session.delete(option)
    db.session.flush()
    about = _draft_of(version) or agreement
    audit.record("Took out an option to extend", about, actor=actor, now=now, option=option.number)


def _draft_of(version: AgreementVersion) -> Variation | None:
    """The draft change that a version stands in: its events are the commissioners' own, as it is."""
    return db.session.scalar(select(Variation).where(Variation.version_id == version.id))


def use_option(option: ExtensionOption, *, reason: str, actor: Actor, now: datetime) -> Variation:
    """Decide to use it: a change that moves the last day, for the funders to approve and both sides to sign.

    Refused after its day, and when it is decided. It applies once there was time to approve and sign it, see
    `end_applies_from`: it moves the last day alone, so that nothing else changes before the old one.
    """
    agreement = _to_decide(option, actor, now)
    if agreement.ends_on is None:
        raise Refused("A contract without a last day cannot be extended.")
    last_day = ends_on(agreement.ends_on + timedelta(days=1), option.months)
    variation = begin(
        agreement,
        reason=reason,
        in_force_from=end_day(agreement, last_day, now),
        purpose=Purpose.EXTENSION,
        option=option,
        ends_on=last_day,
        actor=actor,
        now=now,
    )
    _decide(option, OptionDecision.USE, reason, actor=actor, now=now)
    return variation


def leave_option(option: ExtensionOption, *, reason: str, actor: Actor, now: datetime) -> None:
    """Decide not to use it, with the reason. The supplier and every funder are told."""
    _to_decide(option, actor, now)
    _decide(option, OptionDecision.LEAVE, reason, actor=actor, now=now)
    letters.tell_option_left(option, now=now)


def give_option_back(variation: Variation) -> None:
    """The change that was to use an option is withdrawn: the option can be decided again, if its day has not passed."""
    if variation.option is not None:
        one = variation.option
        one.decision = one.decided_at = one.decided_by = one.decided_reason = None
        db.session.flush()


def _to_decide(option: ExtensionOption, actor: Actor, now: datetime) -> Agreement:
    agreement = option.agreement
    hold(agreement)
    must_lead(agreement, actor)
    db.session.refresh(option)
    standing = option_standing(option, clock.london(now).date())
    if standing is OptionStanding.LAPSED:
        raise TooLate("The day by which this option had to be decided has passed.")
    if standing is OptionStanding.NOT_AGREED:
        raise Refused("This option is not agreed yet.")
    if standing is not OptionStanding.OPEN:
        raise AlreadyDone("This option is decided already.")
    return agreement


def _decide(option: ExtensionOption, decision: OptionDecision, reason: str, *, actor: Actor, now: datetime) -> None:
    option.decision, option.decided_at, option.decided_by, option.decided_reason = decision, now, actor.person, reason
    db.session.flush()
    what = "Decided to use an option" if decision is OptionDecision.USE else "Decided not to use an option"
    audit.record(what, option.agreement, actor=actor, now=now, option=option.number)


def _must_be_open(version: AgreementVersion) -> None:
    if not is_open_to_change(version):
        raise Refused("Options are agreed before anybody signs. Agree another with a change to the contract.")
