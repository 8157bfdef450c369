from __future__ import annotations

from datetime import date

import pytest

from contracts.volumes import rules
from contracts.volumes.rules import ActionStatus, AlertKind, Verdict
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


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ([AlertKind.CAP_NEAR], [AlertKind.CAP_NEAR]),
        ([AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR], [AlertKind.CAP_CLOSE]),
        ([AlertKind.CAP_MET, AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR], [AlertKind.CAP_MET]),
        ([AlertKind.UNDER_MINIMUM], [AlertKind.UNDER_MINIMUM]),
        # Under a wide lowest band a service may be both.
        ([AlertKind.CAP_NEAR, AlertKind.UNDER_MINIMUM], [AlertKind.CAP_NEAR, AlertKind.UNDER_MINIMUM]),
        ([], []),
    ],
)
def test_of_those_about_the_cap_the_gravest_is_told(raised: list[AlertKind], told: list[AlertKind]) -> None:
    assert [one.kind for one in rules.told_of([rules.DueAlert(kind, 100) for kind in raised])] == told


def test_a_graver_alert_overtakes_the_lesser_about_the_cap_alone() -> None:
    assert rules.overtaken_by(AlertKind.CAP_MET) == (AlertKind.CAP_CLOSE, AlertKind.CAP_NEAR)
    assert rules.overtaken_by(AlertKind.CAP_NEAR) == ()
    assert rules.overtaken_by(AlertKind.UNDER_MINIMUM) == ()


def test_what_an_action_brought_leaves_it_and_settles_its_alert_or_not() -> None:
    leaves = {one: (one.leaves, one.settles_alert) for one in Verdict}
    assert leaves == {
        Verdict.GOES_ON: (ActionStatus.UNDER_WAY, False),
        Verdict.HELPED: (ActionStatus.DONE, True),
        Verdict.PARTLY: (ActionStatus.DONE, True),
        Verdict.NO_DIFFERENCE: (ActionStatus.DONE, False),
        Verdict.DROPPED: (ActionStatus.DROPPED, False),
    }
