"""What is done to contracts after signature: variations, extension, suspension, ending and what it asks for."""

from contracts.changes.actions.abandoning import abandon, keep, propose_abandoning
from contracts.changes.actions.deciding import approve, send_back, sign, submit, take_back, withdraw
from contracts.changes.actions.drafting import begin, set_dates, set_lead, set_places, set_shares, set_volume
from contracts.changes.actions.ending import begin_ending
from contracts.changes.actions.exiting import (
    add_task,
    begin_exit,
    change_task,
    drop_task,
    finish_task,
    reopen_task,
)
from contracts.changes.actions.extending import add_option, leave_option, remove_option, use_option
from contracts.changes.actions.granting import drop_instalment, set_instalment, set_value
from contracts.changes.actions.leading import hand_lead_over
from contracts.changes.actions.proposing import decline, propose, take_proposal_back, take_up
from contracts.changes.actions.suspending import lift, suspend

__all__ = [
    "abandon",
    "add_option",
    "add_task",
    "approve",
    "begin",
    "begin_ending",
    "begin_exit",
    "change_task",
    "decline",
    "drop_instalment",
    "drop_task",
    "finish_task",
    "hand_lead_over",
    "keep",
    "leave_option",
    "lift",
    "propose",
    "propose_abandoning",
    "remove_option",
    "reopen_task",
    "send_back",
    "set_dates",
    "set_instalment",
    "set_lead",
    "set_places",
    "set_shares",
    "set_value",
    "set_volume",
    "sign",
    "submit",
    "suspend",
    "take_back",
    "take_proposal_back",
    "take_up",
    "use_option",
    "withdraw",
]
