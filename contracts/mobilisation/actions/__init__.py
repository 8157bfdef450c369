"""What is done around a contract: milestones, people, promises, supply chain."""

from contracts.mobilisation.actions.milestones import (
    accept,
    add_milestone,
    begin,
    change_milestone,
    drop,
    say_done,
    send_back,
)
from contracts.mobilisation.actions.promises import (
    Words,
    agree_promise,
    decline_promise,
    end_promise,
    judge,
    propose_promise,
    report_on_promise,
)
from contracts.mobilisation.actions.staff import (
    enter_access,
    enter_staff,
    has_left,
    remove_access,
    update_staff,
)
from contracts.mobilisation.actions.supply_chain import (
    agree_chain,
    change_subcontractor,
    enter_subcontractor,
    leaves,
    report_quarter,
)

__all__ = [
    "Words",
    "accept",
    "add_milestone",
    "agree_chain",
    "agree_promise",
    "begin",
    "change_milestone",
    "change_subcontractor",
    "decline_promise",
    "drop",
    "end_promise",
    "enter_access",
    "enter_staff",
    "enter_subcontractor",
    "has_left",
    "judge",
    "leaves",
    "propose_promise",
    "remove_access",
    "report_on_promise",
    "report_quarter",
    "say_done",
    "send_back",
    "update_staff",
]
