"""What is done with call-offs, by subject; everything is found here by its name."""

from __future__ import annotations

from calloffs.competitions.actions.drafting import (
    add_question,
    change_question,
    describe,
    next_reference,
    remove_question,
    set_dates,
    set_volume,
    share_funding,
    specify,
    start_call_off,
    start_from_plan,
    submit_for_approval,
    weigh_price,
)
from calloffs.competitions.actions.publishing import (
    approve_and_publish,
    cancel,
    end,
    invite_qualified,
    join_if_qualified,
    send_back,
)

__all__ = [
    "add_question",
    "approve_and_publish",
    "cancel",
    "change_question",
    "describe",
    "end",
    "invite_qualified",
    "join_if_qualified",
    "next_reference",
    "remove_question",
    "send_back",
    "set_dates",
    "set_volume",
    "share_funding",
    "specify",
    "start_call_off",
    "start_from_plan",
    "submit_for_approval",
    "weigh_price",
]
