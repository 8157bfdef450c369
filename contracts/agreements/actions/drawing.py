"""Drawing a contract from an award: everything in it was decided before, so nothing is typed again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from calloffs.awards.models import Award
from calloffs.bids.queries import opened_bids
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus, QuestionKind
from calloffs.funds.rules import Stage
from contracts.agreements import letters
from contracts.agreements.actions.signing import settle_fund
from contracts.agreements.models import (
    Agreement,
    AgreementFunder,
    AgreementVersion,
    LineBand,
    LineTerms,
    ServiceLine,
)
from contracts.agreements.rules import AgreementStatus, Origin, Side, ends_on
from marketplace import audit, clock
from marketplace.access import SYSTEM, Actor, Permission
from marketplace.errors import AlreadyDone, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from marketplace.presentation import moment_words


def draw_agreement(award: Award, *, actor: Actor, now: datetime) -> Agreement:
    """The contract of an award whose standstill is over, ready for the supplier's signature.

    Refused for others than the lead commissioner's commercial partner or contract manager (and the scheduled job),
    before standstill ends, when the competition was cancelled since, and when the contract is drawn already.
    """
    actor.must(Permission.DRAW_CONTRACTS)
    # The award's row is the lock: two who draw at once come one after the other, and the second is told.
    db.session.execute(select(Award.id).where(Award.id == award.id).with_for_update())
    db.session.refresh(award)
    competition = award.competition
    db.session.refresh(competition, with_for_update={"read": True})
    if actor is not SYSTEM and actor.organisation_id != competition.organisation_id:
        raise NotAllowed("Only the body that leads the competition draws its contract.")
    drawn = db.session.scalar(select(Agreement.reference).where(Agreement.award_id == award.id))
    if drawn is not None:
        raise AlreadyDone(f"The contract is drawn already: {drawn}.")
    _check_time(award, competition, now)
    last_day = ends_on(competition.starts_on, competition.months)
    line = ServiceLine(
        number=1,
        title=competition.title,
        open_to_women=competition.open_to_women,
        open_to_men=competition.open_to_men,
        minimum_age=competition.minimum_age,
        maximum_age=competition.maximum_age,
        referrals_from=competition.starts_on,
        categories=[competition.category],
    )
    agreement = Agreement(
        reference=_next_reference(now),
        origin=Origin.AWARD,
        instrument=competition.instrument,
        award=award,
        status=AgreementStatus.AWAITING_SUPPLIER,
        supplier=award.supplier,
        commissioner=competition.organisation,
        title=competition.title,
        specification=competition.specification,
        equality_commitments=_equality_commitments(award, competition, actor),
        starts_on=competition.starts_on,
        ends_on=last_day,
        whole_life_value=award.whole_life_value,
        created_at=now,
        lines=[line],
    )
    db.session.add(agreement)
    db.session.flush()
    version = AgreementVersion(
        agreement=agreement,
        number=1,
        in_force_from=agreement.starts_on,
        ends_on=last_day,
        whole_life_value=award.whole_life_value,
        funders=[
            AgreementFunder(agreement_id=agreement.id, organisation=funder.organisation, percent=funder.percent)
            for funder in competition.funders
        ],
        line_terms=[
            LineTerms(
                line=line,
                volume_kind=competition.volume_kind,
                planned_band=competition.planned_band,
                referrals_until=last_day,
                places=list(competition.places),
                bands=_bands(award, competition),
            )
        ],
    )
    db.session.add(version)
    db.session.flush()
    settle_fund(version, stage=Stage.HELD, actor=actor, now=now)
    audit.record(
        "Drew the contract from the award", agreement, actor=actor, now=now, award=award.id, competition=competition.id
    )
    letters.ask_to_sign(agreement, Side.SUPPLIER, now=now)
    return agreement


def _check_time(award: Award, competition: Competition, now: datetime) -> None:
    if competition.status is not CompetitionStatus.AWARD_DECIDED or award.approved_at is None:
        raise TooLate("There is no decided award to draw a contract from: it is not approved, or was cancelled.")
    if award.standstill_ends_at is None or now < award.standstill_ends_at:
        until = f" until {moment_words(award.standstill_ends_at)}" if award.standstill_ends_at else ""
        raise Refused(f"Standstill runs{until}. The contract can be drawn when it is over.")


def _bands(award: Award, competition: Competition) -> list[LineBand]:
    prices = {price.number: price.annual_price for price in award.prices}
    missing = [band.number for band in competition.bands if band.number not in prices]
    if missing:
        raise Refused(f"The award has no price for band {missing[0]}, so no contract can be drawn from it.")
    return [
        LineBand(number=band.number, low=band.low, high=band.high, annual_price=prices[band.number])
        for band in competition.bands
    ]


def _equality_commitments(award: Award, competition: Competition, actor: Actor) -> str:
    """The winner's answer to the PSED question: from here on contract text (R9)."""
    question = next((one for one in competition.questions if one.kind is QuestionKind.PSED), None)
    winner = next((one for one in opened_bids(competition, actor=actor) if one.bid.id == award.bid_id), None)
    if question is None or winner is None:
        return ""
    return winner.content.answers.get(question.id, "")


def _next_reference(now: datetime) -> str:
    """C-2026-0001 and so on, anew each year. Those who draw at once wait for each other, so none is given twice."""
    start = f"C-{clock.london(now).year}-"
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext("agreements.reference"))))
    number = func.cast(func.substr(Agreement.reference, len(start) + 1), db.Integer)
    last = db.session.scalar(select(func.max(number)).where(Agreement.reference.regexp_match(f"^{start}[0-9]+$")))
    return f"{start}{(last or 0) + 1:04}"
