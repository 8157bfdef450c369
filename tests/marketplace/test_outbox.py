from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, scoped_session

from marketplace import outbox
from marketplace.adapters.email import Message, PermanentFailure, TemporaryFailure
from marketplace.extensions import db
from marketplace.outbox import MOST_ATTEMPTS, Letter, LetterStatus
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.factories.accounts import make_person

Database = scoped_session[Session]
NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)


class Carrier:
    """An e-mail adapter that remembers, and fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.fails: list[Exception] = []

    def send(self, message: Message) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(message)


@pytest.fixture
def carrier(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Carrier:
    made = Carrier()
    monkeypatch.setitem(app.extensions, "email", made)
    return made


def post(key: str = "k", **more: Any) -> None:
    given = {"email": "a@example.org", "subject": "Hello", "body": "Words", "now": NOW, **more}
    with transaction():
        outbox.post(key=key, **given)


def the_letter(session: Database) -> Letter:
    session.expire_all()
    return session.scalars(select(Letter)).one()


def test_a_letter_is_posted_once_for_its_key_and_sent_once(
    session: Database, carrier: Carrier, clock: StandingClock, run_jobs: Callable[[], int]
) -> None:
    post()
    post(body="Other words")
    assert run_jobs() == 1
    assert [(one.to, one.subject, one.body) for one in carrier.sent] == [("a@example.org", "Hello", "Words")]
    outbox.send_waiting_letters()
    outbox.send_letter(the_letter(session).id)
    assert len(carrier.sent) == 1
    assert (the_letter(session).status, the_letter(session).sent_at) == (LetterStatus.SENT, clock.moment)


def test_the_carriers_reference_does_not_come_again_with_a_new_database(
    session: Database, carrier: Carrier, run_jobs: Callable[[], int]
) -> None:
    post(now=datetime(2026, 9, 7, 8, 0, 0, 123456, tzinfo=UTC))
    run_jobs()
    assert carrier.sent[0].reference == f"{the_letter(session).id}-20260907080000123456"


def test_one_job_sends_all_letters_of_a_transaction(
    session: Database, carrier: Carrier, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    with transaction():
        for number in range(5):
            outbox.post(key=f"k{number}", email=f"{number}@example.org", subject="Hello", body="Words", now=NOW)
    carrier.fails = [TemporaryFailure("Busy")]  # the first; the others go all the same
    assert run_jobs() == 1
    assert [one.to for one in carrier.sent] == [f"{number}@example.org" for number in range(1, 5)]
    waiting = session.scalars(select(Letter).where(Letter.status == LetterStatus.WAITING)).one()
    assert (waiting.email, waiting.attempts) == ("0@example.org", 1)
    post("another")
    assert run_jobs() == 1


def test_a_run_that_has_taken_long_gives_way_and_another_goes_on(
    session: Database, carrier: Carrier, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    times = iter((0, 0, outbox.RUN_SECONDS, 0, 0))
    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=lambda: next(times)))
    with transaction():
        for number in range(3):
            outbox.post(key=f"k{number}", email=f"{number}@example.org", subject="Hello", body="Words", now=NOW)
    assert run_jobs() == 2
    assert [one.to for one in carrier.sent] == [f"{number}@example.org" for number in range(3)]


def test_nothing_is_sent_of_what_was_not_kept(session: Database, carrier: Carrier, run_jobs: Callable[[], int]) -> None:
    with suppress(ZeroDivisionError), transaction():
        outbox.post(key="k", email="a@example.org", subject="Hello", body="Words", now=NOW)
        raise ZeroDivisionError
    assert run_jobs() == 0
    outbox.send_waiting_letters()
    assert carrier.sent == []


def test_a_failure_that_may_pass_is_tried_again_later_each_time_longer(
    session: Database, carrier: Carrier, clock: StandingClock
) -> None:
    post()
    carrier.fails = [TemporaryFailure("The server is busy"), TemporaryFailure("The server is away")]
    outbox.send_waiting_letters()
    letter = the_letter(session)
    assert (letter.status, letter.attempts, letter.last_error) == (LetterStatus.WAITING, 1, "The server is busy")
    assert letter.next_attempt_at == clock.moment + timedelta(minutes=2)
    outbox.send_waiting_letters()
    assert the_letter(session).attempts == 1
    clock.move(minutes=2)
    outbox.send_waiting_letters()
    assert the_letter(session).next_attempt_at == clock.moment + timedelta(minutes=4)
    clock.move(minutes=4)
    outbox.send_waiting_letters()
    letter = the_letter(session)
    assert (letter.status, letter.attempts, letter.last_error) == (LetterStatus.SENT, 3, None)
    assert len(carrier.sent) == 1


def test_after_so_many_attempts_it_has_failed(session: Database, carrier: Carrier, clock: StandingClock) -> None:
    post()
    carrier.fails = [TemporaryFailure("Away")] * (MOST_ATTEMPTS + 5)
    for _ in range(MOST_ATTEMPTS + 3):
        outbox.send_waiting_letters()
        clock.move(days=1)
    letter = the_letter(session)
    assert (letter.status, letter.attempts) == (LetterStatus.FAILED, MOST_ATTEMPTS)


def test_what_can_never_go_is_not_tried_again(session: Database, carrier: Carrier, clock: StandingClock) -> None:
    post()
    carrier.fails = [PermanentFailure("No such address")]
    outbox.send_waiting_letters()
    clock.move(days=1)
    outbox.send_waiting_letters()
    letter = the_letter(session)
    assert (letter.status, letter.attempts, letter.last_error) == (LetterStatus.FAILED, 1, "No such address")
    assert carrier.sent == []


def test_the_body_is_sealed_in_the_table(session: Database, carrier: Carrier) -> None:
    post(body="a one-time link")
    row = session.execute(text("SELECT * FROM letters")).mappings().one()
    assert b"one-time" not in bytes(row["body"])
    assert "one-time" not in str({name: value for name, value in row.items() if name != "body"})
    assert the_letter(session).body == "a one-time link"


def test_letters_are_listed_to_whom_they_were_sent_latest_first(session: Database, carrier: Carrier) -> None:
    ann, bob = make_person(), make_person()
    session.commit()
    for key, person in (("1", ann), ("2", bob), ("3", ann)):
        post(key, person_id=person.id)
    assert [letter.key for letter in outbox.letters_to(ann.id)] == ["3", "1"]


def test_two_workers_at_once_send_it_once(committed_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 1)  # a whole batch is locked, and is still not looked at twice
    inside, go_on = threading.Event(), threading.Event()
    sent: list[Message] = []

    class Slow:
        def send(self, message: Message) -> None:
            sent.append(message)
            inside.set()
            assert go_on.wait(20)

    committed_app.extensions["email"] = Slow()
    with committed_app.app_context():
        post()
        letter_id = db.session.scalar(select(Letter.id)) or 0

    def work() -> None:
        with committed_app.app_context():
            outbox.send_waiting_letters()

    first = threading.Thread(target=work)
    first.start()
    assert inside.wait(20)
    second = threading.Thread(target=work)  # the row is locked: it goes away at once
    second.start()
    second.join(20)
    assert not second.is_alive()
    go_on.set()
    first.join(20)
    with committed_app.app_context():
        outbox.send_letter(letter_id)
        assert db.session.scalar(select(func.count()).where(Letter.status == LetterStatus.SENT)) == 1
    assert len(sent) == 1


def test_two_posts_at_once_under_one_key_are_one_letter(committed_app: Flask) -> None:
    together = threading.Barrier(2)

    def work() -> None:
        with committed_app.app_context():
            together.wait(20)
            post()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Letter)) == 1
