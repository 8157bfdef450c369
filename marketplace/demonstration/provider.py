"""The payments stub, served for as long as the demonstration is made: what is paid there is remembered by its books.

The installation's own stub begins afterwards with the same books, so that nothing differs between the two.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app

from contracts.invoices.models import Invoice
from contracts.payments import actions, jobs
from marketplace import clock
from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.payments.stub.app import Stub, create_stub, make_loopback_server
from marketplace.config import Settings
from marketplace.transactions import transaction

LOOPBACK = "http://127.0.0.1"
# The clock of the play stands in the past; the provider's library looks at the real one.
AGES = int(timedelta(days=3650).total_seconds())


class Provider:
    """The provider as people and jobs meet it."""

    def __init__(self, stub: Stub, key: str, payments: Payments, came: list[tuple[bytes, str]]) -> None:
        self._stub, self._key, self._payments, self._came = stub, key, payments, came

    def work(self) -> None:
        """What the timetable does every minute: accounts opened, invoices and credits sent, news applied."""
        jobs.open_accounts()
        self.hear()
        jobs.send_due_invoices()
        jobs.send_due_credits()
        self.hear()

    def pay(self, invoice: Invoice) -> None:
        """Somebody pays the invoice on the provider's page."""
        page = urlsplit(invoice.payment_url or "").path
        answer = self._stub.app.test_client().post(page, data={"way": "transfer"}, base_url=LOOPBACK)
        if answer.status_code != 303:
            raise RuntimeError(f"The payments stub did not take the payment of {invoice.number}")

    def take_back(self, invoice: Invoice) -> None:
        """The funder's bank takes a payment back, and keeps to it."""
        made = self._have("dispute", invoice=invoice.provider_id)
        self._have("close-dispute", dispute=made["id"], status="lost")

    def _have(self, what: str, **given: str | None) -> dict[str, str]:
        answer = self._stub.app.test_client().post(
            f"/stub/{what}", json=given, headers={"Authorization": f"Bearer {self._key}"}, base_url=LOOPBACK
        )
        if answer.status_code != 200:
            raise RuntimeError(f"The payments stub did not do this: {what}")
        done: dict[str, str] = answer.get_json()
        return done

    def hear(self) -> None:
        """What the provider has to tell arrives, and is applied."""
        self._stub.deliverer.deliver(everything=True)
        came, self._came[:] = list(self._came), []
        with transaction():
            kept = [actions.keep_event(*one, payments=self._payments, now=clock.now()) for one in came]
        for event_id in kept:
            if event_id is not None:
                jobs.apply_event(event_id)


@contextmanager
def provider() -> Iterator[Provider | None]:
    """The stub, in place of the installation's own; None where the installation has another provider."""
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.stripe_base:
        yield None
        return
    came: list[tuple[bytes, str]] = []

    def post(url: str, payload: bytes, headers: dict[str, str]) -> int:
        came.append((payload, headers["Stripe-Signature"]))
        return 200

    stub = create_stub(
        home=settings.home / "payments",
        api_key=settings.keys.stub_payments,
        webhook_url="http://127.0.0.1:9/",  # nobody is asked there: `post` takes it
        webhook_secret=settings.stripe_webhook_secret,
        public_url=settings.stripe_base,
        deliver_in_background=False,
        clock=lambda: clock.now().timestamp(),
        post=post,
    )
    server = make_loopback_server(stub.app, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    before = current_app.extensions["payments"]
    current_app.extensions["payments"] = payments = Payments(
        api_key=settings.keys.stub_payments,
        webhook_secret=settings.stripe_webhook_secret,
        base_url=f"http://127.0.0.1:{server.server_port}",
        signature_tolerance=AGES,
    )
    try:
        yield Provider(stub, settings.keys.stub_payments, payments, came)
    finally:
        current_app.extensions["payments"] = before
        server.shutdown()
        server.server_close()
        thread.join()
        stub.close()
