"""Bids: their content, its digest, and how they move."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from marketplace.money import pounds


class BidStatus(StrEnum):
    """Where a bid stands. After closing a draft is a bid that was never made."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"


BID_MOVES: dict[BidStatus, frozenset[BidStatus]] = {
    BidStatus.DRAFT: frozenset({BidStatus.SUBMITTED, BidStatus.WITHDRAWN}),
    BidStatus.SUBMITTED: frozenset({BidStatus.SUBMITTED, BidStatus.WITHDRAWN}),
    BidStatus.WITHDRAWN: frozenset({BidStatus.DRAFT, BidStatus.SUBMITTED}),
}

# Bids are opened by two different officers, together or one after the other, after closing.
KEYS_TO_OPEN = 2


@dataclass(frozen=True)
class BidContent:
    """What a supplier offers: an answer by question, and an annual price in pounds by band number."""

    answers: dict[int, str] = field(default_factory=dict)
    prices: dict[int, Decimal] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Always the same bytes for the same content: what is sealed, and what the digest is of."""
        return json.dumps(
            {
                "answers": {str(key): value for key, value in sorted(self.answers.items())},
                "prices": {str(key): str(pounds(value)) for key, value in sorted(self.prices.items())},
            },
            ensure_ascii=False,
            sort_keys=True,
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> BidContent:
        """The content again."""
        raw = json.loads(data)
        return cls(
            {int(key): value for key, value in raw["answers"].items()},
            {int(key): Decimal(value) for key, value in raw["prices"].items()},
        )

    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal: what a receipt shows, and anyone can check later."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


def count_words(text: str) -> int:
    """How many words a text has: what stands between blanks, as the design system counts them too."""
    return len(text.split())


@dataclass(frozen=True)
class Asked:
    """A question to be answered: its key, its number on the page, and the most words."""

    id: int
    number: int
    word_limit: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with a bid, and the field of the form where it is put right."""

    field: str
    words: str


def answer_field(question_id: int) -> str:
    """The form's field for an answer."""
    return f"answer_{question_id}"


def price_field(number: int) -> str:
    """The form's field for a band's annual price."""
    return f"price_{number}"


def excesses(content: BidContent, *, questions: Sequence[Asked], most: Mapping[int, Decimal]) -> list[Fault]:
    """What is too much: answers over their word limit, prices over the most that will be paid in their band.

    A draft may be saved with these, so that nothing typed is lost; it cannot be submitted.
    """
    found = []
    for question in questions:
        words = count_words(content.answers.get(question.id, ""))
        if words > question.word_limit:
            found.append(
                Fault(
                    answer_field(question.id),
                    f"Question {question.number}: your answer must be {question.word_limit:,} words or fewer. "
                    f"It has {words:,}",
                )
            )
    for number, value in sorted(most.items()):
        price = content.prices.get(number)
        if price is not None and price > value:
            found.append(Fault(price_field(number), f"{_band(number, most)} must be £{value:,.2f} or less a year"))
        elif price is not None and price <= 0:
            found.append(Fault(price_field(number), f"{_band(number, most)} must be above £0"))
    return found


def gaps(content: BidContent, *, questions: Sequence[Asked], most: Mapping[int, Decimal]) -> list[Fault]:
    """What is missing: every question needs an answer and every band a price."""
    found = [
        Fault(answer_field(question.id), f"Answer question {question.number}")
        for question in questions
        if not content.answers.get(question.id, "").strip()
    ]
    found += [
        Fault(price_field(number), f"Enter {_band(number, most).lower()}")
        for number in sorted(most)
        if number not in content.prices
    ]
    return found


def _band(number: int, most: Mapping[int, Decimal]) -> str:
    return "The annual price" if len(most) == 1 else f"The annual price for band {number}"
