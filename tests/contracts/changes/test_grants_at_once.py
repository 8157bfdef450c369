"""A claim beside the last signature of a varied grant: real commits, real threads."""

from __future__ import annotations

from flask import Flask

from contracts.agreements.models import Agreement, GrantInstalment
from contracts.changes import actions
from contracts.changes.models import Variation
from contracts.changes.rules import VariationStatus
from contracts.invoices import actions as invoices
from marketplace.errors import Refused
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.agreements import NOW
from tests.factories.at_once import at_once
from tests.factories.grants import make_grant


def test_a_claim_and_the_last_signature_at_once_leave_what_was_claimed_as_it_was(
    committed_app: Flask, clock: StandingClock
) -> None:
    with committed_app.app_context():
        made = make_grant(funders=1)
        variation = made.raised()
        actions.submit(variation, actor=made.manager, now=NOW)
        made.approve(variation, now=NOW)
        made.sign(variation, made.signatory, now=NOW)
        digest, key, third = made.digest(variation), variation.id, made.instalment(3).id
        approver, deliverer = made.approver, made.deliverer
        db.session.commit()

    def claim_or_sign(number: int) -> str:
        if number % 2:
            one = db.session.get_one(GrantInstalment, third)
            invoices.claim_instalment(one, evidence="x", actor=deliverer, now=NOW)
            return f"claimed {one.amount}"
        actions.sign(db.session.get_one(Variation, key), digest=digest, actor=approver, now=NOW)
        return "signed"

    answers = at_once(committed_app, 10, claim_or_sign)
    done = sorted(str(one) for one in answers if not isinstance(one, Refused))
    with committed_app.app_context():
        agreed = db.session.get_one(Variation, key).status is VariationStatus.AGREED
        value = str(db.session.scalars(db.select(Agreement.whole_life_value)).one())
        amount = str(db.session.get_one(GrantInstalment, third).amount)
    # Signed first, the claim is of the new amount; claimed first, nobody signs over it.
    if agreed:
        assert (done, value, amount) == (["claimed 50000.00", "signed"], "130000.00", "50000.00")
    else:
        assert (done, value, amount) == (["claimed 40000.00"], "120000.00", "40000.00")
