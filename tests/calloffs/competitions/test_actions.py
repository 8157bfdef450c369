from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from calloffs.competitions import actions, jobs, queries
from calloffs.competitions.models import Competition, Invitation
from calloffs.competitions.rules import (
    PSED_QUESTION,
    CompetitionStatus,
    OpenTo,
    QuestionKind,
    Stage,
    VolumeKind,
    Whom,
    stage_of,
)
from calloffs.plans.models import NeedsData
from calloffs.plans.rules import Band, Evidence
from marketplace.access import Role
from marketplace.accounts.models import Organisation
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.suppliers.rules import QualificationStatus
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, make_supplier
from tests.factories.competitions import CLOSES_AT, NEEDS_REASON, Tender, make_plan, make_tender
from tests.factories.counting import counted_queries
from tests.factories.places import (
    DOVER,
    GREATER_MANCHESTER_FORCE,
    GREATER_MANCHESTER_REGION,
    MANCHESTER,
    SALFORD,
)
from tests.factories.suppliers import qualify

pytestmark = pytest.mark.usefixtures("session")
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
DRAFT, AWAITING = CompetitionStatus.DRAFT, CompetitionStatus.AWAITING_APPROVAL


def _qualified(name: str, *places: str, category: str = "ACC", status: str = "qualified") -> Organisation:
    supplier = make_supplier(name)
    make_actor(supplier, Role.BID_MANAGER)
    qualify(supplier, category, *places, status=QualificationStatus(status))
    return supplier


def _invited(competition: Competition) -> set[str]:
    return {one.organisation.name for one in queries.invited(competition.id)}


def _approve(made: Tender) -> int:
    return actions.approve_and_publish(made.competition, needs_reason=NEEDS_REASON, actor=made.approver, now=NOW)


def _subjects() -> list[str]:
    return list(db.session.scalars(select(Letter.subject)))


def test_a_draft_from_a_plan_has_everything_the_plan_holds() -> None:
    made = make_tender(DRAFT)
    plan = make_plan(made.lead, made.author)
    draft = actions.start_from_plan(plan, actor=made.author, now=NOW)
    assert draft.title == plan.title
    assert draft.specification == plan.need
    assert [place.code for place in draft.places] == [MANCHESTER]
    assert (draft.volume_kind, draft.planned_band) == (VolumeKind.CAP, 1)
    assert [(band.high, band.annual_value) for band in draft.bands] == [(200, Decimal(120_000))]
    assert [question.text for question in draft.questions] == [PSED_QUESTION]
    assert [(one.organisation_id, one.percent) for one in draft.funders] == [(made.lead.id, Decimal(100))]


def test_a_larger_plan_gives_four_bands() -> None:
    made = make_tender(DRAFT)
    plan = make_plan(made.lead, made.author, annual_budget=500_000)
    draft = actions.start_from_plan(plan, actor=made.author, now=NOW)
    assert (draft.volume_kind, draft.planned_band) == (VolumeKind.BANDS, 2)
    assert [(band.low, band.high) for band in draft.bands] == [(120, 160), (161, 200), (201, 240), (241, 280)]


def test_references_count_within_a_year() -> None:
    assert [actions.next_reference(2031) for _ in range(2)] == ["DF-2031-0001", "DF-2031-0002"]
    assert actions.next_reference(2032) == "DF-2032-0001"


def test_only_its_author_changes_a_draft() -> None:
    made = make_tender(DRAFT)
    with pytest.raises(NotAllowed, match="Only its author"):
        actions.specify(made.competition, specification="Mine", actor=made.partner, now=NOW)
    with pytest.raises(NotAllowed):
        actions.specify(made.competition, specification="Mine", actor=actor_with(Role.COMMERCIAL_PARTNER), now=NOW)
    actions.specify(made.competition, specification="Ours", actor=made.author, now=NOW)
    assert made.competition.specification == "Ours"


@pytest.mark.parametrize(
    ("category", "open_to", "ages"),
    [("YAD", OpenTo.BOTH, (18, 25)), ("WOM", OpenTo.WOMEN, (18, None)), ("ACC", OpenTo.BOTH, (18, None))],
)
def test_a_draft_is_for_whom_its_category_is_until_it_says_otherwise(
    category: str, open_to: OpenTo, ages: tuple[int, int | None]
) -> None:
    made = make_tender(DRAFT)

    def whom(of: Competition) -> tuple[OpenTo, int, int | None]:
        return of.open_to, of.minimum_age, of.maximum_age

    def describe(code: str) -> None:
        actions.describe(
            made.competition,
            title="Lot",
            category_code=code,
            place_codes=[one.code for one in made.competition.places],
            level_reason="Local.",
            instrument=made.competition.instrument,
            actor=made.author,
            now=NOW,
        )

    begun = actions.start_call_off(
        title="Another",
        category_code=category,
        place_codes=[one.code for one in made.competition.places],
        level_reason="",
        actor=made.author,
        now=NOW,
    )
    assert whom(begun) == (open_to, *ages)
    other = Whom(OpenTo.MEN, 21, 30)
    actions.specify(made.competition, specification="x", whom=other, actor=made.author, now=NOW)
    # Described anew in the same category it stays; in another one it is asked anew.
    describe(made.competition.category_code)
    assert whom(made.competition) == (OpenTo.MEN, 21, 30)
    describe("LIF")
    describe(category)
    assert whom(made.competition) == (open_to, *ages)
    with pytest.raises(Invalid) as refused:
        actions.specify(made.competition, specification="x", whom=Whom(OpenTo.BOTH, 25, 24), actor=made.author, now=NOW)
    assert refused.value.field == "maximum_age"


def test_what_went_for_approval_is_not_changed() -> None:
    made = make_tender(AWAITING)
    with pytest.raises(Refused, match="no longer a draft"):
        actions.specify(made.competition, specification="Later", actor=made.author, now=NOW)


def test_bands_with_a_gap_are_refused() -> None:
    made = make_tender(DRAFT)
    bands = [Band(n, 60 + 20 * n, 80 + 20 * n, Decimal(1000 * n)) for n in range(1, 5)]
    with pytest.raises(Invalid, match="Band 2 must begin at 101"):
        actions.set_volume(
            made.competition, kind=VolumeKind.BANDS, bands=bands, planned_band=2, actor=made.author, now=NOW
        )


def test_bands_are_put_in_place_of_a_cap() -> None:
    made = make_tender(DRAFT)
    bands = [Band(n, 20 * n + 1, 20 * n + 20, Decimal(1000 * n)) for n in range(1, 5)]
    actions.set_volume(made.competition, kind=VolumeKind.BANDS, bands=bands, planned_band=3, actor=made.author, now=NOW)
    assert [band.band for band in made.competition.bands] == bands
    assert made.competition.most_annual_value == 3000


def test_the_psed_question_stays() -> None:
    made = make_tender(DRAFT)
    psed = made.competition.questions[0]
    with pytest.raises(Invalid, match="cannot be removed"):
        actions.remove_question(made.competition, psed, actor=made.author, now=NOW)
    actions.change_question(
        made.competition, psed, text="Never mind", weight=50, word_limit=300, actor=made.author, now=NOW
    )
    assert (psed.text, psed.weight, psed.word_limit) == (PSED_QUESTION, 0, 300)
    with pytest.raises(Invalid, match="there already"):
        actions.add_question(
            made.competition,
            kind=QuestionKind.PSED,
            text="Twice",
            weight=0,
            word_limit=10,
            actor=made.author,
            now=NOW,
        )


def test_questions_are_added_and_removed() -> None:
    made = make_tender(DRAFT)
    asked = actions.add_question(
        made.competition, kind=QuestionKind.SCORED, text="More?", weight=10, word_limit=50, actor=made.author, now=NOW
    )
    assert (asked.position, len(made.competition.questions)) == (3, 3)
    actions.remove_question(made.competition, asked, actor=made.author, now=NOW)
    assert len(made.competition.questions) == 2
    with pytest.raises(Invalid, match="needs a weight"):
        actions.add_question(
            made.competition,
            kind=QuestionKind.SCORED,
            text="Worth nothing?",
            weight=0,
            word_limit=50,
            actor=made.author,
            now=NOW,
        )


def test_funders_are_commissioning_bodies_and_pay_it_all() -> None:
    made = make_tender(DRAFT)

    def share(*shares: tuple[int, int]) -> None:
        exact = [(body, Decimal(percent)) for body, percent in shares]
        actions.share_funding(made.competition, shares=exact, actor=made.author, now=NOW)

    for wrong in (
        [(made.lead.id, 60)],
        [(made.funder.id, 100)],
        [(made.lead.id, 60), (made.supplier.id, 40)],
        [(made.lead.id, 60), (made.lead.id, 40)],
    ):
        with pytest.raises(Invalid):
            share(*wrong)
    share((made.lead.id, 80), (made.funder.id, 20))
    assert sorted(one.percent for one in made.competition.funders) == [20, 80]


def test_dates_must_lie_ahead() -> None:
    made = make_tender(DRAFT)
    with pytest.raises(Invalid, match="in the future"):
        actions.set_dates(
            made.competition, closes_at=NOW, starts_on=date(2027, 1, 1), months=12, actor=made.author, now=NOW
        )
    with pytest.raises(Invalid, match="start after"):
        actions.set_dates(
            made.competition, closes_at=CLOSES_AT, starts_on=CLOSES_AT.date(), months=12, actor=made.author, now=NOW
        )


def test_an_incomplete_draft_is_not_submitted() -> None:
    made = make_tender(DRAFT)
    made.competition.price_weight = 0
    with pytest.raises(Invalid, match="They total 60"):
        actions.submit_for_approval(made.competition, actor=made.author, now=NOW)


def test_submitting_asks_the_approvers() -> None:
    made = make_tender(DRAFT)
    actions.submit_for_approval(made.competition, actor=made.author, now=NOW)
    assert made.competition.status is AWAITING
    assert _subjects() == [f"Approve the call-off {made.competition.reference}"]


def test_the_author_never_approves_their_own() -> None:
    made = make_tender(AWAITING)
    both = make_actor(made.lead, Role.COMMERCIAL_PARTNER, Role.APPROVER)
    made.competition.author_id = both.person
    db.session.flush()
    with pytest.raises(NotAllowed, match="You wrote this call-off"):
        actions.approve_and_publish(made.competition, actor=both, now=NOW)
    with pytest.raises(NotAllowed, match="You wrote this call-off"):
        actions.send_back(made.competition, reason="No", actor=both, now=NOW)
    assert made.competition.status is AWAITING


def test_the_database_too_refuses_an_author_who_approves() -> None:
    made = make_tender()
    made.competition.approved_by = made.competition.author_id
    with pytest.raises(IntegrityError, match="approved_by_another"):
        db.session.flush()


def test_only_an_approver_of_the_lead_body_approves() -> None:
    made = make_tender(AWAITING)
    for actor in (made.partner, make_actor(made.funder, Role.APPROVER), actor_with(Role.APPROVER)):
        with pytest.raises(NotAllowed):
            actions.approve_and_publish(made.competition, actor=actor, now=NOW)


def test_approval_publishes_and_invites_exactly_the_qualified() -> None:
    made = make_tender(AWAITING)
    _qualified("Wide", GREATER_MANCHESTER_FORCE)
    _qualified("Near", MANCHESTER, SALFORD)
    _qualified("Beside", SALFORD)
    _qualified("Far", DOVER)
    _qualified("Other service", MANCHESTER, category="ETE")
    _qualified("Suspended", MANCHESTER, status="suspended")
    _qualified("Sought", MANCHESTER, status="sought")
    assert _approve(made) == 3
    assert _invited(made.competition) == {"Harbour Lights CIC", "Wide", "Near"}
    assert made.competition.status is CompetitionStatus.PUBLISHED
    assert made.competition.approved_by == made.approver.person
    assert made.competition.published_at == NOW
    # Two people of Harbour Lights, one each of Wide and Near.
    assert sum(subject.startswith("You are invited") for subject in _subjects()) == 4
    assert [event.what for event in events_for(made.competition)] == [
        "Invited qualified suppliers",
        "Approved and published",
    ]


@pytest.mark.parametrize(
    ("standing", "published", "good_until"),
    [
        (Evidence.NONE, None, None),
        (Evidence.AWAITED, None, date(2027, 9, 7)),
        (Evidence.OLD, date(2026, 1, 1), date(2026, 9, 6)),
        (Evidence.CURRENT, date(2026, 9, 7), date(2026, 9, 7)),
    ],
)
def test_only_on_current_needs_data_is_it_published_without_a_reason(
    standing: Evidence, published: date | None, good_until: date | None
) -> None:
    made = make_tender(AWAITING)
    if good_until:
        plan = make_plan(made.lead, made.author, settled=False)
        (version,) = plan.versions
        version.needs_data = NeedsData(
            place_code=MANCHESTER,
            organisation_id=made.lead.id,
            title="Needs",
            source="HMPPS",
            due_on=min(NOW.date(), good_until - timedelta(days=1)),
            published_on=published,
            good_until=good_until,
            entered_at=NOW,
            entered_by=made.author.person,
        )
        made.competition.plan_version = version
        db.session.flush()
    if standing is not Evidence.CURRENT:
        with pytest.raises(Invalid, match="Say why") as refused:
            actions.approve_and_publish(made.competition, needs_reason="  ", actor=made.approver, now=NOW)
        assert refused.value.field == "needs_reason"
    _approve(made)
    assert made.competition.needs_standing is standing
    assert made.competition.needs_reason == (None if standing is Evidence.CURRENT else NEEDS_REASON)


@pytest.mark.parametrize(("standing", "reason"), [("late", None), ("none", ""), ("current", "x"), (None, "x")])
def test_the_database_too_refuses_what_passes_the_gate_without_a_reason(
    standing: str | None, reason: str | None
) -> None:
    made = make_tender()
    made.competition.needs_standing = Evidence(standing) if standing else None
    made.competition.needs_reason = reason
    with pytest.raises(IntegrityError, match="ck_competitions_needs_reason"):
        db.session.flush()


def test_a_requirement_in_two_areas_invites_who_covers_both() -> None:
    made = make_tender(AWAITING)
    made.competition.places.append(db.session.get_one(type(made.competition.places[0]), DOVER))
    _qualified("Both", GREATER_MANCHESTER_REGION, DOVER)
    _qualified("One", DOVER)
    _approve(made)
    assert _invited(made.competition) == {"Both"}


def test_inviting_asks_as_often_for_many_suppliers_as_for_few() -> None:
    made = make_tender(AWAITING)
    for number in range(20):
        qualify(make_supplier(f"Supplier {number}"), "ACC", MANCHESTER)
    with counted_queries() as sent:
        assert _approve(made) == 21
    assert sum("INSERT INTO competition_invitations" in one for one in sent) == 1
    assert len(sent) < 25


def test_approval_comes_once() -> None:
    made = make_tender(AWAITING)
    _approve(made)
    with pytest.raises(AlreadyDone):
        _approve(made)


def test_nothing_is_published_that_has_closed() -> None:
    made = make_tender(AWAITING)
    with pytest.raises(TooLate, match="must be in the future"):
        actions.approve_and_publish(made.competition, actor=made.approver, now=CLOSES_AT)


def test_a_call_off_sent_back_goes_to_its_author_with_the_reason() -> None:
    made = make_tender(AWAITING)
    actions.send_back(made.competition, reason="Say more about women", actor=made.approver, now=NOW)
    assert made.competition.status is DRAFT
    assert made.competition.returned_reason == "Say more about women"
    assert "was sent back" in _subjects()[0]


def test_a_supplier_that_qualifies_later_is_invited_until_closing(clock: StandingClock) -> None:
    made = make_tender()
    _qualified("Late", MANCHESTER)
    clock.set(CLOSES_AT - timedelta(seconds=1))
    jobs.invite_newly_qualified()
    jobs.invite_newly_qualified()
    assert _invited(made.competition) == {"Harbour Lights CIC", "Late"}
    _qualified("Too late", MANCHESTER)
    clock.set(CLOSES_AT)
    jobs.invite_newly_qualified()
    assert _invited(made.competition) == {"Harbour Lights CIC", "Late"}
    assert db.session.query(Invitation).count() == 2


def test_cancelling_tells_everyone_invited_why() -> None:
    made = make_tender()
    actions.cancel(made.competition, reason="The money went elsewhere.", actor=made.partner, now=NOW)
    assert made.competition.status is CompetitionStatus.CANCELLED
    assert made.competition.ended_reason == "The money went elsewhere."
    assert [subject.split(":")[0] for subject in _subjects()] == ["Cancelled", "Cancelled"]
    with pytest.raises(Refused):
        actions.cancel(made.competition, reason="Again.", actor=made.partner, now=NOW)


def test_what_is_awarded_is_not_cancelled_any_more() -> None:
    made = make_tender(CompetitionStatus.PUBLISHED)
    one = made.competition
    one.status, one.opened_at, one.standstill_ends_at = CompetitionStatus.AWARD_DECIDED, NOW, NOW
    with pytest.raises(Refused, match="can no longer be cancelled"):
        actions.cancel(one, reason="A change of mind.", actor=made.partner, now=NOW)
    actions.cancel(one, reason="In time.", actor=made.partner, now=NOW - timedelta(seconds=1))
    assert one.status is CompetitionStatus.CANCELLED


def test_who_finds_a_call_off() -> None:
    made = make_tender()
    key = made.competition.id
    assert queries.competition_for(made.partner, key) is made.competition
    assert queries.competition_for(make_actor(made.funder, Role.CONTRACT_MANAGER), key) is made.competition
    for stranger in (actor_with(Role.COMMERCIAL_PARTNER), actor_with(Role.FRAMEWORK_TEAM), made.bidder):
        with pytest.raises(NotFound):
            queries.competition_for(stranger, key)
    with pytest.raises(NotFound):
        queries.own_competition(make_actor(made.funder, Role.APPROVER), key)


@pytest.mark.parametrize("status", list(CompetitionStatus))
@pytest.mark.parametrize("now", [CLOSES_AT - timedelta(microseconds=1), CLOSES_AT, CLOSES_AT + timedelta(days=30)])
def test_the_condition_for_lists_agrees_with_the_rule(status: CompetitionStatus, now: datetime) -> None:
    made = make_tender()
    ends_at = CLOSES_AT + timedelta(days=30)
    competition = made.competition
    competition.status, competition.opened_at, competition.standstill_ends_at = status, CLOSES_AT, ends_at
    if status in (CompetitionStatus.CANCELLED, CompetitionStatus.FAILED):
        competition.ended_at, competition.ended_reason = NOW, "So be it"
    db.session.flush()
    right = stage_of(status, closes_at=CLOSES_AT, standstill_ends_at=ends_at, now=now)
    for stage in Stage:
        found = db.session.scalars(select(Competition.id).where(queries.at_stage(stage, now))).all()
        assert (competition.id in found) == (stage is right)
