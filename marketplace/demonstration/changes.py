"""What became of contracts after signature: one gets ready, two are changed, referrals to one are stopped."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from calloffs.plans.rules import Band
from contracts.agreements.models import Agreement
from contracts.agreements.queries import terms
from contracts.agreements.rules import months_after, terms_digest
from contracts.changes import actions as changing
from contracts.changes.models import Variation
from contracts.changes.queries import exit_tasks
from contracts.changes.rules import Ground
from contracts.mobilisation import actions as mobilising
from contracts.mobilisation import queries as mobilisation
from marketplace.access import SYSTEM, Actor, Role
from marketplace.demonstration import scenes
from marketplace.demonstration.cast import KITTIWAKE, PATHWAYS, PCC, REGION, Body
from marketplace.extensions import db

if TYPE_CHECKING:
    from marketplace.demonstration.play import Play

MORE_ROOM = "The waiting list grows; the cap rises by a sixth, and the price with it."
SHARES = "The commissioner’s victims’ fund ends, so the region takes on more of the cost."
PAUSE = "Two of five workers leave. No new referrals until their posts are filled."
NEW_HOUSE = "The women’s house moves. No new referrals until the new one is open."
SECOND_YEAR = "Pay rose by 5% for the second year, and the region takes on more of the cost."
MORE_PLACES = "Ten more places a year, at the price of a place today."
MORE_PLACES_REASON = "All places were taken in two months and four people wait."
ENDS_EARLY = "Homes and support are bought together from then on, under the next contract."
PLAN_AGREED = "Agreed when both sides met: people in service first, then staff, then keys and records."
WORKFORCE = "The list of seven posts, without names, is with the commercial team."


def change(play: Play) -> None:
    """All of it, on the contracts that the call-offs led to."""
    _in_force(play, contract_of(scenes.WELLBEING))
    _stop_and_go_on(play, contract_of(scenes.EMPLOYMENT))
    _more_room(play, contract_of(scenes.EMPLOYMENT))
    _shares(play, contract_of(scenes.WOMEN))
    _stop_soon(play, contract_of(scenes.WOMEN))
    _propose(play, contract_of(scenes.MENTORS))
    _end(play, contract_of(scenes.ACCOMMODATION), before=contract_of(scenes.HOMES))
    _get_ready(play, contract_of(scenes.FAMILY))


def contract_of(title: str) -> Agreement:
    """The contract of that title."""
    return db.session.scalars(select(Agreement).where(Agreement.title == title)).one()


def _in_force(play: Play, agreement: Agreement) -> None:
    """A variation that has been in force since the second year began: the region pays more, bands a little wider."""
    manager, second = play.who(REGION, Role.CONTRACT_MANAGER), months_after(agreement.starts_on, 12)
    with play.at(second - timedelta(days=45)) as now:
        variation = changing.begin(agreement, reason=SECOND_YEAR, in_force_from=second, actor=manager, now=now)
        lead, other = play.bodies[REGION.key].id, play.bodies[PCC.key].id
        changing.set_shares(variation, shares=[(lead, Decimal(75)), (other, Decimal(25))], actor=manager, now=now)
        _raise_bands(variation, more=Decimal("1.05"), actor=manager, now=now)
        changing.submit(variation, actor=manager, now=now)
    for days, body in ((40, REGION), (36, PCC)):
        with play.at(second - timedelta(days=days)) as now:
            changing.approve(variation, shown_round=variation.round, actor=play.who(body, Role.APPROVER), now=now)
    _sign(play, variation, PATHWAYS, on=second - timedelta(days=30))


def _raise_bands(variation: Variation, *, more: Decimal, actor: Actor, now: datetime) -> None:
    """The same bands at higher prices."""
    for agreed in variation.version.line_terms:
        changing.set_volume(
            variation,
            agreed,
            bands=[Band(one.number, one.low, one.high, one.annual_price * more // 1) for one in agreed.bands],
            planned_band=agreed.planned_band or 1,
            referrals_until=agreed.referrals_until or date.max,
            actor=actor,
            now=now,
        )


def _sign(play: Play, variation: Variation, supplier: Body, *, on: date) -> None:
    """The supplier signs on a day, the region two days later."""
    for days, signer in ((0, play.who(supplier, Role.SIGNATORY)), (2, play.who(REGION, Role.APPROVER))):
        with play.at(on + timedelta(days=days)) as now:
            changing.sign(variation, digest=terms_digest(terms(variation.version)), actor=signer, now=now)


def _propose(play: Play, agreement: Agreement) -> None:
    """The supplier proposes a change, which waits for an answer."""
    with play.at(play.today - timedelta(days=3)) as now:
        changing.propose(
            agreement,
            what=MORE_PLACES,
            reason=MORE_PLACES_REASON,
            from_on=_next_month(play.today + timedelta(days=40)),
            actor=play.who(PATHWAYS, Role.SIGNATORY),
            now=now,
        )


def _end(play: Play, agreement: Agreement, *, before: Agreement) -> None:
    """The contract ends by agreement on the day before the next one begins; its exit plan is under way."""
    manager, approver = play.who(REGION, Role.CONTRACT_MANAGER), play.who(REGION, Role.APPROVER)
    with play.at(play.today - timedelta(days=30)) as now:
        variation = changing.begin_ending(
            agreement,
            last_day=before.starts_on - timedelta(days=1),
            ground=Ground.CHANGED,
            reason=ENDS_EARLY,
            by_notice=False,
            actor=manager,
            now=now,
        )
        changing.submit(variation, actor=manager, now=now)
    with play.at(play.today - timedelta(days=27)) as now:
        changing.approve(variation, shown_round=variation.round, actor=approver, now=now)
    _sign(play, variation, KITTIWAKE, on=play.today - timedelta(days=24))
    tasks = {task.title: task for task in exit_tasks(agreement)}
    with play.at(play.today - timedelta(days=15)) as now:
        changing.finish_task(tasks["Exit plan agreed"], note=PLAN_AGREED, actor=manager, now=now)
    with play.at(play.today - timedelta(days=6)) as now:
        deliverer = play.who(KITTIWAKE, Role.SERVICE_MANAGER)
        changing.finish_task(tasks["Staff who may transfer (TUPE)"], note=WORKFORCE, actor=deliverer, now=now)


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
    _sign(play, variation, PATHWAYS, on=play.today - timedelta(days=5))


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
