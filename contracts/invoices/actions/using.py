"""What became of a grant's instalments: reported, asked about, accepted; and what is unspent owed back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, GrantInstalment
from contracts.agreements.rules.instalments import InstalmentStatus
from contracts.invoices import letters, queries
from contracts.invoices.actions.crediting import give_credit
from contracts.invoices.actions.making import hold
from contracts.invoices.models import CreditNote, InstalmentUse
from contracts.invoices.rules import CreditKind
from contracts.invoices.rules.granting import USE_MOVES, UseStatus, given_back
from marketplace import audit
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.presentation import pounds_exact


def report_use(
    made: GrantInstalment,
    *,
    spent: Decimal,
    what: str,
    shown_by: str | None,
    actor: Actor,
    now: datetime,
) -> InstalmentUse:
    """The grant holder says how much of an accepted instalment it has spent, on what, and what shows it.

    Refused for others, before the instalment is accepted, while another report waits or once one is accepted, and
    where more would be spent than was invoiced for it less what was credited.
    """
    hold_contract(made.agreement_id)
    db.session.refresh(made)
    agreement = made.agreement
    if not queries.may_claim(actor, agreement):
        raise NotAllowed("The supplier reports what an instalment was used for.")
    if made.status is not InstalmentStatus.ACCEPTED:
        raise Refused("An instalment is reported on once it has been accepted.")
    before = queries.use_of(made.id)
    if before is not None and before.status is not UseStatus.ASKED:
        raise AlreadyDone("The use of this instalment is reported already.")
    if not what.strip():
        raise Invalid("Say what it was spent on and what that did", field="what")
    received = queries.received_for(made.id)
    if not 0 <= spent <= received:
        raise Invalid(f"Enter an amount from £0 to {pounds_exact(received)}, which was invoiced for it", field="spent")
    use = InstalmentUse(
        instalment_id=made.id,
        agreement_id=agreement.id,
        status=UseStatus.SENT,
        received=received,
        spent=spent,
        what=what.strip(),
        shown_by=(shown_by or "").strip() or None,
        reported_at=now,
        reported_by=actor.person,
    )
    db.session.add(use)
    db.session.flush()
    audit.record(
        f"Reported the use of instalment {made.number}", agreement, actor=actor, now=now, spent=str(spent), use=use.id
    )
    letters.use_reported(use, agreement, now=now)
    return use


def ask_about_use(use: InstalmentUse, *, question: str, actor: Actor, now: datetime) -> None:
    """The lead commissioner does not accept it as it is, and says what it asks. The grant holder reports again."""
    agreement = _deciding(use, UseStatus.ASKED, actor)
    if not question.strip():
        raise Invalid("Say what you ask", field="question")
    use.question = question.strip()
    use.status, use.decided_at, use.decided_by = UseStatus.ASKED, now, actor.person
    db.session.flush()
    audit.record(f"Asked about the use of instalment {use.instalment.number}", agreement, actor=actor, now=now)
    letters.use_decided(use, agreement, now=now)


def accept_use(use: InstalmentUse, *, actor: Actor, now: datetime) -> list[CreditNote]:
    """The lead commissioner accepts it. What is unspent is owed back: a credit note on each invoice of the instalment.

    What an invoice still asks for is then less by that; what was paid already goes back to its funder. Refused where
    an invoice is in dispute, or was credited since the report.
    """
    agreement = _deciding(use, UseStatus.ACCEPTED, actor)
    made = use.instalment
    invoices = queries.invoices_to_give_back(made.id)
    for invoice in invoices:
        hold(invoice)
        if invoice.open_dispute is not None:
            raise Refused(f"Invoice {invoice.number} is in dispute: settle that first.")
    left = [one.creditable_net for one in invoices]
    if sum(left, Decimal(0)) != use.received:
        raise Refused("Invoices of this instalment were credited since the report. Ask for another report.")
    use.status, use.decided_at, use.decided_by = UseStatus.ACCEPTED, now, actor.person
    db.session.flush()
    audit.record(
        f"Accepted the use of instalment {made.number}", agreement, actor=actor, now=now, unspent=str(use.unspent)
    )
    notes = []
    for invoice, amount in zip(invoices, given_back(use.unspent, left), strict=True):
        if amount:
            reason = f"Not spent of instalment {made.number}, {pounds_exact(use.unspent)} in all"
            note = give_credit(invoice, amount, kind=CreditKind.UNSPENT, reason=reason, actor=actor, now=now)
            letters.credited(note, invoice, now=now)
            notes.append(note)
    letters.use_decided(use, agreement, now=now)
    return notes


def _deciding(use: InstalmentUse, to: UseStatus, actor: Actor) -> Agreement:
    """The contract held, the report read afresh, and who decides it known."""
    hold_contract(use.agreement_id)
    db.session.refresh(use)
    agreement = use.instalment.agreement
    actor.must(Permission.APPROVE_INVOICES)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("A contract manager of the lead commissioner accepts what an instalment was used for.")
    if to not in USE_MOVES[use.status]:
        raise AlreadyDone("This report does not wait for an answer any more.")
    return agreement
