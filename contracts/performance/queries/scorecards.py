"""Scorecards: of the month that runs, as records stand; of months that are over, as they were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from contracts.agreements.models import Agreement
from contracts.agreements.queries import theirs
from contracts.agreements.rules import AgreementStatus, first_of_month, last_of_month, months_after
from contracts.performance.models import ImprovementAction, Scorecard
from contracts.performance.queries.counting import counts
from contracts.performance.queries.targets import targets_of
from contracts.performance.rules import Figure, Measure, freezes_on
from contracts.performance.rules import Scorecard as Figures
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db

# How far back scorecards are made for contracts that have none: our default (‡).
MONTHS_BACK = 12


def figures(agreement_ids: Sequence[int], month: date, *, until: date) -> dict[int, Figures]:
    """Each contract's figures of a month, of its days up to and with `until`."""
    targets = targets_of(agreement_ids, month)
    found = counts(agreement_ids, month, min(until, last_of_month(month)))
    return {
        key: Figures(
            tuple(
                Figure(measure, *found.get(key, {}).get(measure, (0, 0)), applied.target, applied.is_agreed)
                for measure, applied in targets[key].items()
            )
        )
        for key in agreement_ids
    }


def figures_so_far(agreement: Agreement, month: date, *, on: date) -> Figures:
    """One contract's figures of a month without a scorecard yet, up to yesterday: today's clocks still run."""
    return figures([agreement.id], month, until=on - timedelta(days=1))[agreement.id]


def scorecards_of(agreement: Agreement) -> Sequence[Scorecard]:
    """Every scorecard of a contract with its rows, oldest first."""
    return db.session.scalars(
        select(Scorecard)
        .where(Scorecard.agreement_id == agreement.id)
        .order_by(Scorecard.month)
        .options(selectinload(Scorecard.rows))
    ).all()


def scorecard_for(actor: Actor, scorecard_id: int) -> Scorecard:
    """A scorecard of a contract that concerns the actor. Raises NotFound else."""
    found = db.session.scalar(
        select(Scorecard)
        .join(Scorecard.agreement)
        .where(Scorecard.id == scorecard_id, theirs(actor))
        .options(
            joinedload(Scorecard.agreement).joinedload(Agreement.supplier),
            joinedload(Scorecard.agreement).joinedload(Agreement.commissioner),
            joinedload(Scorecard.commenter),
            joinedload(Scorecard.reviewer),
        )
    )
    if found is None:
        raise NotFound("There is no such scorecard, or it does not concern your organisation.")
    return found


def improvements_of(agreement: Agreement) -> Sequence[ImprovementAction]:
    """What was resolved to do under a contract, what is still to do first."""
    return db.session.scalars(
        select(ImprovementAction)
        .join(ImprovementAction.scorecard)
        .where(Scorecard.agreement_id == agreement.id)
        .order_by(ImprovementAction.closed_at.is_not(None), ImprovementAction.due_on, ImprovementAction.id)
        .options(joinedload(ImprovementAction.scorecard))
    ).all()


def improvement_for(actor: Actor, improvement_id: int) -> ImprovementAction:
    """One of them, if its contract concerns the actor. Raises NotFound else."""
    found = db.session.scalar(
        select(ImprovementAction)
        .join(ImprovementAction.scorecard)
        .join(Scorecard.agreement)
        .where(ImprovementAction.id == improvement_id, theirs(actor))
        .options(joinedload(ImprovementAction.scorecard).joinedload(Scorecard.agreement))
    )
    if found is None:
        raise NotFound("There is no such action, or it does not concern your organisation.")
    return found


def last_month_over(on: date) -> date:
    """The latest month whose scorecards can be made."""
    month = first_of_month(first_of_month(on) - timedelta(days=1))
    return month if freezes_on(month) < on else months_after(month, -1)


def months_to_make(on: date) -> list[date]:
    """The months that may lack scorecards, oldest first."""
    last = last_month_over(on)
    return [months_after(last, -back) for back in reversed(range(MONTHS_BACK))]


def contracts_without(month: date) -> Sequence[int]:
    """The contracts in force in a month that have no scorecard of it."""
    made = aliased(Scorecard)
    return db.session.scalars(
        select(Agreement.id)
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.starts_on <= last_of_month(month),
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= month),
            ~exists().where(made.agreement_id == Agreement.id, made.month == month),
        )
        .order_by(Agreement.id)
    ).all()


def sees_cases(actor: Actor, agreement: Agreement) -> bool:
    """Whether numbers of cases are shown, however small: to the supplier and to those who lead or pay.

    Others, who see the contract because it serves their place, see percents of enough cases only.
    """
    payers = {agreement.commissioner_id, *(funder.organisation_id for funder in agreement.funders)}
    return actor.organisation_id == agreement.supplier_id or actor.organisation_id in payers


def measures_in(cards: Sequence[Figures]) -> list[Measure]:
    """The measures that any of these cards has, in their order."""
    there = {figure.measure for card in cards for figure in card.figures}
    return [measure for measure in Measure if measure in there]
