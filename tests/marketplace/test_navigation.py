from __future__ import annotations

import pytest

from marketplace.access import Actor, Role
from marketplace.navigation import navigation_for


@pytest.mark.parametrize(
    ("role", "finds"),
    [
        (Role.CONTRACT_MANAGER, True),
        (Role.REGIONAL_COORDINATOR, True),
        (Role.APPROVER, False),
        (Role.SIGNATORY, False),
        (Role.BID_MANAGER, False),
        (Role.SERVICE_MANAGER, False),
    ],
)
def test_late_referrals_stand_at_the_top_for_those_who_chase_them(role: Role, finds: bool) -> None:
    found = navigation_for(Actor(1, "Somebody", 1, "A body", frozenset({role})))
    assert ("Late referrals" in [item.text for item in found]) is finds
