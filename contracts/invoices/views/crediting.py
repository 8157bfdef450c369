"""Credit notes: the supplier's finance gives one, and may invoice again what it took; their list, and one of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.invoices import actions, queries
from contracts.invoices.forms import CreditForm, ReissueForm
from contracts.invoices.models import CreditNote, Invoice
from contracts.invoices.queries import CreditFilter, CreditOrder
from contracts.invoices.rules import CreditKind, CreditStatus, InvoiceStatus, vat_on
from contracts.invoices.views import bp
from contracts.invoices.views.checking import Question, Rows, ask_and_check
from contracts.invoices.views.reading import member
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer
from marketplace.presentation import paragraphs, pounds_exact
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

COLUMNS = (
    *("number", "invoice", "kind", "contract", "supplier", "funder", "given_on", "net", "vat", "amount"),
    *("to_refund", "refunded_on", "status", "invoiced_again_as"),
)
FILTERS = ("kind", "status", "agreement", "funder", "sort")


def _filter() -> CreditFilter:
    return CreditFilter(
        kind=member(CreditKind, "kind"),
        status=member(CreditStatus, "status"),
        agreement_id=request.args.get("agreement", type=int),
        funder_id=request.args.get("funder", type=int),
        order=member(CreditOrder, "sort") or CreditOrder.GIVEN,
    )


@bp.get("/credit-notes")
@audience(Permission.SEE_INVOICES)
def credit_notes() -> str:
    """The credit notes one may see, narrowed, sorted, by pages."""
    actor, narrowed = acting(), _filter()
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name in FILTERS and value}
    return render_template(
        "contracts/invoices/credit_notes.html",
        page=queries.credit_notes_for(actor, narrowed, page=request.args.get("page", 1, type=int)),
        narrowed=narrowed,
        choices=queries.choices_for(actor),
        kinds=list(CreditKind),
        statuses=list(CreditStatus),
        orders=list(CreditOrder),
        kept=kept,
        to_page=lambda number: url_for("invoices.credit_notes", page=number, **kept),
    )


@bp.get("/credit-notes.csv")
@audience(Permission.SEE_INVOICES)
def credit_notes_csv() -> Response:
    """The same list as a CSV file, amounts in pounds."""
    return csv_download("credit-notes.csv", COLUMNS, map(_row, queries.all_credit_notes_for(acting(), _filter())))


def _row(note: CreditNote) -> tuple[object, ...]:
    invoice = note.invoice
    return (
        note.number,
        invoice.number,
        note.kind.value,
        invoice.agreement.reference,
        invoice.agreement.supplier.name,
        invoice.organisation.name,
        clock.london(note.issued_at).date(),
        note.net,
        note.vat,
        note.amount,
        note.to_refund,
        clock.london(note.refunded_at).date() if note.refunded_at else None,
        note.status.value,
        note.reissued_as.number if note.reissued_as else None,
    )


@bp.get("/credit-notes/<int:credit_note_id>")
@audience(Permission.SEE_INVOICES)
def show_credit(credit_note_id: int) -> str:
    """One credit note: why it was given, what it took, and what became of it."""
    actor = acting()
    note = queries.credit_note_for(actor, credit_note_id)
    return render_template(
        "contracts/invoices/credit_note.html",
        note=note,
        invoice=note.invoice,
        document=queries.document_of(credit_note_id=note.id),
        can_reissue=queries.why_not_reissue(actor, note) is None,
    )


@bp.route("/invoices/<int:invoice_id>/credit", methods=["GET", "POST"])
@audience(Permission.ISSUE_CREDITS)
def credit(invoice_id: int) -> Answer:
    """Give a credit note over an invoice, or part of it."""
    actor = acting()
    invoice = queries.invoice_for(actor, invoice_id)
    form = CreditForm.of(invoice)
    refused = queries.why_not_credit(actor, invoice)
    if refused is not None and not form.is_submitted():
        raise refused
    was_paid = invoice.status in (InvoiceStatus.PAID, InvoiceStatus.TAKEN_BACK)

    def rows() -> Rows:
        return [
            ("Invoice", invoice.number),
            *credited_rows(invoice, form.net, "Credited"),
            ("What was wrong", paragraphs(form.reason.data)),
            ("Invoice it again", "Yes, that comes next" if form.again.data == "yes" else "No"),
        ]

    def act() -> str:
        note = actions.credit(
            invoice, amount=form.net, reason=form.reason.data, actor=actor, now=clock.now(), seen=form.notes_seen
        )
        flash(f"Credit note {note.number} is given. The funder has been told.", "success")
        if form.again.data == "yes":
            return url_for("invoices.reissue", credit_note_id=note.id)
        return _to(note)

    return ask_and_check(
        form,
        Question(
            f"Credit invoice {invoice.number}",
            "Give the credit note",
            url_for("invoices.show", invoice_id=invoice_id),
            (
                "A credit note is given for good. What it takes can be invoiced again, corrected, once.",
                f"{invoice.organisation.name} is told at once.",
                *((_goes_back(invoice),) if was_paid else ()),
            ),
        ),
        template="part",
        rows=rows,
        act=act,
        already=lambda: url_for("invoices.show", invoice_id=invoice_id),
        invoice=invoice,
    )


def _goes_back(invoice: Invoice) -> str:
    """What a credit note over an invoice that was paid gives back."""
    if invoice.left:
        owed = pounds_exact(invoice.left)
        return f"A bank took {owed} of the payment back: what is credited beyond that goes back to the funder."
    return "The invoice was paid: what is credited goes back to the funder."


def credited_rows(invoice: Invoice, net: Decimal, what: str) -> Rows:
    """What a credit note over so much would take, what it would leave to pay, and what would go back.

    What a bank took back has gone back already: a credit note settles that first.
    """
    vat = invoice.vat_with(net)
    settled = min(net + vat, invoice.left)
    after = []
    if invoice.left:
        after.append(("Then still to pay", pounds_exact(invoice.left - settled)))
    if back := net + vat - settled:
        after.append(("Goes back to the funder", pounds_exact(back)))
    return [
        (f"{what}, before VAT", pounds_exact(net)),
        ("VAT on it", pounds_exact(vat)),
        ("Together", pounds_exact(net + vat)),
        *after,
    ]


def _to(note: CreditNote) -> str:
    return url_for("invoices.show_credit", credit_note_id=note.id)


@bp.route("/credit-notes/<int:credit_note_id>/reissue", methods=["GET", "POST"])
@audience(Permission.ISSUE_CREDITS)
def reissue(credit_note_id: int) -> Answer:
    """Invoice again what a credit note took, with corrected lines or purchase order."""
    actor = acting()
    note = queries.credit_note_for(actor, credit_note_id)
    invoice = note.invoice
    order = queries.purchase_order(invoice.agreement_id, invoice.organisation_id, clock.today())
    form = ReissueForm.of(queries.lines_again(note), most=note.net, po_number=order.number if order else None)
    refused = queries.why_not_reissue(actor, note)
    if refused is not None and not form.is_submitted():
        raise refused

    def rows() -> Rows:
        net = sum(form.amounts, Decimal(0))
        vat = note.vat if net == note.net else vat_on(net, invoice.vat_rate)
        lines = [(one.text, pounds_exact(new)) for one, new in zip(form.lines, form.amounts, strict=True) if new]
        return [
            *lines,
            ("Together, before VAT", pounds_exact(net)),
            (f"VAT at {invoice.vat_rate}%", pounds_exact(vat)),
            ("To be paid", pounds_exact(net + vat)),
            ("Purchase order", form.po_number.data or "None"),
        ]

    def act() -> str:
        again = actions.reissue(
            note, amounts=form.amounts, po_number=form.po_number.data or "", actor=actor, now=clock.now()
        )
        flash(f"Invoice {again.number} is raised, and waits for approval.", "success")
        return url_for("invoices.show", invoice_id=again.id)

    return ask_and_check(
        form,
        Question(
            f"Invoice again what {note.number} credited",
            "Raise the invoice",
            _to(note),
            (
                "The new invoice bears a number of its own and is due in 30 days from today.",
                "A contract manager of the commissioner approves it before it is paid.",
            ),
        ),
        template="reissue",
        rows=rows,
        act=act,
        already=lambda: _to(note),
        note=note,
    )


@bp.post("/invoices/<int:invoice_id>/raise-again")
@audience(Permission.ISSUE_CREDITS)
def raise_again(invoice_id: int) -> Response:
    """Ask again for an invoice that was voided, as it was."""
    actor = acting()
    invoice = queries.invoice_for(actor, invoice_id)
    with transaction():
        again = actions.reissue_voided(invoice, actor=actor, now=clock.now())
    flash(f"Invoice {again.number} is raised, and waits for approval.", "success")
    return redirect(url_for("invoices.show", invoice_id=again.id))
