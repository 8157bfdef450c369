"""What every change to a contract asks first: that nobody else changes it meanwhile, and who may."""

from __future__ import annotations

from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.mobilisation.queries import side_of
from marketplace.access import Actor, Permission
from marketplace.errors import NotAllowed
from marketplace.extensions import db


def lock(agreement: Agreement) -> None:
    """The contract's row is the lock for all that varies it, as it is for signing."""
    db.session.execute(select(Agreement.id).where(Agreement.id == agreement.id).with_for_update())
    db.session.refresh(agreement)


def must_lead(agreement: Agreement, actor: Actor) -> None:
    """Refuse everybody but those who manage the contract for its lead commissioner."""
    actor.must(Permission.MANAGE_CONTRACTS)
    if actor.is_supplier or side_of(actor, agreement) is None:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner does this.")
