"""A call-off at the stages before its bids are opened, with its people and suppliers, made directly as rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from calloffs.bids.rules import BidContent
from calloffs.competitions.models import Competition, CompetitionBand, FunderShare, Invitation, Question
from calloffs.competitions.rules import CompetitionStatus, Instrument, QuestionKind, VolumeKind
from calloffs.plans.actions import announce_needs_data
from calloffs.plans.actions.drafting import figures_into
from calloffs.plans.models import NeedsData, Plan, PlanBudget, PlanVersion
from calloffs.plans.rules import BAND_EDGES, LARGER_FROM, Route, VolumeBasis
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from tests.factories.accounts import LONG_AGO, make_actor, make_commissioner, make_supplier
from tests.factories.framework import make_framework
from tests.factories.places import GREATER_MANCHESTER_REGION, MANCHESTER, make_places
from tests.factories.suppliers import qualify

# The tests' clock stands on 7 September 2026; bidding closes four weeks later, at midday in London.
CLOSES_AT = datetime(2026, 10, 5, 11, 0, tzinfo=UTC)
PHRASE = "Our lanterns hang in the quiet harbour"


@dataclass
class Tender:
    """A call-off in Manchester with the people around it. `bidder` and `colleague` are of one qualified supplier."""

    competition: Competition
    lead: Organisation
    funder: Organisation
    author: Actor
    partner: Actor
    approver: Actor
    supplier: Organisation
    bidder: Actor
    colleague: Actor

    @property
    def content(self) -> BidContent:
        """A whole bid."""
        answers = {question.id: f"{PHRASE}, answer {question.position}." for question in self.competition.questions}
        prices = {band.number: band.annual_value - 1000 for band in self.competition.bands}
        return BidContent(answers, prices)


NEEDS_REASON = "The needs data of 2026 comes after the contract that runs now ends."


def make_tender(
    status: CompetitionStatus = CompetitionStatus.PUBLISHED, *, bands: bool = False, closes_at: datetime = CLOSES_AT
) -> Tender:
    """A whole and faultless call-off; published unless said, its one qualified supplier invited."""
    make_framework()
    places = make_places()
    lead = make_commissioner("Greater Manchester Probation", place_code=GREATER_MANCHESTER_REGION)
    funder = make_commissioner("Manchester City Council")
    author = make_actor(lead, Role.COMMERCIAL_PARTNER, name="Ann Author")
    approver = make_actor(lead, Role.APPROVER, name="Alex Approver")
    supplier = make_supplier("Harbour Lights CIC")
    qualify(supplier, "ACC", GREATER_MANCHESTER_REGION)
    published = status not in (CompetitionStatus.DRAFT, CompetitionStatus.AWAITING_APPROVAL)
    edges = ((1, 60, 80), (2, 81, 100), (3, 101, 120), (4, 121, 140)) if bands else ((1, 0, 100),)
    competition = Competition(
        instrument=Instrument.CONTRACT,
        reference=f"DF-2026-9{lead.id:04}",
        framework_code="dynamic-framework",
        organisation=lead,
        status=status,
        title="Homes in Manchester",
        category_code="ACC",
        specification="Find a home.\n\nKeep it.",
        level_reason="Homes are local.",
        volume_kind=VolumeKind.BANDS if bands else VolumeKind.CAP,
        planned_band=2 if bands else 1,
        price_weight=40,
        starts_on=date(2027, 1, 4),
        months=24,
        closes_at=closes_at,
        author_id=author.person,
        created_at=LONG_AGO,
        submitted_at=None if status is CompetitionStatus.DRAFT else LONG_AGO,
        approved_by=approver.person if published else None,
        published_at=LONG_AGO if published else None,
        bands=[
            CompetitionBand(number=number, low=low, high=high, annual_value=Decimal(100_000 * number))
            for number, low, high in edges
        ],
        questions=[
            Question(position=1, kind=QuestionKind.PSED, text="How will you meet the duty?", word_limit=500),
            Question(position=2, kind=QuestionKind.SCORED, text="How will you find homes?", weight=60, word_limit=10),
        ],
        funders=[
            FunderShare(organisation=lead, percent=Decimal(70)),
            FunderShare(organisation=funder, percent=Decimal(30)),
        ],
    )
    competition.places = [places[MANCHESTER]]
    db.session.add(competition)
    db.session.flush()
    if published:
        db.session.add(Invitation(competition_id=competition.id, organisation_id=supplier.id, invited_at=LONG_AGO))
        db.session.flush()
    return Tender(
        competition=competition,
        lead=lead,
        funder=funder,
        author=author,
        partner=make_actor(lead, Role.COMMERCIAL_PARTNER, name="Pat Partner"),
        approver=approver,
        supplier=supplier,
        bidder=make_actor(supplier, Role.BID_MANAGER, name="Bea Bidder"),
        colleague=make_actor(supplier, Role.SIGNATORY, name="Sid Signatory"),
    )


def make_plan(lead: Organisation, author: Actor, *, annual_budget: int = 120_000, settled: bool = True) -> Plan:
    """A plan for Manchester: 200 referrals a year, for two years, as stated elsewhere. Its bands are in proportion."""
    plan = Plan(
        organisation_id=lead.id,
        title="Homes in Manchester",
        category_code="ACC",
        place_code=MANCHESTER,
        need="Two hundred people a year leave prison without a home.",
        created_at=LONG_AGO,
        created_by=author.person,
    )
    version = PlanVersion(
        number=1,
        created_at=LONG_AGO,
        created_by=author.person,
        starts_on=date(2027, 4, 1),
        months=24,
        evidence_reason="The area is too small for figures of its own.",
        basis=VolumeBasis.STATED,
        stated_volume=200,
        stated_source="The region’s own forecast, May 2026",
        unit_low=Decimal(400),
        unit_medium=Decimal(600),
        unit_high=Decimal(900),
        unit_source="Contracts of 2025",
        unit_as_of=date(2026, 3, 31),
        mix_low=Decimal(50),
        mix_medium=Decimal(30),
        mix_high=Decimal(20),
        budget_reason="Fewer people at high intensity in the first year.",
        route=Route.CONTRACT,
        larger_from=LARGER_FROM,
        edges=list(BAND_EDGES),
        fixed_percent=Decimal(0),
        budgets=[PlanBudget(year=year, amount=Decimal(annual_budget)) for year in (1, 2)],
    )
    plan.versions = [version]
    db.session.add(plan)
    db.session.flush()
    figures_into(version)
    if settled:
        version.settled_at, version.settled_by = LONG_AGO, author.person
    db.session.flush()
    return plan


def make_needs_data(author: Actor) -> NeedsData:
    """Needs data of Manchester that was due long ago and is not published."""
    return announce_needs_data(
        title="Needs of people in Manchester",
        source="HMPPS",
        place_code=MANCHESTER,
        due_on=LONG_AGO.date(),
        published_on=None,
        good_until=date(2027, 3, 31),
        actor=author,
        now=LONG_AGO,
    )
