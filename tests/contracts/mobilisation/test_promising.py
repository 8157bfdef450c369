"""Promises and the supply chain: agreed, reported, and told of in the morning."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from contracts.agreements.rules import Side
from contracts.mobilisation import actions, jobs, queries
from contracts.mobilisation.models import PromiseReport, StaffMember
from contracts.mobilisation.rules import Dates, PromiseStatus, Verdict, VettingLevel
from marketplace.accounts.rules import SupplierStatus
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.contracts.mobilisation.test_actions import Database, _letters
from tests.factories.agreements import NOW
from tests.factories.mobilisation import FIRST_DUE, make_contract_to_mobilise

pytestmark = pytest.mark.usefixtures("session", "clock")


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
