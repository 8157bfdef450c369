"""What became of contracts after signature: one gets ready, two are changed, referrals to one are stopped."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from calloffs.plans.rules import Band
from contracts.agreements.models import Agreement
from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.changes import actions as changing
from contracts.mobilisation import actions as mobilising
from contracts.mobilisation import queries as mobilisation
from marketplace.access import SYSTEM, Role
from marketplace.demonstration.cast import PATHWAYS, PCC, REGION, WOMENS_CENTRE
from marketplace.extensions import db

if TYPE_CHECKING:
    from marketplace.demonstration.play import Play

MORE_ROOM = "The waiting list grows; the cap rises by a sixth, and the price with it."
SHARES = "The commissioner’s victims’ fund ends, so the region takes on more of the cost."
PAUSE = "Two of five workers leave. No new referrals until their posts are filled."
NEW_HOUSE = "The women’s house moves. No new referrals until the new one is open."
MOBILISING = "Family and significant others in County Durham"


def change(play: Play) -> None:
    """All of it, on the contracts that the call-offs led to."""
    by_title = {
        agreement.award.competition.title: agreement
        for agreement in db.session.scalars(select(Agreement).join(Agreement.award).order_by(Agreement.id))
        if agreement.award is not None
    }
    for title, agreement in by_title.items():
        if title == MOBILISING:
            _get_ready(play, agreement)
        elif agreement.supplier_id == play.bodies[PATHWAYS.key].id:
            _stop_and_go_on(play, agreement)
            _more_room(play, agreement)
        elif agreement.supplier_id == play.bodies[WOMENS_CENTRE.key].id:
            _shares(play, agreement)
            _stop_soon(play, agreement)


def _more_room(play: Play, agreement: Agreement) -> None:
    """An agreed variation: a higher cap from the first of next month."""
    manager, approver = play.who(REGION, Role.CONTRACT_MANAGER), play.who(REGION, Role.APPROVER)
    with play.at(play.today - timedelta(days=9)) as now:
        variation = changing.begin(
            agreement, reason=MORE_ROOM, in_force_from=_next_month(play.today), actor=manager, now=now
        )
        for agreed in variation.version.line_terms:
            changing.set_volume(
                variation,
                agreed,
                bands=[
                    Band(one.number, one.low, one.high * 7 // 6, one.annual_price * 7 / 6 // 1) for one in agreed.bands
                ],
                planned_band=agreed.planned_band or 1,
                referrals_until=agreed.referrals_until or date.max,
                actor=manager,
                now=now,
            )
        changing.submit(variation, actor=manager, now=now)
    with play.at(play.today - timedelta(days=7)) as now:
        changing.approve(variation, shown_round=variation.round, actor=approver, now=now)
    for days, signer in ((5, play.who(PATHWAYS, Role.SIGNATORY)), (3, approver)):
        with play.at(play.today - timedelta(days=days)) as now:
            changing.sign(variation, digest=terms_digest(terms(variation.version)), actor=signer, now=now)


def _shares(play: Play, agreement: Agreement) -> None:
    """A variation that waits for approval: the region pays more, the other funder less."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    with play.at(play.today - timedelta(days=2)) as now:
        variation = changing.begin(
            agreement,
            reason=SHARES,
            in_force_from=_next_month(play.today + timedelta(days=40)),
            actor=manager,
            now=now,
        )
        lead, other = play.bodies[REGION.key].id, play.bodies[PCC.key].id
        changing.set_shares(variation, shares=[(lead, Decimal(75)), (other, Decimal(25))], actor=manager, now=now)
        changing.submit(variation, actor=manager, now=now)


def _stop_and_go_on(play: Play, agreement: Agreement) -> None:
    """Referrals were stopped for some days two weeks ago, and are taken again."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    began = play.today - timedelta(days=16)
    with play.at(began) as now:
        suspension = changing.suspend(agreement, line=None, from_on=began, reason=PAUSE, actor=manager, now=now)
    with play.at(began + timedelta(days=7)) as now:
        changing.lift(
            suspension,
            on=began + timedelta(days=8),
            reason="Both posts are filled.",
            actor=manager,
            now=now,
        )


def _stop_soon(play: Play, agreement: Agreement) -> None:
    """Referrals will be stopped from a day to come, until that is lifted."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    with play.at(play.today - timedelta(days=1)) as now:
        from_on = play.today + timedelta(days=24)
        changing.suspend(agreement, line=None, from_on=from_on, reason=NEW_HOUSE, actor=manager, now=now)


def _get_ready(play: Play, agreement: Agreement) -> None:
    """Some milestones before the start are accepted, one waits to be, one was sent back."""
    manager, deliverer = play.who(REGION, Role.CONTRACT_MANAGER), play.who(PATHWAYS, Role.SERVICE_MANAGER)
    with play.at(play.today - timedelta(days=4)) as now:
        mobilising.begin(agreement, actor=SYSTEM, now=now)
        milestones = {one.title: one for one in mobilisation.milestones_of(agreement)}
    with play.at(play.today - timedelta(days=2)) as now:
        for title, evidence in (
            ("Insurance in force", "Public liability to £10m and employer’s liability, both until next March."),
            ("Mobilisation plan agreed", "The plan of 14 tasks, sent to the contract manager."),
            ("Premises ready", "Rooms at two family hubs; step-free access at one of them."),
        ):
            mobilising.say_done(milestones[title], evidence=evidence, actor=deliverer, now=now)
    with play.at(play.today - timedelta(days=1)) as now:
        mobilising.accept(milestones["Insurance in force"], actor=manager, now=now)
        mobilising.send_back(
            milestones["Premises ready"], reason="The second hub must be accessible too.", actor=manager, now=now
        )


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
