from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError, ProgrammingError

from calloffs.competitions import actions as calling
from calloffs.competitions.queries import warnings
from calloffs.competitions.rules import CompetitionStatus, Instrument, VolumeKind
from calloffs.funds.actions import open_fund
from calloffs.funds.rules import FundKind
from calloffs.plans import actions, queries
from calloffs.plans.models import NeedsData, Plan, PlanHistory
from calloffs.plans.rules import BAND_EDGES, Evidence, Growth, GrowthKind, Route, differences
from marketplace.access import Actor, Role
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from tests.factories.accounts import actor_with, make_actor, make_commissioner
from tests.factories.competitions import make_plan, make_tender
from tests.factories.framework import make_framework
from tests.factories.places import GREATER_MANCHESTER_REGION, MANCHESTER, SALFORD, make_places

pytestmark = pytest.mark.usefixtures("session", "clock")

NOW = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
POLICE = Growth(GrowthKind.POLICE, Decimal(2), Decimal(1), "Police workforce")


@pytest.fixture
def author() -> Actor:
    make_framework()
    make_places()
    return make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)


def begun(author: Actor, **changed: object) -> Plan:
    written: dict[str, object] = {
        "title": "Homes in Manchester",
        "category_code": "ACC",
        "place_code": MANCHESTER,
        "need": "A home.",
        "starts_on": date(2027, 4, 1),
        "months": 30,
    }
    return actions.start_plan(**{**written, **changed}, actor=author, now=NOW)  # type: ignore[arg-type]


def announced(author: Actor, place: str = MANCHESTER, *, published: date | None = date(2026, 4, 1)) -> NeedsData:
    return actions.announce_needs_data(
        title=f"Needs {place}",
        source="HMPPS",
        place_code=place,
        due_on=date(2026, 4, 1),
        good_until=date(2027, 3, 31),
        published_on=published,
        actor=author,
        now=NOW,
    )


def fill(plan: Plan, author: Actor, *, route: Route = Route.CONTRACT) -> None:
    """Every part but the need."""
    actions.rest_on(plan, needs_data_id=announced(author).id, reason="", actor=author, now=NOW)
    actions.project(
        plan,
        history=[(2025, 1200), (2024, 1000)],
        history_source="Statistics",
        eligible_percent=Decimal(25),
        eligible_source="Assessments",
        actor=author,
        now=NOW,
    )
    actions.forecast(plan, growth=[POLICE], actor=author, now=NOW)
    priced(plan, author)
    actions.put_money(
        plan,
        budgets=[Decimal(150_000), Decimal(150_000), Decimal(80_000)],
        budget_reason="Fewer at high intensity",
        route=route,
        route_reason="",
        actor=author,
        now=NOW,
    )


def priced(plan: Plan, author: Actor, low: int = 400) -> None:
    actions.price(
        plan,
        unit_costs=(Decimal(low), Decimal(600), Decimal(900)),
        source="Contracts",
        as_of=date(2026, 3, 31),
        mix=(Decimal(50), Decimal(30), Decimal(20)),
        actor=author,
        now=NOW,
    )


def test_a_need_becomes_settled_figures_and_a_call_off(author: Actor) -> None:
    plan = begun(author)
    with pytest.raises(Invalid, match="police officer numbers"):
        actions.settle(plan, actor=author, now=NOW)
    fill(plan, author)
    version = actions.settle(plan, actor=author, now=NOW)
    # 300 × 1.02, × 1.01, × 1.01 for six months: 306, 309, 156.
    assert [year.volume for year in version.worked.years] == [306, 309, 156]
    assert (version.projected_annual_volume, version.annual_budget) == (308, Decimal("152000.00"))
    assert version.calculated_cost == version.worked.cost
    assert version.gap == version.calculated_cost - Decimal(380_000)
    draft = calling.start_from_plan(plan, actor=author, now=NOW)
    assert (draft.months, draft.starts_on, draft.plan_version) == (30, date(2027, 4, 1), version)
    assert draft.volume_kind is VolumeKind.CAP
    assert [(band.high, band.annual_value) for band in draft.bands] == [(308, Decimal("152000.00"))]
    assert events_for(plan)[0].details["gap"] == str(version.gap)


def test_without_settled_figures_there_is_no_call_off(author: Actor) -> None:
    plan = begun(author)
    with pytest.raises(Refused, match="settle the figures"):
        calling.start_from_plan(plan, actor=author, now=NOW)
    fill(plan, author, route=Route.GRANT)
    actions.settle(plan, actor=author, now=NOW)
    assert calling.start_from_plan(plan, actor=author, now=NOW).instrument is Instrument.GRANT


def test_a_plan_that_goes_another_way_starts_no_call_off(author: Actor) -> None:
    plan = begun(author)
    fill(plan, author)
    with pytest.raises(Invalid, match="why this route"):
        money(plan, author, Route.ELSEWHERE, "")
    money(plan, author, Route.ELSEWHERE, "A neighbour has a service with room.")
    actions.settle(plan, actor=author, now=NOW)
    with pytest.raises(Refused, match="another route"):
        calling.start_from_plan(plan, actor=author, now=NOW)


def money(plan: Plan, author: Actor, route: Route, reason: str, fund: tuple[int, str] | None = None) -> None:
    actions.put_money(
        plan,
        budgets=[Decimal(200_000)] * 3,
        budget_reason="",
        route=route,
        route_reason=reason,
        fund=fund,
        actor=author,
        now=NOW,
    )


def test_ring_fenced_money_has_a_reason_for_its_route_and_goes_into_the_call_off(author: Actor) -> None:
    fund = open_fund(
        name="Outcomes",
        kind=FundKind.OUTCOMES,
        purposes="Homes\nWork",
        amount=Decimal(1_000_000),
        starts_on=date(2026, 1, 1),
        ends_on=date(2029, 1, 1),
        actor=author,
        now=NOW,
    )
    plan = begun(author)
    fill(plan, author)
    with pytest.raises(Invalid, match="why this route"):
        money(plan, author, Route.CONTRACT, "", (fund.id, "Homes"))
    with pytest.raises(Invalid, match="purposes"):
        money(plan, author, Route.CONTRACT, "Six suppliers", (fund.id, "Boats"))
    money(plan, author, Route.CONTRACT, "Six suppliers", (fund.id, "Homes"))
    actions.settle(plan, actor=author, now=NOW)
    share = calling.start_from_plan(plan, actor=author, now=NOW).lead_share
    assert share is not None
    assert (share.fund_id, share.fund_purpose) == (fund.id, "Homes")


def test_a_settled_version_stays_and_a_change_is_another(author: Actor) -> None:
    plan = begun(author)
    fill(plan, author)
    first = actions.settle(plan, actor=author, now=NOW)
    with pytest.raises(Refused, match="Begin a new version"):
        actions.forecast(plan, growth=[POLICE], actor=author, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.settle(plan, actor=author, now=NOW)
    second = actions.begin_version(plan, reason="New police figures", actor=author, now=NOW)
    assert differences(first.assumptions, second.assumptions) == []
    with pytest.raises(AlreadyDone, match="being worked on already"):
        actions.begin_version(plan, reason="Again", actor=author, now=NOW)
    actions.forecast(plan, growth=[Growth(GrowthKind.POLICE, Decimal(5), Decimal(1), "x")], actor=author, now=NOW)
    assert plan.settled is first
    assert plan.latest is first
    actions.settle(plan, actor=author, now=NOW)
    assert plan.latest is second
    assert [year.volume for year in first.worked.years] == [306, 309, 156]
    assert second.worked.years[0].volume == 315


def test_a_call_off_keeps_the_figures_it_started_from(author: Actor) -> None:
    plan = begun(author)
    fill(plan, author)
    first = actions.settle(plan, actor=author, now=NOW)
    draft = calling.start_from_plan(plan, actor=author, now=NOW)
    actions.begin_version(plan, reason="New", actor=author, now=NOW)
    priced(plan, author, low=500)
    actions.settle(plan, actor=author, now=NOW)
    assert draft.plan_version is first


def test_a_version_can_be_thrown_away_but_not_the_first(author: Actor) -> None:
    plan = begun(author)
    with pytest.raises(Invalid, match="first version"):
        actions.discard_version(plan, actor=author, now=NOW)
    fill(plan, author)
    actions.settle(plan, actor=author, now=NOW)
    actions.begin_version(plan, reason="A thought", actor=author, now=NOW)
    actions.discard_version(plan, actor=author, now=NOW)
    assert [one.number for one in plan.versions] == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plan_versions SET annual_budget = 1",
        "DELETE FROM plan_versions",
        "UPDATE plan_budgets SET amount = 1",
        "DELETE FROM plan_history",
        "INSERT INTO plan_history (version_id, year, caseload) SELECT id, 2020, 1 FROM plan_versions",
    ],
)
def test_the_database_itself_keeps_settled_figures(author: Actor, statement: str) -> None:
    plan = begun(author)
    fill(plan, author)
    db.session.flush()
    with db.session.begin_nested() as probe:
        db.session.execute(text("UPDATE plan_history SET caseload = caseload"))  # a draft's can be changed
        probe.rollback()
    actions.settle(plan, actor=author, now=NOW)
    with (
        pytest.raises((InternalError, ProgrammingError, IntegrityError), match="never changed"),
        db.session.begin_nested(),
    ):
        db.session.execute(text(statement))


def test_a_year_stands_once(author: Actor) -> None:
    plan = begun(author)
    fill(plan, author)
    draft = plan.draft
    assert draft is not None
    draft.history.append(PlanHistory(year=2025, caseload=1))
    with pytest.raises(IntegrityError, match="uq_plan_history_version_id_year"):
        db.session.flush()


def test_unit_costs_entered_in_a_plan_become_reference_figures_once(author: Actor) -> None:
    plan = begun(author)
    priced(plan, author)
    priced(plan, author)
    found = queries.all_unit_costs(author)
    assert [(one.low, one.medium, one.high) for one in found] == [(400, 600, 900)]
    priced(plan, author, low=450)
    assert queries.unit_costs_of(author.organisation, "ACC").low == 450  # type: ignore[union-attr]
    assert len(queries.all_unit_costs(author)) == 2
    with pytest.raises(Invalid, match="cannot cost less"):
        priced(plan, author, low=700)
    with pytest.raises(Invalid, match="in the future"):
        actions.enter_unit_costs(
            category_code="ACC",
            amounts=(Decimal(1), Decimal(2), Decimal(3)),
            source="x",
            as_of=date(2026, 9, 8),
            actor=author,
            now=NOW,
        )


def test_another_category_forgets_unit_costs_and_a_shorter_life_its_budgets(author: Actor) -> None:
    plan = begun(author)
    fill(plan, author)
    written = {"title": plan.title, "need": plan.need, "starts_on": date(2027, 4, 1)}
    actions.change_need(
        plan,
        **written,
        category_code="ETE",
        place_code=SALFORD,
        months=12,
        actor=author,
        now=NOW,  # type: ignore[arg-type]
    )
    version = plan.draft
    assert version is not None
    assert (version.unit_low, version.mix_high, version.calculated_cost) == (None, None, None)
    assert [one.amount for one in version.budgets] == [Decimal(150_000)]
    assert version.needs_data is None


def test_needs_data_is_of_the_area_or_one_around_or_inside_it(author: Actor) -> None:
    plan = begun(author)
    for place in (MANCHESTER, GREATER_MANCHESTER_REGION):
        actions.rest_on(plan, needs_data_id=announced(author, place).id, reason="", actor=author, now=NOW)
    with pytest.raises(Invalid, match="of this area"):
        actions.rest_on(plan, needs_data_id=announced(author, SALFORD).id, reason="", actor=author, now=NOW)
    with pytest.raises(Invalid, match="why there is no"):
        actions.rest_on(plan, needs_data_id=None, reason="", actor=author, now=NOW)
    with pytest.raises(AlreadyDone, match="there already"):
        announced(author, SALFORD)


def test_the_approver_is_warned_until_the_needs_data_is_published(author: Actor) -> None:
    made = make_tender(CompetitionStatus.DRAFT)
    plan = make_plan(made.lead, made.author, settled=False)
    data = announced(made.author, published=None)
    actions.rest_on(plan, needs_data_id=data.id, reason="", actor=made.author, now=NOW)
    actions.settle(plan, actor=made.author, now=NOW)
    draft = calling.start_from_plan(plan, actor=made.author, now=NOW)

    def words() -> str:
        return " ".join(warnings(draft, qualified=5, now=NOW))

    assert "was due and is not published: Needs" in words()
    assert "under the calculated cost" not in words()
    days = {"published_on": date(2026, 9, 7), "good_until": date(2027, 9, 1)}
    with pytest.raises(NotAllowed):
        actions.publish_needs_data(data, **days, actor=actor_with(Role.COMMERCIAL_PARTNER), now=NOW)
    actions.publish_needs_data(data, **days, actor=made.author, now=NOW)
    assert "needs data" not in words()


@pytest.mark.parametrize("evidence", list(Evidence))
def test_the_list_finds_by_needs_data_what_the_rules_say(author: Actor, evidence: Evidence) -> None:
    days = [(None, date(2026, 9, 7)), (None, date(2026, 9, 6)), (date(2026, 9, 7), date(2026, 9, 1))]
    days += [(date(2026, 1, 1), date(2026, 1, 1))]
    for number, (published, due) in enumerate(days):
        plan = begun(author, title=f"Plan {number}")
        data = NeedsData(
            place_code=MANCHESTER,
            organisation_id=author.organisation,
            title=f"Needs {number}",
            source="x",
            due_on=due,
            published_on=published,
            good_until=date(2026, 8, 1) if number == 3 else date(2027, 1, 1),
            entered_at=NOW,
            entered_by=author.person,
        )
        db.session.add(data)
        db.session.flush()
        actions.rest_on(plan, needs_data_id=data.id, reason="", actor=author, now=NOW)
    begun(author, title="Without")
    today = date(2026, 9, 7)
    found = queries.plans_of(author, queries.Narrowed(evidence=evidence), on=today).items
    assert [one.plan.title for one in found]
    assert {one.evidence(today) for one in found} == {evidence}


def test_widths_and_threshold_are_the_plans_own(author: Actor) -> None:
    plan = begun(author)
    fill(plan, author)
    with pytest.raises(Invalid, match="hold the projection"):
        actions.set_bands(
            plan, edges=(10, 20, 30, 40, 50), fixed_percent=Decimal(0), larger_from=Decimal(1), actor=author, now=NOW
        )
    edges = (50, 90, 110, 130, 150)
    actions.set_bands(plan, edges=edges, fixed_percent=Decimal(20), larger_from=Decimal(300_000), actor=author, now=NOW)
    version = actions.settle(plan, actor=author, now=NOW)
    draft = calling.start_from_plan(plan, actor=author, now=NOW)
    assert (draft.volume_kind, draft.planned_band) == (VolumeKind.BANDS, 2)
    assert [one.band for one in draft.bands] == version.worked.bands
    assert draft.bands[1].annual_value == version.annual_budget
    assert version.edges != list(BAND_EDGES)


def test_only_the_body_whose_plan_it_is_changes_it(author: Actor) -> None:
    plan = begun(author)
    other = make_actor(make_commissioner("Elsewhere"), Role.COMMERCIAL_PARTNER)
    with pytest.raises(NotAllowed, match="Only the body"):
        actions.forecast(plan, growth=[POLICE], actor=other, now=NOW)
    with pytest.raises(NotAllowed, match="role"):
        begun(actor_with(Role.CONTRACT_MANAGER))


def test_slips_of_typing_are_refused_and_not_kept(author: Actor) -> None:
    plan = begun(author, months=120)
    fill_volume = {"history_source": "x", "eligible_percent": Decimal(100), "eligible_source": "x"}
    with pytest.raises(Invalid, match="more than 1,000,000 referrals"):
        actions.project(plan, history=[(2025, 1_000_001)], **fill_volume, actor=author, now=NOW)  # type: ignore[arg-type]
    actions.project(plan, history=[(2025, 1_000_000)], **fill_volume, actor=author, now=NOW)  # type: ignore[arg-type]
    doubled = Growth(GrowthKind.POLICE, Decimal(0), Decimal(100), "x")
    with pytest.raises(Invalid, match="more than 1,000,000 referrals"), db.session.begin_nested():
        actions.forecast(plan, growth=[doubled], actor=author, now=NOW)
    with pytest.raises(Invalid, match="£10 billion"):
        actions.price(
            plan,
            unit_costs=(Decimal(99_999_999),) * 3,
            source="x",
            as_of=date(2026, 3, 31),
            mix=(Decimal(50), Decimal(30), Decimal(20)),
            actor=author,
            now=NOW,
        )
