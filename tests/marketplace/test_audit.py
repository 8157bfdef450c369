from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, scoped_session

from marketplace import audit
from marketplace.access import SYSTEM, Role
from marketplace.audit import AuditEvent
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier

Database = scoped_session[Session]


def test_who_did_what_when_on_what_is_kept(session: Database, clock: StandingClock) -> None:
    body = make_commissioner("Kent, Surrey and Sussex")
    actor = make_actor(body, Role.APPROVER, name="Ann Approver")
    audit.record("Approved", body, actor=actor, now=clock.moment, score="71.50")
    session.flush()
    (event,) = audit.events_for(body)
    assert (event.person_name, event.organisation_name) == ("Ann Approver", "Kent, Surrey and Sussex")
    assert (event.person_id, event.organisation_id) == (actor.person_id, body.id)
    assert (event.what, event.at, event.details) == ("Approved", clock.moment, {"score": "71.50"})
    assert (event.subject_kind, event.subject_id) == ("organisations", body.id)


def test_what_is_not_flushed_yet_is_named_by_its_key_all_the_same(session: Database, clock: StandingClock) -> None:
    body = make_supplier()
    other = type(body)(kind=body.kind, name="Fresh", created_at=clock.moment)
    session.add(other)
    audit.record("Made", other, actor=SYSTEM, now=clock.moment)
    session.flush()
    assert [event.what for event in audit.events_for(other)] == ["Made"]


def test_a_timeline_is_of_one_object_latest_first(session: Database, clock: StandingClock) -> None:
    one, other = make_supplier(), make_supplier()
    audit.record("First", one, actor=SYSTEM, now=clock.moment)
    audit.record("Third", one, actor=SYSTEM, now=clock.moment + timedelta(hours=1))
    audit.record("Second", one, actor=SYSTEM, now=clock.moment)
    audit.record("Elsewhere", other, actor=SYSTEM, now=clock.moment)
    session.flush()
    assert [event.what for event in audit.events_for(one)] == ["Third", "Second", "First"]


def test_an_event_goes_with_its_transaction(session: Database, clock: StandingClock) -> None:
    body = make_supplier()
    session.commit()
    audit.record("Undone", body, actor=SYSTEM, now=clock.moment)
    session.flush()
    session.rollback()
    assert audit.events_for(body) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET what = 'Something else'",
        "UPDATE audit_events SET at = now() WHERE false OR true",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
    ],
)
def test_the_database_refuses_to_change_or_forget(session: Database, clock: StandingClock, statement: str) -> None:
    audit.record("Done", make_supplier(), actor=SYSTEM, now=clock.moment)
    session.commit()
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        session.execute(text(statement))
    session.rollback()
    assert session.scalar(text("SELECT what FROM audit_events")) == "Done"


def test_the_program_cannot_change_one_either(session: Database, clock: StandingClock) -> None:
    audit.record("Done", make_supplier(), actor=SYSTEM, now=clock.moment)
    session.commit()
    event = session.query(AuditEvent).one()
    event.what = "Not done"
    with pytest.raises(DBAPIError, match="never changed or deleted"):
        session.flush()
    session.rollback()
