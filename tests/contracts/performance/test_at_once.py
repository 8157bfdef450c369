"""The same thing done by many at the same moment is done once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import func, select

from contracts.agreements.models import Agreement, ServiceLine
from contracts.performance import actions, queries
from contracts.performance.models import Chase, MeasureTarget, QualityReview, Scorecard, ScorecardRow
from contracts.performance.rules import Measure, Target, TargetStatus
from marketplace.access import Role
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.at_once import at_once
from tests.factories.performance import AUGUST, MADE, SEPTEMBER, make_performer
from tests.factories.places import KENT


def _kinds(answers: list[object]) -> Counter[str]:
    return Counter(type(one).__name__ for one in answers)


def test_scorecards_targets_chases_and_reviews_are_made_once(committed_app: Flask) -> None:
    with committed_app.app_context():
        made = make_performer(places=(KENT,))
        made.bad_months()
        late = make_performer(places=(KENT,))
        late.referral(datetime(2026, 8, 3, tzinfo=UTC))
        desk = make_actor(make_commissioner(place_code=KENT), Role.REGIONAL_COORDINATOR)
        manager, deliverer = made.manager, made.deliverer
        key, line = made.agreement.id, late.line.id
        db.session.commit()

    answers = at_once(committed_app, 6, lambda _: len(actions.make_scorecards([key], AUGUST, now=MADE)))
    assert sorted(answers, key=str) == [0, 0, 0, 0, 0, 1]

    def propose(_: int) -> object:
        agreement = db.session.get_one(Agreement, key)
        return actions.propose(
            agreement, Measure.RECORDED, Target(90, 5), from_month=SEPTEMBER, why="x", actor=manager, now=MADE
        )

    assert _kinds(at_once(committed_app, 6, propose)) == {"MeasureTarget": 1, "AlreadyDone": 5}

    def agree(_: int) -> object:
        (target,) = db.session.scalars(select(MeasureTarget)).all()
        actions.agree(target, actor=deliverer, now=MADE)
        return target.status

    assert _kinds(at_once(committed_app, 6, agree)) == {"TargetStatus": 1, "AlreadyDone": 5}

    def chase(_: int) -> object:
        return actions.chase(db.session.get_one(ServiceLine, line), actor=desk, now=MADE)

    assert _kinds(at_once(committed_app, 6, chase)) == {"Chase": 1, "AlreadyDone": 5}

    def begin(_: int) -> object:
        return actions.begin_review(db.session.get_one(Agreement, key), actor=manager, now=MADE)

    assert _kinds(at_once(committed_app, 6, begin)) == {"QualityReview": 1, "AlreadyDone": 5}

    with committed_app.app_context():
        for table, number in ((Scorecard, 1), (ScorecardRow, len(Measure)), (Chase, 1), (QualityReview, 1)):
            assert db.session.scalar(select(func.count()).select_from(table)) == number
        target = queries.targets_of([key], SEPTEMBER)[key][Measure.RECORDED]
        assert target.agreed is not None
        assert target.agreed.status is TargetStatus.AGREED
