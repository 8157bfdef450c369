from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from marketplace.accounts.models import Person
from marketplace.errors import TooLate
from marketplace.transactions import after_commit, after_commit_once, before_commit, settle, transaction
from tests.factories.accounts import make_person

pytestmark = pytest.mark.usefixtures("session")


def there(session: scoped_session[Session]) -> list[str]:
    return list(session.scalars(select(Person.name).order_by(Person.id)))


def test_all_of_it_goes_in(session: scoped_session[Session]) -> None:
    with transaction():
        make_person("One")
        make_person("Two")
    session.rollback()
    assert there(session) == ["One", "Two"]


def test_or_none_of_it(session: scoped_session[Session]) -> None:
    with suppress(ZeroDivisionError), transaction():
        make_person("One")
        raise ZeroDivisionError
    assert there(session) == []


def test_what_comes_after_comes_after_the_commit(session: scoped_session[Session]) -> None:
    order = []
    with transaction():
        after_commit(lambda: order.append(("after", bool(session.new or session.dirty), there(session))))
        make_person("One")
        order.append("inside")
    assert order == ["inside", ("after", False, ["One"])]


def test_what_is_asked_for_once_comes_once_for_each_transaction(session: scoped_session[Session]) -> None:
    called: list[int] = []

    def wake() -> None:
        called.append(1)

    for _ in range(2):
        with transaction():
            for _ in range(3):
                after_commit_once(wake)
    assert called == [1, 1]


def test_and_not_at_all_if_nothing_was_kept() -> None:
    called = []
    with suppress(ZeroDivisionError), transaction():
        after_commit(lambda: called.append(1))
        raise ZeroDivisionError
    with transaction():
        make_person()
    assert called == []


def test_a_check_before_the_commit_can_refuse_all_of_it(session: scoped_session[Session]) -> None:
    called = []

    def too_late() -> None:
        raise TooLate("The call-off has closed.")

    with suppress(TooLate), transaction():
        make_person("One")
        after_commit(lambda: called.append(1))
        before_commit(too_late)
    assert (there(session), called) == ([], [])
    with transaction():
        make_person("Two")
    assert there(session) == ["Two"]


def test_a_check_sees_what_was_written(session: scoped_session[Session]) -> None:
    seen = []
    with transaction():
        before_commit(lambda: seen.append(there(session)))
        session.add(Person(name="Three", email="three@example.org", created_at=make_person("Two").created_at))
    assert seen == [["Two", "Three"]]


def test_several_steps_of_one_transaction_are_checked_each_in_its_turn(session: scoped_session[Session]) -> None:
    seen: list[list[str]] = []
    with transaction():
        for name in ("One", "Two"):
            make_person(name)
            before_commit(lambda: seen.append(there(session)))
            settle()
    assert seen == [["One"], ["One", "Two"]]
