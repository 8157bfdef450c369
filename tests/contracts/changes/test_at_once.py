"""What many do at once to a change: real commits, real threads."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from contracts.agreements.models import Agreement, AgreementVersion, Signature
from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.changes import actions
from contracts.changes.models import Variation, VariationApproval
from contracts.changes.rules import VariationStatus
from marketplace.errors import Refused
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.agreements import NOW
from tests.factories.at_once import at_once
from tests.factories.changes import APPLIES, Change, make_change


def _made(app: Flask) -> tuple[Change, int]:
    with app.app_context():
        made = make_change()
        _ = made.manager, made.approver, made.partner, made.signatory
        db.session.commit()
        return made, made.agreement.id


def _done(answers: list[object]) -> list[object]:
    return [answer for answer in answers if not isinstance(answer, Refused)]


def test_ten_drafts_at_once_are_one(committed_app: Flask, clock: StandingClock) -> None:
    made, key = _made(committed_app)

    def begin(number: int) -> int:
        agreement = db.session.get_one(Agreement, key)
        return actions.begin(agreement, reason="x", in_force_from=APPLIES, actor=made.manager, now=NOW).id

    assert len(_done(at_once(committed_app, 10, begin))) == 1
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(AgreementVersion)) == 2


def test_approvals_signatures_and_withdrawal_at_once_are_exact(committed_app: Flask, clock: StandingClock) -> None:
    made, _ = _made(committed_app)
    with committed_app.app_context():
        made.agreement = db.session.merge(made.agreement)
        key = made.submitted().id
        db.session.commit()

    def approve(number: int) -> int:
        actor = (made.approver, made.partner)[number % 2]
        actions.approve(db.session.get_one(Variation, key), shown_round=1, actor=actor, now=NOW)
        return number % 2

    # Both funders at once, each five times: one approval each, and nobody's lost.
    assert sorted(map(str, _done(at_once(committed_app, 10, approve)))) == ["0", "1"]
    with committed_app.app_context():
        variation = db.session.get_one(Variation, key)
        assert variation.status is VariationStatus.AWAITING_SUPPLIER
        assert db.session.scalar(select(func.count()).select_from(VariationApproval)) == 2
        digest = terms_digest(terms(variation.version))

    def sign_or_withdraw(number: int) -> str:
        found = db.session.get_one(Variation, key)
        if number % 2:
            actions.withdraw(found, reason="No money.", actor=made.manager, now=NOW)
            return "withdrawn"
        actions.sign(found, digest=digest, actor=made.signatory, now=NOW)
        return "signed"

    answers = _done(at_once(committed_app, 10, sign_or_withdraw))
    # The signature may come first, and the withdrawal after it; never a signature under what is withdrawn.
    assert answers.count("withdrawn") == 1
    assert answers.count("signed") <= 1
    with committed_app.app_context():
        variation = db.session.get_one(Variation, key)
        assert variation.status is VariationStatus.WITHDRAWN
        assert variation.version.agreed_at is None
        signed = select(func.count()).where(Signature.version_id == variation.version_id)
        assert db.session.scalar(signed) == answers.count("signed")


def test_the_last_signature_pressed_ten_times_agrees_once(committed_app: Flask, clock: StandingClock) -> None:
    made, agreement = _made(committed_app)
    with committed_app.app_context():
        made.agreement = db.session.merge(made.agreement)
        variation = made.submitted()
        made.approve(variation)
        made.sign(variation, made.signatory)
        key, digest = variation.id, terms_digest(terms(variation.version))
        db.session.commit()

    def sign(number: int) -> int:
        return actions.sign(db.session.get_one(Variation, key), digest=digest, actor=made.approver, now=NOW).id

    assert len(_done(at_once(committed_app, 10, sign))) == 1
    with committed_app.app_context():
        agreed = db.session.get_one(Agreement, agreement)
        assert [one.superseded_on for one in agreed.versions] == [APPLIES, None]
        assert len(agreed.latest.signatures) == 2
