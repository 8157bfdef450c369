"""Reads of options to extend: where each stands, and which must be decided soon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, AgreementVersion, ExtensionOption
from contracts.agreements.rules import AgreementStatus, OptionDecision
from contracts.changes.models import Variation
from contracts.changes.queries.variations import is_shown_to
from contracts.changes.rules import OptionStanding, VariationStatus
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db


def is_open_to_change(version: AgreementVersion) -> bool:
    """Whether terms can still be written into: drafted, and not before the funders or anybody's signature."""
    if version.agreed_at is not None or version.abandoned_at is not None or version.signatures:
        return False
    status = db.session.scalar(select(Variation.status).where(Variation.version_id == version.id))
    if status is None:
        return version.agreement.status is AgreementStatus.AWAITING_SUPPLIER
    return status is VariationStatus.DRAFT


def option_standing(option: ExtensionOption, on: date) -> OptionStanding:
    """Where an option is on a day."""
    version = next(one for one in option.agreement.versions if one.id == option.version_id)
    if version.agreed_at is None:
        return OptionStanding.NOT_AGREED
    if option.decision is OptionDecision.LEAVE:
        return OptionStanding.LEFT
    if option.decision is OptionDecision.USE:
        used = db.session.scalar(
            select(Variation.id).where(Variation.option_id == option.id, Variation.status == VariationStatus.AGREED)
        )
        return OptionStanding.USED if used else OptionStanding.IN_HAND
    return OptionStanding.LAPSED if option.decide_by < on else OptionStanding.OPEN


def options_of(actor: Actor, agreement: Agreement) -> list[ExtensionOption]:
    """The contract's options, but not those of a change that was given up; of a draft, for those who see the draft."""
    dropped = {one.id for one in agreement.versions if one.abandoned_at is not None}
    changes = db.session.scalars(select(Variation).where(Variation.agreement_id == agreement.id))
    dropped |= {one.version_id for one in changes if not is_shown_to(actor, one)}
    return [one for one in agreement.extension_options if one.version_id not in dropped]


def option_for(actor: Actor, option_id: int) -> ExtensionOption:
    """The option, if its contract concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(ExtensionOption)
        .join(Agreement, ExtensionOption.agreement_id == Agreement.id)
        .where(ExtensionOption.id == option_id, agreements.theirs(actor))
    )
    if found is None:
        raise NotFound("There is no such option, or it does not concern your organisation.")
    return found


def options_to_decide(on: date, until: date, *, commissioner_id: int | None = None) -> Sequence[ExtensionOption]:
    """Agreed options that nobody has decided and whose day is between two days, soonest first."""
    wanted = (
        select(ExtensionOption)
        .join(AgreementVersion, ExtensionOption.version_id == AgreementVersion.id)
        .join(Agreement, ExtensionOption.agreement_id == Agreement.id)
        .where(
            AgreementVersion.agreed_at.is_not(None),
            ExtensionOption.decision.is_(None),
            ExtensionOption.decide_by.between(on, until),
        )
        .options(joinedload(ExtensionOption.agreement))
        .order_by(ExtensionOption.decide_by, ExtensionOption.id)
    )
    if commissioner_id is not None:
        wanted = wanted.where(Agreement.commissioner_id == commissioner_id)
    return db.session.scalars(wanted).all()
