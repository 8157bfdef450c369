"""Letters about invoices: to the funder when there is one to pay, to the supplier when one was paid."""

from __future__ import annotations

from datetime import datetime

from contracts.invoices.models import Invoice
from marketplace.access import Permission
from marketplace.accounts.letters import write_to
from marketplace.accounts.queries import people_with


def invoice_sent(invoice: Invoice, *, now: datetime) -> None:
    """Tell the funder's finance people that an invoice is there to be paid."""
    write_to(
        people_with(invoice.organisation_id, Permission.PAY_INVOICES),
        key=f"invoice-sent:{invoice.id}",
        subject=f"Invoice {invoice.number} is ready to pay",
        template="emails/invoices/sent.txt",
        now=now,
        invoice=invoice,
    )


def invoice_paid(invoice: Invoice, *, now: datetime) -> None:
    """Tell the supplier's finance people that the money is on its way."""
    write_to(
        people_with(invoice.agreement.supplier_id, Permission.SEE_INVOICES),
        key=f"invoice-paid:{invoice.id}",
        subject=f"Invoice {invoice.number} has been paid",
        template="emails/invoices/paid.txt",
        now=now,
        invoice=invoice,
    )
