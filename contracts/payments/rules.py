"""What the payment provider's words come to: accounts, and payments taken back by a bank."""

from __future__ import annotations

from collections.abc import Iterable
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
