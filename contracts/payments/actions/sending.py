"""Sending invoices to the payment provider, and taking over how they stand there.

Everything here may run twice: the provider is asked with our own number as the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.invoices import actions as invoices
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments import letters
from contracts.payments.actions.receiving import take_account
from contracts.payments.actions.refusals import keep_words, refusal
from contracts.payments.actions.taking_back import tell_of_chargebacks, undo_what_is_lost
from contracts.payments.models import PaymentAccount, ReceivingAccount
from contracts.payments.queries import receiving_account
from contracts.payments.rules import LONGEST_WAIT, SHORTEST_WAIT, AccountStatus, wait_after
from marketplace import audit, clock
from marketplace.access import SYSTEM, Permission
from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import people_with
from marketplace.adapters.payments.records import (
    AskedCredit,
    PaymentInvoice,
    PaymentLine,
    PaymentsFailed,
    PaymentsRefused,
    PaymentsTemporaryFailure,
)
from marketplace.adapters.payments.records import InvoiceStatus as ProviderStatus
from marketplace.adapters.payments.stripe import Payments
from marketplace.extensions import db

# The provider's word for a supplier's account that has become unable to be paid.
UNABLE = "insufficient_capabilities_for_transfer"

# Stripe's "uncollectible" is its bookkeeping: the funder owes the invoice all the same, and may still pay it.
STANDING = {
    ProviderStatus.OPEN: InvoiceStatus.OPEN,
    ProviderStatus.UNCOLLECTIBLE: InvoiceStatus.OPEN,
    ProviderStatus.PAID: InvoiceStatus.PAID,
    ProviderStatus.VOID: InvoiceStatus.VOID,
}


def due_there(due_on: date, on: datetime) -> datetime:
    """The last second of the day by which it is to be paid; of tomorrow where that day is over: it must be to come."""
    return clock.ends(max(due_on, clock.london(on).date() + timedelta(days=1))) - timedelta(seconds=1)


def begin_to_send(invoice_ids: Sequence[int]) -> dict[int, bool]:
    """Note, and commit before anything is asked, that these invoices are on their way; not those in others' hands.

    Gives for each whether it is the first time. If not, the provider may know something that we do not: an earlier
    run may have been killed after it had asked.
    """
    free = select(Invoice.id).where(Invoice.id.in_(invoice_ids), Invoice.status == InvoiceStatus.DRAFT)
    began = db.session.execute(
        update(Invoice)
        .where(Invoice.id.in_(free.with_for_update(skip_locked=True)))
        .values(attempts=Invoice.attempts + 1)
        .returning(Invoice.id, Invoice.attempts)
    )
    return {key: attempts == 1 for key, attempts in began}


def send_invoice(invoice: Invoice, *, payments: Payments, now: datetime, first: bool = False) -> None:
    """Hand the invoice to the payment provider, which asks the funder for the money and passes it on to the supplier.

    Unless this is the `first` time, the provider is asked what it has of the invoice already. The invoice waits until
    somebody at the funder can pay it (their address is where the provider writes to) and the supplier can be paid. A
    failure that may pass is tried again, later each time; a refusal is kept where people see it and tried again after
    the longest wait, because what it names (a setting, an address) is mended by a person.
    """
    if invoice.status is not InvoiceStatus.DRAFT:
        return
    funder, supplier = invoice.organisation, invoice.agreement.supplier
    payers = people_with(funder.id, Permission.PAY_INVOICES)
    if not payers:
        words = f"Nobody at {funder.name} has the finance role yet, so nobody can be asked to pay."
        _not_sent(invoice, words, again_in=SHORTEST_WAIT, now=now)
        return
    account = receiving_account(supplier.id)
    if account is None or account.provider_id is None or account.status is not AccountStatus.ABLE:
        words = f"{supplier.name} cannot be paid through the payment provider yet. It is sent as soon as they can."
        _not_sent(invoice, words, again_in=LONGEST_WAIT, now=now)
        letters.invoices_wait(supplier, account, now=now)
        return
    try:
        sent = payments.raise_invoice(
            customer_id=_customer(funder, email=payers[0].email, payments=payments),
            due=due_there(invoice.due_on, now),
            account_id=account.provider_id,
            reference=invoice.payment_reference,
            lines=[PaymentLine(text, amount) for text, amount in invoice.asked],
            credits=[AskedCredit(one.payment_reference, one.amount, one.memo) for one in invoice.credit_notes],
            asked_since=None if first else invoice.raised_at,
            description=f"Invoice {invoice.number}, {invoice.agreement.title}",
            metadata={"contract": invoice.agreement.reference},
        )
    except PaymentsTemporaryFailure as failure:
        words, wait = "The payment provider did not answer.", wait_after(invoice.attempts)
        _not_sent(invoice, words, again_in=wait, now=now, failure=failure)
    except PaymentsRefused as failure:
        _not_sent(invoice, refusal(failure), again_in=LONGEST_WAIT, now=now, failure=failure)
        if failure.code == UNABLE:
            _ask_again(account, payments=payments, now=now)
    else:
        if not take(sent, invoice, at=now, now=now):
            invoice.next_attempt_at = now + LONGEST_WAIT
    db.session.flush()


def _not_sent(
    invoice: Invoice, words: str, *, again_in: timedelta, now: datetime, failure: PaymentsFailed | None = None
) -> None:
    keep_words(invoice, words, failure, what="Could not be sent yet", invoice=invoice, now=now)
    invoice.next_attempt_at = now + again_in


def _ask_again(account: ReceivingAccount, *, payments: Payments, now: datetime) -> None:
    """The provider no longer pays to an account that we think it does: its word is newer than what we know."""
    try:
        take_account(payments.account(account.provider_id or ""), at=now, now=now)
    except PaymentsFailed:
        return  # the nightly comparison asks for it again


def _customer(funder: Organisation, *, email: str, payments: Payments) -> str:
    """The funder's customer at the provider, which writes to whoever pays for the funder now."""
    account = db.session.get(PaymentAccount, funder.id)
    if account is not None:
        if (account.name, account.email) != (funder.name, email):
            payments.update_customer(account.provider_id, name=funder.name, email=email)
            account.name, account.email = funder.name, email
        return account.provider_id
    made = payments.ensure_customer(reference=str(funder.id), name=funder.name, email=email)
    # Two workers may send this funder's first two invoices at once: both have the same customer, one keeps it.
    db.session.execute(
        insert(PaymentAccount)
        .values(organisation_id=funder.id, provider_id=made.id, name=funder.name, email=email)
        .on_conflict_do_nothing(index_elements=["organisation_id"])
    )
    return db.session.get_one(PaymentAccount, funder.id, populate_existing=True).provider_id


def take(told: PaymentInvoice, invoice: Invoice, *, at: datetime, now: datetime) -> bool:
    """Take over how the invoice stands at the provider, which may be older than what we know already.

    Not taken over: a draft that is still being filled, another invoice under our number, another amount. The last two
    are kept for people to see. Whether it is (or was before) taken over.
    """
    standing = STANDING.get(told.status)
    if standing is None:
        return False
    if told.total != invoice.amount or invoice.provider_id not in (None, told.id):
        words = f"The payment provider has another invoice with this number, over £{told.total:,.2f}."
        if invoice.last_error != words:
            audit.record("The provider's invoice does not match", invoice, actor=SYSTEM, now=now)
            invoice.last_error = words
        return False
    if invoice.provider_id is None:
        invoice.provider_id, invoice.payment_url, invoice.sent_at = told.id, told.hosted_url, now
        tell_of_chargebacks(now=now)
    invoice.last_error = None
    if standing is InvoiceStatus.OPEN:
        invoices.sent(invoice, now=now)
    elif standing is InvoiceStatus.VOID:
        invoices.voided(invoice, now=now)
    elif told.amount_paid:
        invoices.paid(invoice, at=told.paid or at, amount=told.amount_paid, now=now)
        undo_what_is_lost(invoice, now=now)
    # Else it counts as paid there because all of it was credited: our own credit notes say so here.
    return True
