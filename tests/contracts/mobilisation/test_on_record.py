"""What is done around a contract stands on record and is told; and who may, at each rule's edge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from contracts.agreements.rules import Side
from contracts.mobilisation import actions
from contracts.mobilisation.rules import Dates, Verdict, VettingLevel
from marketplace.access import Actor, Role
from marketplace.accounts.rules import SupplierStatus
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.agreements import NOW
from tests.factories.mobilisation import FIRST_DUE, Contract, make_contract_to_mobilise
from tests.factories.on_record import recorded, told

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)
LATER = NOW.replace(year=2027, month=3)


def _outsider() -> Actor:
    return make_actor(make_commissioner(), Role.CONTRACT_MANAGER)


def _add(made: Contract, title: str = "Doors", **more: Any) -> Any:
    values: dict[str, Any] = {"evidence": "Wide.", "side": Side.SUPPLIER, "due_on": date(2026, 11, 2), **more}
    return actions.add_milestone(made.agreement, title=title, **{"actor": made.manager, "now": NOW, **values})


def test_milestones_and_people() -> None:
    made = make_contract_to_mobilise()
    before = recorded()
    at: dict[str, Any] = {"now": NOW}
    made.begin()
    kept, dropped = _add(made), _add(made, "Lift")
    same: dict[str, Any] = {"evidence": "Wider.", "side": Side.SUPPLIER, "due_on": date(2026, 11, 3)}
    actions.change_milestone(kept, title="Doors", **same, actor=made.manager, **at)
    actions.drop(dropped, reason="Ground floor.", actor=made.manager, **at)
    first = actions.say_done(kept, evidence="A photograph.", actor=made.deliverer, **at)
    actions.send_back(kept, reason="Of what?", actor=made.manager, **at)
    second = actions.say_done(kept, evidence="Another.", actor=made.deliverer, **at)
    actions.accept(kept, actor=made.manager, **at)
    member = made.staff()
    actions.update_staff(
        member, reference="AP", role="Mentor", level=VettingLevel.BASELINE, dates=Dates(), actor=made.deliverer, **at
    )
    access = actions.enter_access(member, prison="Elmley", dates=Dates(), actor=made.deliverer, **at)
    actions.remove_access(member, access, actor=made.deliverer, **at)
    actions.has_left(member, actor=made.deliverer, **at)
    assert recorded() - before == {
        "Began mobilisation": 1,
        "Added the milestone": 2,
        "Changed the milestone": 1,
        "Found the milestone not needed": 1,
        "Said that the milestone is done": 2,
        "Sent the milestone back": 1,
        "Accepted the milestone": 1,
        "Entered somebody who delivers": 1,
        "Changed somebody’s clearance": 1,
        "Entered prison access": 1,
        "Removed prison access": 1,
        "Noted that somebody has left": 1,
    }
    assert (kept.due_on, dropped.dropped_reason, member.left_on) == (same["due_on"], "Ground floor.", NOW.date())
    assert told(f"mobilisation:{made.agreement.id}:") == ["begun"]
    assert [told(f"milestone-report:{one.id}:") for one in (first, second)] == [["done", "judged"]] * 2


def test_promises_and_the_supply_chain() -> None:
    made = make_contract_to_mobilise()
    before = recorded()
    at: dict[str, Any] = {"actor": made.deliverer, "now": NOW}
    declined = made.propose(who="Women")
    actions.decline_promise(declined, reason="Nobody counts that.", **at)
    promise = made.promise()
    report = actions.report_on_promise(
        promise, due_on=FIRST_DUE, reached="26", words="", actor=made.deliverer, now=LATER
    )
    actions.judge(report, verdict=Verdict.KEPT, reason=None, actor=made.manager, now=LATER)
    actions.end_promise(promise, reason="Usual now.", actor=made.manager, now=LATER)
    member = made.subcontractor()
    actions.report_quarter(
        made.agreement,
        quarter_begins=made.agreement.starts_on,
        parts={member.id: Decimal(5)},
        actor=made.deliverer,
        now=LATER,
    )
    actions.change_subcontractor(
        made.agreement,
        member,
        name="Open Door",
        work="Mentoring",
        share=Decimal(25),
        status=SupplierStatus.VCSE,
        actor=made.deliverer,
        now=LATER,
    )
    actions.leaves(made.agreement, member, actor=made.deliverer, now=LATER)
    assert recorded() - before == {
        "Wrote the promise as a row": 2,
        "Declined the promise as written": 1,
        "Agreed the promise": 1,
        "Reported on the promise": 1,
        "Judged the report on the promise": 1,
        "Ended the promise": 1,
        "Entered a subcontractor": 1,
        "Agreed the supply chain": 1,
        "Changed a subcontractor": 1,
        "Reported the supply chain’s quarter": 1,
        "Noted that a subcontractor has left": 1,
    }
    assert told(f"promise:{declined.id}:") == ["proposed", "declined"]
    assert told(f"promise:{promise.id}:") == ["proposed", "agreed", "ended"]
    assert told(f"promise-report:{report.id}:") == ["judged"]
    assert told(f"subcontractor:{member.id}:") == [NOW.isoformat(), LATER.isoformat(), "left"]
    assert told(f"mobilisation:{made.agreement.id}:") == [f"reported:{LATER.date()}"]


def test_nothing_is_begun_after_the_contracts_last_day_and_everything_on_it() -> None:
    made = make_contract_to_mobilise()
    _ = made.deliverer, made.manager
    made.agreement.ends_on = LATER.date()
    after = LATER + DAY
    for work in (
        lambda now: actions.begin(made.agreement, actor=made.manager, now=now),
        lambda now: _add(made, now=now),
        lambda now: made.staff(now=now),
        lambda now: made.propose(now=now),
        lambda now: made.subcontractor(agreed=False, now=now),
    ):
        with pytest.raises(TooLate, match="has ended"):
            work(after)
        work(LATER)


def test_each_side_does_its_own() -> None:
    made = make_contract_to_mobilise()
    outsider, member, promise = _outsider(), made.staff(), made.promise()
    declared = made.propose(who="Women")
    chain = made.subcontractor()
    milestone = _add(made)
    same: dict[str, Any] = {"title": "x", "evidence": "x", "side": Side.SUPPLIER, "due_on": date(2026, 11, 3)}
    report = actions.report_on_promise(
        promise, due_on=FIRST_DUE, reached="1", words="", actor=made.deliverer, now=LATER
    )
    of_supplier: list[Callable[..., object]] = [
        partial(actions.say_done, milestone, evidence="x"),
        partial(actions.enter_access, member, prison="x", dates=Dates()),
        partial(actions.has_left, member),
        partial(actions.leaves, made.agreement, chain),
        partial(actions.report_on_promise, promise, due_on=FIRST_DUE, reached="1", words=""),
        partial(actions.report_quarter, made.agreement, quarter_begins=made.agreement.starts_on, parts={}),
        partial(actions.agree_promise, declared),
        partial(actions.decline_promise, declared, reason="x"),
    ]
    of_lead: list[Callable[..., object]] = [
        partial(actions.begin, made.agreement),
        partial(actions.change_milestone, milestone, **same),
        partial(actions.drop, milestone, reason="x"),
        partial(actions.agree_chain, made.agreement, seen=""),
        partial(actions.judge, report, verdict=Verdict.KEPT, reason=None),
        partial(actions.end_promise, promise, reason="x"),
    ]
    for work in of_supplier:
        for actor in (made.manager, outsider):
            with pytest.raises(NotAllowed):
                work(actor=actor, now=LATER)
    for work in of_lead:
        for actor in (made.deliverer, outsider):
            with pytest.raises(NotAllowed):
                work(actor=actor, now=LATER)
    with pytest.raises(NotAllowed):
        made.propose(by=outsider, who="Men")


def test_days_and_parts_to_their_edge() -> None:
    made = make_contract_to_mobilise()
    today = NOW.date()
    made.staff("A", dates=Dates(today, today, today))
    for dates, field in (
        (Dates(applied_on=today + DAY), "applied_on"),
        (Dates(given_on=today + DAY), "given_on"),
        (Dates(applied_on=today, given_on=today - DAY), "given_on"),
        (Dates(expires_on=today), "given_on"),
        (Dates(given_on=today, expires_on=today - DAY), "expires_on"),
    ):
        with pytest.raises(Invalid) as refused:
            made.staff("B", dates=dates)
        assert refused.value.field == field
    starts, ends = made.agreement.starts_on, made.agreement.ends_on
    assert ends is not None
    for day in (starts, ends):
        made.propose(who=str(day), first_due_on=day)
    for day in (starts - DAY, ends + DAY):
        with pytest.raises(Invalid, match="within the contract"):
            made.propose(who=str(day), first_due_on=day)
    first, second = made.subcontractor("One", "30"), made.subcontractor("Two", "70")
    report = partial(actions.report_quarter, made.agreement, quarter_begins=starts, actor=made.deliverer, now=LATER)
    for parts in ((Decimal("-0.01"), Decimal(1)), (Decimal(60), Decimal("40.01"))):
        with pytest.raises(Invalid, match="more than 100%"):
            report(parts=dict(zip((first.id, second.id), parts, strict=True)))
    report(parts={first.id: Decimal(60), second.id: Decimal(40)})


def test_what_is_over_is_over() -> None:
    made = make_contract_to_mobilise()
    milestone, member, chain = _add(made), made.staff(), made.subcontractor()
    actions.drop(milestone, reason="No.", actor=made.manager, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.drop(milestone, reason="Again.", actor=made.manager, now=NOW)
    with pytest.raises(Refused):
        actions.say_done(milestone, evidence="x", actor=made.deliverer, now=NOW)
    # Its name is free again, and taken once.
    _add(made)
    with pytest.raises(Invalid, match="of that name") as refused:
        _add(made)
    assert refused.value.field == "title"
    actions.has_left(member, actor=made.deliverer, now=NOW)
    for work in (
        partial(actions.has_left, member),
        partial(actions.enter_access, member, prison="x", dates=Dates()),
    ):
        with pytest.raises(AlreadyDone, match="has left"):
            work(actor=made.deliverer, now=NOW + DAY)
    assert member.left_on == NOW.date()
    made.staff()
    with pytest.raises(Invalid, match="already"):
        made.staff()
    actions.leaves(made.agreement, chain, actor=made.deliverer, now=NOW)
    with pytest.raises(AlreadyDone, match="has left"):
        actions.leaves(made.agreement, chain, actor=made.deliverer, now=NOW + DAY)
