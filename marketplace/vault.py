"""Encryption at rest for what must not be read from a database dump: sealed bids, personal data, letters.

AES-256-GCM under a fresh key for each value, itself wrapped by the installation's sealing key, which lives outside
the database. The context (what the value is) is authenticated, so a value moved to another place does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import Dialect, LargeBinary, TypeDecorator

_VERSION = b"\x01"
_NONCE = 12
_WRAPPED = _NONCE + 32 + 16


class Unreadable(Exception):
    """The value was not sealed with this installation's key, or not for this place, or was changed."""


class Vault:
    """Seals and unseals with one installation's key."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(hashlib.sha256(b"seal" + key).digest())
        self._fingerprint = hashlib.sha256(b"fingerprint" + key).digest()

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """The value, readable only by this vault and only in this context."""
        data_key, wrap_nonce, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE), secrets.token_bytes(_NONCE)
        aad = context.encode()
        wrapped = self._key.encrypt(wrap_nonce, data_key, aad)
        return _VERSION + wrap_nonce + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plain, aad)

    def unseal(self, sealed: bytes, *, context: str) -> bytes:
        """The value again. Raises Unreadable if anything about it was changed."""
        aad = context.encode()
        body = bytes(sealed)
        if body[:1] != _VERSION:
            raise Unreadable("unknown version")
        wrapped, rest = body[1 : 1 + _WRAPPED], body[1 + _WRAPPED :]
        try:
            data_key = self._key.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], aad)
            return AESGCM(data_key).decrypt(rest[:_NONCE], rest[_NONCE:], aad)
        except (InvalidTag, ValueError) as error:
            raise Unreadable("the value does not open") from error

    def fingerprint(self, text: str) -> str:
        """The same text gives the same fingerprint, from which nobody without the key can tell the text."""
        return hmac.new(self._fingerprint, text.encode(), hashlib.sha256).hexdigest()


def vault() -> Vault:
    """This installation's vault."""
    kept: Vault = current_app.extensions["vault"]
    return kept


class SealedText(TypeDecorator[str]):
    """A text column that is sealed in the database and plain in Python. `context` names table and column."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else vault().seal(value.encode(), context=self.context)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else vault().unseal(value, context=self.context).decode()
