"""Credit notes that somebody may see, and what may be credited or invoiced again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload

from contracts.agreements.models import Agreement
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.queries.finding import may_credit, reissues_of, seen_by
from contracts.invoices.rules import CreditKind, CreditStatus, InvoiceStatus, LineAgain
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


class CreditOrder(StrEnum):
    """How a list of credit notes may be sorted."""

    GIVEN = "given"
    AMOUNT = "amount"
    NUMBER = "number"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            CreditOrder.GIVEN: "Latest first",
            CreditOrder.AMOUNT: "Largest amount first",
            CreditOrder.NUMBER: "Number",
        }[self]


@dataclass(frozen=True)
class CreditFilter:
    """What a list of credit notes is narrowed to and how it is sorted."""

    kind: CreditKind | None = None
    status: CreditStatus | None = None
    agreement_id: int | None = None
    funder_id: int | None = None
    order: CreditOrder = CreditOrder.GIVEN


@dataclass(frozen=True)
class CreditPage(Page[CreditNote]):
    """One page of a list of credit notes, and what all of the list comes to with VAT, in pounds."""

    amount: Decimal


def credit_note_for(actor: Actor, credit_note_id: int) -> CreditNote:
    """The credit note with all that its page shows, if the actor may see its invoice. Raises NotFound."""
    found = db.session.scalar(
        _listed(_visible(actor).where(CreditNote.id == credit_note_id)).options(
            joinedload(CreditNote.issuer), joinedload(CreditNote.reissued_as), joinedload(CreditNote.dispute)
        )
    )
    if found is None:
        raise NotFound("There is no such credit note, or it is not yours to see.")
    return found


def credit_notes_for(actor: Actor, narrowed: CreditFilter = CreditFilter(), *, page: int = 1) -> CreditPage:
    """The actor's credit notes by pages of 25, and what all of them come to."""
    chosen = _chosen(actor, narrowed)
    count, amount = db.session.execute(
        chosen.with_only_columns(
            func.count(), func.coalesce(func.sum(CreditNote.amount), 0), maintain_column_froms=True
        )
    ).one()
    number = nearest_page(page, count)
    rows = db.session.scalars(_sorted(chosen, narrowed.order).limit(PAGE).offset(before(number))).all()
    return CreditPage(rows, count, number, Decimal(amount))


def all_credit_notes_for(actor: Actor, narrowed: CreditFilter = CreditFilter()) -> Sequence[CreditNote]:
    """The same list, whole: for the CSV."""
    return db.session.scalars(_sorted(_chosen(actor, narrowed), narrowed.order)).all()


def credit_notes_of_year(actor: Actor, agreement_id: int, year_begins: date) -> Sequence[CreditNote]:
    """The credit notes that a reconciled year gave, of the invoices that the actor may see."""
    chosen = _visible(actor).where(Invoice.agreement_id == agreement_id, CreditNote.year_begins == year_begins)
    return db.session.scalars(_listed(chosen).order_by(CreditNote.id)).all()


def _visible(actor: Actor) -> Select[CreditNote]:
    return select(CreditNote).join(CreditNote.invoice).join(Invoice.agreement).where(seen_by(actor))


def _chosen(actor: Actor, narrowed: CreditFilter) -> Select[CreditNote]:
    chosen = _visible(actor)
    for column, value in (
        (CreditNote.kind, narrowed.kind),
        (CreditNote.status, narrowed.status),
        (Invoice.agreement_id, narrowed.agreement_id),
        (Invoice.organisation_id, narrowed.funder_id),
    ):
        if value is not None:
            chosen = chosen.where(column == value)
    return chosen


def _listed(chosen: Select[CreditNote]) -> Select[CreditNote]:
    return chosen.options(
        contains_eager(CreditNote.invoice).options(
            joinedload(Invoice.organisation),
            contains_eager(Invoice.agreement).options(
                joinedload(Agreement.supplier), joinedload(Agreement.commissioner)
            ),
        ),
        joinedload(CreditNote.reissued_as),
    )


def _sorted(chosen: Select[CreditNote], order: CreditOrder) -> Select[CreditNote]:
    keys: dict[CreditOrder, tuple[Any, ...]] = {
        CreditOrder.GIVEN: (CreditNote.issued_at.desc(), CreditNote.id.desc()),
        CreditOrder.AMOUNT: (CreditNote.amount.desc(), CreditNote.number),
        CreditOrder.NUMBER: (CreditNote.number,),
    }
    return _listed(chosen).order_by(*keys[order])


def why_not_credit(actor: Actor, invoice: Invoice) -> Refused | None:
    """Why this actor cannot credit this invoice as it stands; None if they can."""
    if not may_credit(actor, invoice):
        return NotAllowed("The supplier’s finance gives credit notes.")
    if invoice.open_dispute is not None:
        return Refused("This invoice is in dispute: settle the dispute first.")
    if not invoice.creditable_net:
        return AlreadyDone("All of this invoice is credited already, or it was voided.")
    return None


def why_not_reissue(actor: Actor, note: CreditNote) -> Refused | None:
    """Why this actor cannot invoice again what this credit note credited; None if they can."""
    if not may_credit(actor, note.invoice):
        return NotAllowed("The supplier’s finance raises an invoice again.")
    if note.kind is not CreditKind.CORRECTION:
        return Refused("What a dispute, deduction, year’s end or report of use has credited is not invoiced again.")
    if note.reissued_as_id is not None:
        return AlreadyDone("What this credit note credited has been invoiced again already.")
    return None


def why_not_raise_again(actor: Actor, invoice: Invoice) -> Refused | None:
    """Why this actor cannot ask again for a voided invoice as it was; None if they can."""
    if not may_credit(actor, invoice):
        return NotAllowed("The supplier’s finance raises an invoice again.")
    if invoice.status is not InvoiceStatus.VOID:
        return Refused("Only an invoice that was voided is raised again as it was.")
    # What a credit note took and was invoiced again stands apart: the void took the rest.
    by_note = {note.reissued_as_id for note in invoice.credit_notes}
    if any(one.id not in by_note for one in reissues_of(invoice)):
        return AlreadyDone("This invoice has been raised again already.")
    return None


def lines_again(note: CreditNote) -> list[LineAgain]:
    """The lines of which an invoice for what was credited is made."""
    return lines_for(note.invoice, note.net)


def lines_for(invoice: Invoice, net: Decimal) -> list[LineAgain]:
    """The invoice's own lines for all of it; one line for part of it."""
    if net == invoice.net:
        return [LineAgain(line.text, line.amount, line.service_line_id) for line in invoice.lines]
    return [LineAgain(f"Part of invoice {invoice.number}", net)]
