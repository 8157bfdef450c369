from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session, scoped_session

from marketplace.accounts.models import Person
from marketplace.vault import Unreadable, Vault
from tests.factories.accounts import make_person

VAULT = Vault(b"k" * 32)


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_what_was_sealed_opens_in_its_place(plain: bytes, context: str) -> None:
    assert VAULT.unseal(VAULT.seal(plain, context=context), context=context) == plain


def test_the_same_value_is_never_sealed_the_same_way_twice() -> None:
    once, again = VAULT.seal(b"forty pounds", context="bid"), VAULT.seal(b"forty pounds", context="bid")
    assert once != again
    assert b"forty" not in once


def test_it_does_not_open_in_another_place() -> None:
    with pytest.raises(Unreadable):
        VAULT.unseal(VAULT.seal(b"x", context="bid 1"), context="bid 2")


def test_it_does_not_open_with_another_key() -> None:
    with pytest.raises(Unreadable):
        Vault(b"j" * 32).unseal(VAULT.seal(b"x", context="bid"), context="bid")


def test_no_byte_of_it_can_be_changed_and_none_left_out() -> None:
    sealed = VAULT.seal(b"forty pounds", context="bid")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(Unreadable):
            VAULT.unseal(changed, context="bid")
        with pytest.raises(Unreadable):
            VAULT.unseal(sealed[:place], context="bid")


def test_parts_of_two_values_do_not_make_a_third() -> None:
    one, two = VAULT.seal(b"one", context="bid"), VAULT.seal(b"two", context="bid")
    with pytest.raises(Unreadable):
        VAULT.unseal(one[:61] + two[61:], context="bid")


def test_fingerprints_are_the_same_for_the_same_text_and_key_only() -> None:
    assert VAULT.fingerprint("X123456") == VAULT.fingerprint("X123456")
    assert VAULT.fingerprint("X123456") != VAULT.fingerprint("X123457")
    assert VAULT.fingerprint("X123456") != Vault(b"j" * 32).fingerprint("X123456")
    assert "X123456" not in VAULT.fingerprint("X123456")


def test_a_sealed_column_is_plain_here_and_sealed_there(app: Flask, session: scoped_session[Session]) -> None:
    person = make_person()
    person.totp_secret = "the secret"
    session.flush()
    raw = session.scalar(text("SELECT totp_secret FROM people WHERE id = :id"), {"id": person.id})
    assert b"secret" not in bytes(raw)
    session.expire_all()
    assert session.get_one(Person, person.id).totp_secret == "the secret"
    person.totp_secret = None
    session.flush()
    assert session.scalar(text("SELECT totp_secret FROM people WHERE id = :id"), {"id": person.id}) is None
