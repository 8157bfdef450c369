from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from contracts.performance import actions, queries
from contracts.performance.models import QualityReview
from contracts.performance.rules import Measure, Point, ReviewRating, Verdict, sample, tally, usual_rating
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.performance import MADE, Performer, make_performer
from tests.factories.places import KENT

in_the_database = pytest.mark.usefixtures("session", "clock")


def test_the_draw_can_be_made_again_and_depends_on_the_seed() -> None:
    references = [f"R-{number:06}" for number in range(40)]
    drawn = sample(references, seed="a")
    assert drawn == sample(reversed(references), seed="a") == sorted(drawn)
    assert len(set(drawn)) == 10
    assert drawn != sample(references, seed="b")
    assert sample(references[:3], seed="a") == references[:3]
    assert sample(references, seed="a", size=1)[0] in drawn
    # By sha256sum: a:R-000001 begins with c7, a:R-000002 with 40.
    assert sample(["R-000001", "R-000002"], seed="a", size=1) == ["R-000002"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Verdict)), max_size=30))
def test_nothing_that_is_not_met_is_rated_sound(verdicts: list[Verdict]) -> None:
    rating = usual_rating(verdicts)
    met, looked_at = tally(verdicts)
    assert (rating is None) is (looked_at == 0)
    if Verdict.NOT_MET in verdicts:
        assert rating in (ReviewRating.NEEDS_WORK, ReviewRating.POOR)
    elif looked_at and met == looked_at:
        assert rating is ReviewRating.STRONG


def _begun(made: Performer, *, now: datetime = MADE) -> QualityReview:
    _ = made.deliverer
    return actions.begin_review(made.agreement, actor=made.manager, now=now)


def _filled(made: Performer, *, met: int = 8, now: datetime = MADE) -> QualityReview:
    """An open review in which so many points are met, the others in part, and all referrals are as designed."""
    review = _begun(made, now=now)
    points = {point: (Verdict.MET if number < met else Verdict.PARTLY, "Seen.") for number, point in enumerate(Point)}
    referrals = {one.position: (Verdict.MET, "As written.") for one in review.referrals}
    actions.keep_review(review, points, referrals, actor=made.manager, now=now)
    return review


def _finish(made: Performer, review: QualityReview, *, now: datetime = MADE, **changed: object) -> None:
    values: dict[str, object] = {
        "rating": ReviewRating.SOUND,
        "reasons": "Well led.",
        "next_on": now.date() + timedelta(days=365),
        **changed,
    }
    actions.finish_review(review, actor=made.manager, now=now, **values)  # type: ignore[arg-type]


@in_the_database
def test_referrals_are_drawn_from_those_with_a_session_and_the_supplier_is_told() -> None:
    made = make_performer()
    made.good_months(12)
    made.referral(datetime(2026, 8, 3, tzinfo=UTC), accepted_at=datetime(2026, 8, 4, tzinfo=UTC))
    review = _begun(made)
    assert review.sampled_of == 12
    assert (review.sampled_from, review.sampled_to) == (date(2026, 4, 1), date(2026, 9, 7))
    there = queries.to_draw_from(made.agreement, review.sampled_from, review.sampled_to)
    assert [one.referral.reference for one in review.referrals] == sample(there, seed=review.seed)
    letter = db.session.scalars(select(Letter).where(Letter.subject.startswith("A quality review begins"))).one()
    assert all(one.referral.reference in letter.body for one in review.referrals)
    with pytest.raises(AlreadyDone):
        _begun(made)
    with pytest.raises(NotAllowed):
        actions.begin_review(make_performer().agreement, actor=made.deliverer, now=MADE)


@in_the_database
def test_it_is_finished_once_everything_was_looked_at_and_counts_for_a_year() -> None:
    made = make_performer()
    made.good_months(2)
    review = _begun(made)
    with pytest.raises(Refused, match="every point"):
        _finish(made, review)
    points = {point: (Verdict.MET if point is not Point.VOICE else Verdict.PARTLY, "") for point in Point}
    actions.keep_review(review, points, {1: (Verdict.MET, "")}, actor=made.manager, now=MADE)
    with pytest.raises(Refused, match="every point"):
        _finish(made, review)
    actions.keep_review(review, {}, {2: (Verdict.NOT_MET, "No plan.")}, actor=made.manager, now=MADE)
    for wrong in ({"reasons": " "}, {"next_on": MADE.date()}):
        with pytest.raises(Invalid):
            _finish(made, review, **wrong)
    _finish(made, review)
    with pytest.raises(AlreadyDone):
        actions.keep_review(review, {}, {}, actor=made.manager, now=MADE)

    def counted(first: date, last: date) -> tuple[int, int] | None:
        return queries.counts([made.agreement.id], first, last).get(made.agreement.id, {}).get(Measure.REVIEWED)

    assert counted(date(2026, 8, 1), date(2026, 8, 31)) is None
    assert counted(date(2026, 9, 1), date(2026, 9, 30)) == (8, 10)
    assert counted(date(2027, 9, 1), date(2027, 9, 8)) == (8, 10)
    assert counted(date(2027, 9, 1), date(2027, 9, 30)) is None
    again = _filled(made, met=2, now=MADE + timedelta(days=100))
    assert again.number == 2
    _finish(made, again, now=MADE + timedelta(days=100))
    assert counted(date(2026, 12, 1), date(2026, 12, 31)) == (4, 10)


@in_the_database
def test_on_its_pages(client: FlaskClient, clock: StandingClock) -> None:
    clock.set(MADE)
    made = make_performer(places=(KENT,))
    made.good_months(2)
    _ = made.deliverer
    path = f"/contracts/{made.agreement.id}/reviews"
    sign_in(client, made.manager)
    assert "has not been reviewed yet" in client.get(path).text
    assert "The review is begun" in client.post(path, follow_redirects=True).text
    review = db.session.scalars(select(QualityReview)).one()
    own = f"/contracts/reviews/{review.id}"
    sheet = {f"point_{point.value}": "met" for point in Point} | {"point_aim_words": "A page of aims."}
    client.post(f"{own}/sheet", data=sheet | {"referral_1": "partly"})
    assert "9 of 10 looked at" in client.get(own).text
    page = client.get(f"{own}/sheet").text
    assert "A page of aims." in page
    assert page.count("Nothing about a person on probation") == 1 + len(Point) + 2
    assert client.post(f"{own}/sheet", data=sheet | {"referral_1": "perfect"}).status_code == 422

    sign_in(client, made.deliverer)
    page = client.get(own).text
    assert review.referrals[0].referral.reference in page
    assert "A page of aims." not in page
    assert client.get(f"{own}/sheet").status_code == 403
    assert client.get(f"{own}.csv").status_code == 409

    sign_in(client, made.manager)
    client.post(f"{own}/sheet", data=sheet | {"referral_1": "partly", "referral_2": "met"})
    assert "9 of 10 points and referrals were met" in client.get(f"{own}/finish").text
    due = {"next_on-day": "1", "next_on-month": "10", "next_on-year": "2026"}
    assert "Say why" in client.post(f"{own}/finish", data={"rating": "sound", "reasons": "", **due}).text
    client.post(f"{own}/finish", data={"rating": "sound", "reasons": "Well led.", **due})
    assert client.get(f"{own}/sheet").status_code == 409
    assert f"Review the quality of {made.agreement.reference} again" in client.get("/home").text

    sign_in(client, made.deliverer)
    assert "Well led." in client.get(own).text
    rows = list(csv.DictReader(io.StringIO(client.get(f"{own}.csv").text.removeprefix("\ufeff"))))
    assert len(rows) == 10
    sign_in(client, make_actor(make_commissioner(place_code=KENT), Role.REGIONAL_COORDINATOR))
    page = client.get(own).text
    assert "Well led." in page
    assert review.referrals[0].referral.reference not in page
    assert review.referrals[0].referral.reference not in client.get(f"{own}.csv").text
