"""Awards: recommended, approved by somebody outside the panel, told to all; what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from calloffs.awards import actions, queries
from calloffs.awards.models import Assessment, Award
from calloffs.competitions.rules import CompetitionStatus, Stage
from calloffs.evaluation.models import Evaluator
from marketplace.access import Role
from marketplace.accounts.models import Person
from marketplace.audit import events_for
from marketplace.clock import london
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.framework.models import Framework
from marketplace.outbox import Letter
from tests.factories.accounts import give_role, make_actor, make_commissioner, make_supplier
from tests.factories.evaluation import SECRET, CallOff, make_call_off, make_evaluated, make_recommended, seat

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("session")


def recommend(made: CallOff, bid: int = 0) -> Award:
    return actions.recommend(
        made.competition, bid_id=made.bids[bid].id, reason="The best of both.", actor=made.partner, now=NOW
    )


def approved(*args: object, **more: object) -> CallOff:
    made = make_evaluated(*args, **more)  # type: ignore[arg-type]
    recommend(made)
    actions.approve(made.competition, actor=made.approver, now=NOW)
    return made


class TestRecommending:
    """The first of the ranking is recommended, by the lead body's commercial partner."""

    def test_the_first_is_recommended_and_approvers_are_asked(self) -> None:
        made = make_evaluated()
        award = recommend(made)
        assert (award.supplier.name, award.score, award.whole_life_value) == (
            "Supplier A",
            Decimal("88.00"),
            Decimal("200000.00"),
        )
        asked = set(db.session.scalars(select(Letter.person_id)))
        assert asked == {made.approver.person, made.competition.approved_by}

    def test_not_the_second(self) -> None:
        made = make_evaluated()
        with pytest.raises(NotAllowed, match="not ranked first"):
            recommend(made, 1)

    def test_a_failed_equality_duty_blocks_whatever_the_score(self) -> None:
        made = make_evaluated(marks=((5, 5, 0), (1, 1, 1)))
        with pytest.raises(NotAllowed, match="cannot win, whatever its score"):
            recommend(made, 0)
        assert recommend(made, 1).supplier.name == "Supplier B"

    def test_where_every_bid_failed_the_call_off_ends_without_an_award_and_all_are_told(self) -> None:
        made = make_evaluated(marks=((5, 5, 0), (1, 1, 0)))
        actions.end_without_award(made.competition, actor=made.partner, now=NOW)
        assert made.competition.stage(NOW) is Stage.FAILED
        told = set(db.session.scalars(select(Letter.person_id).where(Letter.subject.startswith("The outcome"))))
        assert {bidder.person for bidder in made.bidders} <= told

    def test_a_call_off_with_a_bid_that_can_win_does_not_end_so(self) -> None:
        made = make_evaluated(marks=((5, 5, 0), (1, 1, 1)))
        with pytest.raises(NotAllowed, match="There is a bid that can win"):
            actions.end_without_award(made.competition, actor=made.partner, now=NOW)

    def test_not_before_the_evaluation_has_ended(self) -> None:
        made = make_call_off()
        with pytest.raises(NotAllowed, match="once the evaluation has ended"):
            recommend(made)

    def test_only_once(self) -> None:
        made = make_evaluated()
        recommend(made)
        with pytest.raises(AlreadyDone):
            recommend(made)

    def test_one_award_a_call_off_in_the_database_too(self) -> None:
        made = make_evaluated()
        make_recommended(made)
        with pytest.raises(IntegrityError, match="uq_awards_competition_id"):
            make_recommended(made, 1)

    def test_only_by_the_lead_body_and_with_a_reason(self) -> None:
        made = make_evaluated()
        bid = made.bids[0].id
        other = make_actor(made.funder, Role.COMMERCIAL_PARTNER)
        with pytest.raises(NotAllowed, match="leads this call-off"):
            actions.recommend(made.competition, bid_id=bid, reason="Ours", actor=other, now=NOW)
        with pytest.raises(NotAllowed):
            actions.recommend(made.competition, bid_id=bid, reason="Ours", actor=made.approver, now=NOW)
        with pytest.raises(Invalid, match="Say why"):
            actions.recommend(made.competition, bid_id=bid, reason=" ", actor=made.partner, now=NOW)

    def test_of_bids_equal_in_everything_either_may_be(self) -> None:
        made = make_evaluated(100_000, 100_000, marks=((4, 4, 1), (4, 4, 1)))
        assert recommend(made, 1).supplier.name == "Supplier B"


class TestApproving:
    """Decided by an approver of the lead body, outside the panel."""

    def test_all_of_it_at_once(self) -> None:
        made = approved()
        award = queries.award_for(made.partner, made.competition.id)
        assert (award.approved_by, award.approved_at, award.notice_published_at) == (made.approver.person, NOW, NOW)
        assert [(price.number, price.annual_price) for price in award.prices] == [(1, Decimal("100000.00"))]
        assert award.annual_value == Decimal("100000.00")
        assert made.competition.status is CompetitionStatus.AWARD_DECIDED
        assert made.competition.standstill_ends_at == award.standstill_ends_at
        assert made.competition.stage(NOW) is Stage.STANDSTILL
        assert [(a.supplier.name, a.rank, str(a.total)) for a in award.assessments] == [
            ("Supplier A", 1, "88.00"),
            ("Supplier B", 2, "69.33"),
        ]
        assert "Approved the award to Supplier A and published the award notice" in [
            event.what for event in events_for(made.competition)
        ]

    def test_standstill_follows_the_law_of_the_framework(self) -> None:
        made = make_evaluated()
        framework = db.session.scalars(select(Framework)).one()
        framework.began_on = date(2020, 6, 1)
        recommend(made)
        award = actions.approve(made.competition, actor=made.approver, now=NOW)
        assert award.standstill_ends_at is not None
        assert london(award.standstill_ends_at).date() == date(2026, 9, 17)  # ten days after Monday 7
        other = make_evaluated()
        framework.began_on = date(2025, 6, 1)
        recommend(other)
        award = actions.approve(other.competition, actor=other.approver, now=NOW)
        assert award.standstill_ends_at is not None
        assert london(award.standstill_ends_at).date() == date(2026, 9, 16)  # 7–11, 14–16

    def test_not_by_a_member_of_the_panel(self) -> None:
        made = make_evaluated()
        recommend(made)
        seat(made, made.approver)
        with pytest.raises(NotAllowed, match="somebody outside it"):
            actions.approve(made.competition, actor=made.approver, now=NOW)

    def test_not_even_by_one_who_left_it_for_a_conflict(self) -> None:
        made = make_evaluated()
        recommend(made)
        seat(made, made.approver, conflict=True)
        with pytest.raises(NotAllowed, match="somebody outside it"):
            actions.approve(made.competition, actor=made.approver, now=NOW)

    def test_not_by_whoever_recommended_it(self) -> None:
        made = make_evaluated()
        recommend(made)
        give_role(db.session.get_one(Person, made.partner.person), made.lead, Role.APPROVER)
        both = make_actor(made.lead, Role.APPROVER, Role.COMMERCIAL_PARTNER)
        award = queries.award_of(made.competition)
        assert award is not None
        award.recommended_by = both.person
        db.session.flush()
        with pytest.raises(NotAllowed, match="You recommended this award"):
            actions.approve(made.competition, actor=both, now=NOW)

    def test_not_by_whoever_recommended_it_in_the_database_too(self) -> None:
        award = make_recommended(make_evaluated())
        award.approved_at = award.notice_published_at = award.standstill_ends_at = NOW
        award.approved_by = award.recommended_by
        with pytest.raises(IntegrityError, match="approved_by_another"):
            db.session.flush()

    def test_not_by_a_funders_approver_nor_by_the_partner(self) -> None:
        made = make_evaluated()
        recommend(made)
        with pytest.raises(NotAllowed, match="leads this call-off"):
            actions.approve(made.competition, actor=make_actor(made.funder, Role.APPROVER), now=NOW)
        with pytest.raises(NotAllowed, match="role"):
            actions.approve(made.competition, actor=made.partner, now=NOW)

    def test_a_failed_equality_duty_blocks_here_too(self) -> None:
        made = make_evaluated(marks=((5, 5, 0), (3, 3, 1)))
        make_recommended(made, 0)
        with pytest.raises(NotAllowed, match="cannot win, whatever its score"):
            actions.approve(made.competition, actor=made.approver, now=NOW)
        assert made.competition.status is CompetitionStatus.EVALUATED

    def test_not_when_the_scores_are_no_longer_those_recommended(self) -> None:
        made = make_evaluated()
        make_recommended(made).score = Decimal("90.00")
        with pytest.raises(NotAllowed, match="scores have changed"):
            actions.approve(made.competition, actor=made.approver, now=NOW)

    def test_only_once_and_only_what_is_recommended(self) -> None:
        made = make_evaluated()
        with pytest.raises(NotAllowed, match="No supplier has been recommended"):
            actions.approve(made.competition, actor=made.approver, now=NOW)
        recommend(made)
        actions.approve(made.competition, actor=made.approver, now=NOW)
        with pytest.raises(AlreadyDone):
            actions.approve(made.competition, actor=made.approver, now=NOW)

    def test_every_bidder_gets_a_letter_without_scores_or_words_of_bids(self) -> None:
        made = make_evaluated(100_000, 120_000, 90_000, marks=((4, 4, 1), (3, 3, 1), (5, 5, 0)))
        recommend(made)
        db.session.query(Letter).delete()
        actions.approve(made.competition, actor=made.approver, now=NOW)
        letters = db.session.scalars(select(Letter)).all()
        assert {letter.person_id for letter in letters} == {bidder.person for bidder in made.bidders}
        for letter in letters:
            assert f"/awards/{made.competition.id}/assessment" in letter.body
            assert "16 September 2026" in letter.body or "17 September 2026" in letter.body
            for secret in (SECRET, "88.00", "Agreed of", " won"):
                assert secret not in letter.body


class TestSendingBack:
    """Not approved: the recommendation goes back, and marks can be put right."""

    def test_it_is_kept_with_its_reason_and_can_be_made_again(self) -> None:
        made = make_evaluated()
        recommend(made)
        actions.send_back(made.competition, reason="Which question decided it?", actor=made.approver, now=NOW)
        assert queries.award_of(made.competition) is None
        assert [one.reason for one in queries.sent_back(made.competition)] == ["Which question decided it?"]
        assert recommend(made).approved_at is None

    def test_it_needs_a_reason_and_the_right_person(self) -> None:
        made = make_evaluated()
        recommend(made)
        with pytest.raises(Invalid):
            actions.send_back(made.competition, reason="", actor=made.approver, now=NOW)
        with pytest.raises(NotAllowed):
            actions.send_back(made.competition, reason="No", actor=made.partner, now=NOW)

    def test_not_after_approval(self) -> None:
        made = approved()
        with pytest.raises(AlreadyDone):
            actions.send_back(made.competition, reason="Too late", actor=made.approver, now=NOW)

    def test_agreed_marks_reopen_only_while_nothing_is_recommended(self) -> None:
        made = make_evaluated()
        recommend(made)
        with pytest.raises(NotAllowed, match="has been recommended"):
            actions.reopen_evaluation(made.competition, actor=made.partner, now=NOW)
        actions.send_back(made.competition, reason="Mark 2 looks wrong", actor=made.approver, now=NOW)
        actions.reopen_evaluation(made.competition, actor=made.partner, now=NOW)
        assert made.competition.status is CompetitionStatus.OPENED
        with pytest.raises(NotAllowed, match="has not ended"):
            actions.reopen_evaluation(made.competition, actor=made.partner, now=NOW)

    def test_sealed_bids_are_not_opened_by_reopening(self) -> None:
        made = make_call_off(status=CompetitionStatus.PUBLISHED)
        with pytest.raises(NotAllowed, match="has not ended"):
            actions.reopen_evaluation(made.competition, actor=made.partner, now=NOW)
        assert made.competition.status is CompetitionStatus.PUBLISHED


class TestReading:
    """Which bidder reads what, and when a contract may follow."""

    def test_a_bidder_reads_its_own_and_the_winners_assessment_only(self) -> None:
        made = approved(100_000, 120_000, 110_000, marks=((5, 5, 1), (3, 3, 1), (4, 4, 1)))
        loser = queries.assessment_for(made.bidders[1], made.competition.id)
        assert (loser.own.rank, loser.ranked, loser.has_won, loser.winner.supplier.name) == (3, 3, False, "Supplier A")
        assert {answer.reason for answer in loser.own_answers} == {"Agreed of Supplier B"}
        assert {answer.reason for answer in loser.winner_answers} == {"Agreed of Supplier A"}
        assert [str(answer.score) for answer in loser.own_answers] == ["24.00", "12.00", "None"]
        assert queries.assessment_for(made.bidders[0], made.competition.id).has_won

    def test_a_bidder_that_failed_is_told_which_question(self) -> None:
        made = make_evaluated(marks=((4, 4, 1), (5, 5, 0)))
        recommend(made)
        actions.approve(made.competition, actor=made.approver, now=NOW)
        failed = queries.assessment_for(made.bidders[1], made.competition.id)
        assert (failed.own.rank, failed.own.total, [a.question.position for a in failed.failed]) == (None, None, [3])

    def test_nobody_else_and_nothing_before_approval(self) -> None:
        made = make_evaluated()
        recommend(made)
        with pytest.raises(NotFound):
            queries.assessment_for(made.bidders[0], made.competition.id)
        actions.approve(made.competition, actor=made.approver, now=NOW)
        stranger = make_actor(make_supplier(), Role.BID_MANAGER)
        with pytest.raises(NotFound):
            queries.assessment_for(stranger, made.competition.id)
        with pytest.raises(NotAllowed):
            queries.assessment_for(made.partner, made.competition.id)

    def test_other_commissioners_see_no_award(self) -> None:
        made = approved()
        assert queries.award_for(make_actor(made.funder, Role.COMMERCIAL_PARTNER), made.competition.id)
        with pytest.raises(NotFound):
            queries.award_for(make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER), made.competition.id)

    def test_the_first_look_is_kept(self) -> None:
        made = approved()
        summary = queries.assessment_for(made.bidders[1], made.competition.id)
        actions.note_read(summary, actor=made.bidders[1], now=NOW)
        actions.note_read(summary, actor=made.bidders[1], now=NOW + timedelta(days=1))
        assert (summary.own.read_at, summary.own.read_by) == (NOW, made.bidders[1].person)

    def test_awards_come_out_of_standstill_by_the_clock(self) -> None:
        made = approved()
        award = queries.award_for(made.partner, made.competition.id)
        assert award.standstill_ends_at is not None
        before = award.standstill_ends_at - timedelta(seconds=1)
        assert award.in_standstill(before)
        assert list(queries.awards_after_standstill(before)) == []
        assert list(queries.awards_after_standstill(award.standstill_ends_at)) == [award]
        assert list(queries.published_awards()) == [award]

    def test_only_approved_awards_are_published(self) -> None:
        made = make_evaluated()
        recommend(made)
        assert list(queries.published_awards()) == []
        with pytest.raises(NotFound):
            queries.published_award(made.competition.id)


class TestWaiting:
    """What waits for whom."""

    def test_recommend_then_approve_then_read(self) -> None:
        made = make_evaluated()
        with current_app.test_request_context():
            assert [w.text for w in queries.waiting(made.partner, NOW)] == [
                "Recommend the award of Help with housing in the north"
            ]
            assert queries.waiting(made.approver, NOW) == []
            recommend(made)
            assert queries.waiting(made.partner, NOW) == []
            assert [w.text for w in queries.waiting(made.approver, NOW)] == [
                "Approve the award of Help with housing in the north, or send it back"
            ]
            seat(made, made.approver)
            assert queries.waiting(made.approver, NOW) == []
            db.session.query(Evaluator).filter_by(person_id=made.approver.person).delete()
            actions.approve(made.competition, actor=made.approver, now=NOW)
            assert queries.waiting(made.approver, NOW) == []
            assert [w.text for w in queries.waiting(made.bidders[1], NOW)] == [
                "Read how your bid for Help with housing in the north was assessed"
            ]
            db.session.query(Assessment).update({"read_at": NOW})
            assert queries.waiting(made.bidders[1], NOW) == []
