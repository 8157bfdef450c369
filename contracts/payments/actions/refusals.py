"""The provider's refusals in words that may be shown to anybody."""

from __future__ import annotations

from marketplace.adapters.payments.records import PaymentsFailed


def refusal(failure: PaymentsFailed) -> str:
    """Why the provider did not do it: by its code, because its own words may name keys and people; ours as they are."""
    if failure.status is None and failure.code is None:
        return f"The payment provider refused it: {failure}"
    return f"The payment provider refused it ({failure.code or failure.status})."
