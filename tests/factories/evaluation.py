"""A call-off whose bids are open, its people, and panels and marks at any point, made directly as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from calloffs.awards.models import Award
from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.queries import context
from calloffs.bids.rules import BidContent, BidStatus
from calloffs.competitions.models import Competition, CompetitionBand, FunderShare, Question
from calloffs.competitions.rules import CompetitionStatus, Instrument, QuestionKind, VolumeKind
from calloffs.evaluation.models import AgreedMark, Evaluator, Mark
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.vault import vault
from tests.factories.accounts import LONG_AGO, make_actor, make_commissioner, make_supplier
from tests.factories.framework import make_framework

CLOSED_AT = datetime(2026, 9, 1, 11, 0, tzinfo=UTC)
OPENED_AT = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
SECRET = "A sentence that only bidders and the panel read"


@dataclass
class CallOff:
    """A call-off with its people; quality weighs 60 (40 and 20), price 40."""

    competition: Competition
    lead: Organisation
    funder: Organisation
    partner: Actor
    approver: Actor
    evaluators: list[Actor]
    bids: list[Bid] = field(default_factory=list)
    bidders: list[Actor] = field(default_factory=list)

    @property
    def questions(self) -> list[Question]:
        """First and second scored question, then the Public Sector Equality Duty."""
        return self.competition.questions

    def marks(self, first: int, second: int, psed: int = 1) -> dict[int, int]:
        """Marks by question."""
        return dict(zip((question.id for question in self.questions), (first, second, psed), strict=True))


def make_call_off(*prices: int, status: CompetitionStatus = CompetitionStatus.OPENED, months: int = 24) -> CallOff:
    """A call-off with one bid for each annual price (100,000 and 120,000 unless said), of suppliers A, B, C…"""
    framework = make_framework()
    lead, funder = make_commissioner("Probation Region North"), make_commissioner("Northern PCC")
    author = make_actor(lead, Role.COMMERCIAL_PARTNER, name="Ann Author")
    partner = make_actor(lead, Role.COMMERCIAL_PARTNER, name="Pat Partner")
    publisher = make_actor(lead, Role.APPROVER, name="Pru Publisher")
    approver = make_actor(lead, Role.APPROVER, name="Alex Approver")
    competition = Competition(
        instrument=Instrument.CONTRACT,
        reference=f"DF-2026-{lead.id:04}",
        framework_code=framework.code,
        organisation=lead,
        status=status,
        title="Help with housing in the north",
        category_code="ACC",
        specification="Find and keep a home.",
        level_reason="Homes are local.",
        volume_kind=VolumeKind.CAP,
        planned_band=1,
        price_weight=40,
        starts_on=date(2027, 1, 4),
        months=months,
        closes_at=CLOSED_AT,
        author_id=author.person,
        created_at=LONG_AGO,
        approved_by=publisher.person,
        published_at=LONG_AGO,
        opened_at=OPENED_AT if status is not CompetitionStatus.PUBLISHED else None,
        bands=[CompetitionBand(number=1, low=0, high=200, annual_value=Decimal(500_000))],
        questions=[
            Question(position=1, kind=QuestionKind.SCORED, text="How will you find homes?", weight=40, word_limit=500),
            Question(position=2, kind=QuestionKind.SCORED, text="How will you keep them?", weight=20, word_limit=500),
            Question(position=3, kind=QuestionKind.PSED, text="How will you meet the duty?", word_limit=500),
        ],
        funders=[
            FunderShare(organisation=lead, percent=Decimal(70)),
            FunderShare(organisation=funder, percent=Decimal(30)),
        ],
    )
    db.session.add(competition)
    db.session.flush()
    if status is not CompetitionStatus.PUBLISHED:
        for officer in (partner, approver):
            db.session.add(Opening(competition_id=competition.id, person_id=officer.person, at=OPENED_AT))
    made = CallOff(
        competition=competition,
        lead=lead,
        funder=funder,
        partner=partner,
        approver=approver,
        evaluators=[
            make_actor(lead, Role.EVALUATOR, name="Eve One"),
            make_actor(funder, Role.EVALUATOR, name="Eli Two"),
        ],
    )
    for letter, price in zip("ABCDEF", prices or (100_000, 120_000), strict=False):
        _bid(made, f"Supplier {letter}", Decimal(price))
    return made


def _bid(made: CallOff, name: str, price: Decimal) -> None:
    supplier = make_supplier(name)
    bidder = make_actor(supplier, Role.BID_MANAGER, name=f"Manager of {name}")
    content = BidContent(
        answers={question.id: f"{SECRET}, says {name}." for question in made.questions}, prices={1: price}
    )
    sealed = vault().seal(content.to_bytes(), context=context(made.competition.id, supplier.id))
    bid = Bid(
        competition=made.competition,
        organisation=supplier,
        status=BidStatus.SUBMITTED,
        sealed_draft=sealed,
        sealed_submission=sealed,
        started_at=LONG_AGO,
        started_by=bidder.person,
        changed_at=LONG_AGO,
        submitted_at=LONG_AGO,
    )
    db.session.add(bid)
    db.session.flush()
    db.session.add(
        Receipt(bid_id=bid.id, number=1, digest=content.digest(), submitted_at=LONG_AGO, submitted_by=bidder.person)
    )
    db.session.flush()
    made.bids.append(bid)
    made.bidders.append(bidder)


def seat(made: CallOff, *evaluators: Actor, declared: bool = True, conflict: bool = False) -> None:
    """Put these (all, unless said) on the panel; declared free of conflict unless said."""
    for evaluator in evaluators or made.evaluators:
        db.session.add(
            Evaluator(
                competition_id=made.competition.id,
                person_id=evaluator.person,
                appointed_at=OPENED_AT,
                declared_at=OPENED_AT if declared else None,
                has_conflict=conflict if declared else None,
                declaration="" if declared else None,
            )
        )
    db.session.flush()


def mark_all(made: CallOff, evaluator: Actor, mark: int = 3, *, finish: bool = True) -> None:
    """Let one member of the panel mark every answer alike, and finish."""
    for bid in made.bids:
        for question in made.questions:
            given = mark if question.kind is QuestionKind.SCORED else 1
            db.session.add(
                Mark(
                    bid_id=bid.id,
                    question_id=question.id,
                    person_id=evaluator.person,
                    mark=given,
                    reason=f"Said by {evaluator.name}",
                    marked_at=OPENED_AT,
                )
            )
    if finish:
        member = db.session.query(Evaluator).filter_by(competition_id=made.competition.id, person_id=evaluator.person)
        member.one().finished_at = OPENED_AT
    db.session.flush()


def agree_all(made: CallOff, *by_bid: Mapping[int, int]) -> None:
    """Record agreed marks, bid by bid."""
    for bid, marks in zip(made.bids, by_bid, strict=True):
        for question_id, mark in marks.items():
            db.session.add(
                AgreedMark(
                    bid_id=bid.id,
                    question_id=question_id,
                    mark=mark,
                    reason=f"Agreed of {bid.organisation.name}",
                    agreed_at=OPENED_AT,
                    recorded_by=made.partner.person,
                )
            )
    db.session.flush()


def make_evaluated(*prices: int, marks: tuple[tuple[int, ...], ...] = ((4, 4), (3, 3))) -> CallOff:
    """A call-off whose evaluation has ended. Unless said, supplier A (dearer never) is first with 88 and B second."""
    made = make_call_off(*prices)
    seat(made)
    for evaluator in made.evaluators:
        mark_all(made, evaluator)
    agree_all(made, *(made.marks(*row) for row in marks))
    made.competition.status = CompetitionStatus.EVALUATED
    db.session.flush()
    return made


def make_recommended(made: CallOff, bid: int = 0, *, by: Actor | None = None) -> Award:
    """A recommendation, made directly: score and value as the default call-off's first bid has them."""
    award = Award(
        competition=made.competition,
        bid=made.bids[bid],
        supplier=made.bids[bid].organisation,
        whole_life_value=Decimal("200000.00"),
        score=Decimal("88.00"),
        recommended_at=OPENED_AT,
        recommended_by=(by or made.partner).person,
        reason="The best of both.",
    )
    db.session.add(award)
    db.session.flush()
    return award
