"""Plays the scenes through the same actions that pages call, with the clock set to when each is meant to happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from flask import current_app
from sqlalchemy import func, select

from calloffs.awards import actions as awards
from calloffs.bids import actions as bidding
from calloffs.bids.queries import opened_bids
from calloffs.bids.rules import BidContent
from calloffs.competitions import actions as calling
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import Instrument, QuestionKind, VolumeKind
from calloffs.evaluation import actions as evaluating
from calloffs.evaluation import queries as evaluation
from calloffs.evaluation.actions import MarkEntry
from calloffs.funds import actions as funding
from calloffs.funds.models import Fund
from calloffs.funds.rules import FundKind
from calloffs.plans.rules import PLANNED_BAND
from contracts.agreements.models import Agreement
from contracts.referrals.models import Referral
from marketplace import clock
from marketplace.access import Actor, Role
from marketplace.accounts import actions as accounts
from marketplace.accounts.models import Organisation, Person
from marketplace.accounts.queries import actor_for
from marketplace.accounts.rules import DEMONSTRATION_PASSWORD
from marketplace.config import Mode, Settings
from marketplace.demonstration import money, planned, running, scenes
from marketplace.demonstration.cast import (
    APPLICANT,
    BODIES,
    FRAMEWORK,
    NEWCOMER,
    REGION,
    SECOND_GRANTS,
    Body,
    email_of,
)
from marketplace.demonstration.changes import change
from marketplace.demonstration.delivery import deliver, hand_over
from marketplace.demonstration.scenes import CallOff, Until
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.framework.queries import selection_questions
from marketplace.suppliers import actions as joining
from marketplace.suppliers.models import Application
from marketplace.suppliers.rules import Decision
from marketplace.transactions import settle, transaction


@dataclass(frozen=True)
class Loaded:
    """What there is after loading; `fresh` is False if a demonstration was there already and nothing was done."""

    fresh: bool
    people: int
    call_offs: int
    contracts: int
    referrals: int


def load(now: datetime) -> Loaded:
    """Load the demonstration, once. Refused in production.

    All that stands before money goes in, or nothing, and is then begun again. Money follows, in the transactions of the
    jobs that people have every day; where that is cut off, the timetable goes on.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if settings.mode is Mode.PRODUCTION:
        raise Refused("A production holds no invented people: demonstration data is not loaded here.")
    fresh = not db.session.scalar(select(func.count()).where(Organisation.is_demonstration))
    if fresh:
        try:
            with transaction():
                play = Play(now)
                play.all()
            money.keep(play)
            running.look_back(play)
        finally:
            clock.set_source(None)
    count = {
        model: db.session.scalar(select(func.count()).select_from(model)) or 0
        for model in (Competition, Agreement, Referral)
    }
    people = db.session.scalar(select(func.count()).where(Person.is_demonstration)) or 0
    return Loaded(fresh, people, count[Competition], count[Agreement], count[Referral])


class Play:
    """One performance."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.today = clock.london(now).date()
        self.bodies: dict[str, Organisation] = {}
        self.fund: Fund
        self._actors: dict[str, Actor] = {}

    def all(self) -> None:
        """The whole of it, in order of time."""
        with self.at(self.today - timedelta(days=620)) as now:
            self._cast(now)
        self._join()
        self._fund()
        planned.plan(self)
        for call_off in scenes.CALL_OFFS:
            self._call_off(call_off)
        change(self)
        hand_over(self, scenes.ACCOMMODATION, scenes.HOMES, planned=self.today)
        money.before(self)
        running.run(self)

    @contextmanager
    def at(self, day: date, hour: int = 10) -> Iterator[datetime]:
        """The clock stands at this day and hour in London, at a minute of its own, never later than now."""
        there = datetime.combine(day, time(hour, self.now.minute, self.now.second))
        moment = min(clock.from_london(there), self.now)
        clock.set_source(lambda: moment)
        yield moment
        settle()

    def _cast(self, now: datetime) -> None:
        by_email = {}
        for body in BODIES:
            organisation = accounts.add_organisation(
                name=body.name,
                kind=body.kind,
                supplier_status=body.status,
                company=body.company,
                charity=body.charity,
                place_code=body.place_code,
                is_demonstration=True,
                now=now,
            )
            self.bodies[body.key] = organisation
            for name, roles in body.people:
                person = accounts.add_person(
                    name=name,
                    email=email_of(name, body),
                    password=DEMONSTRATION_PASSWORD,
                    is_demonstration=True,
                    now=now,
                )
                by_email[person.email] = person
                for role in roles:
                    accounts.grant_role(person, organisation, role, now=now)
        for email, key, role in SECOND_GRANTS:
            accounts.grant_role(by_email[email], self.bodies[key], role, now=now)

    def who(self, body: Body, role: Role, number: int = 0) -> Actor:
        """The body's person who holds the role (the first, or another by number)."""
        holders = [name for name, roles in body.people if role in roles]
        email = email_of(holders[number], body)
        if email not in self._actors:
            person = db.session.scalars(select(Person).where(Person.email == email)).one()
            self._actors[email] = actor_for(person.id, self.bodies[body.key].id)
        return self._actors[email]

    # Joining

    def _join(self) -> None:
        decider = self.who(FRAMEWORK, Role.FRAMEWORK_TEAM)
        for body, categories, places in scenes.SOUGHT:
            with self.at(self.today - timedelta(days=600)) as now:
                application = self._apply(body, categories, places, now)
            with self.at(self.today - timedelta(days=592)) as now:
                decisions = {
                    (category, place): Decision(True)
                    if place == "A"
                    else Decision(False, "No delivery in this region yet. Apply again when you have a partner there.")
                    for category in categories
                    for place in places
                }
                joining.decide_application(
                    application, decisions, judged={"delivery-experience": True}, actor=decider, now=now
                )
        with self.at(self.today - timedelta(days=4)) as now:
            self._apply(APPLICANT, ("DEP", "LIF"), ("E23000007", "E23000008"), now)
        with self.at(self.today - timedelta(days=2)) as now:
            actor = self.who(NEWCOMER, Role.BID_MANAGER)
            joining.start_application(self.bodies[NEWCOMER.key], actor=actor, now=now)

    def _apply(self, body: Body, categories: tuple[str, ...], places: tuple[str, ...], now: datetime) -> Application:
        actor = self.who(body, Role.BID_MANAGER)
        application = joining.start_application(self.bodies[body.key], actor=actor, now=now)
        answers = {
            answered: scenes.SQ_ANSWERS.get(answered, "yes")
            for answered in (question.code for question in selection_questions())
        }
        joining.save_answers(application, answers, actor=actor, now=now)
        joining.choose_categories(application, categories, actor=actor, now=now)
        for category in categories:
            joining.choose_areas(application, category, places, actor=actor, now=now)
        joining.state_cohorts(application, ["women", "young-adults"], actor=actor, now=now)
        joining.submit_application(application, actor=actor, now=now)
        return application

    def _fund(self) -> None:
        with self.at(self.today - timedelta(days=390)) as now:
            self.fund = funding.open_fund(
                name="Regional Outcomes Fund",
                kind=FundKind.OUTCOMES,
                purposes="\n".join(scenes.FUND_PURPOSES),
                amount=scenes.FUND_AMOUNT,
                starts_on=self.today - timedelta(days=390),
                ends_on=self.today + timedelta(days=700),
                actor=self.who(REGION, Role.COMMERCIAL_PARTNER),
                now=now,
            )

    # Call-offs

    def _call_off(self, call_off: CallOff) -> None:
        starts = self._starts(call_off)
        closes = self.today + timedelta(days=call_off.closes) if not call_off.began else starts - timedelta(days=55)
        begun = min(closes - timedelta(days=30), self.today - timedelta(days=6))
        partner, approver = self.who(REGION, Role.COMMERCIAL_PARTNER), self.who(REGION, Role.APPROVER)
        with self.at(begun) as now:
            competition = self._draft(call_off, partner, closes=closes, starts=starts, now=now)
            if call_off.until >= Until.AWAITING_APPROVAL:
                calling.submit_for_approval(competition, actor=partner, now=now)
        if call_off.until < Until.OPEN:
            return
        with self.at(begun + timedelta(days=2)) as now:
            calling.approve_and_publish(competition, needs_reason=scenes.NEEDS_REASON, actor=approver, now=now)
        for bidder, strength, price in call_off.bidders:
            with self.at(min(closes - timedelta(days=2), self.today - timedelta(days=1))) as now:
                self._bid(competition, call_off, bidder, strength, price, now=now)
        if call_off.until < Until.MARKING:
            return
        with self.at(closes + timedelta(days=1)) as now:
            bidding.turn_key(competition, actor=self.who(REGION, Role.CONTRACT_MANAGER), now=now)
            bidding.turn_key(competition, actor=partner, now=now)
            for evaluator in (self.who(REGION, Role.EVALUATOR), self.who(REGION, Role.EVALUATOR, 1)):
                evaluating.appoint(competition, person_id=evaluator.person, actor=partner, now=now)
        self._mark(competition, call_off, partner, from_day=closes + timedelta(days=3))
        if call_off.until < Until.STANDSTILL:
            return
        decided = closes + timedelta(days=20)
        with self.at(decided - timedelta(days=1)) as now:
            best = evaluation.results(competition, actor=partner).ranking[0]
            awards.recommend(
                competition,
                bid_id=best.bid.id,
                reason="The highest total of quality and price, and a pass for equality.",
                actor=partner,
                now=now,
            )
        with self.at(decided) as now:
            award = awards.approve(competition, actor=approver, now=now)
        if call_off.until >= Until.CONTRACT:
            deliver(self, call_off, award, starts=starts)

    def _starts(self, call_off: CallOff) -> date:
        """The first of a month: so many months ago, or some months ahead."""
        months = -call_off.began if call_off.began else 4
        number = self.today.year * 12 + self.today.month - 1 + months
        return date(number // 12, number % 12 + 1, 1)

    def _draft(self, call_off: CallOff, partner: Actor, *, closes: date, starts: date, now: datetime) -> Competition:
        competition = calling.start_call_off(
            title=call_off.title,
            category_code=call_off.category,
            place_codes=[call_off.place],
            level_reason=scenes.LEVEL_REASON,
            instrument=Instrument.GRANT if call_off.grant else Instrument.CONTRACT,
            actor=partner,
            now=now,
        )
        calling.specify(competition, specification=scenes.SPECIFICATION, actor=partner, now=now)
        banded = len(call_off.bands) > 1
        calling.set_volume(
            competition,
            kind=VolumeKind.BANDS if banded else VolumeKind.CAP,
            bands=call_off.bands,
            planned_band=PLANNED_BAND if banded else 1,
            actor=partner,
            now=now,
        )
        for text, words, weight in scenes.QUESTIONS:
            calling.add_question(
                competition,
                kind=QuestionKind.SCORED,
                text=text,
                weight=weight,
                word_limit=words,
                actor=partner,
                now=now,
            )
        calling.weigh_price(competition, price_weight=scenes.PRICE_WEIGHT, actor=partner, now=now)
        calling.share_funding(
            competition,
            shares=[(self.bodies[body.key].id, percent) for body, percent in call_off.funders],
            source=(self.fund.id, scenes.FUND_PURPOSES[0]) if call_off.from_fund else None,
            actor=partner,
            now=now,
        )
        calling.set_dates(
            competition,
            closes_at=clock.from_london(datetime.combine(closes, time(17))),
            starts_on=starts,
            months=call_off.months,
            actor=partner,
            now=now,
        )
        return competition

    def _bid(
        self, competition: Competition, call_off: CallOff, bidder: Body, strength: int, price: int, *, now: datetime
    ) -> None:
        actor = self.who(bidder, Role.BID_MANAGER)
        bidding.look_at_invitation(competition.id, actor=actor, now=now)
        answers, scored = {}, iter(scenes.ANSWERS)
        for question in competition.questions:
            own = scenes.PSED_ANSWER if question.kind is QuestionKind.PSED else next(scored)
            answers[question.id] = (
                own if strength > 2 or question.kind is QuestionKind.PSED else own.split(".")[0] + "."
            )
        prices = {band.number: (band.annual_value * price / 100).quantize(Decimal(1)) for band in call_off.bands}
        bid = bidding.save_draft(competition, content=BidContent(answers, prices), base_version=0, actor=actor, now=now)
        bidding.submit(competition, version=bid.version, actor=actor, now=now)

    def _mark(self, competition: Competition, call_off: CallOff, partner: Actor, *, from_day: date) -> None:
        evaluators = (self.who(REGION, Role.EVALUATOR), self.who(REGION, Role.EVALUATOR, 1))
        strength = {self.bodies[body.key].id: strong for body, strong, _ in call_off.bidders}
        for number, evaluator in enumerate(evaluators):
            if call_off.until is Until.MARKING and number:
                break  # the second evaluator has yet to mark
            with self.at(from_day + timedelta(days=number)) as now:
                evaluating.declare(competition, has_conflict=False, details="", actor=evaluator, now=now)
                for opened in evaluation.bids_to_mark(competition, actor=evaluator):
                    mark = max(strength[opened.bid.organisation_id] - number, 1)
                    evaluating.save_marks(
                        competition,
                        bid_id=opened.bid.id,
                        entries=_entries(competition, mark),
                        actor=evaluator,
                        now=now,
                    )
                evaluating.finish(competition, actor=evaluator, now=now)
        if call_off.until < Until.EVALUATED:
            return
        with self.at(from_day + timedelta(days=4)) as now:
            for opened in opened_bids(competition, actor=partner):
                evaluating.agree(
                    competition,
                    bid_id=opened.bid.id,
                    entries=_entries(competition, strength[opened.bid.organisation_id]),
                    actor=partner,
                    now=now,
                )
            evaluating.conclude(competition, actor=partner, now=now)


def _entries(competition: Competition, mark: int) -> dict[int, MarkEntry]:
    """The same strength for every question; equality is passed."""
    return {
        question.id: MarkEntry(1, "Specific and measurable for each group named.")
        if question.kind is QuestionKind.PSED
        else MarkEntry(mark, scenes.REASONS[mark])
        for question in competition.questions
    }
