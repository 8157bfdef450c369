"""What every change to a contract asks first: that nobody else changes it meanwhile, and who may."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement, AgreementVersion
from contracts.changes.models import Variation
from contracts.changes.rules import ENDS, VARIATION_MOVES, Purpose, VariationStatus
from contracts.mobilisation.queries import side_of
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db


def must_lead(agreement: Agreement, actor: Actor) -> None:
    """Refuse everybody but those who manage the contract for its lead commissioner."""
    actor.must(Permission.MANAGE_CONTRACTS)
    if actor.is_supplier or side_of(actor, agreement) is None:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner does this.")


def locked(variation: Variation) -> None:
    """The variation as it is now, held with its contract."""
    hold(variation.agreement)
    db.session.refresh(variation)
    db.session.refresh(variation.version)


def drafting(variation: Variation, actor: Actor) -> AgreementVersion:
    """The draft, held, for those who may change it."""
    locked(variation)
    must_lead(variation.agreement, actor)
    if variation.status is not VariationStatus.DRAFT:
        raise Refused("This change is no longer a draft, so that it cannot be changed here.")
    return variation.version


def changing(variation: Variation, actor: Actor) -> AgreementVersion:
    """The draft, held, of a change whose parts may be changed: not of an ending or an extension."""
    version = drafting(variation, actor)
    if variation.purpose in ENDS:
        raise Refused("An early ending changes the last day alone. Withdraw it, and enter another last day.")
    if variation.purpose is Purpose.EXTENSION:
        raise Refused("An option is used as it was agreed. Withdraw this, or agree anything else with another change.")
    return version


def changed(variation: Variation, part: str, actor: Actor, now: datetime) -> None:
    """One part of the draft is another now."""
    db.session.flush()
    audit.record("Changed the draft change", variation, actor=actor, now=now, part=part)


def move(variation: Variation, to: VariationStatus) -> None:
    """On to another status, where that is permitted."""
    if variation.status is to:
        raise AlreadyDone("This is done already.")
    if to not in VARIATION_MOVES[variation.status]:
        raise Refused(f"This change is “{variation.status.label.lower()}”, so that this cannot be done now.")
    variation.status = to
