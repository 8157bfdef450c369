from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from catalogue.entries import queries as entries
from contracts.agreements.models import Agreement, ServiceLine, Suspension
from contracts.agreements.queries import is_suspended, open_lines
from contracts.changes import actions
from contracts.referrals import actions as referring
from contracts.referrals import jobs
from contracts.referrals.models import Referral
from contracts.referrals.rules import Complexity, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.accounts.models import Person
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.agreements import NOW, make_agreement
from tests.factories.at_once import at_once
from tests.factories.referrals import make_need, make_officer, make_referral, make_service

TODAY = date(2026, 9, 7)
DAY = timedelta(days=1)


def _service(**values: object) -> tuple[ServiceLine, Actor]:
    lead = make_commissioner()
    service = make_service(commissioner=lead, funders=[lead], **values)  # type: ignore[arg-type]
    return service, make_actor(lead, Role.CONTRACT_MANAGER)


def _suspend(service: ServiceLine, manager: Actor, *, from_on: date = TODAY, now: datetime = NOW) -> Suspension:
    return actions.suspend(
        service.agreement, line=None, from_on=from_on, reason="Too few staff.", actor=manager, now=now
    )


def _lift(suspension: Suspension, manager: Actor, *, on: date, now: datetime = NOW) -> None:
    actions.lift(suspension, on=on, reason="Staff are there.", actor=manager, now=now)


def _subjects(email: str) -> list[str]:
    return list(db.session.scalars(select(Letter.subject).where(Letter.email == email).order_by(Letter.id)))


@pytest.mark.usefixtures("session", "clock")
class TestSuspending:
    """No new referrals from a day until it is lifted; nothing else changes."""

    def test_a_service_is_not_offered_from_the_day_on_and_is_again_when_it_is_lifted(self) -> None:
        service, manager = _service()
        suspension = _suspend(service, manager, from_on=TODAY + 2 * DAY)
        days = [TODAY + n * DAY for n in range(6)]
        assert [service in open_lines(day) for day in days] == [True, True, False, False, False, False]
        assert is_suspended(service.id, days[2])
        with pytest.raises(NotFound):
            entries.entry(service.id, on=days[2])
        _lift(suspension, manager, on=TODAY + 4 * DAY, now=NOW + 3 * DAY)
        assert [service in open_lines(day) for day in days] == [True, True, False, False, True, True]
        # The rule for rows at hand is the rule of the query.
        assert [suspension.applies_on(day) for day in days] == [is_suspended(service.id, day) for day in days]
        with pytest.raises(AlreadyDone):
            _lift(suspension, manager, on=TODAY + 4 * DAY)

    def test_one_called_off_before_it_begins_never_applied(self) -> None:
        service, manager = _service()
        suspension = _suspend(service, manager, from_on=TODAY + 5 * DAY)
        _lift(suspension, manager, on=TODAY)
        assert all(service in open_lines(TODAY + n * DAY) for n in range(10))
        assert _suspend(service, manager).id != suspension.id

    def test_one_service_of_several_is_stopped_alone(self) -> None:
        service, manager = _service()
        second = ServiceLine(
            agreement=service.agreement,
            number=2,
            title="Second",
            open_to_women=True,
            open_to_men=True,
            referrals_from=service.referrals_from,
        )
        db.session.add(second)
        db.session.flush()
        stop = {"from_on": TODAY, "reason": "x", "actor": manager, "now": NOW}
        actions.suspend(service.agreement, line=second, **stop)  # type: ignore[arg-type]
        assert (is_suspended(service.id, TODAY), is_suspended(second.id, TODAY)) == (False, True)
        with pytest.raises(AlreadyDone):
            actions.suspend(service.agreement, line=second, **stop)  # type: ignore[arg-type]
        # The whole can be stopped on top of it; then nothing of it can be stopped again.
        actions.suspend(service.agreement, line=None, **stop)  # type: ignore[arg-type]
        assert is_suspended(service.id, TODAY)
        with pytest.raises(AlreadyDone):
            actions.suspend(service.agreement, line=service, **stop)  # type: ignore[arg-type]

    def test_who_may_and_when(self) -> None:
        service, manager = _service(ends_on=date(2026, 12, 31))
        agreement = service.agreement
        supplier = make_actor(agreement.supplier, Role.SERVICE_MANAGER)
        other = make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
        approver = make_actor(agreement.commissioner, Role.APPROVER)
        for actor in (supplier, other, approver):
            with pytest.raises(NotAllowed):
                _suspend(service, actor)
        for day in (TODAY - DAY, date(2027, 1, 1)):
            with pytest.raises(Invalid):
                _suspend(service, manager, from_on=day)
        with pytest.raises(TooLate):
            _suspend(service, manager, from_on=date(2027, 1, 1), now=datetime(2027, 1, 1, 9, tzinfo=NOW.tzinfo))
        suspension = _suspend(service, manager)
        with pytest.raises(NotAllowed):
            _lift(suspension, supplier, on=TODAY)
        with pytest.raises(Invalid):
            _lift(suspension, manager, on=TODAY - DAY)
        unsigned = make_agreement()
        lead = make_actor(unsigned.commissioner, Role.CONTRACT_MANAGER)
        with pytest.raises(Refused, match="not signed"):
            actions.suspend(unsigned, line=None, from_on=TODAY, reason="x", actor=lead, now=NOW)

    def test_open_referrals_go_on_and_a_place_held_stays_held(self, clock: StandingClock) -> None:
        service, manager = _service(bands=((0, 3),))
        officer = make_officer()
        sent = make_referral(service, officer=officer)
        offered = make_referral(service, officer=officer, status=ReferralStatus.OFFERED, sent_at=NOW - 6 * DAY)
        waits = make_referral(service, officer=officer, status=ReferralStatus.WAITING, sent_at=NOW - 5 * DAY)
        suspension = _suspend(service, manager)
        with pytest.raises(Refused, match="for now"):
            referring.send(service.id, make_need(), actor=officer, now=NOW, or_wait=True)
        need = {"need": "A room.", "complexity": Complexity.LOW, "actor": officer}
        with pytest.raises(Refused, match="stays held"):
            referring.confirm(offered.id, now=NOW, **need)  # type: ignore[arg-type]
        # There is a third place, and the time of the offer runs out: nothing moves while referrals are stopped.
        assert referring.settle(service.id, now=NOW + 10 * DAY) == []
        assert (sent.status, offered.status, waits.status) == ("sent", "offered", "waiting")
        referring_again = NOW + 14 * DAY
        _lift(suspension, manager, on=referring_again.date(), now=NOW + 10 * DAY)
        assert referring.settle(service.id, now=referring_again) == [waits]
        assert offered.status is ReferralStatus.OFFERED
        assert offered.held_until == date(2026, 9, 28)  # five working days after 21 September
        referring.confirm(offered.id, now=referring_again + DAY, **need)  # type: ignore[arg-type]
        assert offered.status is ReferralStatus.SENT
        # The other's five days run as everybody's do.
        referring.settle(service.id, now=referring_again + 8 * DAY)
        assert waits.status is ReferralStatus.WITHDRAWN

    def test_those_concerned_are_told_and_officers_once(self, clock: StandingClock) -> None:
        service, manager = _service()
        officer, stranger = make_officer(), make_officer()
        make_referral(service, officer=officer)
        make_referral(service, officer=stranger, status=ReferralStatus.WITHDRAWN)
        finance = make_actor(service.agreement.commissioner, Role.COMMISSIONER_FINANCE)
        emails = {actor: _email(actor) for actor in (manager, officer, stranger, finance)}
        suspension = _suspend(service, manager)
        for _ in range(2):
            jobs.tell_of_suspensions()
        assert _subjects(emails[officer]) == [f"{service.title} takes no new referrals for now"]
        assert _subjects(emails[stranger]) == []
        assert len(_subjects(emails[finance])) == len(_subjects(emails[manager])) == 1
        _lift(suspension, manager, on=TODAY + DAY)
        jobs.tell_of_suspensions()
        clock.set(NOW + DAY)
        jobs.tell_of_suspensions()
        assert _subjects(emails[officer])[1:] == [f"{service.title} takes referrals again"]
        assert len(_subjects(emails[finance])) == 2

    def test_officers_hear_that_referrals_are_taken_again_if_they_are_and_if_they_heard_of_the_stop(
        self, clock: StandingClock
    ) -> None:
        service, manager = _service()
        told, later = make_officer(), make_officer()
        make_referral(service, officer=told)
        one = actions.suspend(
            service.agreement, line=service, from_on=TODAY, reason="Too few staff.", actor=manager, now=NOW
        )
        whole = _suspend(service, manager)
        jobs.tell_of_suspensions()
        again = f"{service.title} takes referrals again"
        _lift(whole, manager, on=TODAY + DAY)
        clock.set(NOW + DAY)
        jobs.tell_of_suspensions()
        # The service alone is still stopped.
        assert again not in _subjects(_email(told))
        _lift(one, manager, on=TODAY + 2 * DAY, now=NOW + DAY)
        clock.set(NOW + 2 * DAY)
        make_referral(service, officer=later)
        jobs.tell_of_suspensions()
        assert again in _subjects(_email(told))
        assert again not in _subjects(_email(later))

    def test_on_the_pages(self, client: FlaskClient) -> None:
        service, manager = _service()
        at = f"/contracts/{service.agreement_id}"
        sign_in(client, manager)
        assert "never been stopped" in client.get(f"{at}/changes").text
        empty = client.post(f"{at}/suspend", data={"from_on-day": "31", "from_on-month": "2", "from_on-year": "2026"})
        assert empty.status_code == 422
        assert "Give the reason" in empty.text
        typed = {"from_on-day": "7", "from_on-month": "9", "from_on-year": "2026", "reason": "Too few <staff>."}
        assert client.post(f"{at}/suspend", data=typed).status_code == 302
        again = client.post(f"{at}/suspend", data=typed)
        assert again.status_code == 409
        assert "stopped already" in again.text
        assert "No new referrals" in client.get(at).text
        page = client.get(f"{at}/changes").text
        assert "Too few &lt;staff&gt;." in page
        suspension = db.session.scalars(select(Suspension)).one()
        lifting = {"on-day": "8", "on-month": "9", "on-year": "2026", "reason": "Enough."}
        assert client.post(f"/contracts/suspensions/{suspension.id}/lift", data=lifting).status_code == 302
        assert "From 8 September 2026" in client.get(f"{at}/changes").text
        sign_in(client, make_actor(make_commissioner(), Role.CONTRACT_MANAGER))
        assert client.get(f"/contracts/suspensions/{suspension.id}/lift").status_code == 404


def _email(actor: Actor) -> str:
    return db.session.get_one(Person, actor.person).email


def test_ten_suspensions_and_ten_referrals_at_once(committed_app: Flask, clock: StandingClock) -> None:
    """One suspension; and no referral stands that was sent after it was in."""
    with committed_app.app_context():
        service, manager = _service()
        key, agreement, officer = service.id, service.agreement_id, make_officer()
        db.session.commit()

    def do(number: int) -> object:
        if number % 2:
            return referring.send(key, make_need(f"X{number:06}"), actor=officer, now=NOW).id
        one = db.session.get_one(Agreement, agreement)
        return _suspend(one.lines[0], manager)

    answers = at_once(committed_app, 20, do)
    assert len([one for one in answers if isinstance(one, Suspension)]) == 1
    with committed_app.app_context():
        sent = db.session.scalars(select(Referral.id)).all()
        assert sorted(one for one in answers if isinstance(one, int)) == sorted(sent)
        suspension = db.session.scalars(select(Suspension)).one()
        with pytest.raises(Refused):
            referring.send(key, make_need("X999999"), actor=officer, now=suspension.at)
