"""A call-off is submitted, approved by another person, published and found."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from calloffs.competitions import actions, jobs, queries
from calloffs.competitions.models import Competition, Invitation
from calloffs.competitions.rules import (
    CompetitionStatus,
    Stage,
    stage_of,
)
from calloffs.plans.models import NeedsData
from calloffs.plans.rules import Evidence
from marketplace.access import Role
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from tests.calloffs.competitions.test_actions import AWAITING, DRAFT, NOW, _approve, _invited, _qualified, _subjects
from tests.conftest import StandingClock
from tests.factories.accounts import actor_with, make_actor, make_supplier
from tests.factories.competitions import CLOSES_AT, NEEDS_REASON, make_plan, make_tender
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
