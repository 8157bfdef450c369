"""Faults on command: too busy, broken, no answer though the work is done, or held until released."""

from __future__ import annotations

import socket
import threading
from typing import Any

from flask import Response, request

from marketplace.adapters.payments.stub.asking import StripeError
from marketplace.adapters.payments.stub.store import Body, Store

KINDS = ("too busy", "broken", "broken for its key", "no answer", "hold")
LONGEST_HOLD = 60.0  # seconds


class Faults:
    """The faults that are set, each for so many requests, perhaps only of one method or with some words in the path.

    - too busy: 429, nothing done; broken: 500, nothing done;
    - broken for its key: 500, nothing done, and the same again for as long as the idempotency key is remembered;
    - no answer: the work is done and kept, and the connection drops without a word;
    - hold: the request waits, its idempotency key in use, until /stub/release.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._released = threading.Event()
        self._holding = threading.Semaphore(0)

    def set(self, faults: list[dict[str, Any]]) -> None:
        """Replace the faults by these: kind, count and perhaps path and method."""
        for fault in faults:
            if fault.get("kind") not in KINDS or int(fault.get("count", 1)) < 0:
                raise ValueError(f"A fault has a kind ({', '.join(KINDS)}), a count and perhaps a path and a method")
        self._released.clear()
        self._store.set("faults", faults)

    def before(self, path: str) -> tuple[int, Body] | None:
        """The answer instead of doing the work, if such a fault is set."""
        if self._take("too busy", path):
            words = "Too many requests hit the API too quickly. We recommend an exponential backoff of your requests."
            return 429, StripeError(words, kind="invalid_request_error", code="rate_limit").body
        if self._take("broken", path):
            return 500, StripeError("An unknown error occurred", kind="api_error").body
        return None

    def hold(self, path: str) -> None:
        """Wait for the release, if such a fault is set."""
        if self._take("hold", path):
            self._holding.release()
            self._released.wait(timeout=LONGEST_HOLD)

    def broken(self, path: str) -> StripeError | None:
        """The failure that befalls the work once it has begun, if such a fault is set."""
        if self._take("broken for its key", path):
            return StripeError("An unknown error occurred", status=500, kind="api_error", executed=True)
        return None

    def wait_until_held(self, timeout: float) -> bool:
        """For tests: wait until a request is being held."""
        return self._holding.acquire(timeout=timeout)

    def release(self) -> None:
        """Let what is held go on."""
        self._released.set()

    def after(self, path: str, answer: Response) -> Response:
        """The answer, or none if such a fault is set."""
        if self._take("no answer", path):
            connection = request.environ.get("werkzeug.socket")
            if isinstance(connection, socket.socket):
                connection.shutdown(socket.SHUT_RDWR)
            return Response(status=504)
        return answer

    def _take(self, kind: str, path: str) -> bool:
        with self._store.transaction():
            faults = self._store.setting("faults", [])
            for fault in faults:
                meant = fault.get("path", "") in path and fault.get("method", request.method) == request.method
                if fault["kind"] == kind and fault.get("count", 1) > 0 and meant:
                    fault["count"] = fault.get("count", 1) - 1
                    self._store.set("faults", faults)
                    return True
        return False
