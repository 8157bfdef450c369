"""Writes of referrals: sending, waiting for a place, delivering, and the running counters that all of them keep."""

from contracts.referrals.actions.checking import check_counters, put_right
from contracts.referrals.actions.counting import hold
from contracts.referrals.actions.delivering import accept, complete, offer_session, record_session, return_to_officer
from contracts.referrals.actions.notices import NOTICE_DAYS, end_notice, show_notice
from contracts.referrals.actions.sending import LOOKED, Need, fingerprint, look, send, withdraw
from contracts.referrals.actions.transferring import look_back, record_consent, transfer, transfer_queue, undo_transfer
from contracts.referrals.actions.waiting import confirm, leave, settle

__all__ = [
    "LOOKED",
    "NOTICE_DAYS",
    "Need",
    "accept",
    "check_counters",
    "complete",
    "confirm",
    "end_notice",
    "fingerprint",
    "hold",
    "leave",
    "look",
    "look_back",
    "offer_session",
    "put_right",
    "record_consent",
    "record_session",
    "return_to_officer",
    "send",
    "settle",
    "show_notice",
    "transfer",
    "transfer_queue",
    "undo_transfer",
    "withdraw",
]
