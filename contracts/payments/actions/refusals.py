"""Why the provider has not done something yet: in words that may be shown to anybody, once in the history."""

from __future__ import annotations

from datetime import datetime

from contracts.invoices.models import CreditNote, Invoice
from contracts.payments.models import Recovery
from marketplace import audit
from marketplace.access import SYSTEM
from marketplace.adapters.payments.records import PaymentsFailed


def refusal(failure: PaymentsFailed) -> str:
    """Why the provider did not do it: by its code, because its own words may name keys and people; ours as they are."""
    if failure.status is None and failure.code is None:
        return f"The payment provider refused it: {failure}"
    return f"The payment provider refused it ({failure.code or failure.status})."


def keep_words(
    waiting: Invoice | CreditNote | Recovery,
    words: str,
    failure: PaymentsFailed | None,
    *,
    what: str,
    invoice: Invoice,
    now: datetime,
) -> None:
    """Keep why something waits, and put `what` into the invoice's history if that is new."""
    words = words[:300]
    if waiting.last_error != words:
        code = {"code": failure.code, "status": failure.status} if failure else {}
        audit.record(what, invoice, actor=SYSTEM, now=now, **code)
    waiting.last_error = words
