"""Letters about invoices. The reasons that people typed stay on the pages: nobody knows what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from contracts.agreements.models import Agreement, GrantInstalment, ServiceLine
from contracts.invoices.models import (
    CreditNote,
    Deduction,
    Dispute,
    InstalmentUse,
    Invoice,
    ReconciledYear,
    SubcontractorPayment,
    Supplement,
)
from contracts.invoices.rules.granting import UseStatus
from marketplace import clock
from marketplace.access import Permission
from marketplace.accounts.letters import write_to
from marketplace.accounts.models import Person
from marketplace.accounts.queries import people_with
from marketplace.presentation import date_words


def to_approve(agreement: Agreement, invoices: Sequence[Invoice], *, now: datetime) -> None:
    """Tell the lead commissioner's contract managers that invoices wait for their approval."""
    _write(
        people_with(agreement.commissioner_id, Permission.APPROVE_INVOICES),
        f"invoices-to-approve:{max(one.id for one in invoices)}",
        f"Invoices to approve under {agreement.reference}",
        "to_approve",
        now=now,
        agreement=agreement,
        invoices=invoices,
    )


def invoice_sent(invoice: Invoice, *, now: datetime) -> None:
    """Tell the funder's finance people that an invoice is there to be paid."""
    _write(
        people_with(invoice.organisation_id, Permission.PAY_INVOICES),
        f"invoice-sent:{invoice.id}",
        f"Invoice {invoice.number} is ready to pay",
        "sent",
        now=now,
        invoice=invoice,
    )


def invoice_paid(invoice: Invoice, *, now: datetime) -> None:
    """Tell the supplier's finance people that the money is on its way: the remittance advice."""
    _write(
        people_with(invoice.agreement.supplier_id, Permission.SEE_INVOICES),
        f"invoice-paid:{invoice.id}",
        f"Invoice {invoice.number} has been paid",
        "paid",
        now=now,
        invoice=invoice,
        posted_on=clock.london(now).date(),
    )


def credited(note: CreditNote, invoice: Invoice, *, now: datetime) -> None:
    """Tell the finance of both sides of a credit note."""
    _write(
        _both_finances(invoice),
        f"credit-note:{note.id}",
        f"Credit note {note.number}",
        "credited",
        now=now,
        note=note,
        invoice=invoice,
    )


def refunded(note: CreditNote, invoice: Invoice, *, now: datetime) -> None:
    """Tell the finance of both sides that money has gone back."""
    _write(
        _both_finances(invoice),
        f"credit-refunded:{note.id}:{note.failed_refund or 'first'}",
        f"Money of credit note {note.number} has been given back",
        "refunded",
        now=now,
        note=note,
        invoice=invoice,
    )


def disputed(made: Dispute, invoice: Invoice, *, now: datetime) -> None:
    """Tell the supplier's finance, and the lead's contract managers who decide."""
    _write(
        [
            *people_with(invoice.agreement.supplier_id, Permission.ISSUE_CREDITS),
            *people_with(invoice.agreement.commissioner_id, Permission.APPROVE_INVOICES),
        ],
        f"disputed:{made.id}",
        f"Invoice {invoice.number} is disputed",
        "disputed",
        now=now,
        made=made,
        invoice=invoice,
    )


def answered(made: Dispute, invoice: Invoice, *, now: datetime) -> None:
    """Tell the lead's contract managers that the supplier has answered."""
    _write(
        people_with(invoice.agreement.commissioner_id, Permission.APPROVE_INVOICES),
        f"dispute-answered:{made.id}",
        f"The supplier has answered the dispute of invoice {invoice.number}",
        "answered",
        now=now,
        made=made,
        invoice=invoice,
    )


def settled(made: Dispute, invoice: Invoice, again: Invoice | None, *, now: datetime) -> None:
    """Tell the finance of both sides how a dispute ended, and of the invoice that asks again."""
    _write(
        _both_finances(invoice),
        f"dispute-settled:{made.id}",
        f"The dispute of invoice {invoice.number} is settled",
        "settled",
        now=now,
        made=made,
        invoice=invoice,
        again=again,
    )


def deducted(made: Deduction, line: ServiceLine, agreement: Agreement, *, now: datetime) -> None:
    """Tell the supplier's finance of a deduction, before any invoice takes it."""
    _write(
        people_with(agreement.supplier_id, Permission.ISSUE_CREDITS),
        f"deducted:{made.id}",
        f"A deduction under {agreement.reference}",
        "deducted",
        now=now,
        made=made,
        line=line,
        agreement=agreement,
    )


def deduction_withdrawn(made: Deduction, agreement: Agreement, left: Decimal, *, now: datetime) -> None:
    """Tell the supplier's finance that what is left of a deduction is not taken."""
    _write(
        people_with(agreement.supplier_id, Permission.ISSUE_CREDITS),
        f"deduction-withdrawn:{made.id}",
        f"A deduction under {agreement.reference} was withdrawn",
        "deduction_withdrawn",
        now=now,
        made=made,
        left=left,
        agreement=agreement,
    )


def supplemented(made: Supplement, agreement: Agreement, *, now: datetime) -> None:
    """Tell the supplier that more is invoiced for it, which the lead commissioner has approved."""
    _write(
        _of_supplier(agreement),
        f"supplemented:{made.id}",
        f"More is invoiced under {agreement.reference}",
        "supplemented",
        now=now,
        made=made,
        agreement=agreement,
    )


def year_to_approve(agreement: Agreement, years: Sequence[ReconciledYear], *, now: datetime) -> None:
    """Tell both sides that a contract year is worked out, and the lead's contract managers that it waits for them."""
    _of_year(agreement, years, "year-to-approve", "is worked out and waits for approval", "year_to_approve", now=now)


def reconciled(agreement: Agreement, years: Sequence[ReconciledYear], *, now: datetime) -> None:
    """Tell both sides that a contract year is approved, and reconciled."""
    _of_year(agreement, years, "reconciled", "is reconciled", "reconciled", now=now)


def _of_year(
    agreement: Agreement, years: Sequence[ReconciledYear], key: str, words: str, template: str, *, now: datetime
) -> None:
    bodies = {agreement.commissioner_id, *(funder.organisation_id for funder in agreement.funders)}
    _write(
        [
            *people_with(agreement.supplier_id, Permission.SEE_INVOICES),
            *(person for body in sorted(bodies) for person in people_with(body, Permission.SEE_INVOICES)),
        ],
        f"{key}:{agreement.id}:{years[0].first}:{years[0].id}",
        f"The contract year of {agreement.reference} {words}",
        template,
        now=now,
        agreement=agreement,
        first=years[0].first,
        last=years[0].last,
    )


def claimed(made: GrantInstalment, agreement: Agreement, *, now: datetime) -> None:
    """Tell the lead's contract managers that a milestone is claimed."""
    _write(
        people_with(agreement.commissioner_id, Permission.APPROVE_INVOICES),
        f"instalment-claimed:{made.id}:{made.claimed_at}",
        f"An instalment of grant {agreement.reference} is claimed",
        "claimed",
        now=now,
        made=made,
        agreement=agreement,
    )


def claim_sent_back(made: GrantInstalment, agreement: Agreement, *, now: datetime) -> None:
    """Tell the supplier that the milestone is not seen as reached."""
    _write(
        _of_supplier(agreement),
        f"instalment-sent-back:{made.id}:{made.claimed_at}",
        f"An instalment of grant {agreement.reference} was not accepted",
        "claim_sent_back",
        now=now,
        made=made,
        agreement=agreement,
    )


def accepted(made: GrantInstalment, agreement: Agreement, *, now: datetime) -> None:
    """Tell the supplier that the instalment is invoiced."""
    _write(
        _of_supplier(agreement),
        f"instalment-accepted:{made.id}",
        f"An instalment of grant {agreement.reference} was accepted",
        "accepted",
        now=now,
        made=made,
        agreement=agreement,
    )


def use_reported(use: InstalmentUse, agreement: Agreement, *, now: datetime) -> None:
    """Tell the lead's contract managers that the use of an instalment is reported."""
    _write(
        people_with(agreement.commissioner_id, Permission.APPROVE_INVOICES),
        f"use-reported:{use.id}",
        f"The use of an instalment of grant {agreement.reference} is reported",
        "use_reported",
        now=now,
        use=use,
        agreement=agreement,
    )


def use_due(made: GrantInstalment, agreement: Agreement, *, by: date, is_late: bool, now: datetime) -> None:
    """Tell the grant holder that an instalment is to be reported on by a day, or was. Once each."""
    when = "is late" if is_late else f"is due by {date_words(by)}"
    _write(
        _of_supplier(agreement),
        f"use-due:{made.id}:{by}:{'late' if is_late else 'due'}",
        f"The report of use of grant {agreement.reference} {when}",
        "use_due",
        now=now,
        made=made,
        agreement=agreement,
        by=by,
        is_late=is_late,
    )


def use_decided(use: InstalmentUse, agreement: Agreement, *, now: datetime) -> None:
    """Tell the grant holder that its report of use is accepted, or that there is a question."""
    is_accepted = use.status is UseStatus.ACCEPTED
    _write(
        _of_supplier(agreement),
        f"use-decided:{use.id}",
        f"{'Your report of use is accepted' if is_accepted else 'A question about your report of use'}: "
        f"grant {agreement.reference}",
        "use_decided",
        now=now,
        use=use,
        is_accepted=is_accepted,
        agreement=agreement,
    )


def chain_corrected(made: SubcontractorPayment, agreement: Agreement, *, now: datetime) -> None:
    """Tell the lead's contract managers that the supplier has corrected what it had confirmed."""
    _write(
        people_with(agreement.commissioner_id, Permission.APPROVE_INVOICES),
        f"chain-corrected:{made.id}",
        f"A payment to the supply chain of {agreement.reference} was corrected",
        "chain_corrected",
        now=now,
        made=made,
        agreement=agreement,
    )


def chain_paid_late(made: SubcontractorPayment, agreement: Agreement, *, now: datetime) -> None:
    """Tell the lead's contract managers that a member of the supply chain was paid late."""
    _write(
        people_with(agreement.commissioner_id, Permission.APPROVE_INVOICES),
        f"chain-paid-late:{made.id}",
        f"The supply chain of {agreement.reference} was paid late",
        "chain_paid_late",
        now=now,
        made=made,
        agreement=agreement,
    )


def _of_supplier(agreement: Agreement) -> list[Person]:
    return [
        *people_with(agreement.supplier_id, Permission.ISSUE_CREDITS),
        *people_with(agreement.supplier_id, Permission.MANAGE_DELIVERY),
    ]


def _both_finances(invoice: Invoice) -> list[Person]:
    return [
        *people_with(invoice.agreement.supplier_id, Permission.ISSUE_CREDITS),
        *people_with(invoice.organisation_id, Permission.PAY_INVOICES),
    ]


def _write(people: Iterable[Person], key: str, subject: str, template: str, *, now: datetime, **context: Any) -> None:
    write_to(people, key=key, subject=subject, template=f"emails/invoices/{template}.txt", now=now, **context)
