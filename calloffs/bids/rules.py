"""Bids: their content, its digest, and how they move."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


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
                "prices": {str(key): str(value) for key, value in sorted(self.prices.items())},
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
