"""What is done with invoices, by subject; everything is found here by its name."""

from __future__ import annotations

from contracts.invoices.actions.crediting import credit, reissue, reissue_voided
from contracts.invoices.actions.deducting import deduct, withdraw_deduction
from contracts.invoices.actions.disputing import accept, answer, dispute, settle
from contracts.invoices.actions.granting import (
    accept_claim,
    claim_instalment,
    plan_instalment,
    remove_instalment,
    send_back_claim,
)
from contracts.invoices.actions.making import document_made
from contracts.invoices.actions.parties import (
    confirm_payment,
    correct_payment,
    enter_purchase_order,
    give_address,
    state_vat,
)
from contracts.invoices.actions.raising import raise_invoices
from contracts.invoices.actions.reconciling import approve_year, reconcile_years
from contracts.invoices.actions.settling import (
    approve,
    charged_back,
    credit_refunded,
    credit_sent,
    given_back_elsewhere,
    paid,
    paid_elsewhere,
    refund_failed,
    sent,
    voided,
)
from contracts.invoices.actions.supplementing import supplement
from contracts.invoices.actions.using import accept_use, ask_about_use, report_use

__all__ = [
    "accept",
    "accept_claim",
    "accept_use",
    "answer",
    "approve",
    "approve_year",
    "ask_about_use",
    "charged_back",
    "claim_instalment",
    "confirm_payment",
    "correct_payment",
    "credit",
    "credit_refunded",
    "credit_sent",
    "deduct",
    "dispute",
    "document_made",
    "enter_purchase_order",
    "give_address",
    "given_back_elsewhere",
    "paid",
    "paid_elsewhere",
    "plan_instalment",
    "raise_invoices",
    "reconcile_years",
    "refund_failed",
    "reissue",
    "reissue_voided",
    "remove_instalment",
    "report_use",
    "send_back_claim",
    "sent",
    "settle",
    "state_vat",
    "supplement",
    "voided",
    "withdraw_deduction",
]
