"""What is done with accounts, by subject; everything is found here by its name."""

from __future__ import annotations

from marketplace.accounts.actions.membership import (
    accept_invitation,
    clear_second_factor,
    hand_over,
    invite,
    join,
    remove_role,
    sign_up,
    withdraw_invitation,
)
from marketplace.accounts.actions.organisations import add_organisation, add_person, grant_role
from marketplace.accounts.actions.own_account import (
    ask_for_reset,
    change_password,
    confirm_second_factor,
    reset_password,
    start_second_factor,
    turn_off_second_factor,
)
from marketplace.accounts.actions.signing_in import (
    Entry,
    act_for,
    begin,
    check_password,
    end_sessions,
    give_second_factor,
    half_session,
    seen,
)

__all__ = [
    "Entry",
    "accept_invitation",
    "act_for",
    "add_organisation",
    "add_person",
    "ask_for_reset",
    "begin",
    "change_password",
    "check_password",
    "clear_second_factor",
    "confirm_second_factor",
    "end_sessions",
    "give_second_factor",
    "grant_role",
    "half_session",
    "hand_over",
    "invite",
    "join",
    "remove_role",
    "reset_password",
    "seen",
    "sign_up",
    "start_second_factor",
    "turn_off_second_factor",
    "withdraw_invitation",
]
