"""Panels, marks made alone, agreed marks: what is done and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from calloffs.bids.queries import opened_bids
from calloffs.competitions.rules import CompetitionStatus
from calloffs.evaluation import actions, queries
from calloffs.evaluation.actions import MarkEntry
from calloffs.evaluation.models import Evaluator
from marketplace.access import Role
from marketplace.accounts.models import Person
from marketplace.accounts.queries import as_actor
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import give_role, make_actor, make_commissioner
from tests.factories.evaluation import CallOff, agree_all, make_call_off, make_evaluated, mark_all, seat

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("session")


def entries(made: CallOff, first: int, second: int, psed: int = 1) -> dict[int, MarkEntry]:
    return {key: MarkEntry(mark, f"Reason for {mark}") for key, mark in made.marks(first, second, psed).items()}


class TestPanel:
    """Who sits on the panel."""

    def test_evaluators_of_lead_and_funder_are_appointed_and_told(self) -> None:
        made = make_call_off()
        for evaluator in made.evaluators:
            actions.appoint(made.competition, person_id=evaluator.person, actor=made.partner, now=NOW)
        assert [member.person.name for member in queries.panel(made.competition)] == ["Eve One", "Eli Two"]
        letters = db.session.scalars(select(Letter)).all()
        assert {letter.person_id for letter in letters} == {evaluator.person for evaluator in made.evaluators}

    def test_only_once(self) -> None:
        made = make_call_off()
        seat(made, made.evaluators[0])
        with pytest.raises(AlreadyDone, match="on the panel already"):
            actions.appoint(made.competition, person_id=made.evaluators[0].person, actor=made.partner, now=NOW)

    def test_only_once_in_the_database_too(self) -> None:
        made = make_call_off()
        seat(made, made.evaluators[0])
        with pytest.raises(IntegrityError):
            seat(made, made.evaluators[0])

    def test_no_evaluator_of_another_body(self) -> None:
        made = make_call_off()
        stranger = make_actor(make_commissioner(), Role.EVALUATOR)
        with pytest.raises(Invalid, match="lead body or of a co-funder"):
            actions.appoint(made.competition, person_id=stranger.person, actor=made.partner, now=NOW)

    def test_nobody_without_the_role(self) -> None:
        made = make_call_off()
        with pytest.raises(Invalid):
            actions.appoint(made.competition, person_id=made.approver.person, actor=made.partner, now=NOW)

    def test_not_whoever_approved_the_call_off(self) -> None:
        made = make_call_off()
        publisher = db.session.get_one(Person, made.competition.approved_by)
        give_role(publisher, made.lead, Role.EVALUATOR)
        with pytest.raises(NotAllowed, match="approved this call-off"):
            actions.appoint(made.competition, person_id=publisher.id, actor=made.partner, now=NOW)

    def test_only_by_the_lead_body(self) -> None:
        made = make_call_off()
        other = make_actor(made.funder, Role.COMMERCIAL_PARTNER)
        with pytest.raises(NotAllowed, match="leads this call-off"):
            actions.appoint(made.competition, person_id=made.evaluators[0].person, actor=other, now=NOW)

    @pytest.mark.parametrize(
        "status", [CompetitionStatus.EVALUATED, CompetitionStatus.CANCELLED, CompetitionStatus.DRAFT]
    )
    def test_not_before_publication_nor_after_evaluation(self, status: CompetitionStatus) -> None:
        made = make_call_off()
        made.competition.status = status
        if status is CompetitionStatus.CANCELLED:
            made.competition.ended_at, made.competition.ended_reason = NOW, "No money."
        db.session.flush()
        with pytest.raises(NotAllowed, match="between publication"):
            actions.appoint(made.competition, person_id=made.evaluators[0].person, actor=made.partner, now=NOW)

    def test_nobody_joins_once_marks_are_agreed(self) -> None:
        made = make_call_off()
        agree_all(made, made.marks(3, 3), made.marks(3, 3))
        with pytest.raises(NotAllowed, match="begun to agree"):
            actions.appoint(made.competition, person_id=made.evaluators[0].person, actor=made.partner, now=NOW)

    def test_who_has_not_declared_can_be_taken_off_and_who_has_stays(self) -> None:
        made = make_call_off()
        one, two = made.evaluators
        seat(made, one, declared=False)
        seat(made, two)
        actions.release(made.competition, person_id=one.person, actor=made.partner, now=NOW)
        assert [member.person_id for member in queries.panel(made.competition)] == [two.person]
        with pytest.raises(NotAllowed):
            actions.release(made.competition, person_id=two.person, actor=made.partner, now=NOW)


class TestDeclaring:
    """Interests are declared before any bid is seen."""

    def test_no_bid_is_seen_before_declaring(self) -> None:
        made = make_call_off()
        seat(made, declared=False)
        with pytest.raises(NotAllowed, match="Declare your interests"):
            queries.bids_to_mark(made.competition, actor=made.evaluators[0])
        actions.declare(made.competition, has_conflict=False, details="", actor=made.evaluators[0], now=NOW)
        assert len(queries.bids_to_mark(made.competition, actor=made.evaluators[0])) == 2

    def test_a_conflict_bars_from_seeing_and_marking(self) -> None:
        made = make_call_off()
        seat(made, declared=False)
        one = made.evaluators[0]
        actions.declare(made.competition, has_conflict=True, details="My sister works there", actor=one, now=NOW)
        with pytest.raises(NotAllowed, match="conflict of interest"):
            queries.bids_to_mark(made.competition, actor=one)
        with pytest.raises(NotAllowed, match="conflict of interest"):
            actions.save_marks(
                made.competition, bid_id=made.bids[0].id, entries=entries(made, 5, 5), actor=one, now=NOW
            )
        with pytest.raises(AlreadyDone):
            actions.declare(made.competition, has_conflict=False, details="", actor=one, now=NOW)

    def test_a_conflict_bars_in_every_role(self) -> None:
        made = make_evaluated()
        member = db.session.query(Evaluator).filter_by(person_id=made.evaluators[0].person).one()
        member.finished_at, member.has_conflict = None, True
        also = as_actor(member.person, made.lead, [Role.EVALUATOR, Role.COMMERCIAL_PARTNER, Role.APPROVER])
        for read in (queries.results, queries.all_marks, opened_bids):
            with pytest.raises(NotAllowed, match="conflict of interest"):
                read(made.competition, actor=also)
        assert queries.bidders(made.competition, actor=also) == ["Supplier A", "Supplier B"]

    def test_a_conflict_is_named(self) -> None:
        made = make_call_off()
        seat(made, declared=False)
        with pytest.raises(Invalid, match="what the conflict is"):
            actions.declare(made.competition, has_conflict=True, details=" ", actor=made.evaluators[0], now=NOW)

    def test_a_conflict_found_later_can_be_declared_until_finished(self) -> None:
        made = make_call_off()
        seat(made)
        one, two = made.evaluators
        actions.declare(made.competition, has_conflict=True, details="Found an old friend", actor=one, now=NOW)
        assert queries.seat_of(made.competition, actor=one).has_conflict
        mark_all(made, two)
        with pytest.raises(AlreadyDone):
            actions.declare(made.competition, has_conflict=True, details="Late", actor=two, now=NOW)

    def test_not_before_bids_are_open(self) -> None:
        made = make_call_off(status=CompetitionStatus.PUBLISHED)
        seat(made, declared=False)
        with pytest.raises(NotAllowed, match="after they are opened"):
            actions.declare(made.competition, has_conflict=False, details="", actor=made.evaluators[0], now=NOW)

    def test_who_is_not_on_the_panel_has_nothing_to_declare(self) -> None:
        made = make_call_off()
        with pytest.raises(NotFound):
            actions.declare(made.competition, has_conflict=False, details="", actor=made.evaluators[0], now=NOW)


class TestMarking:
    """One's own marks."""

    def test_marks_are_saved_as_far_as_they_have_come(self) -> None:
        made = make_call_off()
        seat(made)
        one, bid = made.evaluators[0], made.bids[0].id
        first = made.questions[0].id
        given = {question.id: MarkEntry(None, "") for question in made.questions} | {first: MarkEntry(4, " Sound ")}
        assert actions.save_marks(made.competition, bid_id=bid, entries=given, actor=one, now=NOW) == 1
        actions.save_marks(made.competition, bid_id=bid, entries={first: MarkEntry(2, "Weaker")}, actor=one, now=NOW)
        own = queries.own_marks(made.competition, actor=one)
        assert {key: (mark.mark, mark.reason) for key, mark in own.items()} == {(bid, first): (2, "Weaker")}

    @pytest.mark.parametrize(
        ("entry", "field"),
        [(MarkEntry(3, " "), "reason"), (MarkEntry(None, "Good"), "mark"), (MarkEntry(6, "x"), "mark")],
    )
    def test_a_mark_needs_its_reason_and_its_scale(self, entry: MarkEntry, field: str) -> None:
        made = make_call_off()
        seat(made)
        question = made.questions[0].id
        with pytest.raises(Invalid) as refused:
            actions.save_marks(
                made.competition,
                bid_id=made.bids[0].id,
                entries={question: entry},
                actor=made.evaluators[0],
                now=NOW,
            )
        assert refused.value.field == f"{field}_{question}"

    def test_the_equality_duty_is_passed_or_failed(self) -> None:
        made = make_call_off()
        seat(made)
        with pytest.raises(Invalid, match="pass or fail"):
            actions.save_marks(
                made.competition,
                bid_id=made.bids[0].id,
                entries=entries(made, 3, 3, psed=4),
                actor=made.evaluators[0],
                now=NOW,
            )

    def test_no_bid_and_no_question_of_another_call_off(self) -> None:
        made, other = make_call_off(), make_call_off()
        seat(made)
        with pytest.raises(NotFound):
            actions.save_marks(
                made.competition,
                bid_id=other.bids[0].id,
                entries=entries(made, 3, 3),
                actor=made.evaluators[0],
                now=NOW,
            )
        with pytest.raises(Invalid, match="no such question"):
            actions.save_marks(
                made.competition,
                bid_id=made.bids[0].id,
                entries=entries(other, 3, 3),
                actor=made.evaluators[0],
                now=NOW,
            )

    def test_finishing_needs_every_mark_and_locks_them(self) -> None:
        made = make_call_off()
        seat(made)
        one = made.evaluators[0]
        actions.save_marks(made.competition, bid_id=made.bids[0].id, entries=entries(made, 3, 3), actor=one, now=NOW)
        with pytest.raises(Invalid, match="3 answers still to mark"):
            actions.finish(made.competition, actor=one, now=NOW)
        actions.save_marks(made.competition, bid_id=made.bids[1].id, entries=entries(made, 3, 3), actor=one, now=NOW)
        actions.finish(made.competition, actor=one, now=NOW)
        with pytest.raises(AlreadyDone, match="locked"):
            actions.save_marks(
                made.competition, bid_id=made.bids[0].id, entries=entries(made, 5, 5), actor=one, now=NOW
            )
        with pytest.raises(AlreadyDone):
            actions.finish(made.competition, actor=one, now=NOW)


class TestBlindness:
    """Nobody reads another's marks before all have finished."""

    def test_an_evaluator_reads_only_their_own_marks(self) -> None:
        made = make_call_off()
        seat(made)
        for evaluator in made.evaluators:
            mark_all(made, evaluator)
        own = queries.own_marks(made.competition, actor=made.evaluators[0])
        assert {mark.person_id for mark in own.values()} == {made.evaluators[0].person}
        with pytest.raises(NotAllowed):
            queries.all_marks(made.competition, actor=made.evaluators[0])

    def test_nobody_reads_all_marks_before_everyone_has_finished(self) -> None:
        made = make_call_off()
        seat(made)
        one, two = made.evaluators
        mark_all(made, one)
        mark_all(made, two, finish=False)
        with pytest.raises(NotAllowed, match="has not finished"):
            queries.all_marks(made.competition, actor=made.partner)
        # Not even one who holds both roles.
        with pytest.raises(NotAllowed, match="has not finished"):
            queries.all_marks(made.competition, actor=replace(made.partner, person_id=one.person))
        actions.finish(made.competition, actor=two, now=NOW)
        assert all(len(marks) == 2 for marks in queries.all_marks(made.competition, actor=made.partner).values())

    def test_one_evaluator_is_no_panel(self) -> None:
        made = make_call_off()
        one, two = made.evaluators
        seat(made, one)
        seat(made, two, conflict=True)
        mark_all(made, one)
        with pytest.raises(NotAllowed, match="at least 2 evaluators"):
            queries.all_marks(made.competition, actor=made.partner)

    def test_who_has_not_declared_holds_it_up_and_a_conflict_does_not(self) -> None:
        made = make_call_off()
        third = make_actor(made.lead, Role.EVALUATOR)
        seat(made)
        seat(made, third, declared=False)
        for evaluator in made.evaluators:
            mark_all(made, evaluator)
        with pytest.raises(NotAllowed, match="not declared"):
            queries.all_marks(made.competition, actor=made.partner)
        mark_all(made, third, finish=False)
        actions.declare(made.competition, has_conflict=True, details="A friend", actor=third, now=NOW)
        marks = queries.all_marks(made.competition, actor=made.partner)
        assert third.person not in {mark.person_id for rows in marks.values() for mark in rows}

    def test_the_funders_partner_does_not_read_them(self) -> None:
        made = make_evaluated()
        with pytest.raises(NotAllowed):
            queries.all_marks(made.competition, actor=make_actor(made.funder, Role.COMMERCIAL_PARTNER))

    def test_who_has_a_conflict_cannot_have_finished(self) -> None:
        made = make_call_off()
        one = made.evaluators[0]
        seat(made, one, conflict=True)
        db.session.scalars(select(Evaluator)).one().finished_at = NOW
        with pytest.raises(IntegrityError, match="finished_free"):
            db.session.flush()


class TestAgreeing:
    """One agreed mark for each answer, then the ranking."""

    def ready(self) -> CallOff:
        made = make_call_off()
        seat(made)
        for evaluator in made.evaluators:
            mark_all(made, evaluator)
        return made

    def test_one_mark_each_then_the_ranking(self) -> None:
        made = self.ready()
        for bid, row in zip(made.bids, ((4, 4), (3, 3)), strict=True):
            actions.agree(made.competition, bid_id=bid.id, entries=entries(made, *row), actor=made.partner, now=NOW)
        actions.conclude(made.competition, actor=made.partner, now=NOW)
        assert made.competition.status is CompetitionStatus.EVALUATED
        outcome = queries.results(made.competition, actor=made.approver)
        # A: 4/5×60 = 48, and the lowest price: 40. B: 36, and 200,000/240,000×40 = 33.333…
        assert [
            (r.supplier_name, r.standing.rank, str(r.quality), str(r.price_score), str(r.total), str(r.whole_life))
            for r in outcome.ranking
        ] == [
            ("Supplier A", 1, "48.00", "40.00", "88.00", "200000.00"),
            ("Supplier B", 2, "36.00", "33.33", "69.33", "240000.00"),
        ]

    def test_a_failed_duty_is_kept_out_of_the_ranking(self) -> None:
        made = make_evaluated(marks=((5, 5, 0), (3, 3, 1)))
        outcome = queries.results(made.competition, actor=made.partner)
        assert [(r.supplier_name, str(r.total)) for r in outcome.ranking] == [("Supplier B", "76.00")]
        assert [r.supplier_name for r in outcome.excluded] == ["Supplier A"]
        assert outcome.excluded[0].total is None

    def test_not_before_everyone_has_finished(self) -> None:
        made = make_call_off()
        seat(made)
        mark_all(made, made.evaluators[0])
        with pytest.raises(NotAllowed, match="has not finished"):
            actions.agree(
                made.competition, bid_id=made.bids[0].id, entries=entries(made, 3, 3), actor=made.partner, now=NOW
            )

    def test_it_cannot_end_while_a_mark_is_missing(self) -> None:
        made = self.ready()
        actions.agree(
            made.competition, bid_id=made.bids[0].id, entries=entries(made, 3, 3), actor=made.partner, now=NOW
        )
        with pytest.raises(Invalid, match="3 agreed marks still missing"):
            actions.conclude(made.competition, actor=made.partner, now=NOW)
        with pytest.raises(NotAllowed, match="not agreed all"):
            queries.results(made.competition, actor=made.partner)

    def test_an_agreed_mark_changes_until_the_evaluation_ends(self) -> None:
        made = self.ready()
        agree_all(made, made.marks(3, 3), made.marks(3, 3))
        actions.agree(
            made.competition, bid_id=made.bids[0].id, entries=entries(made, 5, 3), actor=made.partner, now=NOW
        )
        assert queries.agreed_marks(made.competition)[made.bids[0].id, made.questions[0].id].mark == 5
        actions.conclude(made.competition, actor=made.partner, now=NOW)
        with pytest.raises(NotAllowed, match="until the evaluation has ended"):
            actions.agree(
                made.competition, bid_id=made.bids[0].id, entries=entries(made, 0, 0), actor=made.partner, now=NOW
            )
        with pytest.raises(AlreadyDone):
            actions.conclude(made.competition, actor=made.partner, now=NOW)

    def test_an_evaluator_agrees_nothing(self) -> None:
        made = self.ready()
        with pytest.raises(NotAllowed):
            actions.agree(
                made.competition, bid_id=made.bids[0].id, entries=entries(made, 3, 3), actor=made.evaluators[0], now=NOW
            )

    def test_results_are_not_for_evaluators(self) -> None:
        made = make_evaluated()
        with pytest.raises(NotAllowed):
            queries.results(made.competition, actor=made.evaluators[0])
