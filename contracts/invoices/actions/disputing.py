"""Disputes: what is disputed is credited at once; what turns out to be owed is invoiced again (docs/decisions)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from contracts.invoices import letters, queries
from contracts.invoices.actions.crediting import give_credit, invoice_again, parts_of
from contracts.invoices.actions.making import hold, must_be_as_seen
from contracts.invoices.actions.settling import approve_held
from contracts.invoices.models import Dispute, Invoice
from contracts.invoices.rules import DISPUTE_MOVES, CreditKind, DisputeStatus, InvoiceStatus
from marketplace import audit
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def dispute(
    invoice: Invoice, *, amount: Decimal | None, reason: str, actor: Actor, now: datetime, seen: int | None = None
) -> Dispute:
    """A funder (or the lead commissioner) says that an invoice, or so much of it before VAT, is not owed.

    That much is credited at once, so that what is not disputed can be approved and paid in time. Refused for others,
    without a reason, for more than is left to pay of it (what a bank did not take back stays paid), while another
    dispute is open, and once it is paid. `seen` is how many credit notes it had when they decided: refused where it has
    another number by now.
    """
    hold(invoice)
    refused = queries.why_not_dispute(actor, invoice)
    if refused is not None:
        raise refused
    must_be_as_seen(invoice, seen)
    if not reason.strip():
        raise Invalid("Say what is wrong with the invoice", field="reason")
    most = invoice.disputable_net
    net = most if amount is None else amount
    if not Decimal(0) < net <= most:
        raise Invalid(
            f"Enter an amount of no more than {pounds_exact(most)}, which is what is left before VAT",
            field="amount",
        )
    made = Dispute(
        status=DisputeStatus.OPEN,
        net=net,
        is_whole=net == most,
        reason=reason.strip(),
        raised_at=now,
        raised_by=actor.person,
    )
    invoice.disputes.append(made)
    db.session.flush()
    what = "all that is left" if made.is_whole else pounds_exact(net)
    give_credit(
        invoice,
        net,
        kind=CreditKind.DISPUTE,
        reason=f"Disputed: {made.reason}",
        actor=actor,
        now=now,
        dispute=made,
    )
    audit.record(f"Disputed {what}", invoice, actor=actor, now=now, net=str(net))
    letters.disputed(made, invoice, now=now)
    return made


def answer(made: Dispute, *, text: str, actor: Actor, now: datetime) -> None:
    """The supplier says why it holds that the money is owed. May be changed until the dispute is settled."""
    _hold(made)
    if not queries.may_credit(actor, made.invoice):
        raise NotAllowed("The supplier’s finance answers a dispute.")
    if not text.strip():
        raise Invalid("Say why the money is owed", field="answer")
    made.answer, made.answered_at, made.answered_by = text.strip(), now, actor.person
    db.session.flush()
    audit.record("Answered the dispute", made.invoice, actor=actor, now=now)
    letters.answered(made, made.invoice, now=now)


def accept(made: Dispute, *, actor: Actor, now: datetime) -> None:
    """The supplier accepts that what is disputed is not owed: the credit note stands."""
    _hold(made)
    if not queries.may_credit(actor, made.invoice):
        raise NotAllowed("The supplier’s finance accepts a dispute.")
    _settle(made, made.net, words="The supplier accepts it.", actor=actor, now=now)


def settle(made: Dispute, *, upheld: Decimal, words: str, actor: Actor, now: datetime) -> Invoice | None:
    """The lead commissioner decides how much of it was right, before VAT: all, part or nothing; and why.

    What was not right is invoiced again, due when it was due at first. Whoever raised the dispute may give it up, but
    somebody else decides that it was right. The new invoice, if there is one.
    """
    _hold(made)
    if not queries.may_settle(actor, made):
        raise NotAllowed("A contract manager of the lead commissioner decides a dispute.")
    if not Decimal(0) <= upheld <= made.net:
        raise Invalid(f"Enter an amount of no more than {pounds_exact(made.net)}", field="upheld")
    if upheld and not queries.may_uphold(actor, made):
        raise NotAllowed("You raised this dispute, so somebody else decides whether it was right. You can give it up.")
    if not words.strip():
        raise Invalid("Say why you decide so", field="words")
    return _settle(made, upheld, words=words.strip(), actor=actor, now=now)


def _hold(made: Dispute) -> None:
    hold(made.invoice)
    db.session.refresh(made)
    if made.status is not DisputeStatus.OPEN:
        raise AlreadyDone("This dispute is settled already.")


def _settle(made: Dispute, upheld: Decimal, *, words: str, actor: Actor, now: datetime) -> Invoice | None:
    status = DisputeStatus.UPHELD if upheld == made.net else DisputeStatus.PARTLY_UPHELD
    status = status if upheld else DisputeStatus.NOT_UPHELD
    if status not in DISPUTE_MOVES[made.status]:
        raise AlreadyDone("This dispute is settled already.")
    invoice = made.invoice
    made.status, made.upheld_net, made.outcome = status, upheld, words
    made.settled_at, made.settled_by = now, actor.person
    db.session.flush()
    audit.record(f"Dispute settled: {status.label.lower()}", invoice, actor=actor, now=now, upheld=str(upheld))
    again = _owed_after_all(made, upheld, actor=actor, now=now) if upheld < made.net else None
    letters.settled(made, invoice, again, now=now)
    return again


def _owed_after_all(made: Dispute, upheld: Decimal, *, actor: Actor, now: datetime) -> Invoice:
    invoice = made.invoice
    note = queries.credit_of_dispute(made)
    again = invoice_again(
        invoice,
        parts_of(invoice, made.net - upheld),
        vat=None if upheld else note.vat,
        due_on=invoice.due_on,
        actor=actor,
        now=now,
    )
    note.reissued_as_id = again.id
    db.session.flush()
    if again.status is InvoiceStatus.AWAITING_APPROVAL and queries.may_approve(actor, again):
        # Who decides that it is owed has approved it.
        approve_held(again, actor=actor, now=now)
    else:
        letters.to_approve(again.agreement, [again], now=now)
    return again
