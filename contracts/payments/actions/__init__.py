"""What is done with the payment provider: sending, being paid, and taking over what it tells us."""

from contracts.payments.actions.crediting import begin_to_credit, send_credit, take_credit
from contracts.payments.actions.events import ForgedEvent, apply_events, keep_event, keep_missed, take_news
from contracts.payments.actions.receiving import begin_receiving, open_account, take_account
from contracts.payments.actions.reconciling import note_difference, read_books, reconcile
from contracts.payments.actions.sending import LONGEST_WAIT, SHORTEST_WAIT, begin_to_send, send_invoice, take
from contracts.payments.actions.taking_back import undo_what_is_lost

__all__ = [
    "LONGEST_WAIT",
    "SHORTEST_WAIT",
    "ForgedEvent",
    "apply_events",
    "begin_receiving",
    "begin_to_credit",
    "begin_to_send",
    "keep_event",
    "keep_missed",
    "note_difference",
    "open_account",
    "read_books",
    "reconcile",
    "send_credit",
    "send_invoice",
    "take",
    "take_account",
    "take_credit",
    "take_news",
    "undo_what_is_lost",
]
