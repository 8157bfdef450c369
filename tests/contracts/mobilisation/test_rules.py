from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.agreements.rules import Side
from contracts.mobilisation import rules
from contracts.mobilisation.rules import (
    MILESTONE_MOVES,
    PROMISE_MOVES,
    SETTLED,
    TO_DO,
    USUAL,
    Clearance,
    Frequency,
    MilestoneStatus,
    PromiseStatus,
    Readiness,
    Share,
    Tally,
)
from marketplace.accounts.rules import SupplierStatus
from marketplace.working_days import is_working_day

START = date(2026, 12, 1)
DAYS = st.dates(date(2026, 1, 1), date(2027, 11, 30))
READY = Tally(
    starts_on=START, signed=True, milestones=10, open=0, late=0, soon=0, sent_back=0, unjudged=0, staff=4, cleared=4
)


@given(DAYS, st.integers(0, 60))
def test_working_days_before_the_start_count_back_and_forth(start: date, days: int) -> None:
    day = rules.working_days_before(start, days)
    assert rules.days_before(start, day) == days
    assert days == 0 or (is_working_day(day) and day < start)


@pytest.mark.parametrize(
    ("made_on", "due"),
    [
        (date(2026, 9, 7), date(2026, 11, 17)),
        (date(2026, 11, 17), date(2026, 11, 24)),  # made on its day: five working days remain
        (date(2026, 11, 27), START),  # though not past the start
        (date(2026, 12, 3), date(2026, 12, 3)),  # nor on a day that is past
    ],
)
def test_a_milestone_made_late_leaves_time_to_do_it(made_on: date, due: date) -> None:
    assert rules.due_on(START, 10, made_on=made_on) == due


@given(DAYS, st.integers(0, 60), DAYS)
def test_no_milestone_is_due_before_it_is_made_nor_after_the_start(start: date, days: int, made_on: date) -> None:
    assert made_on <= rules.due_on(start, days, made_on=made_on) <= max(start, made_on)


@pytest.mark.parametrize(
    ("changed", "on", "expected", "missing"),
    [
        ({}, date(2026, 9, 1), Readiness.READY, ()),
        ({}, START, Readiness.READY, ()),
        ({"signed": False}, date(2026, 9, 1), Readiness.ON_TRACK, ("Not signed by both sides",)),
        (
            {"milestones": 0, "staff": 0, "cleared": 0},
            date(2026, 9, 1),
            Readiness.ON_TRACK,
            ("No milestones yet", "Nobody entered who delivers"),
        ),
        ({"open": 3}, date(2026, 9, 1), Readiness.ON_TRACK, ("3 milestones to do",)),
        ({"open": 3, "soon": 1}, date(2026, 9, 1), Readiness.AT_RISK, ("3 milestones to do",)),
        (
            {"open": 3, "sent_back": 1, "unjudged": 1},
            date(2026, 9, 1),
            Readiness.AT_RISK,
            ("1 milestone sent back", "1 milestone to do", "1 milestone to be accepted"),
        ),
        ({"open": 1, "unjudged": 1}, date(2026, 9, 1), Readiness.ON_TRACK, ("1 milestone to be accepted",)),
        ({"open": 2, "late": 1}, date(2026, 9, 1), Readiness.LATE, ("1 milestone past the day", "1 milestone to do")),
        ({"open": 1}, date(2026, 11, 16), Readiness.ON_TRACK, ("1 milestone to do",)),
        ({"open": 1}, date(2026, 11, 17), Readiness.AT_RISK, ("1 milestone to do",)),
        ({"open": 1}, START, Readiness.LATE, ("1 milestone to do",)),
        ({"cleared": 3}, date(2026, 9, 1), Readiness.ON_TRACK, ("1 of 4 people not cleared",)),
        ({"cleared": 3}, date(2026, 11, 30), Readiness.AT_RISK, ("1 of 4 people not cleared",)),
        # After the start a colleague who joins and is not cleared yet holds nothing up; nobody cleared does.
        ({"cleared": 3}, START, Readiness.READY, ()),
        ({"cleared": 0}, START, Readiness.LATE, ("Nobody cleared",)),
    ],
)
def test_readiness_and_what_is_missing(
    changed: dict[str, int], on: date, expected: Readiness, missing: tuple[str, ...]
) -> None:
    tally = replace(READY, **changed)  # type: ignore[arg-type]
    assert rules.readiness(tally, on) is expected
    assert rules.missing(tally, on) == missing


@given(
    st.builds(
        lambda late, sent_back, unjudged, rest, soon, staff, cleared, signed: Tally(
            starts_on=START,
            signed=signed,
            milestones=late + sent_back + unjudged + rest,
            open=late + sent_back + unjudged + rest,
            late=late,
            soon=min(soon, rest),
            sent_back=sent_back,
            unjudged=unjudged,
            staff=staff,
            cleared=min(cleared, staff),
        ),
        *(st.integers(0, 3) for _ in range(7)),
        st.booleans(),
    ),
    DAYS,
)
def test_ready_means_that_nothing_is_missing(tally: Tally, on: date) -> None:
    assert (rules.readiness(tally, on) is Readiness.READY) == (rules.missing(tally, on) == ())


def test_the_usual_set_has_both_sides_and_each_name_once() -> None:
    assert {one.side for one in USUAL} == set(Side)
    assert len({one.title for one in USUAL}) == len(USUAL)


def test_every_status_has_its_moves() -> None:
    assert set(MILESTONE_MOVES) == set(MilestoneStatus)
    assert set(PROMISE_MOVES) == set(PromiseStatus)
    assert {status for status, to in MILESTONE_MOVES.items() if not to} == SETTLED
    assert {status for status, to in MILESTONE_MOVES.items() if MilestoneStatus.DONE in to} == TO_DO


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ((None, None, None), Clearance.NOT_APPLIED),
        ((date(2026, 12, 2), None, None), Clearance.NOT_APPLIED),
        ((START, None, None), Clearance.APPLIED),
        ((None, date(2026, 12, 2), None), Clearance.NOT_APPLIED),
        ((None, START, None), Clearance.CLEARED),
        ((None, START, START + timedelta(days=61)), Clearance.CLEARED),
        ((None, START, START + timedelta(days=60)), Clearance.EXPIRING),
        ((None, START, START), Clearance.EXPIRING),
        ((None, date(2026, 1, 1), START - timedelta(days=1)), Clearance.EXPIRED),
    ],
)
def test_where_a_clearance_stands(dates: tuple[date | None, date | None, date | None], expected: Clearance) -> None:
    applied, cleared, expires = dates
    found = rules.clearance(applied_on=applied, cleared_on=cleared, expires_on=expires, on=START)
    assert found is expected
    assert found.holds == (expected in (Clearance.CLEARED, Clearance.EXPIRING))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("AO", True),
        ("A.O.", True),
        ("AO-2", True),
        ("40213", True),
        ("Ama Owusu", False),
        ("", False),
        ("A" * 13, False),
    ],
)
def test_a_reference_is_no_name(text: str, fits: bool) -> None:
    assert rules.is_staff_reference(text) is fits


@pytest.mark.parametrize(
    ("frequency", "last", "expected"),
    [
        (Frequency.ONCE, None, [date(2026, 12, 31)]),
        (Frequency.QUARTERLY, date(2027, 6, 30), [date(2026, 12, 31), date(2027, 3, 31)]),
        (Frequency.QUARTERLY, date(2027, 7, 1), [date(2026, 12, 31), date(2027, 3, 31), date(2027, 7, 1)]),
        (Frequency.YEARLY, None, [date(2026, 12, 31), date(2027, 12, 31), date(2028, 12, 31)]),
    ],
)
def test_the_days_of_a_promise(frequency: Frequency, last: date | None, expected: list[date]) -> None:
    assert list(islice(rules.report_days(date(2026, 12, 31), frequency, last), 3)) == expected
    assert rules.next_report(date(2026, 12, 31), frequency, last, {date(2026, 12, 31)}) == (
        expected[1] if len(expected) > 1 else None
    )


@pytest.mark.parametrize(
    ("on", "ends_on", "expected"),
    [
        (date(2027, 2, 28), None, []),
        (date(2027, 3, 1), None, [(START, date(2027, 2, 28))]),
        (date(2027, 6, 1), date(2027, 4, 15), [(START, date(2027, 2, 28)), (date(2027, 3, 1), date(2027, 4, 15))]),
    ],
)
def test_quarters_run_from_the_start_and_end_with_the_contract(
    on: date, ends_on: date | None, expected: list[tuple[date, date]]
) -> None:
    assert rules.quarters_over(START, ends_on, on) == expected


@pytest.mark.parametrize(
    ("lead", "chain", "expected"),
    [
        (SupplierStatus.LARGE, [], "0"),
        (SupplierStatus.VCSE, [], "100"),
        (SupplierStatus.LARGE, [(SupplierStatus.VCSE, "20"), (SupplierStatus.SME, "10")], "20"),
        (SupplierStatus.VCSE, [(SupplierStatus.VCSE, "20"), (SupplierStatus.SME, "12.5")], "87.5"),
    ],
)
def test_what_reaches_voluntary_organisations(
    lead: SupplierStatus, chain: list[tuple[SupplierStatus, str]], expected: str
) -> None:
    assert rules.vcse_share(lead, [Share(status, Decimal(part)) for status, part in chain]) == Decimal(expected)
