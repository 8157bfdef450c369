"""What every action around a contract asks first: who may, and whose turn it is."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation.queries import side_of
from marketplace import clock
from marketplace.access import Actor
from marketplace.errors import NotAllowed, TooLate

_WHO = {
    Side.SUPPLIER: "Only those who manage delivery at the supplier do this.",
    Side.COMMISSIONER: "Only the lead commissioner’s contract manager or commercial partner does this.",
}


def must_be(side: Side, actor: Actor, agreement: Agreement) -> None:
    """Refuse everybody who does not manage the contract for this side."""
    if side_of(actor, agreement) is not side:
        raise NotAllowed(_WHO[side])


def must_manage(actor: Actor, agreement: Agreement) -> Side:
    """The side for which the actor manages the contract. Refused for everybody else."""
    side = side_of(actor, agreement)
    if side is None:
        raise NotAllowed("Only those who manage this contract for the supplier or the lead commissioner do this.")
    return side


def must_last(agreement: Agreement, now: datetime) -> None:
    """Refuse when the contract is over."""
    if agreement.ends_on is not None and agreement.ends_on < clock.london(now).date():
        raise TooLate("This contract has ended.")
