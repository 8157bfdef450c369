"""Reading the provider's JSON into our records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from marketplace.adapters.payments.records import (
    About,
    AccountStanding,
    DisputeStatus,
    EventUnreadable,
    InvoiceStatus,
    PaymentCharge,
    PaymentCredit,
    PaymentCustomer,
    PaymentDispute,
    PaymentEvent,
    PaymentInvoice,
    PaymentRefund,
    PaymentReversal,
    PaymentTaken,
    PaymentTransfer,
    SupplierAccount,
    pounds,
)


def customer_from(body: Mapping[str, Any]) -> PaymentCustomer:
    """A customer out of the provider's JSON."""
    return PaymentCustomer(
        id=body["id"],
        reference=(body.get("metadata") or {}).get("reference"),
        name=body.get("name"),
        email=body.get("email"),
    )


def invoice_from(body: Mapping[str, Any]) -> PaymentInvoice:
    """An invoice out of the provider's JSON."""
    moves = body.get("status_transitions") or {}
    metadata = dict(body.get("metadata") or {})
    return PaymentInvoice(
        id=body["id"],
        status=InvoiceStatus(body["status"]),
        customer_id=_key_of(body.get("customer")),
        account_id=_key_of(body.get("on_behalf_of")),
        reference=metadata.get("reference"),
        number=body.get("number"),
        currency=body["currency"],
        total=pounds(body["total"]),
        amount_due=pounds(body["amount_due"]),
        amount_paid=pounds(body["amount_paid"]),
        amount_remaining=pounds(body["amount_remaining"]),
        credited=pounds(body.get("pre_payment_credit_notes_amount") or 0),
        credited_since=pounds(body.get("post_payment_credit_notes_amount") or 0),
        hosted_url=body.get("hosted_invoice_url"),
        created=instant(body["created"]),
        due=_instant_if(body.get("due_date")),
        finalised=_instant_if(moves.get("finalized_at")),
        paid=_instant_if(moves.get("paid_at")),
        voided=_instant_if(moves.get("voided_at")),
        metadata=metadata,
    )


def taken_from(body: Mapping[str, Any]) -> PaymentTaken:
    """A payment of an invoice out of the provider's JSON."""
    return PaymentTaken(
        id=body["id"],
        invoice_id=str(_key_of(body["invoice"])),
        payment=_key_of((body.get("payment") or {}).get("payment_intent")),
        amount=pounds(body.get("amount_paid") or 0),
        paid=_instant_if((body.get("status_transitions") or {}).get("paid_at")),
        created=instant(body["created"]),
    )


def charge_from(body: Mapping[str, Any]) -> PaymentCharge:
    """A charge out of the provider's JSON."""
    return PaymentCharge(
        id=body["id"],
        payment=_key_of(body.get("payment_intent")),
        amount=pounds(body["amount"]),
        refunded=pounds(body["amount_refunded"]),
        transfer=_key_of(body.get("transfer")),
    )


def transfer_from(body: Mapping[str, Any]) -> PaymentTransfer:
    """A transfer out of the provider's JSON, with the latest ten of its reversals."""
    return PaymentTransfer(
        id=body["id"],
        account_id=_key_of(body.get("destination")),
        amount=pounds(body["amount"]),
        reversed=pounds(body["amount_reversed"]),
        created=instant(body["created"]),
        reversals=tuple(reversal_from(one) for one in (body.get("reversals") or {}).get("data") or ()),
    )


def reversal_from(body: Mapping[str, Any]) -> PaymentReversal:
    """A transfer's reversal out of the provider's JSON."""
    return PaymentReversal(
        id=body["id"],
        transfer_id=str(_key_of(body["transfer"])),
        reference=(body.get("metadata") or {}).get("reference"),
        refund=_key_of(body.get("source_refund")),
        amount=pounds(body["amount"]),
        created=instant(body["created"]),
    )


def refund_from(body: Mapping[str, Any]) -> PaymentRefund:
    """A refund out of the provider's JSON."""
    return PaymentRefund(
        id=body["id"],
        payment=_key_of(body.get("payment_intent")),
        reference=(body.get("metadata") or {}).get("reference"),
        amount=pounds(body["amount"]),
        status=body.get("status") or "",
        created=instant(body["created"]),
    )


def credit_from(body: Mapping[str, Any]) -> PaymentCredit:
    """A credit note out of the provider's JSON."""
    return PaymentCredit(
        id=body["id"],
        invoice_id=str(_key_of(body["invoice"])),
        reference=(body.get("metadata") or {}).get("reference"),
        number=body["number"],
        amount=pounds(body["amount"]),
        before=pounds(body["pre_payment_amount"]),
        after=pounds(body["post_payment_amount"]),
        elsewhere=pounds(body.get("out_of_band_amount") or 0),
        is_void=body["status"] == "void",
        created=instant(body["created"]),
        refunds=tuple(str(_key_of(one["refund"])) for one in body.get("refunds") or ()),
    )


def dispute_from(body: Mapping[str, Any]) -> PaymentDispute:
    """A dispute out of the provider's JSON."""
    return PaymentDispute(
        id=body["id"],
        payment=_key_of(body.get("payment_intent")),
        amount=pounds(body["amount"]),
        reason=body["reason"],
        status=DisputeStatus(body["status"]),
        created=instant(body["created"]),
    )


def account_from(body: Mapping[str, Any]) -> SupplierAccount:
    """A supplier's account out of the provider's JSON.

    It can be paid when the provider lets it receive transfers, take payments in its own name (`on_behalf_of`), and
    pays out to its bank.
    """
    wants, able = body.get("requirements") or {}, body.get("capabilities") or {}
    reason = wants.get("disabled_reason")
    missing = tuple(sorted({*(wants.get("past_due") or ()), *(wants.get("currently_due") or ())}))
    if reason and not reason.startswith("requirements."):
        standing = AccountStanding.RESTRICTED
    elif able.get("transfers") == able.get("card_payments") == "active" and body["payouts_enabled"]:
        standing = AccountStanding.ABLE
    elif not body["details_submitted"]:
        standing = AccountStanding.INCOMPLETE
    else:
        standing = AccountStanding.RESTRICTED if missing else AccountStanding.CHECKING
    return SupplierAccount(
        id=body["id"],
        reference=(body.get("metadata") or {}).get("reference"),
        standing=standing,
        missing=missing,
        reason=reason,
        wanted_by=_instant_if(wants.get("current_deadline")),
    )


_READERS: dict[str, Callable[[Mapping[str, Any]], About]] = {
    "invoice": invoice_from,
    "invoice_payment": taken_from,
    "charge": charge_from,
    "transfer": transfer_from,
    "refund": refund_from,
    "credit_note": credit_from,
    "dispute": dispute_from,
    "account": account_from,
}
# What we have a use for. All but accounts, which tell of themselves to a list of their own, can be asked for again
# when they never came: at most twenty kinds at once.
ACCOUNTS = "account.updated"
ASKED_FOR = (
    *("invoice.created", "invoice.finalized", "invoice.sent", "invoice.updated", "invoice.paid"),
    *("invoice.payment_failed", "invoice.voided", "invoice.marked_uncollectible", "invoice_payment.paid"),
    *("credit_note.created", "credit_note.updated", "credit_note.voided"),
    *("charge.refunded", "charge.updated", "refund.failed"),
    *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "transfer.reversed"),
)


# What is read of each kind of thing, and of what is within it. The rest is never kept: a bank's particulars, names and
# addresses of people among it.
_SAID: dict[str, Any] = dict.fromkeys(("id", "object", "created", "status", "amount"))
_NAMED: dict[str, Any] = {"metadata": {"reference": None}}
_MONEY: dict[str, Any] = {"payment_intent": None, **_SAID, **_NAMED}
_USED: dict[str, Mapping[str, Any]] = {
    "invoice": {
        **_SAID,
        "metadata": {"reference": None, "contract": None},
        **dict.fromkeys(("customer", "on_behalf_of", "number", "currency", "total", "due_date", "hosted_invoice_url")),
        **dict.fromkeys(("amount_due", "amount_paid", "amount_remaining")),
        **dict.fromkeys(("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")),
        "status_transitions": dict.fromkeys(("finalized_at", "paid_at", "voided_at")),
    },
    "invoice_payment": {
        **_SAID,
        **dict.fromkeys(("invoice", "amount_paid")),
        "payment": {"payment_intent": None},
        "status_transitions": {"paid_at": None},
    },
    "charge": {**_MONEY, "amount_refunded": None},
    "refund": _MONEY,
    "credit_note": {
        **_SAID,
        **_NAMED,
        **dict.fromkeys(("invoice", "number", "pre_payment_amount", "post_payment_amount", "out_of_band_amount")),
        "refunds": {"refund": None},
    },
    "dispute": {**_MONEY, "reason": None},
    "transfer": {
        **_SAID,
        **dict.fromkeys(("destination", "amount_reversed")),
        "reversals": {"data": {**_SAID, **_NAMED, "transfer": None, "source_refund": None}},
    },
    "account": {
        **_SAID,
        **_NAMED,
        **dict.fromkeys(("payouts_enabled", "details_submitted")),
        "requirements": dict.fromkeys(("past_due", "currently_due", "disabled_reason", "current_deadline")),
        "capabilities": dict.fromkeys(("transfers", "card_payments")),
    },
}


def event_from(body: Mapping[str, Any]) -> PaymentEvent:
    """An event out of the provider's JSON. What it is about is read only where we have a use for its kind, and later:
    an event is kept before anything is made of it."""
    head = {name: body[name] for name in ("id", "object", "type", "created", "account") if name in body}
    about = body["data"]["object"] if body["type"] in (*ASKED_FOR, ACCOUNTS) else {}
    used = _only(about, _USED.get(about.get("object", ""), _SAID))
    return PaymentEvent(
        id=body["id"],
        type=body["type"],
        created=instant(body["created"]),
        body={**head, "data": {"object": used}},
        read=lambda: _about_from(used),
    )


def _about_from(body: Mapping[str, Any]) -> About | None:
    read = _READERS.get(body.get("object", ""))
    try:
        return read(body) if read else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EventUnreadable(f"This {body.get('object')} is not in a shape that we know") from error


def _only(found: Any, used: Mapping[str, Any] | None) -> Any:
    """What we have a use for, of things and lists of them. Of a thing of which we use nothing else, its key."""
    if isinstance(found, list):
        return [_only(one, used) for one in found]
    if not isinstance(found, Mapping):
        return found
    return {name: _only(found[name], within) for name, within in used.items() if name in found} if used else found["id"]


def instant(seconds: int) -> datetime:
    """The provider's seconds since 1970 as an aware time in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def _instant_if(seconds: int | None) -> datetime | None:
    return None if seconds is None else instant(seconds)


def _key_of(named: Any) -> str | None:
    """The key of another thing, which the provider gives alone or, where asked to, with the whole thing."""
    found: str | None = named["id"] if isinstance(named, Mapping) else named
    return found
