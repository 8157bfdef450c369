"""What every part of the stub's books stands on: memory, clock, events, and the words for what is not there.

Every method of the books is called within a transaction of the store.
"""

from __future__ import annotations

import json
from typing import Any

from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.store import Body, Store

API_VERSION = "2026-10-28.endive"
# What the endpoint is registered for; an event of another kind is kept and told to nobody.
TOLD = (
    *("invoice.", "invoice_payment.paid", "credit_note.", "charge.refunded", "charge.dispute.", "refund.failed"),
    *("transfer.reversed", "account.updated"),
)


class Books:
    """The base of each part."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self._store.clock())

    def tell(self, kind: str, about: Body, *, account: str | None = None) -> None:
        """Record that something happened, with the object as it is now, and queue it for the webhook.

        `account` is the connected account it happened to; such events stand in that account's list, not in ours.
        """
        event: Body = {
            "id": self._store.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": about},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        if account is not None:
            event |= {"account": account}
        self._store.put(event)
        if not kind.startswith(TOLD):
            return
        outcome = "waiting"
        lose = int(self._store.setting("lose_next", 0))
        if lose > 0:
            self._store.set("lose_next", lose - 1)
            outcome = "lost"
        due = self._store.clock() + float(self._store.setting("delay_seconds", 0))
        for _ in range(int(self._store.setting("copies", 1))):
            self._store.run("INSERT INTO deliveries (event, due, outcome) VALUES (?, ?, ?)", event["id"], due, outcome)

    def find(self, kind: str, id_: Any, param: str = "id", *, status: int = 404) -> Body:
        """The object, or Stripe's refusal; that is a 400 where a field of another request named it."""
        found = self._store.get(kind, id_)
        if found is None:
            words = f"No such {kind}: '{id_}'"
            raise StripeError(words, status=status, code="resource_missing", param=param)
        return found


def fingerprint(method: str, path: str, params: Params) -> str:
    """What must be the same for one idempotency key to give the same answer."""
    return json.dumps([method, path, params], sort_keys=True)
