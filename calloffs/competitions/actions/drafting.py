"""Drafting a call-off: from a plan or a blank sheet until it is submitted for approval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from calloffs.competitions import letters, rules
from calloffs.competitions.actions.checks import locked, move, must_be_whole, must_lead
from calloffs.competitions.models import Competition, CompetitionBand, FunderShare, Question, ReferenceCounter
from calloffs.competitions.rules import CompetitionStatus, Instrument, OpenTo, QuestionKind, VolumeKind, Whom
from calloffs.funds.queries import fund_for
from calloffs.plans.models import Plan
from calloffs.plans.rules import Band, Route
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.framework import queries as framework
from marketplace.framework.models import Category
from marketplace.places.models import Place

# Our default for a draft: the service starts on the first of a month, about half a year on.
_USUAL_START = timedelta(days=180)


def start_call_off(
    *,
    title: str,
    category_code: str,
    place_codes: Sequence[str],
    level_reason: str,
    instrument: Instrument = Instrument.CONTRACT,
    actor: Actor,
    now: datetime,
    plan_id: int | None = None,
) -> Competition:
    """Begin a draft. It has its reference, the PSED question and the lead body's whole share from the first moment.

    Refused on a blank sheet: a title that another draft of the same author bears (a button pressed twice).
    """
    actor.must(Permission.DRAFT_COMPETITION)
    # Whoever waited here for the reference sees what the other has begun.
    reference = next_reference(clock.london(now).year)
    if plan_id is None and _has_draft(actor, Competition.title == title):
        raise AlreadyDone("You have a draft with this title already. It is in the list of call-offs.", field="title")
    competition_category = _category(category_code)
    competition = Competition(
        reference=reference,
        framework_code=framework.framework().code,
        organisation_id=actor.organisation,
        plan_id=plan_id,
        status=CompetitionStatus.DRAFT,
        instrument=instrument,
        title=title,
        category_code=competition_category.code,
        specification="",
        level_reason=level_reason,
        volume_kind=VolumeKind.CAP,
        planned_band=1,
        price_weight=30,
        starts_on=(clock.london(now + _USUAL_START).date() + timedelta(days=31)).replace(day=1),
        months=rules.USUAL_MONTHS,
        author_id=actor.person,
        created_at=now,
    )
    _usual_for(competition, competition_category)
    competition.places = _places(place_codes)
    competition.questions = [
        Question(position=1, kind=QuestionKind.PSED, text=rules.PSED_QUESTION, word_limit=rules.PSED_WORD_LIMIT)
    ]
    competition.funders = [FunderShare(organisation_id=actor.organisation, percent=Decimal(100))]
    db.session.add(competition)
    db.session.flush()
    audit.record("Began the draft", competition, actor=actor, now=now, plan=plan_id)
    db.session.flush()
    return competition


def start_from_plan(plan: Plan, *, actor: Actor, now: datetime) -> Competition:
    """Begin a draft with all that the plan's settled figures hold: nothing is typed twice.

    Volumes come from an average contract year: four bands where the whole life is worth enough by the plan, else a cap.
    So do the length, the start, the route and the fund. Refused while the same author has a draft from this plan, while
    no figures are settled, and where the plan means to go another way than by a call-off.
    """
    if plan.organisation_id != actor.organisation:
        raise NotAllowed("Only the body whose plan it is can start a call-off from it.")
    db.session.execute(select(Plan.id).where(Plan.id == plan.id).with_for_update(key_share=True))
    if _has_draft(actor, Competition.plan_id == plan.id):
        raise AlreadyDone("You have begun a call-off from this plan already. This is its draft.")
    settled = plan.settled
    if settled is None:
        raise Refused("Check and settle the figures of this plan first. A call-off starts from settled figures.")
    if settled.route is Route.ELSEWHERE:
        raise Refused("This plan records another route than a call-off. Change its route in a new version first.")
    competition = start_call_off(
        title=plan.title,
        category_code=plan.category_code,
        place_codes=[plan.place_code],
        level_reason="",
        instrument=Instrument.GRANT if settled.route is Route.GRANT else Instrument.CONTRACT,
        actor=actor,
        now=now,
        plan_id=plan.id,
    )
    competition.plan_version, competition.specification = settled, plan.need
    competition.months = settled.months
    if settled.starts_on is not None:
        competition.starts_on = settled.starts_on
    if competition.lead_share is not None:
        competition.lead_share.fund_id, competition.lead_share.fund_purpose = settled.fund_id, settled.fund_purpose
    worked = settled.worked
    kind = VolumeKind.BANDS if worked.is_larger else VolumeKind.CAP
    _put_volume(competition, kind, worked.bands, worked.planned_band)
    db.session.flush()
    return competition


def _has_draft(actor: Actor, like: ColumnElement[bool]) -> bool:
    own = select(Competition.id).where(
        Competition.author_id == actor.person,
        Competition.organisation_id == actor.organisation,
        Competition.status == CompetitionStatus.DRAFT,
        like,
    )
    return db.session.scalar(own.limit(1)) is not None


def next_reference(year: int) -> str:
    """The next free reference of a year, e.g. DF-2026-0007. Two at once wait for one another."""
    number = db.session.scalar(
        insert(ReferenceCounter)
        .values(year=year, last_number=1)
        .on_conflict_do_update(index_elements=["year"], set_={"last_number": ReferenceCounter.last_number + 1})
        .returning(ReferenceCounter.last_number)
    )
    return f"DF-{year}-{number:04}"


def describe(
    competition: Competition,
    *,
    title: str,
    category_code: str,
    place_codes: Sequence[str],
    level_reason: str,
    instrument: Instrument,
    actor: Actor,
    now: datetime,
) -> None:
    """Change what it leads to and is called, its category, its areas, and why this level of area is right (R24).

    In another category it is for whom that is usually for, until somebody says otherwise.
    """
    _drafting(competition, actor)
    category = _category(category_code)
    if category.code != competition.category_code:
        _usual_for(competition, category)
    competition.title, competition.level_reason = title, level_reason
    competition.instrument = instrument
    competition.category_code = category.code
    competition.places = _places(place_codes)
    _changed("Changed the title, category or areas", competition, actor, now)


def specify(
    competition: Competition, *, specification: str, whom: Whom | None = None, actor: Actor, now: datetime
) -> None:
    """Change the specification, and whom the service is for; without `whom` that stays as it is."""
    _drafting(competition, actor)
    if whom is not None:
        if whom.maximum_age is not None and whom.maximum_age < whom.minimum_age:
            raise Invalid("The oldest age cannot be below the youngest", field="maximum_age")
        competition.open_to_women, competition.open_to_men = (
            whom.open_to is not OpenTo.MEN,
            whom.open_to is not OpenTo.WOMEN,
        )
        competition.minimum_age, competition.maximum_age = whom.minimum_age, whom.maximum_age
    competition.specification = specification
    _changed("Changed the specification", competition, actor, now)


def set_volume(
    competition: Competition,
    *,
    kind: VolumeKind,
    bands: Sequence[Band],
    planned_band: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter the cap or the four bands: referrals a year, pounds a year. Refused: bands that overlap or leave gaps."""
    _drafting(competition, actor)
    if found := rules.volume_faults(kind, bands, planned_band):
        raise Invalid(". ".join(found) + ".")
    _put_volume(competition, kind, bands, planned_band)
    _changed("Changed the volume and value", competition, actor, now)


def add_question(
    competition: Competition,
    *,
    kind: QuestionKind,
    text: str,
    weight: int,
    word_limit: int,
    actor: Actor,
    now: datetime,
) -> Question:
    """Add a question. The PSED question is there already, and there is only one."""
    _drafting(competition, actor)
    if kind is QuestionKind.PSED:
        raise Invalid("The Public Sector Equality Duty question is there already.")
    if any(one.kind is kind and one.text == text for one in competition.questions):
        raise AlreadyDone("This question is there already.", field="text")
    position = max((one.position for one in competition.questions), default=0) + 1
    question = Question(position=position, kind=kind)
    _put_question(question, text, weight, word_limit)
    competition.questions.append(question)
    _changed("Added a question", competition, actor, now)
    return question


def change_question(
    competition: Competition,
    question: Question,
    *,
    text: str,
    weight: int,
    word_limit: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Change a question's words, weight or word limit. Of the PSED question only the word limit can be changed."""
    _drafting(competition, actor)
    if question.kind is QuestionKind.PSED:
        text, weight = rules.PSED_QUESTION, 0
    _put_question(question, text, weight, word_limit)
    _changed("Changed a question", competition, actor, now)


def remove_question(competition: Competition, question: Question, *, actor: Actor, now: datetime) -> None:
    """Remove a question. Refused for the PSED question: every bid answers it (R8)."""
    _drafting(competition, actor)
    if question.kind is QuestionKind.PSED:
        raise Invalid("Every bid answers the Public Sector Equality Duty question, so it cannot be removed.")
    competition.questions.remove(question)
    _changed("Removed a question", competition, actor, now)


def weigh_price(competition: Competition, *, price_weight: int, actor: Actor, now: datetime) -> None:
    """Change how much price counts, in percent of the total."""
    _drafting(competition, actor)
    if not 0 <= price_weight <= rules.TOTAL_WEIGHT:
        raise Invalid("The weight of price must be from 0 to 100.", field="price_weight")
    competition.price_weight = price_weight
    _changed("Changed the weight of price", competition, actor, now)


def share_funding(
    competition: Competition,
    *,
    shares: Sequence[tuple[int, Decimal]],
    source: tuple[int, str] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Enter who pays which percent: the lead body and other commissioning bodies, 100 % in all (R28).

    `source`: the fund from which the lead body's share comes, and for which of its purposes (R30, R31).
    """
    _drafting(competition, actor)
    bodies = [organisation_id for organisation_id, _ in shares]
    if len(set(bodies)) != len(bodies):
        raise Invalid("Name each body once.")
    if competition.organisation_id not in bodies:
        raise Invalid("The lead body must pay a share.")
    if found := rules.share_faults([percent for _, percent in shares]):
        raise Invalid(". ".join(found) + ".")
    known = db.session.scalars(select(Organisation).where(Organisation.id.in_(bodies))).all()
    if len(known) != len(bodies) or not all(body.kind.is_commissioner for body in known):
        raise Invalid("Only commissioning bodies can pay a share.")
    competition.funders = []
    db.session.flush()
    competition.funders = [FunderShare(organisation_id=body, percent=percent) for body, percent in shares]
    if source is not None and competition.lead_share is not None:
        fund_id, purpose = source
        if purpose not in fund_for(actor, fund_id).purpose_list:
            raise Invalid("Choose one of the fund’s purposes.", field="source")
        competition.lead_share.fund_id, competition.lead_share.fund_purpose = fund_id, purpose
    _changed("Changed the funders’ shares", competition, actor, now)


def set_dates(
    competition: Competition, *, closes_at: datetime, starts_on: date, months: int, actor: Actor, now: datetime
) -> None:
    """Enter when bidding closes (exact), when the service starts, and for how many months."""
    _drafting(competition, actor)
    if closes_at <= now:
        raise Invalid("The closing time must be in the future.", field="closes_on")
    if starts_on <= clock.london(closes_at).date():
        raise Invalid("The service must start after the call-off closes.", field="starts_on")
    if not 1 <= months <= 120:
        raise Invalid("The contract must be for 1 to 120 months.", field="months")
    competition.closes_at, competition.starts_on, competition.months = closes_at, starts_on, months
    _changed("Changed the dates", competition, actor, now)


def submit_for_approval(competition: Competition, *, actor: Actor, now: datetime) -> None:
    """Ask for approval. Refused while anything is missing or wrong."""
    _drafting(competition, actor)
    must_be_whole(competition, now)
    move(competition, CompetitionStatus.AWAITING_APPROVAL)
    competition.submitted_at, competition.returned_reason = now, None
    audit.record("Submitted for approval", competition, actor=actor, now=now)
    letters.ask_for_approval(competition, now=now)
    db.session.flush()


def _drafting(competition: Competition, actor: Actor) -> None:
    actor.must(Permission.DRAFT_COMPETITION)
    must_lead(competition, actor)
    locked(competition)
    # Whoever writes cannot approve, so that only the author writes.
    if actor.person != competition.author_id:
        raise NotAllowed("Only its author changes a draft.")
    if competition.status is not CompetitionStatus.DRAFT:
        raise Refused("This call-off is no longer a draft, so it cannot be changed here.")


def _changed(what: str, competition: Competition, actor: Actor, now: datetime) -> None:
    db.session.flush()
    audit.record(what, competition, actor=actor, now=now)
    db.session.flush()


def _usual_for(competition: Competition, category: Category) -> None:
    competition.open_to_women, competition.open_to_men = category.open_to_women, category.open_to_men
    competition.minimum_age, competition.maximum_age = category.minimum_age, category.maximum_age


def _category(code: str) -> Category:
    category = db.session.get(Category, code)
    if category is None or category.retired_on is not None:
        raise Invalid("Choose a category from the list.", field="category_code")
    return category


def _places(codes: Sequence[str]) -> list[Place]:
    found = db.session.scalars(select(Place).where(Place.code.in_(codes), Place.retired_on.is_(None))).all()
    if not codes or len(found) != len(set(codes)):
        raise Invalid("Choose at least one area from the list.", field="place_codes")
    return list(found)


def _put_volume(competition: Competition, kind: VolumeKind, bands: Sequence[Band], planned_band: int) -> None:
    # Old rows leave before new ones come, because the number of a band is unique.
    competition.bands = []
    db.session.flush()
    competition.volume_kind, competition.planned_band = kind, planned_band
    competition.bands = [
        CompetitionBand(number=band.number, low=band.low, high=band.high, annual_value=band.annual_value)
        for band in bands
    ]


def _put_question(question: Question, text: str, weight: int, word_limit: int) -> None:
    if not text:
        raise Invalid("Enter the question.", field="text")
    if question.kind is QuestionKind.SCORED and not 1 <= weight <= rules.TOTAL_WEIGHT:
        raise Invalid("A scored question needs a weight from 1 to 100.", field="weight")
    if not 1 <= word_limit <= 10_000:
        raise Invalid("The word limit must be from 1 to 10,000.", field="word_limit")
    question.text, question.word_limit = text, word_limit
    question.weight = weight if question.kind is QuestionKind.SCORED else 0
