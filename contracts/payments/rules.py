"""What the payment provider's words come to: accounts, payments taken back by a bank, and differences of the books."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum


class AccountStatus(StrEnum):
    """Whether a supplier can be paid through the provider, whose word for it this is."""

    INCOMPLETE = "incomplete"
    CHECKING = "checking"
    ABLE = "able"
    RESTRICTED = "restricted"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            AccountStatus.INCOMPLETE: "Not finished",
            AccountStatus.CHECKING: "Being checked",
            AccountStatus.ABLE: "Can be paid",
            AccountStatus.RESTRICTED: "Cannot be paid",
        }[self]


class ChargebackStatus(StrEnum):
    """A payment that the payer's bank takes back, or asks about: with the provider it is a dispute of a charge.

    (A funder who disputes an invoice does so here, before anything is paid: contracts.invoices.)
    """

    ASKED = "asked"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    WON = "won"
    LOST = "lost"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            ChargebackStatus.ASKED: "The bank asks about it",
            ChargebackStatus.TAKEN: "Taken back, not decided",
            ChargebackStatus.WITHDRAWN: "Withdrawn by the bank",
            ChargebackStatus.WON: "Decided: the payment stands",
            ChargebackStatus.LOST: "Decided: the payment is undone",
        }[self]


# What is decided stays decided, whichever news comes late.
CHARGEBACK_MOVES: dict[ChargebackStatus, frozenset[ChargebackStatus]] = {
    ChargebackStatus.ASKED: frozenset(
        {ChargebackStatus.TAKEN, ChargebackStatus.WITHDRAWN, ChargebackStatus.WON, ChargebackStatus.LOST}
    ),
    ChargebackStatus.TAKEN: frozenset({ChargebackStatus.WITHDRAWN, ChargebackStatus.WON, ChargebackStatus.LOST}),
    ChargebackStatus.WITHDRAWN: frozenset(),
    ChargebackStatus.WON: frozenset(),
    ChargebackStatus.LOST: frozenset(),
}
UNDECIDED = frozenset({ChargebackStatus.ASKED, ChargebackStatus.TAKEN})


class RecoveryStatus(StrEnum):
    """Whether the marketplace has back what a bank took from it, and what it had passed on to a supplier."""

    WAITING = "waiting"
    RECOVERED = "recovered"
    ELSEWHERE = "elsewhere"
    NOT_PASSED_ON = "not_passed_on"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            RecoveryStatus.WAITING: "Still to be returned",
            RecoveryStatus.RECOVERED: "Taken from the supplier’s account",
            RecoveryStatus.ELSEWHERE: "Returned by another way",
            RecoveryStatus.NOT_PASSED_ON: "Had not reached the supplier",
        }[self]


RECOVERY_MOVES: dict[RecoveryStatus, frozenset[RecoveryStatus]] = {
    RecoveryStatus.WAITING: frozenset(
        {RecoveryStatus.RECOVERED, RecoveryStatus.ELSEWHERE, RecoveryStatus.NOT_PASSED_ON}
    ),
    RecoveryStatus.RECOVERED: frozenset(),
    RecoveryStatus.ELSEWHERE: frozenset(),
    RecoveryStatus.NOT_PASSED_ON: frozenset(),
}


class DifferenceKind(StrEnum):
    """How the provider's books and ours can differ."""

    INVOICE_MISSING = "invoice_missing"
    INVOICE_UNKNOWN = "invoice_unknown"
    INVOICE_TWICE = "invoice_twice"
    INVOICE_AMOUNT = "invoice_amount"
    INVOICE_STATUS = "invoice_status"
    PAID_AMOUNT = "paid_amount"
    CREDIT_MISSING = "credit_missing"
    CREDIT_UNKNOWN = "credit_unknown"
    CREDIT_AMOUNT = "credit_amount"
    CREDITED = "credited"
    GIVEN_BACK = "given_back"
    CHARGEBACK = "chargeback"
    RECOVERED = "recovered"
    NEWS_UNREADABLE = "news_unreadable"
    NOT_SENT = "not_sent"
    INVOICE_PARTIES = "invoice_parties"
    INVOICE_DUE = "invoice_due"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {
            DifferenceKind.INVOICE_MISSING: "The provider does not have the invoice",
            DifferenceKind.INVOICE_UNKNOWN: "We do not have the invoice",
            DifferenceKind.INVOICE_TWICE: "The provider has the invoice twice",
            DifferenceKind.INVOICE_AMOUNT: "Another amount",
            DifferenceKind.INVOICE_STATUS: "Another status",
            DifferenceKind.PAID_AMOUNT: "Another amount paid",
            DifferenceKind.CREDIT_MISSING: "The provider does not have the credit note",
            DifferenceKind.CREDIT_UNKNOWN: "We do not have the credit note",
            DifferenceKind.CREDIT_AMOUNT: "Credit note over another amount",
            DifferenceKind.CREDITED: "Another amount credited in all",
            DifferenceKind.GIVEN_BACK: "Another amount given back",
            DifferenceKind.CHARGEBACK: "Payment undone by a bank",
            DifferenceKind.RECOVERED: "Another amount taken back from the supplier",
            DifferenceKind.NEWS_UNREADABLE: "News from the provider that we cannot read",
            DifferenceKind.NOT_SENT: "The provider has not taken the invoice for a day",
            DifferenceKind.INVOICE_PARTIES: "Another funder or supplier",
            DifferenceKind.INVOICE_DUE: "Due on another day",
        }[self]


LONGEST_WAIT = timedelta(hours=6)
# How soon an invoice is tried again that waits for a person of ours: looking costs nothing.
SHORTEST_WAIT = timedelta(minutes=10)


def wait_after(attempts: int) -> timedelta:
    """How soon to try again after so many attempts without an answer: later each time."""
    return min(timedelta(minutes=2 ** min(max(attempts, 1), 9)), LONGEST_WAIT)


# So far back the two books are compared each night: a little more than a month and the days to pay (our default).
# What is open is compared however old it is.
WINDOW = timedelta(days=62)
# What is under way between the two at this moment is no difference.
UNDER_WAY = timedelta(hours=1)
# For so long an invoice may be on its way to the provider, tried again and again (our default).
ON_ITS_WAY = timedelta(days=1)
# So long after the provider has made something we may be told of it.
HEARD_LATE = timedelta(days=7)

# What the provider wants to know, by how its names for it begin or end, in the words of those who are asked.
_WANTED = (
    ("external_account", "The bank account to be paid into"),
    ("tos_acceptance", "That you accept the provider’s terms"),
    ("business_profile.url", "Your website"),
    ("business_profile", "What your organisation does"),
    ("business_type", "What kind of organisation you are"),
    ("company.tax_id", "Your company or charity number"),
    ("company.registration_number", "Your company or charity number"),
    ("company.verification", "A document about your organisation"),
    ("company", "Name, address and telephone number of your organisation"),
    ("directors", "Who directs your organisation"),
    ("executives", "Who directs your organisation"),
    ("owners", "Who owns your organisation"),
    ("representative", "Who speaks for your organisation"),
    ("relationship", "Who speaks for your organisation"),
    ("person_", "Particulars of somebody who runs your organisation"),
    ("individual", "Particulars of yourself"),
)


def wanted_words(fields: Iterable[str]) -> list[str]:
    """What the provider still wants to know, in plain words, each once."""
    words = [
        next((said for begins, said in _WANTED if one.startswith(begins)), f"Other particulars ({one})")
        for one in fields
    ]
    return list(dict.fromkeys(words))


def reason_words(reason: str | None) -> str:
    """Why the provider pays nothing to an account, as far as the list of what it wants to know does not say it."""
    if reason is None or reason.startswith("requirements."):
        return ""
    if reason.startswith("rejected."):
        return "The provider has turned your organisation away. Ask the provider’s support why."
    if reason == "platform_paused":
        return "Payments to your organisation are paused."
    return "The provider is looking into your organisation."
