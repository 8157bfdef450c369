"""Letters about being paid: to suppliers whether they can be, to both sides when a bank takes a payment back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

from contracts.invoices.models import Invoice
from contracts.payments.models import Chargeback, ReceivingAccount, Reconciliation, Recovery
from marketplace.access import Permission
from marketplace.accounts.letters import write_to
from marketplace.accounts.models import Organisation, Person
from marketplace.accounts.queries import framework_teams, people_with
from marketplace.adapters.payments.records import PaymentRefund
from marketplace.presentation import plural, pounds_exact


def invoices_wait(supplier: Organisation, account: ReceivingAccount | None, *, now: datetime) -> None:
    """Tell the supplier’s finance people that invoices wait until it can be paid; once for how their account stands."""
    standing = "none" if account is None else account.status.value
    write_to(
        people_with(supplier.id, Permission.RECEIVE_PAYMENTS),
        key=f"invoices-wait:{supplier.id}:{standing}",
        subject="Invoices wait until you can be paid",
        template="emails/payments/invoices_wait.txt",
        now=now,
        account=account,
    )


def can_be_paid(account: ReceivingAccount, *, now: datetime) -> None:
    """Tell the supplier's finance people that payments reach them from now on."""
    _about(account, "can-be-paid", "You can be paid", "emails/payments/can_be_paid.txt", now=now)


def cannot_be_paid(account: ReceivingAccount, *, now: datetime) -> None:
    """Tell the supplier's finance people that payments cannot reach them, and what the provider wants to know."""
    subject = "The payment provider cannot pay you"
    _about(account, "cannot-be-paid", subject, "emails/payments/cannot_be_paid.txt", now=now)


def _about(account: ReceivingAccount, key: str, subject: str, template: str, *, now: datetime) -> None:
    write_to(
        people_with(account.organisation_id, Permission.RECEIVE_PAYMENTS),
        key=f"{key}:{account.id}:{account.as_of:%Y%m%d%H%M%S}",
        subject=subject,
        template=template,
        now=now,
        account=account,
    )


def chargeback(chargeback: Chargeback, invoice: Invoice, *, now: datetime) -> None:
    """Tell both finances that a bank takes a payment back, and how that was decided."""
    write_to(
        _both(invoice),
        key=f"chargeback:{chargeback.id}:{chargeback.status.value}",
        subject=f"Payment of invoice {invoice.number}: {chargeback.status.label.lower()}",
        template="emails/payments/chargeback.txt",
        now=now,
        chargeback=chargeback,
        invoice=invoice,
    )


def recovered(recovery: Recovery, invoice: Invoice, *, now: datetime) -> None:
    """Tell the supplier's finance people what was taken from their account, and why."""
    write_to(
        people_with(invoice.agreement.supplier_id, Permission.RECEIVE_PAYMENTS),
        key=f"recovered:{recovery.id}",
        subject=f"{pounds_exact(recovery.amount)} was taken back from your account for invoice {invoice.number}",
        template="emails/payments/recovered.txt",
        now=now,
        recovery=recovery,
        invoice=invoice,
    )


def refund_failed(invoice: Invoice, refund: PaymentRefund, *, now: datetime) -> None:
    """Tell both finances that money could not be given back."""
    write_to(
        _both(invoice),
        key=f"refund-failed:{refund.id}",
        subject=f"Money could not be given back for invoice {invoice.number}",
        template="emails/payments/refund_failed.txt",
        now=now,
        refund=refund,
        invoice=invoice,
    )


def differences(run: Reconciliation, new: int, *, now: datetime) -> None:
    """Tell the framework team how many differences the night's comparison has found that were not there before."""
    people = chain.from_iterable(people_with(team.id, Permission.SEE_PAYMENT_DIFFERENCES) for team in framework_teams())
    write_to(
        people,
        key=f"payment-differences:{run.id}",
        subject=f"{plural(new, 'new difference')} between the payment provider’s books and ours",
        template="emails/payments/differences.txt",
        now=now,
        run=run,
    )


def _both(invoice: Invoice) -> Iterable[Person]:
    funder = people_with(invoice.organisation_id, Permission.PAY_INVOICES)
    return chain(funder, people_with(invoice.agreement.supplier_id, Permission.RECEIVE_PAYMENTS))
