"""Passwords: hashed with argon2id, checked in the same time whether or not there is such a person."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marketplace.accounts.models import Person
from marketplace.accounts.rules import password_fault
from marketplace.errors import Invalid

_hasher = PasswordHasher()


def hash_of(password: str) -> str:
    """The password as it is kept."""
    return _hasher.hash(password)


@cache
def _of_nobody() -> str:
    return hash_of("the password of nobody")


def password_matches(person: Person | None, password: str) -> bool:
    """Whether this is the person's password. Nobody's takes as long as somebody's."""
    kept = person.password_hash if person else None
    try:
        _hasher.verify(kept or _of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    if person is None or kept is None:
        return False
    if _hasher.check_needs_rehash(kept):
        person.password_hash = hash_of(password)
    return True


def set_password(person: Person, password: str) -> None:
    """Give the person this password. Refused when too short, too long or easily guessed."""
    if fault := password_fault(password, person.email, person.name):
        raise Invalid(fault, field="password")
    person.password_hash = hash_of(password)
