"""What passes between us and the payment provider, in our words: pounds as Decimal, times aware in UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
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


class EventUnreadable(Exception):
    """What an event is about is not in a shape that we know: the provider adds to its words."""


class SignatureRefused(Exception):
    """What arrived at the webhook is not signed by the provider, or was signed too long ago."""


class InvoiceStatus(StrEnum):
    """Where an invoice stands at the provider."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"


class AccountStanding(StrEnum):
    """Whether money can be sent to a supplier's account at the provider."""

    INCOMPLETE = "incomplete"
    CHECKING = "checking"
    ABLE = "able"
    RESTRICTED = "restricted"


class DisputeStatus(StrEnum):
    """Where a bank's dispute of a payment stands at the provider. A warning is a question, no money is taken."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    PREVENTED = "prevented"
    WON = "won"
    LOST = "lost"


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
class AskedCredit:
    """So much less of an invoice: our own name for the credit note, its amount in pounds, and what it is called."""

    reference: str
    amount: Decimal
    memo: str


@dataclass(frozen=True)
class SupplierAccount:
    """A supplier as somebody who is paid through the provider.

    `missing` names what the provider wants to know, in its own words; `reason` why it pays nothing, if it does not.
    """

    id: str
    reference: str | None
    standing: AccountStanding
    missing: tuple[str, ...]
    reason: str | None
    wanted_by: datetime | None


@dataclass(frozen=True)
class PaymentInvoice:
    """An invoice as it stood at the provider when we asked.

    `total` is what it was made over; `amount_due` is that without the credit notes given before it was paid, which are
    `credited`. What was credited after it had been paid is `credited_since`.
    """

    id: str
    status: InvoiceStatus
    customer_id: str | None
    account_id: str | None
    reference: str | None
    number: str | None
    currency: str
    total: Decimal
    amount_due: Decimal
    amount_paid: Decimal
    amount_remaining: Decimal
    credited: Decimal
    credited_since: Decimal
    hosted_url: str | None
    created: datetime
    due: datetime | None
    finalised: datetime | None
    paid: datetime | None
    voided: datetime | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaymentTaken:
    """A payment of an invoice. `payment` is None where the money came by another way than the provider's."""

    id: str
    invoice_id: str
    payment: str | None
    amount: Decimal
    paid: datetime | None
    created: datetime


@dataclass(frozen=True)
class PaymentCharge:
    """What was taken from a customer for a payment, and how much of it has been given back so far.

    `transfer` is what passed it on to a supplier's account, if anything did.
    """

    id: str
    payment: str | None
    amount: Decimal
    refunded: Decimal
    transfer: str | None = None


@dataclass(frozen=True)
class PaymentReversal:
    """So much of what was passed on taken back from the supplier's account; for a `refund`, if for one."""

    id: str
    transfer_id: str
    reference: str | None
    refund: str | None
    amount: Decimal
    created: datetime


@dataclass(frozen=True)
class PaymentTransfer:
    """What a payment passed on to a supplier's account, and what was taken back of it, latest first."""

    id: str
    account_id: str | None
    amount: Decimal
    reversed: Decimal
    created: datetime
    reversals: tuple[PaymentReversal, ...] = ()

    @property
    def left(self) -> Decimal:
        """What of it has not been taken back."""
        return self.amount - self.reversed


@dataclass(frozen=True)
class PaymentRefund:
    """Money given back out of a payment."""

    id: str
    payment: str | None
    reference: str | None
    amount: Decimal
    status: str
    created: datetime


@dataclass(frozen=True)
class PaymentCredit:
    """A credit note: `before` lowered what was to be paid, `after` was given back of what had been paid.

    Of `after`, `elsewhere` by another way than through the provider, the rest by these `refunds`.
    """

    id: str
    invoice_id: str
    reference: str | None
    number: str
    amount: Decimal
    before: Decimal
    after: Decimal
    elsewhere: Decimal
    is_void: bool
    created: datetime
    refunds: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaymentDispute:
    """A customer's bank wants a payment back."""

    id: str
    payment: str | None
    amount: Decimal
    reason: str
    status: DisputeStatus
    created: datetime


About = (
    PaymentInvoice
    | PaymentTaken
    | PaymentCharge
    | PaymentTransfer
    | PaymentRefund
    | PaymentCredit
    | PaymentDispute
    | SupplierAccount
)


@dataclass(frozen=True)
class PaymentEvent:
    """Something that happened at the provider; `body` is as much of what the provider wrote as we have a use for.

    Events may come late, twice and out of order: know them by `id`, and where it matters ask for the thing afresh.
    """

    id: str
    type: str
    created: datetime
    body: Mapping[str, Any] = field(repr=False, compare=False)
    read: Callable[[], About | None] = field(repr=False, compare=False)

    @property
    def about(self) -> About | None:
        """The thing it happened to as it was then, if we have a use for its kind. Raises EventUnreadable."""
        return self.read()

    @property
    def invoice(self) -> PaymentInvoice | None:
        """The invoice, if it is about one."""
        return self.about if isinstance(self.about, PaymentInvoice) else None


def pence(amount: Decimal) -> int:
    """Pounds as whole pence. Refused with parts of a penny: rounding is decided where money is reckoned, not here."""
    scaled = amount * 100
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has parts of a penny")
    return int(scaled)


def pounds(amount: int) -> Decimal:
    """Whole pence as pounds with two places."""
    return Decimal(amount).scaleb(-2)
