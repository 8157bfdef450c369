"""What is done to contracts after signature: variations, suspension."""

from contracts.changes.actions.suspending import lift, suspend
from contracts.changes.actions.varying import (
    approve,
    begin,
    send_back,
    set_dates,
    set_places,
    set_shares,
    set_volume,
    sign,
    submit,
    take_back,
    withdraw,
)

__all__ = [
    "approve",
    "begin",
    "lift",
    "send_back",
    "set_dates",
    "set_places",
    "set_shares",
    "set_volume",
    "sign",
    "submit",
    "suspend",
    "take_back",
    "withdraw",
]
