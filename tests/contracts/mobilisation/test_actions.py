from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.rules import AgreementStatus, Side
from contracts.mobilisation import actions, jobs, queries
from contracts.mobilisation.letters import managers
from contracts.mobilisation.models import Milestone, MilestoneReport
from contracts.mobilisation.rules import USUAL, Dates, MilestoneStatus, Readiness, VettingLevel
from marketplace.access import Actor, Role
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_actor
from tests.factories.agreements import NOW, make_agreement, make_signed_agreement
from tests.factories.mobilisation import FIRST_DUE, Contract, make_contract_to_mobilise

Database = scoped_session[Session]
pytestmark = pytest.mark.usefixtures("session", "clock")
DONE = NOW + timedelta(days=3)


def _letters(subject: str) -> int:
    return db.session.scalar(select(func.count()).select_from(Letter).where(Letter.subject.contains(subject))) or 0


def test_the_usual_milestones_are_made_once_and_both_sides_are_told() -> None:
    made = make_contract_to_mobilise()
    milestones = made.begin()
    assert [(one.title, one.side) for one in milestones] == [(one.title, one.side) for one in USUAL]
    assert max(one.due_on for one in milestones) < made.agreement.starts_on
    assert _letters("what must be ready before it begins") >= 2
    with pytest.raises(AlreadyDone):
        made.begin()
    with pytest.raises(AlreadyDone):
        actions.begin(made.agreement, actor=made.manager, now=NOW)
    assert db.session.scalar(select(func.count()).select_from(Milestone)) == len(USUAL)


def test_the_job_begins_with_signed_contracts_that_have_no_milestones_late_ones_too(session: Database) -> None:
    coming, _ = make_signed_agreement(), make_agreement()
    today, late = make_signed_agreement(starts_on=date(2026, 9, 7)), make_signed_agreement(starts_on=date(2026, 5, 1))
    at_work, over = make_signed_agreement(starts_on=date(2026, 5, 1)), make_signed_agreement(starts_on=date(2026, 5, 1))
    at_work.versions[0].agreed_at = datetime(2026, 4, 30, 22, 59, tzinfo=UTC)
    over.ends_on = date(2026, 9, 6)
    session.commit()
    for _ in range(2):
        jobs.begin_mobilisations()
    assert set(db.session.scalars(select(Milestone.agreement_id))) == {coming.id, today.id, late.id}


@pytest.mark.parametrize("starts_on", [date(2026, 9, 8), date(2026, 9, 7), date(2026, 5, 1)])
def test_a_contract_without_milestones_stays_on_the_list_once_its_day_has_come(starts_on: date) -> None:
    unsigned = make_agreement(starts_on=starts_on)
    signed_late = make_signed_agreement(starts_on=starts_on, lead=unsigned.commissioner)
    given_up = make_agreement(starts_on=starts_on, lead=unsigned.commissioner)
    given_up.status = AgreementStatus.ABANDONED
    db.session.flush()
    actor = make_actor(unsigned.commissioner, Role.CONTRACT_MANAGER)
    listed = {one.agreement.id: one for one in queries.every_ready(actor, on=NOW.date())}
    assert listed.keys() == {unsigned.id, signed_late.id}
    if starts_on <= NOW.date():
        assert {one.readiness for one in listed.values()} == {Readiness.LATE}
    assert listed[unsigned.id].missing[0] == "Not signed by both sides"
    assert "No milestones yet" in listed[signed_late.id].missing


def test_who_may_begin_add_change_and_drop() -> None:
    made = make_contract_to_mobilise()
    stranger = make_actor(make_signed_agreement().commissioner, Role.CONTRACT_MANAGER)
    for actor in (made.deliverer, stranger, make_actor(made.agreement.commissioner, Role.COMMISSIONER_FINANCE)):
        with pytest.raises(NotAllowed):
            actions.begin(made.agreement, actor=actor, now=NOW)
    (first, *_) = made.begin()
    words = {"title": "Keys", "evidence": "Keys are with the lead.", "side": Side.SUPPLIER, "due_on": FIRST_DUE}
    for refused in (
        lambda actor: actions.add_milestone(made.agreement, **words, actor=actor, now=NOW),  # type: ignore[arg-type]
        lambda actor: actions.change_milestone(first, **words, actor=actor, now=NOW),  # type: ignore[arg-type]
        lambda actor: actions.drop(first, reason="No.", actor=actor, now=NOW),
    ):
        with pytest.raises(NotAllowed):
            refused(made.deliverer)
    added = actions.add_milestone(made.agreement, **words, actor=made.manager, now=NOW)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="of that name"):
        actions.add_milestone(made.agreement, **words, actor=made.manager, now=NOW)  # type: ignore[arg-type]
    actions.drop(added, reason="No keys here.", actor=made.manager, now=NOW)
    # The name of one that is not needed is free again.
    actions.add_milestone(made.agreement, **words, actor=made.manager, now=NOW)  # type: ignore[arg-type]
    assert [event.what for event in events_for(added)] == ["Found the milestone not needed", "Added the milestone"]


def test_no_milestone_is_made_when_the_contract_is_over() -> None:
    made = Contract(make_signed_agreement(starts_on=date(2026, 10, 1), months=1))
    later = NOW + timedelta(days=90)
    with pytest.raises(TooLate):
        actions.begin(made.agreement, actor=made.manager, now=later)


def test_done_sent_back_done_again_accepted_with_all_of_it_kept() -> None:
    made = make_contract_to_mobilise()
    first = made.begin()[0]
    with pytest.raises(NotAllowed):
        actions.say_done(first, evidence="Here.", actor=made.manager, now=DONE)
    actions.say_done(first, evidence="Agreed on Monday.", actor=made.deliverer, now=DONE)
    with pytest.raises(AlreadyDone):
        actions.say_done(first, evidence="Again.", actor=made.deliverer, now=DONE)
    with pytest.raises(NotAllowed):
        actions.accept(first, actor=made.deliverer, now=DONE)
    with pytest.raises(Refused, match="cannot be changed"):
        actions.change_milestone(
            first, title="Other", evidence="", side=Side.SUPPLIER, due_on=FIRST_DUE, actor=made.manager, now=DONE
        )
    actions.send_back(first, reason="No names in it.", actor=made.manager, now=DONE)
    with pytest.raises(AlreadyDone):
        actions.send_back(first, reason="Again.", actor=made.manager, now=DONE)
    actions.say_done(first, evidence="Agreed, with names.", actor=made.deliverer, now=DONE)
    actions.accept(first, actor=made.manager, now=DONE)
    with pytest.raises(AlreadyDone):
        actions.accept(first, actor=made.manager, now=DONE)
    with pytest.raises(Refused):
        actions.send_back(first, reason="Late.", actor=made.manager, now=DONE)
    assert first.status is MilestoneStatus.ACCEPTED
    assert [(one.evidence, one.accepted, one.reason) for one in first.reports] == [
        ("Agreed on Monday.", False, "No names in it."),
        ("Agreed, with names.", True, None),
    ]
    assert _letters("is said to be done") == 2 * len(managers(made.agreement, Side.COMMISSIONER))
    assert _letters("was sent back") == len(managers(made.agreement, Side.SUPPLIER))
    assert _letters("was accepted") == len(managers(made.agreement, Side.SUPPLIER))


def test_the_commissioners_own_milestones_are_judged_by_the_supplier() -> None:
    made = make_contract_to_mobilise()
    own = next(one for one in made.begin() if one.side is Side.COMMISSIONER)
    actions.say_done(own, evidence="Told by letter.", actor=made.manager, now=DONE)
    with pytest.raises(NotAllowed):
        actions.accept(own, actor=made.manager, now=DONE)
    actions.accept(own, actor=made.deliverer, now=DONE)
    assert own.status is MilestoneStatus.ACCEPTED


def test_one_person_in_both_roles_does_not_judge_their_own_work() -> None:
    made = make_contract_to_mobilise()
    first = made.begin()[0]
    actions.say_done(first, evidence="Here.", actor=made.deliverer, now=DONE)
    both = Actor(
        made.deliverer.person_id,
        made.deliverer.name,
        made.manager.organisation_id,
        made.manager.organisation_name,
        made.manager.roles,
    )
    with pytest.raises(NotAllowed, match="somebody else"):
        actions.accept(first, actor=both, now=DONE)


def test_the_database_holds_one_open_report_and_one_acceptance(session: Database) -> None:
    made = make_contract_to_mobilise()
    first = made.begin()[0]
    said = {"milestone_id": first.id, "evidence": "x", "reported_at": NOW, "reported_by": made.deliverer.person}
    accepted = {"judged_at": NOW, "judged_by": made.manager.person, "accepted": True}
    for more in ({}, accepted):
        session.add(MilestoneReport(**said, **more))
        session.flush()
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(insert(MilestoneReport).values(**said, **more))


def test_people_are_entered_changed_and_leave_without_a_name_anywhere() -> None:
    made = make_contract_to_mobilise()
    member = made.staff("AO")
    with pytest.raises(Invalid, match="not a name"):
        made.staff("Ama Owusu")
    with pytest.raises(Invalid, match="already"):
        made.staff("AO")
    with pytest.raises(NotAllowed):
        actions.has_left(member, actor=made.manager, now=NOW)
    actions.update_staff(
        member,
        reference="AO-2",
        role="Mentor",
        level=VettingLevel.ENHANCED_2,
        dates=Dates(applied_on=date(2026, 9, 1)),
        actor=made.deliverer,
        now=NOW,
    )
    access = actions.enter_access(member, prison="HMP Elmley", dates=Dates(), actor=made.deliverer, now=NOW)
    again = actions.enter_access(
        member, prison="hmp elmley", dates=Dates(None, date(2026, 9, 2)), actor=made.deliverer, now=NOW
    )
    assert again is access
    assert access.granted_on == date(2026, 9, 2)
    actions.remove_access(member, access, actor=made.deliverer, now=NOW)
    assert member.access == []
    actions.has_left(member, actor=made.deliverer, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.has_left(member, actor=made.deliverer, now=NOW)
    made.staff("AO-2")  # the reference of somebody who left is free
    assert [one.reference for one in queries.staff_of(made.agreement, NOW.date())] == ["AO-2"]
    trail = db.session.scalars(select(AuditEvent)).all()
    assert not [one for one in trail if "AO" in str(one.details) or "Mentor" in str(one.details)]


@pytest.mark.parametrize(
    ("dates", "field"),
    [
        (Dates(given_on=date(2026, 9, 8)), "given_on"),
        (Dates(applied_on=date(2026, 9, 8)), "applied_on"),
        (Dates(date(2026, 9, 2), date(2026, 9, 1)), "given_on"),
        (Dates(expires_on=date(2027, 9, 1)), "given_on"),
        (Dates(None, date(2026, 9, 1), date(2026, 8, 31)), "expires_on"),
    ],
)
def test_days_that_cannot_be_are_refused_at_their_field(dates: Dates, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_contract_to_mobilise().staff(dates=dates)
    assert refused.value.field == field


def test_others_than_the_suppliers_managers_cannot_look_at_a_person() -> None:
    made = make_contract_to_mobilise()
    member = made.staff()
    finance = make_actor(made.agreement.supplier, Role.SUPPLIER_FINANCE)
    for actor in (made.manager, finance, make_contract_to_mobilise().deliverer):
        with pytest.raises(NotFound):
            queries.staff_member_for(actor, member.id)
