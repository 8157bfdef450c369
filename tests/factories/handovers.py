"""A service with open referrals, the next one, and who hands over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from contracts.agreements.models import ServiceLine
from contracts.handovers import actions, jobs
from contracts.handovers.models import Handover
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace import clock
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.referrals import make_officer, make_referral, make_service


@dataclass
class Handing:
    """Two services of one commissioner, and the people around them."""

    old: ServiceLine
    new: ServiceLine
    lead: Actor
    officer: Actor
    old_manager: Actor
    new_manager: Actor

    def referral(self, status: ReferralStatus = ReferralStatus.ACCEPTED, **more: object) -> Referral:
        """An open referral with the old service."""
        return make_referral(self.old, officer=self.officer, status=status, **more)  # type: ignore[arg-type]

    def planned(self, day: date | None = None) -> Handover:
        """The handover as a draft."""
        day = day or clock.today()
        return actions.plan(self.old, self.new, day=day, actor=self.lead, now=clock.now())

    def fixed(self, day: date | None = None) -> Handover:
        """The handover fixed: its referrals move when the day has come and the job runs."""
        handover = self.planned(day)
        actions.agree(handover, actor=self.lead, now=clock.now())
        db.session.commit()
        return handover

    def run(self) -> Handover:
        """Fixed for today, and run."""
        handover = self.fixed()
        jobs.run_handovers()
        db.session.expire_all()
        return handover


def make_handing(
    *, cap: int = 100, new_cap: int = 100, lead: Organisation | None = None, **services: object
) -> Handing:
    """Two services in Kent that give the same help."""
    lead = lead or make_commissioner()
    old = make_service(bands=((0, cap),), commissioner=lead, title="Rooms, old", **services)  # type: ignore[arg-type]
    new = make_service(bands=((0, new_cap),), commissioner=lead, title="Rooms, new", **services)  # type: ignore[arg-type]
    return Handing(
        old,
        new,
        make_actor(lead, Role.CONTRACT_MANAGER),
        make_officer(),
        make_actor(old.agreement.supplier, Role.SERVICE_MANAGER),
        make_actor(new.agreement.supplier, Role.SERVICE_MANAGER),
    )


def in_days(count: int) -> date:
    """So many days from now."""
    return clock.today() + timedelta(days=count)
