"""Which invoices there are, and which of them somebody may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.agreements.queries import agreement_for
from contracts.invoices.models import CreditNote, Dispute, Invoice, InvoiceLine
from contracts.invoices.rules import OWED, DisputeStatus, InvoiceKind, InvoiceStatus
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page

# What is still to be paid of an invoice, as `Invoice.left` has it; a test holds the two together.
LEFT: ColumnElement[Decimal] = case(
    (Invoice.status == InvoiceStatus.TAKEN_BACK, Invoice.owed_again),
    (Invoice.status.in_(OWED), Invoice.amount - Invoice.credited),
    else_=0,
)


class Order(StrEnum):
    """How a list of invoices may be sorted."""

    MONTH = "month"
    DUE = "due"
    AMOUNT = "amount"
    NUMBER = "number"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            Order.MONTH: "Latest month first",
            Order.DUE: "Due soonest first",
            Order.AMOUNT: "Largest amount first",
            Order.NUMBER: "Number",
        }[self]


@dataclass(frozen=True)
class Filter:
    """What a list of invoices is narrowed to and how it is sorted. `month` is a first day of one."""

    status: InvoiceStatus | None = None
    kind: InvoiceKind | None = None
    agreement_id: int | None = None
    funder_id: int | None = None
    month: date | None = None
    in_dispute: bool = False
    order: Order = Order.MONTH


@dataclass(frozen=True)
class InvoicePage(Page[Invoice]):
    """One page of a list of invoices, and what all of the list comes to, in pounds."""

    amount: Decimal
    unpaid: Decimal


def seen_by(actor: Actor) -> ColumnElement[bool]:
    """Which invoices an actor may see: their supplier's, their body's own, and of contracts their body leads."""
    own = actor.organisation
    if actor.is_supplier:
        return Agreement.supplier_id == own
    return or_(Invoice.organisation_id == own, Agreement.commissioner_id == own)


def contract_for(actor: Actor, agreement_id: int) -> Agreement:
    """The contract whose money the actor may see: their organisation supplies it, leads it, pays for it or will.

    Raises NotFound. That it serves a place of theirs is not enough: they see such a contract without its money. Who
    paid for it once keeps its own invoices, see `seen_by`.
    """
    agreement = agreement_for(actor, agreement_id)
    if actor.organisation not in agreement.payers_on(clock.today()) | {
        agreement.supplier_id,
        agreement.commissioner_id,
    }:
        raise NotFound("There is no such contract, or its money does not concern your organisation.")
    return agreement


def _visible(actor: Actor) -> Select[Invoice]:
    return select(Invoice).join(Invoice.agreement).where(seen_by(actor))


def invoice_for(actor: Actor, invoice_id: int) -> Invoice:
    """The invoice with all that its page shows, if the actor may see it. Raises NotFound."""
    found = db.session.scalar(_whole(_visible(actor).where(Invoice.id == invoice_id)))
    if found is None:
        raise NotFound("There is no such invoice, or it is not yours to see.")
    return found


def invoice_numbered(actor: Actor, number: str) -> int:
    """The key of the invoice with this number, if the actor may see it. Raises NotFound."""
    found = db.session.scalar(_visible(actor).where(Invoice.number == number))
    if found is None:
        raise NotFound("There is no such invoice, or it is not yours to see.")
    return found.id


def _whole(chosen: Select[Invoice]) -> Select[Invoice]:
    return chosen.options(
        contains_eager(Invoice.agreement).options(joinedload(Agreement.supplier), joinedload(Agreement.commissioner)),
        joinedload(Invoice.organisation),
        joinedload(Invoice.approver),
        joinedload(Invoice.reissue_of),
        joinedload(Invoice.instalment),
        selectinload(Invoice.lines).joinedload(InvoiceLine.service_line),
        selectinload(Invoice.credit_notes).joinedload(CreditNote.reissued_as),
        selectinload(Invoice.disputes).joinedload(Dispute.raiser),
    )


def reissues_of(invoice: Invoice) -> Sequence[Invoice]:
    """The invoices that ask again for what this one asked for, or part of it."""
    return db.session.scalars(select(Invoice).where(Invoice.reissue_of_id == invoice.id).order_by(Invoice.id)).all()


def invoices_for(actor: Actor, narrowed: Filter = Filter(), *, page: int = 1) -> InvoicePage:
    """The actor's invoices by pages of 25, and what all of them come to."""
    chosen = _chosen(actor, narrowed)
    counted = chosen.with_only_columns(
        func.count(),
        func.coalesce(func.sum(Invoice.amount), 0),
        func.coalesce(func.sum(LEFT), 0),
        maintain_column_froms=True,
    )
    count, total, unpaid = db.session.execute(counted).one()
    number = nearest_page(page, count)
    rows = db.session.scalars(_listed(chosen, narrowed.order).limit(PAGE).offset(before(number))).all()
    return InvoicePage(rows, count, number, Decimal(total), Decimal(unpaid))


def all_invoices_for(actor: Actor, narrowed: Filter = Filter()) -> Sequence[Invoice]:
    """The same list, whole: for the CSV."""
    return db.session.scalars(_listed(_chosen(actor, narrowed), narrowed.order)).all()


def _chosen(actor: Actor, narrowed: Filter) -> Select[Invoice]:
    chosen = _visible(actor)
    for column, value in (
        (Invoice.status, narrowed.status),
        (Invoice.kind, narrowed.kind),
        (Invoice.agreement_id, narrowed.agreement_id),
        (Invoice.organisation_id, narrowed.funder_id),
        (Invoice.month, narrowed.month),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    if narrowed.in_dispute:
        chosen = chosen.where(Invoice.disputes.any(Dispute.status == DisputeStatus.OPEN))
    return chosen


def _listed(chosen: Select[Invoice], order: Order) -> Select[Invoice]:
    keys = {
        Order.MONTH: (Invoice.month.desc(), Invoice.number),
        Order.DUE: (Invoice.due_on, Invoice.number),
        Order.AMOUNT: (Invoice.amount.desc(), Invoice.number),
        Order.NUMBER: (Invoice.number,),
    }
    return chosen.options(
        contains_eager(Invoice.agreement).joinedload(Agreement.supplier),
        joinedload(Invoice.organisation),
        selectinload(Invoice.disputes),
    ).order_by(*keys[order])


@dataclass(frozen=True)
class Choices:
    """What a list may be narrowed to, of what is there for this actor."""

    agreements: Sequence[tuple[int, str]]
    funders: Sequence[tuple[int, str]]
    months: Sequence[date]


def choices_for(actor: Actor) -> Choices:
    """The contracts, funders and months of the actor's invoices: three queries, however many invoices."""
    base = _visible(actor)
    agreements = base.with_only_columns(Agreement.id, Agreement.reference, Agreement.title).distinct()
    funder = aliased(Organisation)
    funders = (
        base.join(funder, Invoice.organisation_id == funder.id).with_only_columns(funder.id, funder.name).distinct()
    )
    months = base.with_only_columns(Invoice.month).distinct()
    return Choices(
        [
            (key, f"{reference}: {title}")
            for key, reference, title in db.session.execute(agreements.order_by("reference"))
        ],
        [(key, name) for key, name in db.session.execute(funders.order_by(funder.name))],
        db.session.scalars(months.order_by(Invoice.month.desc())).all(),
    )


def may_approve(actor: Actor, invoice: Invoice) -> bool:
    """Whether this actor may say that what it asks for is owed: contract managers of the lead or the funder.

    Of a supplementary invoice, which no terms ask for, the lead's alone.
    """
    leads = actor.organisation_id == invoice.agreement.commissioner_id
    may = leads if invoice.kind is InvoiceKind.SUPPLEMENTARY else _is_payer(actor, invoice)
    return actor.may(Permission.APPROVE_INVOICES) and may


def may_dispute(actor: Actor, invoice: Invoice) -> bool:
    """Whether this actor may say that it is not: contract managers and finance of the lead or the funder."""
    return actor.may(Permission.DISPUTE_INVOICES) and _is_payer(actor, invoice)


def may_credit(actor: Actor, invoice: Invoice) -> bool:
    """Whether this actor may give credit notes: the supplier's finance."""
    return actor.may(Permission.ISSUE_CREDITS) and actor.organisation_id == invoice.agreement.supplier_id


def may_supplement(actor: Actor, agreement: Agreement) -> bool:
    """Whether this actor may ask for what was invoiced too little: the supplier's finance, the lead's managers."""
    if actor.organisation_id == agreement.supplier_id:
        return actor.may(Permission.ISSUE_CREDITS)
    return actor.organisation_id == agreement.commissioner_id and actor.may(Permission.APPROVE_INVOICES)


def may_pay(actor: Actor, invoice: Invoice) -> bool:
    """Whether this actor may pay it now: the funder's finance, but nobody who approved it."""
    return (
        invoice.status is InvoiceStatus.OPEN
        and actor.may(Permission.PAY_INVOICES)
        and actor.organisation_id == invoice.organisation_id
        and actor.person_id != invoice.approved_by
    )


def _is_payer(actor: Actor, invoice: Invoice) -> bool:
    return not actor.is_supplier and actor.organisation_id in (
        invoice.organisation_id,
        invoice.agreement.commissioner_id,
    )


def to_approve(actor: Actor) -> ColumnElement[bool]:
    """Which invoices, joined to their contracts, wait for this contract manager's approval."""
    return and_(
        Invoice.status == InvoiceStatus.AWAITING_APPROVAL,
        or_(
            and_(Invoice.organisation_id == actor.organisation, Invoice.kind != InvoiceKind.SUPPLEMENTARY),
            Agreement.commissioner_id == actor.organisation,
        ),
    )
