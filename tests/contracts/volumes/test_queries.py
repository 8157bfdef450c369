from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from contracts.agreements.models import ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals import queries as referrals
from contracts.volumes import queries, rules
from contracts.volumes.queries import Narrowed, Order
from contracts.volumes.rules import Standing
from marketplace.access import Actor, Role
from marketplace.errors import NotAllowed, NotFound
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.agreements import make_terms, make_version
from tests.factories.counting import counted_queries
from tests.factories.places import DOVER, KSS_REGION, NEWPORT, make_places
from tests.factories.referrals import FOUR_BANDS, make_referrals, make_service

ON = date(2026, 9, 7)
pytestmark = pytest.mark.usefixtures("session")


def _rows(actor: Actor, narrowed: Narrowed | None = None) -> set[int]:
    return {row.line.id for row in queries.lines_for(actor, narrowed or Narrowed(), on=ON, number=1).rows}


def test_a_position_counts_the_contract_year_that_holds_the_day() -> None:
    line = make_service(bands=((0, 120),), starts_on=date(2025, 4, 1))
    make_referrals(line, 5)
    make_referrals(line, 2, sent_at=datetime(2026, 3, 30, 9, tzinfo=UTC))
    assert queries.position(line, on=ON).counted == 5
    assert queries.position(line, on=date(2026, 3, 31)).counted == 2
    assert queries.position(line, on=ON).room == 115


def test_a_position_of_a_past_day_knows_nothing_that_came_after() -> None:
    line = make_service()
    make_referrals(line, 5)
    assert queries.position(line, on=date(2026, 8, 31)).counted == 0


def test_who_sees_which_lines() -> None:
    supplier, lead, funder = make_supplier(), make_commissioner(), make_commissioner()
    make_places()
    line = make_service(supplier=supplier, commissioner=lead, funders=[lead, funder], places=[DOVER])
    region = make_commissioner(place_code=KSS_REGION)
    for allowed in (
        make_actor(supplier, Role.SERVICE_MANAGER),
        make_actor(lead, Role.CONTRACT_MANAGER),
        make_actor(funder, Role.COMMERCIAL_PARTNER),
        make_actor(region, Role.REGIONAL_COORDINATOR),
    ):
        assert _rows(allowed) == {line.id}
        assert queries.line_for(allowed, line.id) is line
    elsewhere = make_commissioner(place_code=make_places(NEWPORT)[NEWPORT].code)
    for stranger in (
        make_actor(make_supplier(), Role.SERVICE_MANAGER),
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
        make_actor(region, Role.CONTRACT_MANAGER),
        make_actor(elsewhere, Role.REGIONAL_COORDINATOR),
    ):
        assert _rows(stranger) == set()
        with pytest.raises(NotFound):
            queries.line_for(stranger, line.id)


def test_the_list_begins_with_what_is_most_urgent_and_can_be_narrowed() -> None:
    supplier = make_supplier()
    calm = make_service(supplier=supplier, bands=((0, 100),), title="Calm")
    full = make_service(supplier=supplier, bands=((0, 3),), title="Full up")
    make_referrals(calm, 44)
    make_referrals(full, 3)
    actor = make_actor(supplier, Role.SERVICE_MANAGER)
    page = queries.lines_for(actor, Narrowed(), on=ON, number=1)
    assert [row.line.id for row in page.rows] == [full.id, calm.id]
    assert page.standings[Standing.FULL] == 1
    assert _rows(actor, Narrowed(standing=Standing.FULL)) == {full.id}
    assert _rows(actor, Narrowed(text="calm")) == {calm.id}


def test_the_list_takes_as_many_queries_for_thirty_services_as_for_two() -> None:
    supplier = make_supplier()
    actor = make_actor(supplier, Role.SERVICE_MANAGER)
    counts = []
    for more in (2, 28):
        for _ in range(more):
            make_referrals(make_service(supplier=supplier, with_manager=False), 1)
        db.session.commit()
        db.session.expire_all()
        with counted_queries() as sent:
            page = queries.lines_for(actor, Narrowed(), on=ON, number=1)
            assert all(row.line.agreement.supplier.name for row in page.rows)
        counts.append(len(sent))
    assert page.total == 30
    assert len(page.rows) == 25
    assert counts[0] == counts[1] <= 5


def by_objects(line: ServiceLine, on: date, counted: int) -> rules.Position:
    """The same position from the contract's own objects, as other areas hold them."""
    terms = line.terms_on(on)
    return rules.assess(
        line.id,
        [band.band for band in terms.bands],
        terms.planned_band,
        year=rules.profile(
            *contract_year(line.agreement.starts_on, on),
            referrals_from=line.referrals_from,
            referrals_until=terms.referrals_until,
            ends_on=line.agreement.ends_on,
        ),
        on=on,
        counted=counted,
    )


def as_compared(found: rules.Position) -> tuple[object, ...]:
    return (
        *(found.counted, found.bands, found.planned_band, found.year, found.expected, found.projected, found.standing),
        *(found.room, found.next_edge, found.cap_edge, found.likely_range, rules.paid_against_used(found)),
    )


@pytest.mark.parametrize("on", [date(2026, 3, 1), date(2026, 4, 1), ON, date(2027, 3, 31), date(2027, 4, 1)])
def test_rows_and_objects_give_the_same_position(on: date) -> None:
    supplier = make_supplier()
    lines = [
        make_service(supplier=supplier, bands=FOUR_BANDS),
        make_service(supplier=supplier, bands=((0, 30),), starts_on=date(2024, 2, 29)),
        make_service(supplier=supplier, bands=(), starts_on=date(2025, 9, 8)),
        make_service(supplier=supplier, ends_on=date(2026, 10, 14), referrals_until=date(2026, 9, 30)),
        make_service(supplier=supplier, referrals_from=date(2026, 6, 1)),
    ]
    for number, line in enumerate(lines):
        make_referrals(line, 3 * number)
    db.session.expire_all()
    found = queries.positions(lines, on=on)
    assert found.keys() == {line.id for line in lines}
    for line in lines:
        first, last = contract_year(line.agreement.starts_on, on)
        counted = referrals.counted(line.id, first, min(last, on))
        assert as_compared(found[line.id]) == as_compared(by_objects(line, on, counted))


def test_a_variation_within_the_year_changes_what_is_planned_from_its_day() -> None:
    line = make_service(bands=FOUR_BANDS, starts_on=date(2026, 4, 1))
    changed = make_version(line.agreement, in_force_from=date(2026, 8, 1))
    make_terms(changed, line, bands=[(0, 200, Decimal(240000))])
    db.session.expire_all()
    before, after = (queries.position(line, on=on) for on in (date(2026, 7, 31), date(2026, 8, 31)))
    assert (before.cap, before.planned) == (140, 100)
    # 84 of 251 working days are over by the end of July at 100 a year; the other 167 at 200: (8400 + 33400) / 251.
    assert (after.cap, after.planned) == (200, 167)
    # And by the end of August 20 more: (8400 + 4000) / 251 = 49.4.
    assert after.expected == 49
    both = rules.paid_against_used(after)
    # Four months at £100,000, a twelfth of which is £8,333.34 in the year's first four, and one at £240,000.
    assert both is not None and both.paid == Decimal("53333.36")
    # The next contract year knows the new terms alone.
    assert queries.position(line, on=date(2027, 4, 30)).planned == 200


@pytest.mark.parametrize(("was", "becomes"), [(None, date(2026, 12, 31)), (date(2026, 12, 31), date(2027, 6, 30))])
def test_an_end_agreed_later_leaves_what_was_said_of_a_past_day(was: date | None, becomes: date) -> None:
    line, day = make_service(bands=FOUR_BANDS, ends_on=was), date(2026, 8, 31)
    make_referrals(line, 20, sent_at=datetime(2026, 8, 3, 9, tzinfo=UTC))
    said = as_compared(queries.position(line, on=day))
    line.agreement.ends_on = becomes
    # Agreed in the first minutes of the day after, in London.
    agreed_at = datetime(2026, 8, 31, 23, 5, tzinfo=UTC)
    changed = make_version(line.agreement, in_force_from=date(2026, 10, 1), agreed_at=agreed_at)
    make_terms(changed, line, bands=[(low, high, Decimal(1000 * high)) for low, high in FOUR_BANDS])
    db.session.expire_all()
    assert as_compared(queries.position(line, on=day)) == said
    assert queries.position(line, on=date(2026, 9, 1)).last_day == min(becomes, date(2027, 3, 31))


def test_one_more_after_a_variation_is_priced_by_the_terms_of_each_day() -> None:
    line = make_service(bands=FOUR_BANDS, starts_on=date(2026, 4, 1))
    changed = make_version(line.agreement, in_force_from=date(2026, 8, 1))
    make_terms(changed, line, bands=[(2 * low, 2 * high, Decimal(2000 * high)) for low, high in FOUR_BANDS])
    make_referrals(line, 134, sent_at=datetime(2026, 8, 3, 9, tzinfo=UTC))
    db.session.expire_all()
    found = queries.position(line, on=date(2026, 8, 31))
    # 122 days of 81 and 243 of 162 make 134.9: the second band of the whole year begins at 135.
    assert (found.band, list(found.begins_at)) == (1, [100, 135, 169, 202])
    one = rules.one_more(found)
    assert one is not None and one.reaches_band == 2
    # Four months of £8,333.34 for £6,666.67; four of £16,666.67 and four of £16,666.66 for eight of £13,333.33.
    assert one.change == Decimal("6666.68") + Decimal("26666.68")
    assert found.next_edge is not None and found.next_edge.volume == 135


def test_a_variation_to_come_does_not_count_yet() -> None:
    line = make_service(bands=FOUR_BANDS)
    make_terms(make_version(line.agreement, in_force_from=date(2026, 8, 1)), line, bands=[(0, 200, Decimal(240000))])
    make_terms(make_version(line.agreement, in_force_from=date(2026, 12, 1)), line, bands=[(0, 300, Decimal(1))])
    db.session.expire_all()
    found = queries.position(line, on=ON)
    assert (found.cap, [part.volume for part in found.plan]) == (200, [100, 200])


def test_lists_are_narrowed_by_place_and_category_and_sorted() -> None:
    make_places(NEWPORT)
    supplier = make_supplier()
    full = make_service(supplier=supplier, bands=((0, 4),), places=[DOVER], title="B")
    empty = make_service(supplier=supplier, bands=((0, 400),), categories=["ETE"], places=[NEWPORT], title="A")
    make_referrals(full, 3)
    actor = make_actor(supplier, Role.SERVICE_MANAGER)
    assert _rows(actor, Narrowed(place=KSS_REGION)) == {full.id}
    assert _rows(actor, Narrowed(place=DOVER)) == {full.id}
    assert _rows(actor, Narrowed(place=NEWPORT)) == {empty.id}
    assert _rows(actor, Narrowed(category="ETE")) == {empty.id}
    orders = {
        order: [row.line.title for row in queries.lines_for(actor, Narrowed(order=order), on=ON, number=1).rows]
        for order in Order
    }
    assert orders == {
        Order.URGENCY: ["B", "A"],
        Order.TITLE: ["A", "B"],
        Order.USED: ["B", "A"],
        Order.ROOM: ["A", "B"],
        Order.UNUSED: ["A", "B"],
    }


def test_the_framework_team_sees_every_line() -> None:
    line = make_service()
    assert _rows(make_actor(make_commissioner(), Role.FRAMEWORK_TEAM)) == {line.id}
    with pytest.raises(NotAllowed):
        _rows(make_actor(make_supplier(), Role.CASEWORKER))
