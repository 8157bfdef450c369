"""What is done with accounts, by subject; everything is found here by its name."""

from __future__ import annotations

from marketplace.accounts.actions.organisations import (
    add_organisation,
    add_person,
    grant_role,
)

__all__ = ["add_organisation", "add_person", "grant_role"]
