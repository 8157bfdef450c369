"""The tables of invoices, by subject; everything is found here by its name."""

from __future__ import annotations

from contracts.invoices.models.documents import CreditNote, Dispute, Invoice, InvoiceDocument, InvoiceLine
from contracts.invoices.models.granting import InstalmentUse
from contracts.invoices.models.parties import InvoiceAddress, PurchaseOrder, SubcontractorPayment, VatStatus
from contracts.invoices.models.reckoning import Deduction, ReconciledSpan, ReconciledYear, Supplement

__all__ = [
    "CreditNote",
    "Deduction",
    "Dispute",
    "InstalmentUse",
    "Invoice",
    "InvoiceAddress",
    "InvoiceDocument",
    "InvoiceLine",
    "PurchaseOrder",
    "ReconciledSpan",
    "ReconciledYear",
    "SubcontractorPayment",
    "Supplement",
    "VatStatus",
]
