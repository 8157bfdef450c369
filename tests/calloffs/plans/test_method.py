from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calloffs.plans.rules import (
    Assumptions,
    Evidence,
    Growth,
    GrowthKind,
    Route,
    Section,
    VolumeBasis,
    changes,
    differences,
    evidence_on,
    people_of,
    plan_faults,
    warnings,
    work_out,
    written,
    year_lengths,
)

WHOLE = Assumptions(
    starts_on=date(2027, 4, 1),
    months=30,
    evidence="Needs 2026, HMPPS",
    basis=VolumeBasis.CASELOAD,
    history=((2024, 1000), (2025, 1200)),
    history_source="Statistics",
    eligible_percent=Decimal(25),
    eligible_source="Assessments",
    growth=(
        Growth(GrowthKind.POLICE, Decimal(2), Decimal(1), "Police workforce"),
        Growth(GrowthKind.SENTENCING, Decimal(-1), Decimal(0), "Our estimate"),
    ),
    unit_costs=(Decimal(400), Decimal(600), Decimal(900)),
    unit_source="Contracts of 2025",
    unit_as_of=date(2026, 3, 31),
    mix=(Decimal(50), Decimal(30), Decimal(20)),
    budgets=(Decimal(150_000), Decimal(150_000), Decimal(80_000)),
    budget_reason="Fewer at high intensity",
    route=Route.CONTRACT,
)


def test_a_plan_of_thirty_months_worked_by_hand() -> None:
    # 1,200 × 25% = 300. By the first year +2% − 1% = +1%: 303. Then +1% a year: 306.03, and 309.0903 of which six
    # months are 154.5, so 155.
    found = work_out(WHOLE)
    assert [year.volume for year in found.years] == [303, 306, 155]
    assert [year.annual for year in found.years] == [303, 306, 309]
    assert [year.months for year in found.years] == [12, 12, 6]
    # 303 people: 151.5, 90.9 and 60.6; the two left over go where most was lost.
    assert [year.people for year in found.years] == [(151, 91, 61), (153, 92, 61), (78, 46, 31)]
    assert found.years[0].costs == (Decimal("60400.00"), Decimal("54600.00"), Decimal("54900.00"))
    assert [year.cost for year in found.years] == [Decimal(169_900), Decimal(171_300), Decimal(86_700)]
    assert [year.adjustment for year in found.years] == [Decimal(-19_900), Decimal(-21_300), Decimal(-6_700)]
    assert (found.volume, found.cost, found.budget) == (764, Decimal(427_900), Decimal(380_000))
    assert (found.adjustment, found.gap) == (Decimal(-47_900), Decimal(47_900))
    # 764 in 30 months are 305.6 in twelve.
    assert (found.annual_volume, found.annual_budget) == (306, Decimal(152_000))
    assert [(band.low, band.high, band.annual_value) for band in found.bands] == [(0, 306, Decimal(152_000))]
    assert found.planned_band == 1


def test_a_budget_over_the_cost_leaves_no_gap() -> None:
    found = work_out(replace(WHOLE, budgets=(Decimal(200_000),) * 3))
    assert (found.adjustment, found.gap) == (Decimal(172_100), Decimal(0))


def test_from_the_threshold_on_there_are_four_bands_and_the_threshold_is_the_plans_own() -> None:
    assert not work_out(replace(WHOLE, larger_from=Decimal("380000.01"))).is_larger
    found = work_out(replace(WHOLE, larger_from=Decimal("380000.00")))
    assert (found.is_larger, found.planned_band, len(found.bands)) == (True, 2, 4)
    assert found.bands[1].annual_value == Decimal(152_000)
    # Around the third year's own rate: 309 referrals, and £80,000 in six months are £160,000 in twelve.
    assert (found.bands_of(found.years[2])[1].high, found.bands_of(found.years[2])[1].annual_value) == (309, 160_000)


def test_a_stated_projection_is_taken_as_it_is() -> None:
    found = work_out(replace(WHOLE, basis=VolumeBasis.STATED, stated_volume=100, stated_source="Region"))
    assert [year.volume for year in found.years] == [100, 100, 50]
    assert found.annual_volume == 100


def test_while_something_is_not_known_it_is_not_made_up() -> None:
    found = work_out(replace(WHOLE, unit_costs=(), mix=()))
    assert (found.cost, found.gap, found.adjustment, found.budget) == (None, None, None, Decimal(380_000))
    found = work_out(replace(WHOLE, budgets=(Decimal(1),)))
    assert (found.budget, found.gap, found.bands) == (None, None, [])
    assert work_out(Assumptions()).bands == []
    assert [year.cost for year in work_out(Assumptions()).years] == [None, None]


PERCENT = st.decimals(-30, 60, places=2)


@given(
    st.integers(1, 120),
    st.integers(1, 1_000_000),
    st.decimals(Decimal("0.01"), 100, places=2),
    PERCENT,
    PERCENT,
    st.integers(0, 100),
    st.integers(0, 100),
    st.lists(st.decimals(1, 10_000_000, places=2), min_size=10, max_size=10),
)
def test_whatever_is_assumed_the_figures_sum_to_the_penny(
    months: int,
    caseload: int,
    eligible: Decimal,
    first: Decimal,
    later: Decimal,
    a: int,
    b: int,
    budgets: list[Decimal],
) -> None:
    low, high = min(a, b), max(a, b)
    assumed = replace(
        WHOLE,
        months=months,
        history=((2025, caseload),),
        eligible_percent=eligible,
        growth=(Growth(GrowthKind.POLICE, first, later, "x"),),
        mix=(Decimal(low), Decimal(high - low), Decimal(100 - high)),
        budgets=tuple(budgets[: len(year_lengths(months))]),
    )
    found = work_out(assumed)
    assert sum(year.months for year in found.years) == months
    for year in found.years:
        assert sum(year.people) == year.volume
        assert year.cost is not None and year.budget is not None and year.adjustment is not None
        assert year.cost + year.adjustment == year.budget
        assert year.cost == year.cost.quantize(Decimal("0.01"))
    assert found.cost is not None and found.budget is not None and found.gap is not None
    assert found.cost == sum(year.cost or 0 for year in found.years)
    assert found.gap == max(found.cost - found.budget, Decimal(0))


@given(st.integers(1, 100_000), st.decimals(1, 100, places=2), PERCENT)
def test_more_growth_never_makes_fewer_referrals(caseload: int, eligible: Decimal, change: Decimal) -> None:
    def volumes(by: Decimal) -> list[int]:
        growth = (Growth(GrowthKind.POLICE, by, by, "x"),)
        assumed = replace(WHOLE, history=((2025, caseload),), eligible_percent=eligible, growth=growth)
        return [year.annual for year in work_out(assumed).years]

    assert all(less <= more for less, more in zip(volumes(change), volumes(change + 5), strict=True))
    if change >= 0:
        assert all(before <= after for before, after in pairwise(volumes(change)))


def test_people_are_whole_and_none_is_lost() -> None:
    thirds = (Decimal("33.33"), Decimal("33.33"), Decimal("33.34"))
    assert people_of(10, thirds) == (3, 3, 4)
    assert people_of(1, (Decimal(50), Decimal(50), Decimal(0))) == (1, 0, 0)
    assert people_of(5, ()) == ()


def test_changes_of_past_years() -> None:
    assert changes([(2024, 1000), (2025, 1200), (2026, 1150)]) == [None, Decimal("20.0"), Decimal("-4.2")]
    assert changes([(2024, 0), (2025, 5)]) == [None, None]


@pytest.mark.parametrize(
    ("changed", "section", "words"),
    [
        ({"starts_on": None}, Section.NEED, "when the service starts"),
        ({"evidence": "", "evidence_reason": ""}, Section.EVIDENCE, "Choose the needs data"),
        ({"basis": None}, Section.VOLUME, "how the volume is known"),
        ({"history": ()}, Section.VOLUME, "at least one past year"),
        ({"history_source": ""}, Section.VOLUME, "source of the caseload"),
        ({"eligible_percent": None}, Section.VOLUME, "share of the caseload"),
        ({"eligible_percent": Decimal(0)}, Section.VOLUME, "share of the caseload"),
        ({"eligible_source": ""}, Section.VOLUME, "share that is eligible"),
        ({"history": ((2025, 0),)}, Section.VOLUME, "no referrals at all"),
        ({"basis": VolumeBasis.STATED}, Section.VOLUME, "Enter the projected volume"),
        ({"growth": ()}, Section.GROWTH, "police officer numbers"),
        ({"growth": (Growth(GrowthKind.POLICE, Decimal(0), Decimal(0), ""),)}, Section.GROWTH, "Name the source"),
        ({"unit_costs": ()}, Section.PRICE, "unit costs with their source"),
        ({"unit_source": ""}, Section.PRICE, "unit costs with their source"),
        ({"mix": (Decimal(50), Decimal(30), Decimal(19))}, Section.PRICE, "must total 100%"),
        ({"budgets": (Decimal(1),)}, Section.MONEY, "budget of each contract year"),
        ({"budgets": (Decimal(1), Decimal(0), Decimal(1))}, Section.MONEY, "above £0"),
        ({"budget_reason": ""}, Section.MONEY, "£47,900.00 under the calculated cost"),
        ({"route": None}, Section.MONEY, "how the need is to be met"),
        ({"route": Route.ELSEWHERE}, Section.MONEY, "why this route"),
        ({"paid_from": "Outcomes fund: homes"}, Section.MONEY, "why this route"),
        ({"edges": (60, 80, 80, 120, 140)}, Section.BANDS, "end above"),
    ],
)
def test_each_thing_that_is_missing_is_named_in_its_part(
    changed: dict[str, object], section: Section, words: str
) -> None:
    assert plan_faults(WHOLE) == []
    found = plan_faults(replace(WHOLE, **changed))  # type: ignore[arg-type]
    assert any(fault.section is section and words in fault.words for fault in found), found


def test_too_few_for_four_bands() -> None:
    few = replace(WHOLE, basis=VolumeBasis.STATED, stated_volume=2, stated_source="x", larger_from=Decimal(0))
    assert {fault.section for fault in plan_faults(few)} == {Section.BANDS}


@pytest.mark.parametrize(
    ("on", "published", "standing"),
    [
        (date(2026, 3, 31), None, Evidence.AWAITED),
        (date(2026, 4, 1), None, Evidence.AWAITED),
        (date(2026, 4, 2), None, Evidence.LATE),
        (date(2026, 4, 2), date(2026, 4, 3), Evidence.LATE),
        (date(2026, 4, 3), date(2026, 4, 3), Evidence.CURRENT),
        (date(2027, 3, 31), date(2026, 4, 3), Evidence.CURRENT),
        (date(2027, 4, 1), date(2026, 4, 3), Evidence.OLD),
    ],
)
def test_needs_data_counts_from_its_publication_to_its_date(
    on: date, published: date | None, standing: Evidence
) -> None:
    found = evidence_on(on, due_on=date(2026, 4, 1), published_on=published, good_until=date(2027, 3, 31))
    assert found is standing


def test_only_current_data_and_enough_money_go_without_a_word() -> None:
    assert warnings(Evidence.CURRENT, "N.", Decimal(0)) == []
    assert warnings(Evidence.CURRENT, "N.", None) == []
    for evidence, words in (
        (Evidence.NONE, "no published needs data. N."),
        (Evidence.AWAITED, "is not published yet: N."),
        (Evidence.LATE, "was due and is not published: N."),
        (Evidence.OLD, "is out of date: N."),
    ):
        assert words in warnings(evidence, "N.", Decimal(0))[0]
    assert "£47,900.00 under" in warnings(Evidence.CURRENT, "N.", Decimal(47_900))[0]


def test_what_changed_is_said_old_beside_new() -> None:
    assert differences(WHOLE, WHOLE) == []
    found = {
        one.what: (one.before, one.after)
        for one in differences(WHOLE, replace(WHOLE, history=((2025, 1200),), eligible_percent=Decimal(50)))
    }
    assert found["Caseload of the year that ended in 2024"] == ("1,000", "Not entered")
    assert found["Share eligible"] == ("25%", "50%")
    assert found["Volume of contract year 1"] == ("303", "606")
    assert found["Calculated cost, whole life"][0] == "£427,900.00"
    assert "Source of the caseload" not in found
    # Every assumption is a line that a change shows in; figures are no assumptions.
    assert ("Sentencing and release policy", "−1% by the first contract year, 0% a year after") in written(WHOLE)
    assert not any("whole life" in what for what, _ in written(WHOLE))
