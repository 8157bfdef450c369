from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from calloffs.competitions import actions, queries
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import (
    PSED_QUESTION,
    CompetitionStatus,
    OpenTo,
    QuestionKind,
    VolumeKind,
    Whom,
)
from calloffs.plans.rules import Band
from marketplace.access import Role
from marketplace.accounts.models import Organisation
from marketplace.errors import Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.suppliers.rules import QualificationStatus
from tests.factories.accounts import actor_with, make_actor, make_supplier
from tests.factories.competitions import CLOSES_AT, NEEDS_REASON, Tender, make_plan, make_tender
from tests.factories.places import (
    MANCHESTER,
)
from tests.factories.suppliers import qualify

pytestmark = pytest.mark.usefixtures("session")
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
DRAFT, AWAITING = CompetitionStatus.DRAFT, CompetitionStatus.AWAITING_APPROVAL


def _qualified(name: str, *places: str, category: str = "ACC", status: str = "qualified") -> Organisation:
    supplier = make_supplier(name)
    make_actor(supplier, Role.BID_MANAGER)
    qualify(supplier, category, *places, status=QualificationStatus(status))
    return supplier


def _invited(competition: Competition) -> set[str]:
    return {one.organisation.name for one in queries.invited(competition.id)}


def _approve(made: Tender) -> int:
    return actions.approve_and_publish(made.competition, needs_reason=NEEDS_REASON, actor=made.approver, now=NOW)


def _subjects() -> list[str]:
    return list(db.session.scalars(select(Letter.subject)))


def test_a_draft_from_a_plan_has_everything_the_plan_holds() -> None:
    made = make_tender(DRAFT)
    plan = make_plan(made.lead, made.author)
    draft = actions.start_from_plan(plan, actor=made.author, now=NOW)
    assert draft.title == plan.title
    assert draft.specification == plan.need
    assert [place.code for place in draft.places] == [MANCHESTER]
    assert (draft.volume_kind, draft.planned_band) == (VolumeKind.CAP, 1)
    assert [(band.high, band.annual_value) for band in draft.bands] == [(200, Decimal(120_000))]
    assert [question.text for question in draft.questions] == [PSED_QUESTION]
    assert [(one.organisation_id, one.percent) for one in draft.funders] == [(made.lead.id, Decimal(100))]


def test_a_larger_plan_gives_four_bands() -> None:
    made = make_tender(DRAFT)
    plan = make_plan(made.lead, made.author, annual_budget=500_000)
    draft = actions.start_from_plan(plan, actor=made.author, now=NOW)
    assert (draft.volume_kind, draft.planned_band) == (VolumeKind.BANDS, 2)
    assert [(band.low, band.high) for band in draft.bands] == [(120, 160), (161, 200), (201, 240), (241, 280)]


def test_references_count_within_a_year() -> None:
    assert [actions.next_reference(2031) for _ in range(2)] == ["DF-2031-0001", "DF-2031-0002"]
    assert actions.next_reference(2032) == "DF-2032-0001"


def test_only_its_author_changes_a_draft() -> None:
    made = make_tender(DRAFT)
    with pytest.raises(NotAllowed, match="Only its author"):
        actions.specify(made.competition, specification="Mine", actor=made.partner, now=NOW)
    with pytest.raises(NotAllowed):
        actions.specify(made.competition, specification="Mine", actor=actor_with(Role.COMMERCIAL_PARTNER), now=NOW)
    actions.specify(made.competition, specification="Ours", actor=made.author, now=NOW)
    assert made.competition.specification == "Ours"


@pytest.mark.parametrize(
    ("category", "open_to", "ages"),
    [("YAD", OpenTo.BOTH, (18, 25)), ("WOM", OpenTo.WOMEN, (18, None)), ("ACC", OpenTo.BOTH, (18, None))],
)
def test_a_draft_is_for_whom_its_category_is_until_it_says_otherwise(
    category: str, open_to: OpenTo, ages: tuple[int, int | None]
) -> None:
    made = make_tender(DRAFT)

    def whom(of: Competition) -> tuple[OpenTo, int, int | None]:
        return of.open_to, of.minimum_age, of.maximum_age

    def describe(code: str) -> None:
        actions.describe(
            made.competition,
            title="Lot",
            category_code=code,
            place_codes=[one.code for one in made.competition.places],
            level_reason="Local.",
            instrument=made.competition.instrument,
            actor=made.author,
            now=NOW,
        )

    begun = actions.start_call_off(
        title="Another",
        category_code=category,
        place_codes=[one.code for one in made.competition.places],
        level_reason="",
        actor=made.author,
        now=NOW,
    )
    assert whom(begun) == (open_to, *ages)
    other = Whom(OpenTo.MEN, 21, 30)
    actions.specify(made.competition, specification="x", whom=other, actor=made.author, now=NOW)
    # Described anew in the same category it stays; in another one it is asked anew.
    describe(made.competition.category_code)
    assert whom(made.competition) == (OpenTo.MEN, 21, 30)
    describe("LIF")
    describe(category)
    assert whom(made.competition) == (open_to, *ages)
    with pytest.raises(Invalid) as refused:
        actions.specify(made.competition, specification="x", whom=Whom(OpenTo.BOTH, 25, 24), actor=made.author, now=NOW)
    assert refused.value.field == "maximum_age"


def test_what_went_for_approval_is_not_changed() -> None:
    made = make_tender(AWAITING)
    with pytest.raises(Refused, match="no longer a draft"):
        actions.specify(made.competition, specification="Later", actor=made.author, now=NOW)


def test_bands_with_a_gap_are_refused() -> None:
    made = make_tender(DRAFT)
    bands = [Band(n, 60 + 20 * n, 80 + 20 * n, Decimal(1000 * n)) for n in range(1, 5)]
    with pytest.raises(Invalid, match="Band 2 must begin at 101"):
        actions.set_volume(
            made.competition, kind=VolumeKind.BANDS, bands=bands, planned_band=2, actor=made.author, now=NOW
        )


def test_bands_are_put_in_place_of_a_cap() -> None:
    made = make_tender(DRAFT)
    bands = [Band(n, 20 * n + 1, 20 * n + 20, Decimal(1000 * n)) for n in range(1, 5)]
    actions.set_volume(made.competition, kind=VolumeKind.BANDS, bands=bands, planned_band=3, actor=made.author, now=NOW)
    assert [band.band for band in made.competition.bands] == bands
    assert made.competition.most_annual_value == 3000


def test_the_psed_question_stays() -> None:
    made = make_tender(DRAFT)
    psed = made.competition.questions[0]
    with pytest.raises(Invalid, match="cannot be removed"):
        actions.remove_question(made.competition, psed, actor=made.author, now=NOW)
    actions.change_question(
        made.competition, psed, text="Never mind", weight=50, word_limit=300, actor=made.author, now=NOW
    )
    assert (psed.text, psed.weight, psed.word_limit) == (PSED_QUESTION, 0, 300)
    with pytest.raises(Invalid, match="there already"):
        actions.add_question(
            made.competition,
            kind=QuestionKind.PSED,
            text="Twice",
            weight=0,
            word_limit=10,
            actor=made.author,
            now=NOW,
        )


def test_questions_are_added_and_removed() -> None:
    made = make_tender(DRAFT)
    asked = actions.add_question(
        made.competition, kind=QuestionKind.SCORED, text="More?", weight=10, word_limit=50, actor=made.author, now=NOW
    )
    assert (asked.position, len(made.competition.questions)) == (3, 3)
    actions.remove_question(made.competition, asked, actor=made.author, now=NOW)
    assert len(made.competition.questions) == 2
    with pytest.raises(Invalid, match="needs a weight"):
        actions.add_question(
            made.competition,
            kind=QuestionKind.SCORED,
            text="Worth nothing?",
            weight=0,
            word_limit=50,
            actor=made.author,
            now=NOW,
        )


def test_funders_are_commissioning_bodies_and_pay_it_all() -> None:
    made = make_tender(DRAFT)

    def share(*shares: tuple[int, int]) -> None:
        exact = [(body, Decimal(percent)) for body, percent in shares]
        actions.share_funding(made.competition, shares=exact, actor=made.author, now=NOW)

    for wrong in (
        [(made.lead.id, 60)],
        [(made.funder.id, 100)],
        [(made.lead.id, 60), (made.supplier.id, 40)],
        [(made.lead.id, 60), (made.lead.id, 40)],
    ):
        with pytest.raises(Invalid):
            share(*wrong)
    share((made.lead.id, 80), (made.funder.id, 20))
    assert sorted(one.percent for one in made.competition.funders) == [20, 80]


def test_dates_must_lie_ahead() -> None:
    made = make_tender(DRAFT)
    with pytest.raises(Invalid, match="in the future"):
        actions.set_dates(
            made.competition, closes_at=NOW, starts_on=date(2027, 1, 1), months=12, actor=made.author, now=NOW
        )
    with pytest.raises(Invalid, match="start after"):
        actions.set_dates(
            made.competition, closes_at=CLOSES_AT, starts_on=CLOSES_AT.date(), months=12, actor=made.author, now=NOW
        )
