from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from contracts.agreements.models import Agreement
from contracts.agreements.queries import is_as_signed, open_lines
from contracts.changes import actions, jobs, queries
from contracts.changes.models import ExitPlan, ExitTask, Variation
from contracts.changes.rules import EXIT_TASKS, SIGNING_DAYS, Ground, Purpose, TaskStanding, VariationStatus
from contracts.invoices.actions import reconcile_years
from contracts.invoices.models import Invoice
from contracts.invoices.queries import reconciled_years
from marketplace.access import SYSTEM, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, sign_in
from tests.factories.agreements import NOW
from tests.factories.at_once import at_once
from tests.factories.changes import Change, make_change

pytestmark = pytest.mark.usefixtures("clock")
TODAY = date(2026, 9, 7)
DAY = timedelta(days=1)
# A contract of three years from 1 October 2026, ended after a year and three months.
LAST = date(2027, 12, 31)


def _end(
    made: Change,
    *,
    last_day: date = LAST,
    by_notice: bool = True,
    ground: Ground = Ground.NOT_NEEDED,
    now: datetime = NOW + DAY,
) -> Variation:
    return actions.begin_ending(
        made.agreement,
        last_day=last_day,
        ground=ground,
        reason="Nobody comes.",
        by_notice=by_notice,
        actor=made.manager,
        now=now,
    )


def _given(made: Change, **values: object) -> Variation:
    variation = _end(made, **values)  # type: ignore[arg-type]
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    made.approve(variation)
    return variation


def _letters(subject: str) -> set[str]:
    return set(db.session.scalars(select(Letter.email).where(Letter.subject.contains(subject))))


@pytest.mark.usefixtures("session")
class TestEnding:
    """A contract ends before its day: by notice of the commissioner, or by agreement."""

    def test_a_notice_is_approved_by_every_funder_and_signed_by_nobody(self) -> None:
        made = make_change()
        variation = _end(made)
        assert made.agreement.ends_on == date(2029, 9, 30)
        with pytest.raises(NotFound):
            queries.variation_for(made.signatory, variation.id)
        actions.submit(variation, actor=made.manager, now=NOW + DAY)
        actions.approve(variation, shown_round=1, actor=made.approver, now=NOW + 2 * DAY)
        assert variation.status is VariationStatus.AWAITING_APPROVAL
        _ = made.signatory
        actions.approve(variation, shown_round=1, actor=made.partner, now=NOW + 2 * DAY)
        agreement = made.agreement
        assert variation.status is VariationStatus.AGREED
        assert (agreement.ends_on, variation.version.signatures) == (LAST, [])
        # It applies only once the contract has begun, as every version does.
        assert variation.version.in_force_from == agreement.starts_on
        assert is_as_signed(variation.version)
        # A year of £100,000, and its first three twelfths, where a year's odd pennies fall.
        assert agreement.whole_life_value == Decimal("125000.02")
        (line,) = agreement.lines
        assert [line in open_lines(day) for day in (LAST, LAST + DAY)] == [True, False]
        assert _letters("ends early")
        assert {one.title for one in queries.exit_tasks(agreement)} == {one.title for one in EXIT_TASKS}
        assert queries.variation_for(made.signatory, variation.id) is variation

    def test_an_agreed_ending_is_signed_by_both_sides(self) -> None:
        made = make_change()
        variation = _given(made, by_notice=False, last_day=date(2026, 12, 31))
        assert variation.status is VariationStatus.AWAITING_SUPPLIER
        # Taken back it is a draft again; all but its last day stays as it is.
        actions.take_back(variation, actor=made.manager, now=NOW + 2 * DAY)
        with pytest.raises(Refused, match="last day alone"):
            actions.set_dates(variation, in_force_from=LAST, ends_on=LAST, actor=made.manager, now=NOW + 2 * DAY)
        actions.submit(variation, actor=made.manager, now=NOW + 2 * DAY)
        made.approve(variation)
        made.sign(variation, made.signatory)
        made.sign(variation, made.approver)
        assert made.agreement.ends_on == date(2026, 12, 31)
        assert queries.exit_begun(made.agreement)

    def test_once_agreed_the_contract_can_be_varied_and_ended_sooner_before_its_last_day(self) -> None:
        made = make_change()
        variation = _end(made, by_notice=False)
        # Asked for later, it is dated anew.
        late = NOW + 60 * DAY
        actions.submit(variation, actor=made.manager, now=late)
        assert variation.version.in_force_from == late.date() + SIGNING_DAYS * DAY
        made.approve(variation, now=late)
        for actor in (made.signatory, made.approver):
            made.sign(variation, actor, now=late + DAY)
        assert made.agreement.ends_on == LAST
        change = made.draft(in_force_from=date(2027, 4, 1), now=late + 2 * DAY)
        actions.withdraw(change, reason="No.", actor=made.manager, now=late + 2 * DAY)
        sooner = _end(made, last_day=date(2027, 6, 30), by_notice=False, now=late + 2 * DAY)
        assert (sooner.version.ends_on, sooner.version.in_force_from) == (
            date(2027, 6, 30),
            (late + 2 * DAY).date() + SIGNING_DAYS * DAY,
        )

    def test_what_ends_soon_applies_on_its_last_day_at_the_latest(self) -> None:
        made = make_change()
        now = datetime(2026, 10, 10, 9, 0, tzinfo=NOW.tzinfo)
        assert _end(made, last_day=date(2026, 10, 20), by_notice=False, now=now).version.in_force_from == date(
            2026, 10, 20
        )

    @pytest.mark.parametrize("ground", list(Ground))
    def test_how_long_a_notice_must_be_hangs_on_its_ground(self, ground: Ground) -> None:
        made = make_change()
        soon = date(2026, 10, 20)
        if ground in (Ground.BREACH, Ground.UNABLE, Ground.EXCLUDED):
            assert _given(made, ground=ground, last_day=soon).status is VariationStatus.AGREED
        else:
            with pytest.raises(TooLate, match="7 December 2026"):
                _end(made, ground=ground, last_day=soon)

    def test_approved_too_late_it_is_not_given(self) -> None:
        made = make_change(funders=1)
        variation = _end(made, last_day=date(2026, 12, 7))
        actions.submit(variation, actor=made.manager, now=NOW + DAY)
        with pytest.raises(TooLate):
            actions.approve(variation, shown_round=1, actor=made.approver, now=NOW + 2 * DAY)

    def test_which_last_days_are_refused_and_to_whom(self) -> None:
        made = make_change()
        for day in (TODAY - DAY, date(2029, 9, 30), date(2026, 9, 30)):
            with pytest.raises(Invalid):
                _end(made, last_day=day, ground=Ground.BREACH, now=NOW)
        for actor in (made.signatory, made.approver):
            with pytest.raises(NotAllowed):
                actions.begin_ending(
                    made.agreement,
                    last_day=LAST,
                    ground=Ground.BREACH,
                    reason="x",
                    by_notice=True,
                    actor=actor,
                    now=NOW,
                )
        _end(made)
        with pytest.raises(AlreadyDone):
            made.draft()

    def test_the_year_cut_short_is_reconciled_and_no_invoice_follows(self) -> None:
        made = make_change(funders=1)
        _given(made)
        later = datetime(2028, 3, 1, 9, tzinfo=NOW.tzinfo)
        reconcile_years(made.agreement, actor=SYSTEM, now=later)
        years = reconciled_years(made.agreement.id)
        # Nobody came: the lowest band, £80,000 a year, for a year and for three twelfths of one.
        assert sorted((one.first, one.last, one.charged, one.due, one.difference) for one in years) == [
            (date(2026, 10, 1), date(2027, 9, 30), Decimal(100_000), Decimal(80_000), Decimal(-20_000)),
            (date(2027, 10, 1), LAST, Decimal("25000.02"), Decimal("20000.01"), Decimal("-5000.01")),
        ]
        invoices = db.session.scalars(select(Invoice).where(Invoice.kind == "month")).all()
        assert len(invoices) == 15
        assert max(one.period_to for one in invoices) == LAST
        assert sum(one.net for one in invoices) == Decimal("125000.02")


@pytest.mark.usefixtures("session")
class TestExitPlan:
    """The tasks of a contract's ending."""

    def test_it_is_made_six_months_before_the_end_once(self, clock: StandingClock) -> None:
        made = make_change()
        agreement = made.agreement
        clock.set(datetime(2029, 3, 29, 9, tzinfo=NOW.tzinfo))
        jobs.prepare_endings()
        assert not queries.exit_begun(agreement)
        clock.set(datetime(2029, 3, 30, 9, tzinfo=NOW.tzinfo))
        for _ in range(2):
            jobs.prepare_endings()
        tasks = queries.exit_tasks(agreement)
        assert len(tasks) == len(EXIT_TASKS)
        assert [one.due_on for one in tasks] == sorted(one.due_on for one in tasks)
        with pytest.raises(AlreadyDone):
            actions.begin_exit(agreement, actor=made.manager, now=clock())

    def test_days_move_with_the_last_day_and_leave_time(self) -> None:
        made = make_change(funders=1)
        _given(made, ground=Ground.BREACH, last_day=date(2026, 10, 5))
        tasks = {one.title: one for one in queries.exit_tasks(made.agreement)}
        # Made on 9 September, four weeks before the end: what is late already is due in a week.
        assert tasks["Exit plan agreed"].due_on == date(2026, 9, 16)
        assert tasks["Final reconciliation"].due_on == date(2026, 12, 4)
        made.agreement.ends_on = date(2026, 11, 5)
        assert tasks["Final reconciliation"].due_on == date(2027, 1, 4)

    def test_who_does_what(self) -> None:
        made = make_change()
        actions.begin_exit(made.agreement, actor=made.manager, now=NOW)
        tasks = {one.title: one for one in queries.exit_tasks(made.agreement)}
        records, told = tasks["Records"], tasks["Officers told"]
        deliverer = make_actor(made.agreement.supplier, Role.SERVICE_MANAGER)
        same = {"title": records.title, "what": records.what, "side": records.side, "due_on": records.due_on}
        actions.change_task(records, **same, owner="Jo, archives", actor=deliverer, now=NOW)
        assert records.owner == "Jo, archives"
        with pytest.raises(NotAllowed):
            actions.change_task(records, **same | {"due_on": LAST}, owner="Jo", actor=deliverer, now=NOW)
        for task, actor in ((records, made.manager), (told, deliverer), (told, made.approver)):
            with pytest.raises(NotAllowed):
                actions.finish_task(task, note="Done.", actor=actor, now=NOW)
        actions.finish_task(records, note="Sealed and sent.", actor=deliverer, now=NOW)
        with pytest.raises(AlreadyDone):
            actions.finish_task(records, note="Again.", actor=deliverer, now=NOW)
        with pytest.raises(NotAllowed):
            actions.reopen_task(records, reason="x", actor=deliverer, now=NOW)
        actions.reopen_task(records, reason="Two boxes are missing.", actor=made.manager, now=NOW)
        assert records.standing(TODAY) is TaskStanding.TO_DO
        actions.drop_task(told, reason="Nobody refers any more.", actor=made.manager, now=NOW)
        assert told.standing(date(2030, 1, 1)) is TaskStanding.DROPPED
        with pytest.raises(Invalid):
            actions.add_task(
                made.agreement,
                title="Records",
                what="x",
                side=records.side,
                owner=None,
                due_on=LAST,
                actor=made.manager,
                now=NOW,
            )

    def test_each_is_told_of_once_near_and_once_late_and_waits_at_home(self, clock: StandingClock) -> None:
        made = make_change()
        deliverer = make_actor(made.agreement.supplier, Role.SERVICE_MANAGER)
        actions.begin_exit(made.agreement, actor=made.manager, now=NOW)
        records = next(one for one in queries.exit_tasks(made.agreement) if one.title == "Records")
        for task in queries.exit_tasks(made.agreement):
            if task is not records:
                actions.drop_task(task, reason="x", actor=made.manager, now=NOW)
        for day in (-20, -10, -9, 1, 2):
            clock.set(datetime.combine(records.due_on + day * DAY, NOW.timetz()))
            jobs.remind()
            owed = [one.text for one in queries.waiting(deliverer, clock())]
            assert owed == ([] if day == -20 else [f"The ending of {made.agreement.reference}: 1 task to do"])
        assert [one.text for one in queries.waiting(made.manager, clock())] == []
        told = select(Letter.subject).where(Letter.subject.contains("Records"), Letter.person_id == deliverer.person)
        assert len(db.session.scalars(told).all()) == 2


@pytest.mark.usefixtures("session")
def test_on_the_pages(client: FlaskClient) -> None:
    made = make_change()
    _ = made.partner, made.approver, made.signatory
    deliverer = make_actor(made.agreement.supplier, Role.SERVICE_MANAGER)
    at = f"/contracts/{made.agreement.id}"
    sign_in(client, made.manager)
    assert "End the contract early" in client.get(f"{at}/ending").text
    empty = client.post(f"{at}/end", data={})
    assert empty.status_code == 422
    assert "Choose the ground" in empty.text
    typed = {
        "last_day-day": "1",
        "last_day-month": "10",
        "last_day-year": "2026",
        "how": "notice",
        "ground": "funding",
        "reason": "The money ends.",
    }
    soon = client.post(f"{at}/end", data=typed)
    assert soon.status_code == 409
    assert "6 December 2026" in soon.text
    assert "The money ends." in soon.text
    client.post(f"{at}/end", data=typed | {"last_day-year": "2027"})
    variation = db.session.scalars(select(Variation)).one()
    assert variation.purpose is Purpose.NOTICE
    one = f"/contracts/changes/{variation.id}"
    page = client.get(one).text
    assert "Early ending by notice" in page
    assert "Change one part after the other" not in page
    client.post(f"{one}/submit")
    sign_in(client, made.signatory)
    assert "There is no more money" not in client.get(f"{at}/ending").text
    for actor in (made.approver, made.partner):
        sign_in(client, actor)
        assert client.post(f"{one}/approve", data={"round": "1"}).status_code == 302
    sign_in(client, deliverer)
    page = client.get(f"{at}/ending").text
    assert "ends on 1 October 2027" in page
    assert "There is no more money" in page
    task = next(one for one in queries.exit_tasks(made.agreement) if one.title == "Records")
    assert client.post(f"/contracts/exit-tasks/{task.id}", data={"owner": "Jo"}).status_code == 302
    assert client.post(f"/contracts/exit-tasks/{task.id}/done", data={"note": "Sent."}).status_code == 302
    page = client.get(f"{at}/ending").text
    assert "1 of 10 tasks done" in page
    assert "Jo" in page
    assert "Records,Handed over" in client.get(f"{at}/ending.csv").text
    assert client.get(f"/contracts/exit-tasks/{task.id}/drop").status_code == 403
    sign_in(client, made.manager)
    assert client.post(f"/contracts/exit-tasks/{task.id}/reopen", data={"reason": "No."}).status_code == 302
    assert client.post(f"/contracts/exit-tasks/{task.id}/drop", data={"reason": "No."}).status_code == 302
    new = {
        "title": "Keys",
        "what": "All given back.",
        "side": "supplier",
        "due_on-day": "1",
        "due_on-month": "9",
        "due_on-year": "2027",
    }
    assert client.post(f"{at}/ending/tasks/new", data=new).status_code == 302
    assert client.post(f"{at}/ending/tasks/new", data=new).status_code == 422
    assert "0 of 10 tasks done" in client.get(f"{at}/ending").text


def test_ten_exit_plans_at_once_are_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        made = make_change()
        key, manager = made.agreement.id, made.manager
        db.session.commit()

    def begin(number: int) -> int:
        return len(actions.begin_exit(db.session.get_one(Agreement, key), actor=manager, now=NOW))

    answers = at_once(committed_app, 10, begin)
    assert len([one for one in answers if not isinstance(one, Refused)]) == 1
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ExitPlan)) == 1
        assert db.session.scalar(select(func.count()).select_from(ExitTask)) == len(EXIT_TASKS)
