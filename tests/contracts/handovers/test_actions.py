"""A service is handed over: planned, decided, run, cut off and run again, chased, undone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from contracts.agreements.rules import SuspensionCause
from contracts.changes import actions as changing
from contracts.handovers import actions, jobs, queries
from contracts.handovers.models import Handover
from contracts.handovers.queries import CaseOrder
from contracts.handovers.rules import (
    HANDOVER_MOVES,
    OPEN_HANDOVERS,
    Decision,
    Fate,
    HandoverStatus,
)
from contracts.referrals import actions as referring
from contracts.referrals import queries as referrals
from contracts.referrals.models import Referral
from contracts.referrals.rules import Obstacle, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.contracts.referrals.wandering import assert_counted_as_told, assert_nobody_waits_beside_room
from tests.factories.accounts import actor_with, make_actor, make_commissioner
from tests.factories.handovers import Handing, in_days, make_handing
from tests.factories.places import GREATER_MANCHESTER_REGION
from tests.factories.referrals import make_referral, make_service

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
Status = ReferralStatus
pytestmark = pytest.mark.usefixtures("session", "clock")


def _letters(key: str) -> list[Letter]:
    return list(db.session.scalars(select(Letter).where(Letter.key.startswith(key)).order_by(Letter.id)))


def _fates(handover: Handover) -> dict[str, Fate]:
    page = queries.cases(handover, fate=None, order=CaseOrder.REFERENCE, number=1)
    return {one.reference: one.fate for one in page.rows}


def test_every_status_has_its_moves_and_those_with_moves_to_come_are_known() -> None:
    assert set(HANDOVER_MOVES) == set(HandoverStatus)
    assert {to for moves in HANDOVER_MOVES.values() for to in moves} == set(HandoverStatus) - {HandoverStatus.DRAFT}
    # A handover that is done can be undone, and yet the service can be handed over again.
    assert {one for one, moves in HANDOVER_MOVES.items() if moves} == OPEN_HANDOVERS | {HandoverStatus.DONE}


@pytest.mark.parametrize("status", list(HandoverStatus))
def test_the_database_knows_each_status_and_keeps_one_open(handing: Handing, status: HandoverStatus) -> None:
    insert = text(
        "INSERT INTO handovers (from_line_id, to_line_id, day, status, planned_by, planned_at, agreed_at, begun_at, "
        "ended_at, cancelled_reason) VALUES (:a, :b, now(), :status, :person, now(), now(), now(), now(), :reason)"
    )
    reason = "No" if status is HandoverStatus.CANCELLED else None
    values = {"a": handing.old.id, "b": handing.new.id, "status": status.value, "person": handing.lead.person}
    db.session.execute(insert, values | {"reason": reason})
    if status in OPEN_HANDOVERS:
        with pytest.raises(AlreadyDone):
            handing.planned()
        with pytest.raises(Exception, match="uq_handovers_one_open"):
            db.session.execute(insert, values | {"reason": reason})
    else:
        assert handing.planned().status is HandoverStatus.DRAFT


def test_only_who_leads_both_contracts_plans_and_only_to_a_fitting_service(handing: Handing) -> None:
    def plan(to: object = handing.new, *, actor: Actor = handing.lead, day: date = TODAY) -> Handover:
        return actions.plan(handing.old, to, day=day, actor=actor, now=NOW)  # type: ignore[arg-type]

    lead = handing.old.agreement.commissioner
    for actor in (
        handing.old_manager,
        handing.new_manager,
        actor_with(Role.CONTRACT_MANAGER),
        make_actor(lead, Role.REGIONAL_COORDINATOR),
    ):
        with pytest.raises(NotAllowed):
            plan(actor=actor)
    with pytest.raises(NotAllowed):
        plan(make_service())
    with pytest.raises(Invalid, match="today or a day to come"):
        plan(day=in_days(-1))
    for other in (
        make_service(commissioner=lead, categories=("ETE",)),
        make_service(commissioner=lead, places=(GREATER_MANCHESTER_REGION,)),
        make_service(commissioner=lead, ends_on=in_days(-1)),
        handing.old,
    ):
        with pytest.raises(Invalid, match="in the list"):
            plan(other)
    later = make_service(commissioner=lead, starts_on=in_days(30))
    with pytest.raises(Invalid, match="takes no referrals on that day"):
        plan(later, day=in_days(29))
    assert plan(later, day=in_days(30)).status is HandoverStatus.DRAFT
    with pytest.raises(AlreadyDone, match="planned already"):
        plan()


def test_a_draft_is_known_to_nobody_else_and_fixing_it_tells_both_suppliers_and_the_officers(
    handing: Handing,
) -> None:
    handing.referral()
    handover = handing.planned(in_days(14))
    for supplier in (handing.old_manager, handing.new_manager):
        with pytest.raises(NotFound):
            queries.handover_for(supplier, handover.id)
    assert _letters("handover:") == []
    with pytest.raises(NotAllowed):
        actions.agree(handover, actor=handing.new_manager, now=NOW)
    actions.agree(handover, actor=handing.lead, now=NOW)
    told = {one.person_id for one in _letters(f"handover:{handover.id}:agreed:")}
    assert {handing.old_manager.person, handing.new_manager.person, handing.officer.person} <= told
    assert queries.handover_for(handing.new_manager, handover.id)
    with pytest.raises(NotFound):
        queries.handover_for(actor_with(Role.CONTRACT_MANAGER), handover.id)
    with pytest.raises(AlreadyDone):
        actions.agree(handover, actor=handing.lead, now=NOW)
    actions.cancel(handover, reason="The new contract is late.", actor=handing.lead, now=NOW)
    assert len(_letters(f"handover:{handover.id}:cancelled:")) == len(told)
    with pytest.raises(AlreadyDone):
        actions.cancel(handover, reason="Again", actor=handing.lead, now=NOW)


def test_nobody_new_is_referred_to_a_service_from_the_day_it_is_handed_over_unless_that_is_called_off(
    handing: Handing,
) -> None:
    day = in_days(14)

    def takes() -> list[bool]:
        return [referrals.takes_referrals(handing.old.id, one) for one in (in_days(13), day)]

    handover = handing.planned(day)
    assert takes() == [True, True]
    actions.agree(handover, actor=handing.lead, now=NOW)
    assert takes() == [True, False]
    actions.cancel(handover, reason="The new contract is late.", actor=handing.lead, now=NOW)
    assert takes() == [True, True]
    # Run and undone, it takes referrals again; what was stopped for another reason stays stopped.
    handing.referral()
    handover = handing.run()
    assert not referrals.takes_referrals(handing.old.id, TODAY)
    actions.undo(handover, actor=handing.lead, now=NOW)
    assert referrals.takes_referrals(handing.old.id, TODAY)
    jobs.run_handovers()
    changing.suspend(
        handing.old.agreement, line=handing.old, from_on=TODAY, reason="Staff", actor=handing.lead, now=NOW
    )
    again = handing.fixed(day)
    actions.cancel(again, reason="Not so.", actor=handing.lead, now=NOW)
    assert takes() == [False, False]


def test_what_a_handover_stopped_is_its_own_and_of_one_service(handing: Handing) -> None:
    first = handing.run()
    assert first.suspension is not None
    assert first.suspension.cause is SuspensionCause.HANDOVER
    # Planned anew once it is done, the service is stopped already: calling that one off lifts nothing.
    again = handing.fixed(in_days(14))
    assert again.suspension is None
    actions.cancel(again, reason="Not so.", actor=handing.lead, now=NOW)
    assert not referrals.takes_referrals(handing.old.id, TODAY)
    # Words do not make it one: what people stop stays theirs.
    changing.lift(first.suspension, on=TODAY, reason="Again", actor=handing.lead, now=NOW)
    typed = changing.suspend(
        handing.old.agreement,
        line=handing.old,
        from_on=TODAY,
        reason=first.suspension.reason,
        actor=handing.lead,
        now=NOW,
    )
    assert typed.cause is SuspensionCause.DECIDED
    actions.undo(first, actor=handing.lead, now=NOW)
    assert not referrals.takes_referrals(handing.old.id, TODAY)
    with pytest.raises(IntegrityError, match="ck_suspensions_handover_of_service"):
        db.session.execute(text("UPDATE suspensions SET cause = 'handover', line_id = NULL"))


def test_a_handover_is_not_undone_while_the_service_is_to_be_handed_over_again(handing: Handing) -> None:
    handing.referral()
    first = handing.run()
    again = handing.planned(in_days(14))
    with pytest.raises(Refused, match="Finish or cancel"):
        actions.undo(first, actor=handing.lead, now=NOW)
    actions.cancel(again, reason="Not so.", actor=handing.lead, now=NOW)
    actions.undo(first, actor=handing.lead, now=NOW)
    assert first.status is HandoverStatus.UNDOING


def test_when_the_next_contract_gets_another_lead_whoever_handed_over_still_calls_it_off(handing: Handing) -> None:
    old = handing.referral()
    handover = handing.run()
    handing.new.agreement.commissioner = make_commissioner()
    db.session.flush()
    with pytest.raises(NotAllowed):
        actions.undo(handover, actor=make_actor(handing.new.agreement.commissioner, Role.CONTRACT_MANAGER), now=NOW)
    assert actions.undo_one(handover, old.id, actor=handing.lead, now=NOW).status is Status.ACCEPTED
    actions.undo(handover, actor=handing.lead, now=NOW)
    jobs.run_handovers()
    handing.new.agreement.commissioner = handing.old.agreement.commissioner
    db.session.flush()
    draft = handing.planned(in_days(14))
    handing.new.agreement.commissioner = make_commissioner()
    db.session.flush()
    # To fix it takes both, as planning it did.
    with pytest.raises(NotAllowed, match="both contracts"):
        actions.agree(draft, actor=handing.lead, now=NOW)
    actions.cancel(draft, reason="They lead it now.", actor=handing.lead, now=NOW)
    assert draft.status is HandoverStatus.CANCELLED


def test_the_plan_says_who_goes_who_cannot_and_who_stays(handing: Handing) -> None:
    goes, cannot, stays = handing.referral(), handing.referral(Status.SENT, crn="X000077"), handing.referral()
    waits = handing.referral(Status.WAITING)
    handing.referral(Status.COMPLETED)
    make_referral(handing.new, crn="X000077")
    handover = handing.planned()
    actions.decide(handover, stays.id, Decision.STAY, actor=handing.old_manager, now=NOW)
    assert _fates(handover) == {
        goes.reference: Fate.GOES,
        cannot.reference: Fate.CANNOT,
        stays.reference: Fate.STAYS,
        waits.reference: Fate.GOES,
    }
    found = queries.tally_of(handover, NOW.date())
    assert (found.goes, found.goes_in_service, found.cannot, found.stays, found.moved) == (2, 1, 1, 1, 0)
    (case,) = queries.cases(handover, fate=Fate.CANNOT, order=CaseOrder.STATUS, number=1).rows
    assert case.obstacle is Obstacle.ALREADY_THERE
    actions.decide(handover, stays.id, Decision.MOVE, actor=handing.lead, now=NOW)
    assert _fates(handover)[stays.reference] is Fate.GOES


def test_who_decides_about_single_referrals(handing: Handing) -> None:
    referral, handover = handing.referral(), handing.planned()
    for actor in (handing.new_manager, handing.officer, actor_with(Role.CONTRACT_MANAGER)):
        with pytest.raises(NotAllowed):
            actions.decide(handover, referral.id, Decision.STAY, actor=actor, now=NOW)
    with pytest.raises(NotFound):
        actions.decide(handover, make_referral(handing.new).id, Decision.STAY, actor=handing.lead, now=NOW)
    ended = handing.referral(Status.COMPLETED)
    with pytest.raises(AlreadyDone):
        actions.decide(handover, ended.id, Decision.STAY, actor=handing.lead, now=NOW)


def test_on_its_day_everybody_who_goes_moves_in_order_and_nobody_else(clock: StandingClock) -> None:
    handing = make_handing(cap=4, new_cap=4)
    served = [handing.referral(sent_at=NOW - timedelta(days=9 - n)) for n in range(2)]
    stays, held = handing.referral(), handing.referral(Status.OFFERED, sent_at=NOW - timedelta(days=5))
    waits = [handing.referral(Status.WAITING, sent_at=NOW - timedelta(days=4 - n)) for n in range(3)]
    make_referral(handing.new)
    handover = handing.fixed(in_days(7))
    actions.decide(handover, stays.id, Decision.STAY, actor=handing.old_manager, now=NOW)
    jobs.run_handovers()
    assert handover.status is HandoverStatus.AGREED
    then = clock.move(days=7)
    jobs.run_handovers()
    db.session.expire_all()
    assert handover.status is HandoverStatus.DONE
    new = {
        one.moved_from_id: one
        for one in db.session.scalars(select(Referral).where(Referral.moved_from_id.is_not(None)))
    }
    assert set(new) == {one.id for one in [*served, held, *waits]}
    assert [new[one.id].status for one in served] == [Status.SENT] * 2
    # One of four places was taken, two went to those in service: one is left for who waited longest.
    assert new[held.id].status is Status.OFFERED
    assert [(new[one.id].status, referrals.place_in_queue(new[one.id])) for one in waits] == [
        (Status.WAITING, place) for place in (1, 2, 3)
    ]
    assert stays.status is Status.ACCEPTED
    for line in (handing.old, handing.new):
        assert_counted_as_told(line)
        assert_nobody_waits_beside_room(line, then)
    letters = _letters(f"handover:{handover.id}:moved:")
    assert [one.person_id for one in letters] == [handing.officer.person]
    assert "6 of your referrals moved" in letters[0].body
    assert len(_letters("referral-sent:")) == 0, "one letter for the run, not one for each referral"
    # Once more changes nothing.
    count = db.session.scalar(select(func.count()).select_from(Referral))
    jobs.run_handovers()
    assert db.session.scalar(select(func.count()).select_from(Referral)) == count


def test_a_run_that_is_cut_off_anywhere_goes_on_and_moves_each_once(
    handing: Handing, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [handing.referral() for _ in range(7)] + [handing.referral(Status.WAITING)]
    handover = handing.fixed()
    real, calls = referring.transfer, []

    def dies(*args: object, **rest: object) -> object:
        calls.append(args)
        made = real(*args, **rest)  # type: ignore[arg-type]
        if len(calls) % 3 == 0:
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr("contracts.referrals.actions.transfer", dies)
    cut = 0
    for _ in range(10):
        try:
            jobs.run_handovers()
        except KeyboardInterrupt:
            cut += 1
            db.session.rollback()
            db.session.expire_all()
    assert cut == 3
    assert handover.status is HandoverStatus.DONE
    moved = db.session.scalars(select(Referral.moved_from_id).where(Referral.line_id == handing.new.id)).all()
    assert sorted(moved) == sorted(one.id for one in old)  # type: ignore[type-var]
    assert_counted_as_told(handing.new)


def test_a_run_moves_so_many_and_then_lets_others_work(
    handing: Handing, monkeypatch: pytest.MonkeyPatch, run_jobs: object
) -> None:
    for _ in range(5):
        handing.referral()
    handover = handing.fixed()
    monkeypatch.setattr("contracts.handovers.jobs.MOST_IN_A_RUN", 2)
    jobs.run_handovers()
    db.session.expire_all()
    assert (handover.status, queries.tally_of(handover, NOW.date()).moved) == (HandoverStatus.UNDER_WAY, 2)
    run_jobs()  # type: ignore[operator]
    assert (handover.status, queries.tally_of(handover, NOW.date()).moved) == (HandoverStatus.DONE, 5)


def test_where_the_next_service_takes_nobody_the_run_halts_says_so_once_and_goes_on_later(handing: Handing) -> None:
    handing.referral()
    handover = handing.fixed()
    terms = handing.new.terms_on(NOW.date())
    terms.referrals_until = in_days(-1)
    db.session.commit()
    for _ in range(2):
        jobs.run_handovers()
    db.session.expire_all()
    assert handover.status is HandoverStatus.UNDER_WAY
    assert handover.halted == "Rooms, new takes no referrals now, so nobody can be moved to it."
    assert len(_letters(f"handover:{handover.id}:halted:")) == 1
    assert any("Nothing moves" in one.text for one in queries.waiting(handing.lead, NOW))
    handing.new.terms_on(NOW.date()).referrals_until = None
    db.session.commit()
    jobs.run_handovers()
    db.session.expire_all()
    assert (handover.status, handover.halted) == (HandoverStatus.DONE, None)
