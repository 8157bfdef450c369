"""Writes of referrals: sending, delivering, and the running counters that both keep."""

from contracts.referrals.actions.checking import check_counters
from contracts.referrals.actions.delivering import accept, complete, offer_session, record_session, return_to_officer
from contracts.referrals.actions.sending import LOOKED, Need, fingerprint, look, send, withdraw

__all__ = [
    "LOOKED",
    "Need",
    "accept",
    "check_counters",
    "complete",
    "fingerprint",
    "look",
    "offer_session",
    "record_session",
    "return_to_officer",
    "send",
    "withdraw",
]
