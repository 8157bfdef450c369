"""Reads of grants: instalments, what was invoiced for them, and what they were used for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement, GrantInstalment, Suspension
from contracts.agreements.rules.instalments import InstalmentStatus
from contracts.invoices.models import InstalmentUse, Invoice
from contracts.invoices.queries.finding import contract_for, seen_by
from contracts.invoices.rules import InvoiceKind
from marketplace.access import Actor, Permission
from marketplace.errors import NotFound
from marketplace.extensions import db


def instalments(agreement_id: int) -> Sequence[GrantInstalment]:
    """A grant's instalments in their order."""
    return db.session.scalars(
        select(GrantInstalment).where(GrantInstalment.agreement_id == agreement_id).order_by(GrantInstalment.number)
    ).all()


def instalment_for(actor: Actor, instalment_id: int) -> GrantInstalment:
    """An instalment of a grant that concerns the actor's organisation. Raises NotFound."""
    found = db.session.get(GrantInstalment, instalment_id)
    if found is None:
        raise NotFound("There is no such instalment, or it does not concern your organisation.")
    contract_for(actor, found.agreement_id)
    return found


def invoices_of_instalments(actor: Actor, agreement_id: int) -> dict[int, list[Invoice]]:
    """By instalment, its invoices that the actor may see."""
    found: dict[int, list[Invoice]] = defaultdict(list)
    for one in db.session.scalars(
        select(Invoice)
        .join(Invoice.agreement)
        .where(seen_by(actor), Invoice.agreement_id == agreement_id, Invoice.kind == InvoiceKind.INSTALMENT)
        .options(joinedload(Invoice.organisation))
        .order_by(Invoice.number)
    ):
        assert one.instalment_id is not None  # a constraint of the table
        found[one.instalment_id].append(one)
    return found


def may_claim(actor: Actor, agreement: Agreement) -> bool:
    """Whether this actor claims a grant's instalments and reports on them: who delivers or invoices at its holder."""
    return actor.organisation_id == agreement.supplier_id and (
        actor.may(Permission.MANAGE_DELIVERY) or actor.may(Permission.ISSUE_CREDITS)
    )


def uses_of(agreement_id: int) -> dict[int, list[InstalmentUse]]:
    """By instalment, every report of its use, the latest last."""
    found: dict[int, list[InstalmentUse]] = defaultdict(list)
    for one in db.session.scalars(
        select(InstalmentUse)
        .where(InstalmentUse.agreement_id == agreement_id)
        .options(joinedload(InstalmentUse.reporter), joinedload(InstalmentUse.decider))
        .order_by(InstalmentUse.id)
    ):
        found[one.instalment_id].append(one)
    return found


def use_of(instalment_id: int) -> InstalmentUse | None:
    """The latest report of an instalment's use, read afresh."""
    return db.session.scalar(
        select(InstalmentUse)
        .where(InstalmentUse.instalment_id == instalment_id)
        .order_by(InstalmentUse.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def use_for(actor: Actor, use_id: int) -> InstalmentUse:
    """A report of use under a grant that concerns the actor's organisation. Raises NotFound."""
    found = db.session.get(InstalmentUse, use_id)
    if found is None:
        raise NotFound("There is no such report, or it does not concern your organisation.")
    contract_for(actor, found.agreement_id)
    return found


def uses_owed(on: date) -> Sequence[GrantInstalment]:
    """Accepted instalments of grants that are over by a day, on whose use nothing is reported."""
    return db.session.scalars(
        select(GrantInstalment)
        .join(GrantInstalment.agreement)
        .where(
            GrantInstalment.status == InstalmentStatus.ACCEPTED,
            Agreement.ends_on < on,
            ~select(InstalmentUse.id).where(InstalmentUse.instalment_id == GrantInstalment.id).exists(),
        )
        .options(joinedload(GrantInstalment.agreement))
        .order_by(GrantInstalment.id)
    ).all()


def invoices_to_give_back(instalment_id: int) -> Sequence[Invoice]:
    """The invoices of an instalment of which something is not credited or void, in the order in which they are held."""
    found = db.session.scalars(
        select(Invoice)
        .where(Invoice.instalment_id == instalment_id)
        .options(joinedload(Invoice.agreement), selectinload(Invoice.disputes))
        .order_by(Invoice.id)
        .execution_options(populate_existing=True)
    ).all()
    return [one for one in found if one.creditable_net]


def received_for(instalment_id: int) -> Decimal:
    """What was invoiced for an instalment less what was credited, in pounds."""
    return sum((one.creditable_net for one in invoices_to_give_back(instalment_id)), Decimal("0.00"))


def held_since(agreement_id: int, on: date) -> date | None:
    """From when a grant's instalments are held on a day, because the whole of it is suspended; None if they are not."""
    return db.session.scalar(
        select(func.min(Suspension.from_on)).where(
            Suspension.agreement_id == agreement_id,
            Suspension.line_id.is_(None),
            Suspension.from_on <= on,
            or_(Suspension.lifted_from.is_(None), Suspension.lifted_from > on),
        )
    )
