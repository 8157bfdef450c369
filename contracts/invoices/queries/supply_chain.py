"""What suppliers have confirmed that they paid to their supply chains, month by month, and what they have not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from contracts.agreements.models import Agreement, Subcontractor
from contracts.agreements.rules import AgreementStatus
from contracts.invoices.models import SubcontractorPayment
from contracts.invoices.queries.finding import contract_for
from contracts.invoices.rules import ChainStanding, chain_standing, months_in_arrears
from marketplace import clock
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db


@dataclass(frozen=True)
class ChainMonth:
    """One month of one member of the supply chain, and what the supplier confirmed of it, if it did.

    `earlier` is what it had confirmed before it corrected that, the latest first.
    """

    subcontractor: Subcontractor
    month: date
    payment: SubcontractorPayment | None
    earlier: Sequence[SubcontractorPayment] = ()

    @property
    def standing(self) -> ChainStanding:
        """Whether it was paid in time."""
        paid = self.payment
        return chain_standing(
            paid.invoiced_on if paid else None, paid.paid_on if paid else None, is_confirmed=paid is not None
        )

    @property
    def days(self) -> int | None:
        """How many days after its invoice it was paid."""
        paid = self.payment
        return (paid.paid_on - paid.invoiced_on).days if paid and paid.paid_on and paid.invoiced_on else None


def chain_months(agreement: Agreement, *, today: date) -> list[ChainMonth]:
    """The months of a contract that are over, of each member of its agreed supply chain; the latest first."""
    every = db.session.scalars(
        select(SubcontractorPayment)
        .join(SubcontractorPayment.subcontractor)
        .where(Subcontractor.agreement_id == agreement.id)
        .options(joinedload(SubcontractorPayment.confirmer))
        .order_by(SubcontractorPayment.id.desc())
    ).all()
    paid: dict[tuple[int, date], list[SubcontractorPayment]] = defaultdict(list)
    for one in every:
        paid[one.subcontractor_id, one.month].append(one)

    def of(member: Subcontractor, month: date) -> ChainMonth:
        stands, *earlier = paid.pop((member.id, month), [None])
        return ChainMonth(member, month, stands, [one for one in earlier if one is not None])

    members = {one.id: one for one in agreement.subcontractors}
    found = [of(one, month) for one in members.values() for month in _months(agreement, one, today)]
    # What was confirmed of other months (before it was agreed, of a month that is not over) is not left out.
    found += [of(members[key], month) for key, month in list(paid)]
    return sorted(found, key=lambda one: (-one.month.toordinal(), one.subcontractor.name, one.subcontractor.id))


def _months(agreement: Agreement, one: Subcontractor, today: date) -> list[date]:
    """The months that are over in which it delivered: from when it was agreed until it left."""
    if agreement.status is not AgreementStatus.SIGNED or one.agreed_at is None:
        return []
    first = max(agreement.starts_on, clock.london(one.agreed_at).date())
    last = min(agreement.ends_on or date.max, one.left_on or date.max)
    return list(months_in_arrears(first, last, today)) if first <= last else []


def subcontractor_for(actor: Actor, subcontractor_id: int) -> tuple[Subcontractor, Agreement]:
    """A member of the supply chain of a contract that concerns the actor's organisation. Raises NotFound."""
    found = db.session.get(Subcontractor, subcontractor_id)
    if found is None:
        raise NotFound("There is no such subcontractor, or it does not concern your organisation.")
    return found, contract_for(actor, found.agreement_id)


def chain_payment_for(actor: Actor, payment_id: int) -> tuple[SubcontractorPayment, Agreement]:
    """What was confirmed of one month of one member, of a contract that concerns the actor's body. Raises NotFound."""
    found = db.session.get(SubcontractorPayment, payment_id)
    if found is None:
        raise NotFound("There is no such payment, or it does not concern your organisation.")
    return found, contract_for(actor, found.subcontractor.agreement_id)


def chains_to_confirm(actor: Actor, *, today: date) -> list[tuple[Agreement, int]]:
    """The supplier's contracts under which payments to the supply chain are not confirmed, and how many."""
    rows = db.session.execute(
        select(Agreement, Subcontractor)
        .join(Subcontractor, Subcontractor.agreement_id == Agreement.id)
        .where(
            Agreement.supplier_id == actor.organisation,
            Agreement.status == AgreementStatus.SIGNED,
            Subcontractor.agreed_at.is_not(None),
        )
        .order_by(Agreement.reference, Subcontractor.id)
    ).all()
    members = [one.id for _, one in rows]
    there = set(
        db.session.execute(
            select(SubcontractorPayment.subcontractor_id, SubcontractorPayment.month).where(
                SubcontractorPayment.subcontractor_id.in_(members)
            )
        ).all()
    )
    missing: dict[Agreement, int] = defaultdict(int)
    for agreement, one in rows:
        missing[agreement] += sum((one.id, month) not in there for month in _months(agreement, one, today))
    return [(agreement, count) for agreement, count in missing.items() if count]


def in_time(months: Sequence[ChainMonth]) -> tuple[int, int]:
    """How many payments were made in time, of how many."""
    made = [one for one in months if one.standing in (ChainStanding.IN_TIME, ChainStanding.PAID_LATE)]
    return sum(one.standing is ChainStanding.IN_TIME for one in made), len(made)
