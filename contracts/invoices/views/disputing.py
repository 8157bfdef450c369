"""Disputes: a funder raises one, the supplier answers, the lead commissioner decides; each sees where it stands."""

from __future__ import annotations

from flask import flash, render_template, url_for

from contracts.invoices import actions, queries
from contracts.invoices.forms import AnswerForm, DisputeForm, SettleForm
from contracts.invoices.models import Dispute, Invoice
from contracts.invoices.rules import DisputeStatus, InvoiceStatus
from contracts.invoices.views import bp
from contracts.invoices.views.checking import Question, Rows, ask_and_check
from contracts.invoices.views.crediting import credited_rows
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer
from marketplace.errors import AlreadyDone, NotAllowed
from marketplace.presentation import date_words, paragraphs, pounds_exact


@bp.route("/invoices/<int:invoice_id>/dispute", methods=["GET", "POST"])
@audience(Permission.DISPUTE_INVOICES)
def dispute(invoice_id: int) -> Answer:
    """Say that an invoice, or part of it, is not owed."""
    actor = acting()
    invoice = queries.invoice_for(actor, invoice_id)
    form = DisputeForm.of(invoice)
    refused = queries.why_not_dispute(actor, invoice)
    if refused is not None and not form.is_submitted():
        raise refused

    def rows() -> Rows:
        return [
            ("Invoice", invoice.number),
            *credited_rows(invoice, form.net, "Not owed"),
            ("What is wrong", paragraphs(form.reason.data)),
        ]

    def act() -> str:
        made = actions.dispute(
            invoice, amount=form.net, reason=form.reason.data, actor=actor, now=clock.now(), seen=form.notes_seen
        )
        flash(
            f"Invoice {invoice.number} is disputed. The supplier and the lead commissioner have been told.", "success"
        )
        return _to(made)

    return ask_and_check(
        form,
        Question(
            f"Dispute invoice {invoice.number}",
            "Dispute it",
            url_for("invoices.show", invoice_id=invoice_id),
            (
                "What you dispute is credited at once, so that the rest can be approved and paid in time.",
                "The supplier answers, and a contract manager of the lead commissioner decides.",
                f"If it turns out to be owed, it is invoiced again, due by {date_words(invoice.due_on)} as before.",
            ),
        ),
        template="part",
        rows=rows,
        act=act,
        already=lambda: _of(queries.invoice_for(actor, invoice_id)),
        invoice=invoice,
    )


def _of(invoice: Invoice) -> str:
    """Where its open dispute is looked at; or the invoice, if there is none."""
    if invoice.open_dispute is not None:
        return _to(invoice.open_dispute)
    return url_for("invoices.show", invoice_id=invoice.id)


def _to(made: Dispute) -> str:
    return url_for("invoices.show_dispute", dispute_id=made.id)


@bp.get("/disputes/<int:dispute_id>")
@audience(Permission.SEE_INVOICES)
def show_dispute(dispute_id: int) -> str:
    """One dispute: where it stands, who has said what, and what it does to what is owed."""
    actor = acting()
    made = queries.dispute_for(actor, dispute_id)
    note = queries.credit_of_dispute(made)
    return render_template(
        "contracts/invoices/dispute.html",
        made=made,
        invoice=made.invoice,
        note=note,
        can_answer=queries.may_answer(actor, made),
        can_settle=queries.may_settle(actor, made),
        can_uphold=queries.may_uphold(actor, made),
    )


@bp.route("/disputes/<int:dispute_id>/answer", methods=["GET", "POST"])
@audience(Permission.ISSUE_CREDITS)
def answer(dispute_id: int) -> Answer:
    """The supplier says why the money is owed, or accepts that it is not."""
    actor, form = acting(), AnswerForm()
    made = queries.dispute_for(actor, dispute_id)
    _must_be_open(made, form)
    if not form.is_submitted():
        form.answer.data = made.answer

    def rows() -> Rows:
        if form.stance.data == "accept":
            note = queries.credit_of_dispute(made)
            return [
                ("Your answer", "What is disputed is not owed"),
                ("Credit note that stands", f"{note.number}, {pounds_exact(note.amount)}"),
            ]
        return [("Your answer", "It is owed"), ("Why", paragraphs(form.answer.data))]

    def act() -> str:
        if form.stance.data == "accept":
            actions.accept(made, actor=actor, now=clock.now())
            flash("You have accepted the dispute. The credit note stands.", "success")
        else:
            actions.answer(made, text=form.answer.data or "", actor=actor, now=clock.now())
            flash("You have answered. The lead commissioner has been told, and decides.", "success")
        return _to(made)

    return ask_and_check(
        form,
        Question(
            "Answer the dispute",
            "Send the answer",
            _to(made),
            ("If you accept the dispute, it is settled for good: what is disputed is not invoiced again.",)
            if form.stance.data == "accept"
            else ("You can change your answer until the dispute is decided.",),
        ),
        template="answer",
        rows=rows,
        act=act,
        already=lambda: _to(made),
        made=made,
    )


@bp.route("/disputes/<int:dispute_id>/settle", methods=["GET", "POST"])
@audience(Permission.DISPUTE_INVOICES)
def settle(dispute_id: int) -> Answer:
    """The lead commissioner decides; or whoever raised it gives it up."""
    actor = acting()
    made = queries.dispute_for(actor, dispute_id)
    decides = queries.may_uphold(actor, made)
    form = SettleForm.of(made, may_uphold=decides)
    _must_be_open(made, form)
    if made.status is DisputeStatus.OPEN and not queries.may_settle(actor, made):
        raise NotAllowed("A contract manager of the lead commissioner decides a dispute; who raised it may give it up.")

    def rows() -> Rows:
        owed = made.net - form.amount
        return [
            ("Disputed, before VAT", pounds_exact(made.net)),
            ("Not owed, stays credited", pounds_exact(form.amount)),
            ("Owed, invoiced again", pounds_exact(owed)),
            *([("Pay by", date_words(made.invoice.due_on))] if owed else []),
            ("Why", paragraphs(form.words.data)),
        ]

    def act() -> str:
        again = actions.settle(made, upheld=form.amount, words=form.words.data, actor=actor, now=clock.now())
        flash(f"The dispute is settled.{_what_comes(again)}", "success")
        return _to(made)

    return ask_and_check(
        form,
        Question(
            "Decide the dispute" if decides else "Give the dispute up",
            "Settle the dispute",
            _to(made),
            (
                "A dispute is settled once and for good. Both sides’ finance are told.",
                "What is owed after all is invoiced again under a number of its own, due when it was due at first.",
                *(("By deciding that it is owed you approve that invoice.",) if decides else ()),
            ),
        ),
        template="settle",
        rows=rows,
        act=act,
        already=lambda: _to(made),
        made=made,
        decides=decides,
    )


def _what_comes(again: Invoice | None) -> str:
    if again is None:
        return " The credit note stands."
    if again.status is InvoiceStatus.AWAITING_APPROVAL:
        return f" Invoice {again.number} asks for what is owed after all, and waits for approval."
    return f" Invoice {again.number} asks for what is owed after all."


def _must_be_open(made: Dispute, form: AnswerForm | SettleForm) -> None:
    if made.status is not DisputeStatus.OPEN and not form.is_submitted():
        raise AlreadyDone("This dispute is settled already.")
