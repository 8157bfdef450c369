"""What is done with the payment provider: sending, being paid, and taking over what it tells us."""

from contracts.payments.actions.crediting import begin_to_credit, send_credit, take_credit
from contracts.payments.actions.events import ForgedEvent, apply_events, keep_event, keep_missed, take_news
from contracts.payments.actions.receiving import begin_receiving, open_account, take_account
from contracts.payments.actions.reconciling import note_difference, read_books, reconcile
from contracts.payments.actions.recovering import begin_recovery, begin_to_recover, recover, recovered_elsewhere
from contracts.payments.actions.sending import begin_to_send, send_invoice, take
from contracts.payments.actions.taking_back import undo_what_is_lost
from contracts.payments.rules import LONGEST_WAIT, SHORTEST_WAIT

__all__ = [
    "LONGEST_WAIT",
    "SHORTEST_WAIT",
    "ForgedEvent",
    "apply_events",
    "begin_receiving",
    "begin_recovery",
    "begin_to_credit",
    "begin_to_recover",
    "begin_to_send",
    "keep_event",
    "keep_missed",
    "note_difference",
    "open_account",
    "read_books",
    "reconcile",
    "recover",
    "recovered_elsewhere",
    "send_credit",
    "send_invoice",
    "take",
    "take_account",
    "take_credit",
    "take_news",
    "undo_what_is_lost",
]
