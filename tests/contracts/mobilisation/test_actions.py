from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.rules import AgreementStatus, Side
from contracts.mobilisation import actions, jobs, queries
from contracts.mobilisation.letters import managers
from contracts.mobilisation.models import Milestone, MilestoneReport, PromiseReport, StaffMember
from contracts.mobilisation.rules import USUAL, Dates, MilestoneStatus, PromiseStatus, Readiness, Verdict, VettingLevel
from marketplace.access import Actor, Role
from marketplace.accounts.rules import SupplierStatus
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
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


def test_a_promise_counts_once_the_other_side_agrees() -> None:
    made = make_contract_to_mobilise()
    promise = made.propose()
    with pytest.raises(AlreadyDone):
        made.propose()
    with pytest.raises(NotAllowed):
        actions.agree_promise(promise, actor=made.manager, now=NOW)
    actions.decline_promise(promise, reason="We promised one a week.", actor=made.deliverer, now=NOW)
    second = made.propose(by=made.deliverer, target="1 a week")
    with pytest.raises(NotAllowed):
        actions.agree_promise(second, actor=made.deliverer, now=NOW)
    actions.agree_promise(second, actor=made.manager, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.agree_promise(second, actor=made.manager, now=NOW)
    with pytest.raises(Refused):
        actions.decline_promise(second, reason="No.", actor=made.manager, now=NOW)
    assert [one.status for one in queries.promises_of(made.agreement)] == [PromiseStatus.AGREED, PromiseStatus.DECLINED]


@pytest.mark.parametrize("day", [date(2026, 11, 15), date(2029, 11, 16)])
def test_a_first_report_outside_the_contract_is_refused(day: date) -> None:
    with pytest.raises(Invalid, match="within the contract"):
        make_contract_to_mobilise().propose(first_due_on=day)


def test_reports_come_in_order_once_each_and_a_report_sent_back_comes_again() -> None:
    made = make_contract_to_mobilise()
    promise = made.promise()
    at = NOW.replace(year=2027, month=4)

    def report(day: date) -> PromiseReport:
        return actions.report_on_promise(promise, due_on=day, reached="26", words="", actor=made.deliverer, now=at)

    with pytest.raises(TooLate):
        report(date(2027, 3, 31))  # the first is asked for first
    first = report(FIRST_DUE)
    with pytest.raises(AlreadyDone):
        report(FIRST_DUE)
    with pytest.raises(Invalid, match="Say why"):
        actions.judge(first, verdict=Verdict.PARTLY, reason="", actor=made.manager, now=at)
    actions.judge(first, verdict=Verdict.SENT_BACK, reason="Which evenings?", actor=made.manager, now=at)
    with pytest.raises(AlreadyDone):
        actions.judge(first, verdict=Verdict.KEPT, reason=None, actor=made.manager, now=at)
    again = report(FIRST_DUE)
    actions.judge(again, verdict=Verdict.KEPT, reason=None, actor=made.manager, now=at)
    report(date(2027, 3, 31))
    with pytest.raises(TooLate):
        report(date(2027, 6, 30))  # its day has not come
    with pytest.raises(NotAllowed):
        actions.end_promise(promise, reason="Enough.", actor=made.deliverer, now=at)
    actions.end_promise(promise, reason="It is usual now.", actor=made.manager, now=at)
    with pytest.raises(Refused, match="has ended"):
        report(date(2027, 6, 30))


def test_shares_of_the_chain_come_to_a_hundred_at_most() -> None:
    made = make_contract_to_mobilise()
    first = made.subcontractor("Open Door", "60")
    with pytest.raises(Invalid, match=r"40\.00% is left"):
        made.subcontractor("Bridge", "40.01")
    with pytest.raises(AlreadyDone, match="already"):
        made.subcontractor("open door", "1")
    second = made.subcontractor("Bridge", "40", agreed=False)
    assert (first.agreed_at, second.agreed_at) == (NOW, None)

    def change(share: str) -> None:
        actions.change_subcontractor(
            made.agreement,
            first,
            name="Open Door",
            work="Mentoring",
            share=Decimal(share),
            status=SupplierStatus.SME,
            actor=made.deliverer,
            now=NOW,
        )

    change("60")
    with pytest.raises(Invalid):
        change("60.01")
    # Whatever was agreed is to be agreed again, by what it says now.
    seen = queries.mark_of(queries.chain_of(made.agreement, NOW.date()).to_agree)
    change("50")
    with pytest.raises(Refused, match="changed meanwhile"):
        actions.agree_chain(made.agreement, seen=seen, actor=made.manager, now=NOW)
    seen = queries.mark_of(queries.chain_of(made.agreement, NOW.date()).to_agree)
    with pytest.raises(NotAllowed):
        actions.agree_chain(made.agreement, seen=seen, actor=made.deliverer, now=NOW)
    assert actions.agree_chain(made.agreement, seen=seen, actor=made.manager, now=NOW) == 2
    with pytest.raises(AlreadyDone):
        actions.agree_chain(made.agreement, seen=seen, actor=made.manager, now=NOW)
    actions.leaves(made.agreement, second, actor=made.deliverer, now=NOW)
    made.subcontractor("Third", "50")


def test_a_subcontractor_that_left_can_come_back_and_what_it_did_before_stays(session: Database) -> None:
    made = make_contract_to_mobilise()
    first = made.subcontractor("Open Door", "60")
    actions.leaves(made.agreement, first, actor=made.deliverer, now=NOW)
    again = made.subcontractor("Open Door", "30")
    assert (again.id == first.id, first.left_on, again.left_on) == (False, NOW.date(), None)
    with pytest.raises(AlreadyDone, match="already"):
        made.subcontractor("Open Door", "1")
    # As often as it likes, and once at a time: the database holds that too.
    actions.leaves(made.agreement, again, actor=made.deliverer, now=NOW)
    made.subcontractor("Open Door", "20")
    again.left_on = None
    with pytest.raises(IntegrityError, match="uq_subcontractors_name_present"):
        session.flush()


def test_what_each_did_of_a_quarter_is_reported_once_and_never_more_than_all() -> None:
    made = make_contract_to_mobilise()
    first, second = made.subcontractor("Open Door", "30"), made.subcontractor("Bridge", "20")
    begins = made.agreement.starts_on
    at = NOW.replace(year=2027, month=3)

    def report(parts: dict[int, Decimal], *, quarter: date = begins) -> None:
        actions.report_quarter(made.agreement, quarter_begins=quarter, parts=parts, actor=made.deliverer, now=at)

    with pytest.raises(TooLate):
        actions.report_quarter(made.agreement, quarter_begins=begins, parts={}, actor=made.deliverer, now=NOW)
    with pytest.raises(Refused, match="changed meanwhile"):
        report({first.id: Decimal(30)})
    with pytest.raises(Invalid, match="more than 100%"):
        report({first.id: Decimal("60.01"), second.id: Decimal(40)})
    report({first.id: Decimal(10), second.id: Decimal(0)})
    with pytest.raises(TooLate, match="reported already"):
        report({first.id: Decimal(10), second.id: Decimal(0)})
    chain = queries.chain_of(made.agreement, at.date())
    assert [row.average for row in chain.rows] == [0, 10]
    assert chain.to_report == []
    # The supplier itself is a voluntary organisation: what nobody else does reaches one too.
    assert (chain.vcse_promised, chain.vcse_delivered) == (100, {begins: 100})


def test_the_morning_job_tells_of_each_thing_once(session: Database, clock: StandingClock) -> None:
    made = make_contract_to_mobilise()
    milestones = made.begin()
    made.promise()
    made.subcontractor()
    made.staff("EX", dates=Dates(None, date(2026, 8, 1), date(2027, 3, 20)))
    clock.set(NOW.replace(year=2027, month=3))
    session.commit()
    jobs.remind()
    told = _letters("")
    jobs.remind()
    assert _letters("") == told
    assert _letters("is late") >= len([one for one in milestones if one.side is Side.SUPPLIER])
    assert _letters(f"Report on {made.agreement.reference}") == 4  # two people, for the promise and for the quarter
    assert _letters("ends on 20 March 2027") >= 2
    bodies = [letter.body for letter in db.session.scalars(select(Letter).where(Letter.subject.contains("ends on 20")))]
    assert not any("EX" in body for body in bodies)


def test_no_row_of_a_person_has_a_blank_in_it(session: Database) -> None:
    made = make_contract_to_mobilise()
    named = {"agreement_id": made.agreement.id, "reference": "Ama Owusu", "role": "x", "level": VettingLevel.BASELINE}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(StaffMember).values(**named))


def test_readiness_counts_what_the_rule_asks_for(session: Database, run_jobs: Callable[[], int]) -> None:
    made = make_contract_to_mobilise()
    first, second, third, *rest = made.begin()
    for one in rest:
        actions.drop(one, reason="Not here.", actor=made.manager, now=NOW)
    actions.say_done(first, evidence="x", actor=made.deliverer, now=NOW)
    actions.accept(first, actor=made.manager, now=NOW)
    actions.say_done(second, evidence="x", actor=made.deliverer, now=NOW)
    made.staff("A1")
    made.staff("A2", dates=Dates(None, date(2026, 8, 1), date(2026, 9, 30)))
    tally = queries.readiness_of(made.agreement, NOW.date()).tally
    assert (tally.milestones, tally.open, tally.unjudged, tally.late, tally.staff, tally.cleared) == (3, 2, 1, 0, 2, 2)
    after = queries.readiness_of(made.agreement, third.due_on + timedelta(days=1)).tally
    assert (after.late, after.cleared) == (1, 1)
    assert queries.readiness_of(made.agreement, third.due_on).tally.soon == 1
