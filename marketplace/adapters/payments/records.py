"""What passes between us and the payment provider, in our words: pounds as Decimal, times aware in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class PaymentsFailed(Exception):
    """The payment provider did not do what was asked. `code` is its own word for why, where it gives one."""

    def __init__(self, words: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.status = status


class PaymentsTemporaryFailure(PaymentsFailed):
    """No answer, too busy, or out of order. It may have happened or not: ask again with the same key, which is safe."""


class PaymentsRefused(PaymentsFailed):
    """The provider understood and says no; asking again changes nothing."""


class PaymentsNotFound(PaymentsRefused):
    """The provider knows no such thing."""


class PaymentsMisconfigured(PaymentsRefused):
    """Our key is wrong or may not do this: a person must mend the settings."""


class SignatureRefused(Exception):
    """What arrived at the webhook is not signed by the provider, or was signed too long ago."""


class InvoiceStatus(StrEnum):
    """Where an invoice stands at the provider."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


@dataclass(frozen=True)
class PaymentCustomer:
    """A commissioning body as the provider knows it."""

    id: str
    reference: str | None
    name: str | None
    email: str | None


@dataclass(frozen=True)
class PaymentLine:
    """One line of an invoice: what it is for and how much, in pounds; below nought to give money back."""

    description: str
    amount: Decimal


@dataclass(frozen=True)
class PaymentInvoice:
    """An invoice as it stood at the provider when we asked."""

    id: str
    status: InvoiceStatus
    customer_id: str | None
    reference: str | None
    number: str | None
    currency: str
    amount_due: Decimal
    amount_paid: Decimal
    amount_remaining: Decimal
    hosted_url: str | None
    created: datetime
    due: datetime | None
    finalised: datetime | None
    paid: datetime | None
    voided: datetime | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaymentEvent:
    """Something that happened at the provider. `invoice` is the invoice as it was then, if it is about one.

    Events may come late, twice and out of order: know them by `id`, and where it matters ask for the invoice afresh.
    """

    id: str
    type: str
    created: datetime
    invoice_id: str | None
    invoice: PaymentInvoice | None


def pence(amount: Decimal) -> int:
    """Pounds as whole pence. Refused with parts of a penny: rounding is decided where money is reckoned, not here."""
    scaled = amount * 100
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has parts of a penny")
    return int(scaled)


def pounds(amount: int) -> Decimal:
    """Whole pence as pounds with two places."""
    return Decimal(amount).scaleb(-2)


def invoice_from(body: Mapping[str, Any]) -> PaymentInvoice:
    """An invoice out of the provider's JSON."""
    moves = body.get("status_transitions") or {}
    metadata = dict(body.get("metadata") or {})
    customer = body.get("customer")
    return PaymentInvoice(
        id=body["id"],
        status=InvoiceStatus(body["status"]),
        customer_id=customer["id"] if isinstance(customer, Mapping) else customer,
        reference=metadata.get("reference"),
        number=body.get("number"),
        currency=body["currency"],
        amount_due=pounds(body["amount_due"]),
        amount_paid=pounds(body["amount_paid"]),
        amount_remaining=pounds(body["amount_remaining"]),
        hosted_url=body.get("hosted_invoice_url"),
        created=instant(body["created"]),
        due=_instant_if(body.get("due_date")),
        finalised=_instant_if(moves.get("finalized_at")),
        paid=_instant_if(moves.get("paid_at")),
        voided=_instant_if(moves.get("voided_at")),
        metadata=metadata,
    )


def event_from(body: Mapping[str, Any]) -> PaymentEvent:
    """An event out of the provider's JSON."""
    about = body["data"]["object"]
    is_invoice = about.get("object") == "invoice"
    # A deleted draft is reported as it was; a thing of another kind names its invoice, if it has one.
    return PaymentEvent(
        id=body["id"],
        type=body["type"],
        created=instant(body["created"]),
        invoice_id=about["id"] if is_invoice else about.get("invoice"),
        invoice=invoice_from(about) if is_invoice else None,
    )


def instant(seconds: int) -> datetime:
    """The provider's seconds since 1970 as an aware time in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def _instant_if(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant(seconds)
