"""What many do at once around a contract: real commits, real threads."""

from __future__ import annotations

from decimal import Decimal

from flask import Flask
from sqlalchemy import func, select

from contracts.agreements.models import Agreement, Subcontractor
from contracts.mobilisation import actions
from contracts.mobilisation.models import Milestone, MilestoneReport, StaffMember
from contracts.mobilisation.rules import USUAL, Dates, VettingLevel
from marketplace.access import SYSTEM
from marketplace.accounts.rules import SupplierStatus
from marketplace.errors import Refused
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.agreements import NOW
from tests.factories.at_once import at_once
from tests.factories.mobilisation import Contract, make_contract_to_mobilise


def _made(app: Flask) -> tuple[Contract, int]:
    with app.app_context():
        made = make_contract_to_mobilise()
        _ = made.manager, made.deliverer
        db.session.commit()
        return made, made.agreement.id


def test_what_is_pressed_ten_times_at_once_is_done_once(committed_app: Flask, clock: StandingClock) -> None:
    made, key = _made(committed_app)

    def begin(number: int) -> int:
        return len(actions.begin(db.session.get_one(Agreement, key), actor=SYSTEM, now=NOW))

    answers = at_once(committed_app, 10, begin)
    assert sum(isinstance(answer, int) for answer in answers) == 1

    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Milestone)) == len(USUAL)
        first = db.session.scalars(select(Milestone.id).order_by(Milestone.id)).first()

    def done(number: int) -> str:
        milestone = db.session.get_one(Milestone, first)
        return actions.say_done(milestone, evidence=f"No {number}", actor=made.deliverer, now=NOW).evidence

    answers = at_once(committed_app, 10, done)
    kept = [answer for answer in answers if isinstance(answer, str)]
    assert len(kept) == 1

    def judge(number: int) -> str:
        milestone = db.session.get_one(Milestone, first)
        if number % 2:
            actions.accept(milestone, actor=made.manager, now=NOW)
        else:
            actions.send_back(milestone, reason="Say more.", actor=made.manager, now=NOW)
        return milestone.status.value

    answers = at_once(committed_app, 10, judge)
    (word,) = [answer for answer in answers if not isinstance(answer, Refused)]
    with committed_app.app_context():
        report = db.session.scalars(select(MilestoneReport)).one()
        assert report.accepted is (word == "accepted")
        assert report.evidence == kept[0]


def test_shares_entered_at_once_never_come_to_more_than_all(committed_app: Flask, clock: StandingClock) -> None:
    made, key = _made(committed_app)

    def enter(number: int) -> int:
        return actions.enter_subcontractor(
            db.session.get_one(Agreement, key),
            name=f"Number {number}",
            work="Mentoring",
            share=Decimal(30),
            status=SupplierStatus.VCSE,
            actor=made.deliverer,
            now=NOW,
        ).id

    answers = at_once(committed_app, 8, enter)
    assert sum(isinstance(answer, int) for answer in answers) == 3
    with committed_app.app_context():
        assert db.session.scalar(select(func.sum(Subcontractor.share))) == 90


def test_one_person_entered_at_once_is_one_row(committed_app: Flask, clock: StandingClock) -> None:
    made, key = _made(committed_app)

    def enter(number: int) -> int:
        return actions.enter_staff(
            db.session.get_one(Agreement, key),
            reference="AO",
            role="Mentor",
            level=VettingLevel.BASELINE,
            dates=Dates(),
            actor=made.deliverer,
            now=NOW,
        ).id

    answers = at_once(committed_app, 8, enter)
    assert sum(isinstance(answer, int) for answer in answers) == 1
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(StaffMember)) == 1
