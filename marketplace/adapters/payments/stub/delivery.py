"""Sends events to the marketplace's webhook, signed as Stripe signs them, again and again until it says yes.

On command events come late, twice, in the wrong order, or never: all of which Stripe warns of
(https://docs.stripe.com/webhooks#best-practices).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import random
import sqlite3
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from marketplace.adapters.payments.stub.store import Store

LOOPBACK = ("127.0.0.1", "localhost", "::1")
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds; Stripe's own back-off runs to hours, too long to look at
GIVE_UP_AFTER = 3 * 86400.0  # seconds, as Stripe does

log = logging.getLogger(__name__)
Post = Callable[[str, bytes, dict[str, str]], int]


class Deliverer:
    """The queue of events for one webhook. `post` sends a request and gives the status of the answer.

    `meanwhile` does what falls due by itself, and tells when it does next.
    """

    def __init__(
        self,
        store: Store,
        *,
        url: str,
        secret: str,
        post: Post | None = None,
        meanwhile: Callable[[], float | None] = lambda: None,
    ) -> None:
        if url and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError("The payments stub sends events to this machine only")
        self._store, self._url, self._secret = store, url, secret
        self._post = post or _post
        self._meanwhile = meanwhile
        self._one_at_a_time = threading.Lock()
        self._something_new = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Deliver in the background from now on."""
        self._thread = threading.Thread(target=self._run, name="payments-stub-delivery", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background work; what is not delivered waits on disk."""
        with self._something_new:
            self._stopping = True
            self._something_new.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=15)

    def wake(self) -> None:
        """There may be something to deliver."""
        with self._something_new:
            self._something_new.notify_all()

    def do_what_is_due(self) -> float | None:
        """What falls due by itself; when it does next."""
        return self._meanwhile()

    def _run(self) -> None:
        while True:
            try:
                next_due = self.do_what_is_due()
                if not self._store.setting("hold_deliveries", False):
                    self.deliver()
                wait = self._until_next()
                if next_due is not None:
                    wait = min(wait, max(next_due - self._store.clock(), 0.05))
            except Exception:  # the thread must outlive whatever one event does to it
                log.exception("Delivering events failed")
                wait = LONGEST_WAIT
            with self._something_new:
                if not self._stopping:
                    self._something_new.wait(timeout=wait)
                if self._stopping:
                    return

    def _until_next(self) -> float:
        rows = self._store.run("SELECT min(due) AS due FROM deliveries WHERE outcome = 'waiting'")
        if rows[0]["due"] is None or self._store.setting("hold_deliveries", False):
            return LONGEST_WAIT
        return float(min(max(rows[0]["due"] - self._store.clock(), 0.05), LONGEST_WAIT))

    def deliver(self, *, everything: bool = False) -> list[dict[str, object]]:
        """Deliver what is due, or everything that waits, in the order that is set. Tells what became of each."""
        if not self._url:
            return []
        with self._one_at_a_time:
            latest = float("inf") if everything else self._store.clock()
            rows = self._store.run(
                "SELECT * FROM deliveries WHERE outcome = 'waiting' AND due <= ? ORDER BY place", latest
            )
            order = self._store.setting("order", "created")
            if order == "reversed":
                rows.reverse()
            elif order == "shuffled":
                random.shuffle(rows)
            return [self._deliver_one(row) for row in rows]

    def _deliver_one(self, row: sqlite3.Row) -> dict[str, object]:
        event = self._store.get("event", row["event"])
        if event is None:  # events are never removed, so this is a damaged file
            raise LookupError(row["event"])
        payload = json.dumps(event, indent=2).encode()
        now = self._store.clock()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, self._secret, int(now)),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            status: int | None = self._post(self._url, payload, headers)
            answer = str(status)
        except requests.RequestException as error:
            status, answer = None, type(error).__name__
        attempts = row["attempts"] + 1
        outcome, due = "waiting", now + min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
        if status is not None and 200 <= status < 300:
            outcome = "delivered"
        elif now - event["created"] > GIVE_UP_AFTER:
            outcome = "given up"
        if outcome != "delivered":
            log.info("Event %s (%s): attempt %d answered %s", event["id"], event["type"], attempts, answer)
        with self._store.transaction():
            self._store.run(
                "UPDATE deliveries SET attempts = ?, outcome = ?, due = ?, last_answer = ? WHERE place = ?",
                *(attempts, outcome, due, answer, row["place"]),
            )
            if outcome == "delivered":
                self._store.put({**event, "pending_webhooks": 0})
        return {"event": event["id"], "type": event["type"], "outcome": outcome, "answer": answer}


def signature(payload: bytes, secret: str, timestamp: int) -> str:
    """The Stripe-Signature header: HMAC-SHA256 over the time, a full stop and the body."""
    signed = f"{timestamp}.".encode() + payload
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def _post(url: str, payload: bytes, headers: dict[str, str]) -> int:
    with requests.Session() as session:
        session.trust_env = False  # a proxy has no business between two processes of one machine
        return session.post(url, data=payload, headers=headers, timeout=10, allow_redirects=False).status_code
