"""Awards whose standstill is over, contracts drawn from them, and register files of invented rows."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from calloffs.awards.models import Award, AwardedPrice
from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.queries import context
from calloffs.bids.rules import BidContent, BidStatus
from calloffs.competitions.models import Competition, CompetitionBand, FunderShare, Question
from calloffs.competitions.rules import CompetitionStatus, Instrument, QuestionKind, VolumeKind
from contracts.agreements.actions import draw_agreement, sign
from contracts.agreements.models import (
    Agreement,
    AgreementFunder,
    AgreementVersion,
    LineBand,
    LineTerms,
    ServiceLine,
)
from contracts.agreements.queries import terms
from contracts.agreements.register import COLUMNS
from contracts.agreements.rules import terms_digest
from marketplace.access import SYSTEM, Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places.models import Place
from marketplace.vault import vault
from tests.factories.accounts import make_actor, make_commissioner, make_person, make_supplier
from tests.factories.framework import make_framework
from tests.factories.places import KENT, make_places

CLOSED = datetime(2026, 8, 3, 11, 0, tzinfo=UTC)
DECIDED = datetime(2026, 8, 24, 9, 0, tzinfo=UTC)
STANDSTILL_ENDS = datetime(2026, 9, 4, 22, 59, tzinfo=UTC)
# The tests' clock: 9 o'clock in London on Monday 7 September 2026.
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
FOUR_BANDS = ((60, 80), (81, 100), (101, 120), (121, 140))
PROMISE = "We will offer evening sessions to carers & publish attendance by group each quarter."
_numbers = itertools.count(1)


def make_award(
    *,
    supplier: Organisation | None = None,
    lead: Organisation | None = None,
    funders: Sequence[tuple[Organisation, str]] = (),
    category: str = "ACC",
    places: Sequence[str] = (KENT,),
    bands: Sequence[tuple[int, int]] = FOUR_BANDS,
    starts_on: date = date(2026, 10, 1),
    months: int = 36,
    title: str | None = None,
    instrument: Instrument = Instrument.CONTRACT,
    standstill_ends_at: datetime = STANDSTILL_ENDS,
) -> Award:
    """An approved award of an opened bid."""
    number = next(_numbers)
    framework = make_framework()
    there = make_places(*places)
    supplier = supplier or make_supplier(f"Harbour Trust {number}")
    lead = lead or make_commissioner(f"Probation region {number}")
    author, approver, recommender = make_person(), make_person(), make_person()
    planned = min(2, len(bands))
    kind = db.session.get_one(Category, category)
    competition = Competition(
        instrument=instrument,
        reference=f"DF-T-{number:04}",
        framework_code=framework.code,
        organisation=lead,
        status=CompetitionStatus.AWARD_DECIDED,
        title=title or f"Rooms and support {number}",
        category=kind,
        open_to_men=kind.open_to_men,
        maximum_age=kind.maximum_age,
        specification="Find and keep a home for each person referred.\n\nReport every quarter.",
        level_reason="The need is local.",
        volume_kind=VolumeKind.BANDS if len(bands) > 1 else VolumeKind.CAP,
        planned_band=planned,
        price_weight=40,
        starts_on=starts_on,
        months=months,
        closes_at=CLOSED,
        author_id=author.id,
        created_at=CLOSED - timedelta(days=40),
        approved_by=approver.id,
        published_at=CLOSED - timedelta(days=30),
        opened_at=CLOSED + timedelta(hours=1),
        standstill_ends_at=standstill_ends_at,
        places=[there[code] for code in places],
        bands=[
            CompetitionBand(number=i, low=low, high=high, annual_value=Decimal(1200 * high))
            for i, (low, high) in enumerate(bands, start=1)
        ],
        questions=[
            Question(position=1, kind=QuestionKind.SCORED, text="How will you deliver?", weight=60, word_limit=500),
            Question(position=2, kind=QuestionKind.PSED, text="Equality?", weight=0, word_limit=500),
        ],
        funders=[
            FunderShare(organisation=body, percent=Decimal(percent)) for body, percent in funders or [(lead, "100.00")]
        ],
    )
    db.session.add(competition)
    db.session.flush()
    bid = _bid(competition, supplier)
    award = Award(
        competition=competition,
        bid=bid,
        supplier=supplier,
        whole_life_value=Decimal(1000 * bands[planned - 1][1] * months) / 12,
        score=Decimal("88.50"),
        recommended_at=DECIDED,
        recommended_by=recommender.id,
        reason="The best offer.",
        approved_at=DECIDED,
        approved_by=approver.id,
        notice_published_at=DECIDED,
        standstill_ends_at=standstill_ends_at,
        prices=[
            AwardedPrice(number=i, annual_price=Decimal(1000 * high)) for i, (_, high) in enumerate(bands, start=1)
        ],
    )
    db.session.add(award)
    db.session.flush()
    return award


def _bid(competition: Competition, supplier: Organisation) -> Bid:
    """A submitted bid that two officers opened."""
    answers = {competition.questions[0].id: "With care.", competition.questions[1].id: PROMISE}
    content = BidContent(answers, {band.number: Decimal(1000 * band.high) for band in competition.bands})
    sealed = vault().seal(content.to_bytes(), context=context(competition.id, supplier.id))
    bidder = make_person()
    bid = Bid(
        competition=competition,
        organisation=supplier,
        status=BidStatus.SUBMITTED,
        sealed_draft=sealed,
        sealed_submission=sealed,
        started_at=CLOSED - timedelta(days=2),
        started_by=bidder.id,
        changed_at=CLOSED - timedelta(days=1),
        submitted_at=CLOSED - timedelta(days=1),
    )
    db.session.add(bid)
    db.session.flush()
    db.session.add(
        Receipt(bid_id=bid.id, number=1, digest=content.digest(), submitted_at=bid.submitted_at, submitted_by=bidder.id)
    )
    for hours in (1, 2):
        db.session.add(
            Opening(competition_id=competition.id, person_id=make_person().id, at=CLOSED + timedelta(hours=hours))
        )
    db.session.flush()
    return bid


def make_agreement(**award: object) -> Agreement:
    """A contract drawn from an award, waiting for the supplier's signature."""
    return draw_agreement(make_award(**award), actor=SYSTEM, now=NOW)  # type: ignore[arg-type]


def make_version(
    agreement: Agreement,
    *,
    funders: Sequence[tuple[Organisation, Decimal]] = (),
    in_force_from: date | None = None,
    agreed_at: datetime | None = NOW,
) -> AgreementVersion:
    """A version of a contract whose rows are made directly, with terms for none of its services yet.

    If it is agreed, it supersedes the one agreed before it.
    """
    begins = in_force_from or agreement.starts_on
    for one in agreement.versions if agreed_at else []:
        if one.agreed_at is not None and one.superseded_on is None:
            one.superseded_on = begins
            db.session.flush()
    db.session.add(agreement)
    db.session.flush()
    version = AgreementVersion(
        agreement=agreement,
        number=len(agreement.versions) + 1,
        in_force_from=begins,
        agreed_at=agreed_at,
        ends_on=agreement.ends_on,
        whole_life_value=agreement.whole_life_value,
        funders=[
            AgreementFunder(agreement_id=agreement.id, organisation=body, percent=percent) for body, percent in funders
        ],
    )
    db.session.add(version)
    db.session.flush()
    return version


def make_terms(
    version: AgreementVersion,
    line: ServiceLine,
    *,
    bands: Sequence[tuple[int, int, Decimal]] = (),
    planned_band: int | None = None,
    places: Sequence[Place] = (),
    referrals_until: date | None = None,
) -> LineTerms:
    """What a version says of a service: bands as (low, high, price a year)."""
    made = LineTerms(
        line=line,
        version=version,
        volume_kind=None if not bands else VolumeKind.BANDS if len(bands) > 1 else VolumeKind.CAP,
        planned_band=planned_band or (min(2, len(bands)) if bands else None),
        referrals_until=referrals_until,
        places=list(places),
        bands=[
            LineBand(number=number, low=low, high=high, annual_price=price)
            for number, (low, high, price) in enumerate(bands, start=1)
        ],
    )
    db.session.add(made)
    db.session.flush()
    return made


def signatory_of(agreement: Agreement) -> Actor:
    """Somebody who signs for the supplier."""
    return make_actor(agreement.supplier, Role.SIGNATORY, name="Ama Owusu")


def approver_of(agreement: Agreement) -> Actor:
    """Somebody who signs for the lead commissioner."""
    return make_actor(agreement.commissioner, Role.APPROVER, name="Bryn Hughes")


def sign_as(actor: Actor, agreement: Agreement, *, now: datetime = NOW) -> None:
    """Sign the terms as they are."""
    sign(agreement, digest=terms_digest(terms(agreement.versions[0])), actor=actor, now=now)


def make_signed_agreement(**award: object) -> Agreement:
    """A contract that both sides have signed; its document waits to be made."""
    agreement = make_agreement(**award)
    sign_as(signatory_of(agreement), agreement)
    sign_as(approver_of(agreement), agreement, now=NOW + timedelta(hours=2))
    return agreement


def register_row(reference: str = "T_0001", **changed: str) -> dict[str, str]:
    """An invented row of the live register's format."""
    return {
        "contract_reference": reference,
        "contract_type": "Accommodation",
        "title": f"Accommodation Services {reference}",
        "area_level": "REGION",
        "probation_region": "Wales",
        "police_area": "",
        "open_to_women": "False",
        "open_to_men": "True",
        "minimum_age": "18",
        "maximum_age": "",
        "referrals_open_from": "2024-04-01",
        "referrals_close_at": "",
        "lead_provider": "Harbour Homes",
        "subcontractors": "",
    } | changed


def register_file(rows: Iterable[dict[str, str]], *, newline: str = "\n") -> list[str]:
    """The rows as the lines of a register file."""
    text = io.StringIO(newline="")
    sheet = csv.DictWriter(text, COLUMNS, lineterminator=newline)
    sheet.writeheader()
    sheet.writerows(rows)
    return io.StringIO(text.getvalue(), newline="").readlines()
