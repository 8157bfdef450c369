"""Who was never sent in a contract year is not paid for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from contracts.invoices import actions
from contracts.referrals.rules import ReferralStatus
from marketplace.access import SYSTEM
from marketplace.extensions import db
from marketplace.framework.models import Category
from tests.conftest import StandingClock
from tests.contracts.invoices.test_reconciling import OVER, contract
from tests.factories.framework import make_framework
from tests.factories.referrals import make_referral


@pytest.mark.usefixtures("session")
def test_a_place_only_held_when_the_year_ended_is_not_paid_for_though_no_job_has_said_so(clock: StandingClock) -> None:
    made = contract()
    make_framework()
    made.lines[0].categories = [db.session.get_one(Category, "ACC")]
    clock.set(OVER)
    make_referral(made.lines[0], status=ReferralStatus.OFFERED, sent_at=OVER - timedelta(days=2))
    make_referral(made.lines[0], sent_at=OVER - timedelta(days=2))
    (year,) = actions.reconcile_years(made, actor=SYSTEM, now=OVER)
    assert year.counted == 1
