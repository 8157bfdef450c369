"""Referrals: how they move, and which of them count towards volume."""

from __future__ import annotations

import re
from enum import StrEnum


class ReferralStatus(StrEnum):
    """Where a referral stands (domain.md, "Delivering")."""

    SENT = "sent"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"


REFERRAL_MOVES: dict[ReferralStatus, frozenset[ReferralStatus]] = {
    ReferralStatus.SENT: frozenset({ReferralStatus.ACCEPTED, ReferralStatus.RETURNED, ReferralStatus.WITHDRAWN}),
    ReferralStatus.ACCEPTED: frozenset({ReferralStatus.COMPLETED, ReferralStatus.WITHDRAWN}),
    ReferralStatus.RETURNED: frozenset(),
    ReferralStatus.WITHDRAWN: frozenset(),
    ReferralStatus.COMPLETED: frozenset(),
}

# A referral takes a place from the moment it is sent, and gives it back when it is returned or withdrawn.
COUNTING = frozenset({ReferralStatus.SENT, ReferralStatus.ACCEPTED, ReferralStatus.COMPLETED})


class Complexity(StrEnum):
    """How much a person's needs ask of the service (R82)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Attendance(StrEnum):
    """Whether a person came to a session; the codes in use today."""

    ATTENDED = "YES"
    LATE = "LATE"
    MISSED = "NO"


class AbsenceKind(StrEnum):
    """Why a session was missed."""

    ACCEPTABLE = "POP_ACCEPTABLE"
    UNACCEPTABLE = "POP_UNACCEPTABLE"


_CRN = re.compile(r"[A-Z]\d{6}")


def crn(text: str) -> str | None:
    """A case reference number of nDelius (a letter and six digits) in its usual form; None if it is none."""
    squeezed = re.sub(r"\s", "", text).upper()
    return squeezed if _CRN.fullmatch(squeezed) else None
