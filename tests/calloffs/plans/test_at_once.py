"""Two people of one body at the same plan, and a button pressed twice: one thing is done."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import func, select

from calloffs.plans import actions
from calloffs.plans.models import Plan, PlanVersion
from marketplace.audit import AuditEvent
from marketplace.errors import AlreadyDone
from marketplace.extensions import db
from tests.factories.at_once import at_once
from tests.factories.competitions import make_plan, make_tender

NOW = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)


def test_settling_and_beginning_a_version_happen_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        made = make_tender()
        key = make_plan(made.lead, made.author, settled=False).id
        people = [made.author, made.partner, made.author, made.partner]
        db.session.commit()
        db.session.remove()

    def settle(number: int) -> object:
        return actions.settle(db.session.get_one(Plan, key), actor=people[number], now=NOW).number

    def begin(number: int) -> object:
        return actions.begin_version(db.session.get_one(Plan, key), reason="x", actor=people[number], now=NOW).number

    for work, number in ((settle, 1), (begin, 2)):
        done = at_once(committed_app, len(people), work)
        assert [one for one in done if not isinstance(one, AlreadyDone)] == [number]
    with committed_app.app_context():
        assert db.session.scalars(select(PlanVersion.number).order_by(PlanVersion.number)).all() == [1, 2]
        settled = select(func.count()).where(AuditEvent.what == "Settled the figures")
        assert db.session.scalar(settled) == 1
