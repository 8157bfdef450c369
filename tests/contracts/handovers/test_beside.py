"""What is done to one contract from several sides at the same moment: nobody waits for ever, and nothing is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from contracts.agreements.models import Agreement, ServiceLine, Suspension
from contracts.agreements.queries import terms
from contracts.agreements.rules import Side, terms_digest
from contracts.changes import actions as changing
from contracts.changes.models import ExitTask, Variation
from contracts.changes.rules import Ground, VariationStatus
from contracts.handovers import actions
from contracts.handovers.models import Handover
from contracts.handovers.rules import HandoverStatus
from contracts.invoices import jobs as invoicing
from contracts.invoices.models import Invoice
from contracts.mobilisation import actions as mobilising
from contracts.mobilisation.models import Milestone
from contracts.referrals import actions as referring
from contracts.referrals.models import Referral
from marketplace.access import Role
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.contracts.referrals.wandering import assert_counted_as_told
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.agreements import make_signed_agreement
from tests.factories.at_once import at_once
from tests.factories.changes import Change
from tests.factories.referrals import make_need, make_officer

# The contracts run from 1 October 2026.
NOW = datetime(2027, 1, 10, 9, 0, tzinfo=UTC)
APPLIES = date(2027, 1, 15)


class Beside:
    """A contract of one funder with a change that waits for its last signature, and another contract of its lead."""

    def __init__(self, app: Flask, clock: StandingClock, *, ends_on: date | None = None) -> None:
        self.app = app
        with app.app_context():
            lead = make_commissioner()
            made = Change(make_signed_agreement(lead=lead))
            next_one = make_signed_agreement(lead=lead)
            for one in (made.agreement, next_one):
                make_actor(one.supplier, Role.SERVICE_MANAGER)
            clock.set(NOW)
            if ends_on is None:
                variation = made.draft(in_force_from=APPLIES, now=NOW)
                made.reprice(variation, now=NOW)
            else:
                variation = changing.begin_ending(
                    made.agreement,
                    last_day=ends_on,
                    ground=Ground.NOT_NEEDED,
                    reason="Nobody comes.",
                    by_notice=False,
                    actor=made.manager,
                    now=NOW,
                )
            changing.submit(variation, actor=made.manager, now=NOW)
            made.approve(variation, now=NOW)
            made.sign(variation, made.signatory, now=NOW)
            self.manager, self.approver, self.officer = made.manager, made.approver, make_officer()
            self.digest = terms_digest(terms(variation.version))
            self.agreement, self.variation = made.agreement.id, variation.id
            self.old, self.new = made.agreement.lines[0].id, next_one.lines[0].id
            db.session.commit()

    def contract(self) -> Agreement:
        return db.session.get_one(Agreement, self.agreement)

    def sign(self) -> str:
        variation = db.session.get_one(Variation, self.variation)
        changing.sign(variation, digest=self.digest, actor=self.approver, now=NOW)
        return "signed"

    def add_milestone(self, title: str) -> str:
        mobilising.add_milestone(
            self.contract(), title=title, evidence="x", side=Side.SUPPLIER, due_on=APPLIES, actor=self.manager, now=NOW
        )
        return title

    def all_at_once(self, *work: Callable[[], str | None], times: int = 2) -> Counter[str]:
        """Each work so many times, all at the same moment: what they gave, by name; refusals by their kind."""
        answers = at_once(self.app, len(work) * times, lambda number: work[number % len(work)]())
        return Counter(type(one).__name__ if isinstance(one, Refused) else str(one) for one in answers)


def test_a_change_is_signed_beside_invoices_and_milestones_and_each_is_as_it_would_be_alone(
    committed_app: Flask, clock: StandingClock
) -> None:
    beside = Beside(committed_app, clock)
    done = beside.all_at_once(
        beside.sign,
        lambda: invoicing.raise_invoices(beside.agreement),
        lambda: beside.add_milestone("Doors wide enough"),
    )
    assert done == {"signed": 1, "AlreadyDone": 1, "None": 2, "Doors wide enough": 1, "Invalid": 1}
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Milestone)) == 1
        assert [one.superseded_on for one in beside.contract().versions] == [APPLIES, None]
        months = db.session.scalars(select(Invoice).order_by(Invoice.period_from)).all()
        # The three months before it, each once, at the price of before.
        assert [one.period_from.month for one in months] == [10, 11, 12]
        (price,) = {one.net for one in months}
        clock.set(NOW + timedelta(days=30))
        invoicing.raise_invoices(beside.agreement)
        # The month within which it applies is in two parts.
        january = db.session.scalars(select(Invoice).where(Invoice.period_from == date(2027, 1, 1))).one()
        assert len(january.lines) == 2
        assert price < january.net < 2 * price


def test_a_contract_is_ended_beside_people_who_are_referred_to_it(committed_app: Flask, clock: StandingClock) -> None:
    beside = Beside(committed_app, clock, ends_on=NOW.date())
    people = count(1)

    def send() -> str:
        referring.send(beside.old, make_need(f"X{next(people):06}"), actor=beside.officer, now=NOW)
        return "sent"

    done = beside.all_at_once(beside.sign, send, times=4)
    assert done == {"signed": 1, "AlreadyDone": 3, "sent": 4}
    with committed_app.app_context():
        agreement, line = beside.contract(), db.session.get_one(ServiceLine, beside.old)
        assert agreement.ends_on == NOW.date() == line.terms_on(NOW.date()).referrals_until
        # What the ending asks for is made once.
        titles = list(db.session.scalars(select(ExitTask.title)))
        assert len(titles) == len(set(titles)) > 0
        assert db.session.scalar(select(func.count()).select_from(Referral)) == 4
        assert_counted_as_told(line)
        with pytest.raises(Refused):
            referring.send(beside.old, make_need(), actor=beside.officer, now=NOW + timedelta(days=1))


def test_a_service_is_handed_over_beside_a_change_of_its_contract(committed_app: Flask, clock: StandingClock) -> None:
    beside = Beside(committed_app, clock)
    day = NOW.date() + timedelta(days=14)

    def plan() -> str:
        lines = [db.session.get_one(ServiceLine, key) for key in (beside.old, beside.new)]
        actions.plan(*lines, day=day, actor=beside.manager, now=NOW)
        return "planned"

    def handover() -> Handover:
        return db.session.scalars(select(Handover).order_by(Handover.id.desc())).first()  # type: ignore[return-value]

    def fix() -> str:
        actions.agree(handover(), actor=beside.manager, now=NOW)
        return "fixed"

    def stop() -> str:
        changing.suspend(beside.contract(), line=None, from_on=day, reason="Staff", actor=beside.manager, now=NOW)
        return "stopped"

    def call_off() -> str:
        actions.cancel(handover(), reason="Not so.", actor=beside.manager, now=NOW)
        return "called off"

    assert beside.all_at_once(plan, times=4) == {"planned": 1, "AlreadyDone": 3}
    done = beside.all_at_once(beside.sign, fix, stop, plan)
    assert (done["signed"], done["fixed"], done["stopped"], done["planned"]) == (1, 1, 1, 0)
    done = beside.all_at_once(call_off, stop, plan, lambda: beside.add_milestone("Keys"))
    assert (done["called off"], done["Keys"]) == (1, 1)
    with committed_app.app_context():
        variation = db.session.get_one(Variation, beside.variation)
        assert variation.status is VariationStatus.AGREED
        handovers = db.session.scalars(select(Handover.status).order_by(Handover.id)).all()
        assert list(handovers) == [HandoverStatus.CANCELLED] + [HandoverStatus.DRAFT] * done["planned"]
        # What the handover stopped is lifted with it; what people stopped stays.
        (whole,) = db.session.scalars(select(Suspension).where(Suspension.line_id.is_(None)))
        assert whole.lifted_at is None
        of_service = db.session.scalars(select(Suspension).where(Suspension.line_id.is_not(None)))
        assert all(one.lifted_at is not None for one in of_service)


# Who takes one of these takes no earlier one after it (decision 0022).
ORDERS = (("handovers", "agreements", "service_lines", "referrals"), ("agreements", "invoices"))
LOCKS = re.compile(r"\bFROM (\w+)\b.*\bFOR (?:NO KEY )?UPDATE|^UPDATE (\w+)\b", re.DOTALL)


@contextmanager
def locking() -> Iterator[list[str]]:
    """The tables whose rows are locked in one transaction, each at its first row."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        for one in LOCKS.finditer(statement):
            table = one[1] or one[2]
            if table not in found:
                found.append(table)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        with transaction():
            yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_whoever_takes_more_than_one_lock_takes_them_in_one_order(committed_app: Flask, clock: StandingClock) -> None:
    beside = Beside(committed_app, clock)
    now, manager = NOW, beside.manager
    with committed_app.app_context():
        old, new = (db.session.get_one(ServiceLine, key) for key in (beside.old, beside.new))
        sent = [referring.send(old.id, make_need(f"X{n:06}"), actor=beside.officer, now=now).id for n in range(3)]
        db.session.commit()
        taken: dict[str, list[str]] = {}

        def take(name: str, work: Callable[[], object]) -> object:
            with locking() as found:
                answer = work()
            taken[name] = found
            return answer

        def handover() -> Handover:
            return db.session.scalars(select(Handover).order_by(Handover.id.desc())).one()

        take("plan", lambda: actions.plan(old, new, day=now.date(), actor=manager, now=now))
        take("fix", lambda: actions.agree(handover(), actor=manager, now=now))
        take("begin", lambda: actions.begin(handover().id, now=now))
        take("move", lambda: actions.move_one(handover().id, sent[0], now=now))
        take("undo one", lambda: actions.undo_one(handover(), sent[0], actor=manager, now=now))
        take("move alone", lambda: actions.move_single(sent[1], new.id, actor=beside.officer, now=now))
        take("undo", lambda: actions.undo(handover(), actor=manager, now=now))
        take("finish", lambda: actions.finish(handover().id, now=now))
        take("withdraw", lambda: referring.withdraw(sent[2], reason="NOSHOW", actor=beside.officer, now=now))
        take(
            "stop",
            lambda: changing.suspend(
                beside.contract(), line=None, from_on=now.date(), reason="x", actor=manager, now=now
            ),
        )
        take("sign", beside.sign)
        take("raise", lambda: invoicing.raise_invoices(beside.agreement))
    for name, tables in taken.items():
        for order in ORDERS:
            ours = [one for one in tables if one in order]
            assert ours == sorted(ours, key=order.index), f"{name} takes {tables}"
    assert taken["fix"][:3] == ["handovers", "agreements", "service_lines"]
    assert taken["move"][:3] == ["handovers", "service_lines", "referrals"]
