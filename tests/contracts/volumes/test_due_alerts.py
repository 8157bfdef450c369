from __future__ import annotations

from datetime import date

import pytest

from contracts.volumes import rules
from contracts.volumes.rules import AlertKind
from tests.contracts.volumes.year import (
    position,
)


@pytest.mark.parametrize(
    ("counted", "kinds"),
    [
        (111, []),
        (112, [AlertKind.CAP_NEAR]),
        (132, [AlertKind.CAP_NEAR]),
        (133, [AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR]),
        (139, [AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR]),
        (140, [AlertKind.CAP_MET, AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR]),
        (29, [AlertKind.UNDER_MINIMUM]),
        (30, []),
    ],
)
def test_alerts_at_parts_of_the_cap_and_under_the_minimum(counted: int, kinds: list[AlertKind]) -> None:
    due = rules.due_alerts(position(counted, date(2026, 9, 30)))
    assert [one.kind for one in due] == kinds
    assert all(one.volume == (60 if one.kind is AlertKind.UNDER_MINIMUM else 140) for one in due)


def test_no_alert_of_the_minimum_in_the_first_weeks_and_none_without_a_volume() -> None:
    assert rules.due_alerts(position(0, date(2026, 4, 29))) == ()
    assert [due.kind for due in rules.due_alerts(position(0, date(2026, 4, 30)))] == []
    assert [due.kind for due in rules.due_alerts(position(0, date(2026, 5, 1)))] == [AlertKind.UNDER_MINIMUM]
    assert rules.due_alerts(position(500, date(2026, 9, 30), [])) == ()
