"""The real stripe library against our stub on loopback, and a webhook that remembers what it was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.payments.stub.app import (
    Stub,
    create_stub,
    make_loopback_server,
)

API_KEY = "sk_test_for_the_tests"
SECRET = "whsec_for_the_tests"


@dataclass
class Webhook:
    """Stands for POST /webhooks/payments: keeps what comes, and answers with the statuses in line, else 200."""

    came: list[tuple[bytes, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def __call__(self, url: str, payload: bytes, headers: dict[str, str]) -> int:
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            raise requests.ConnectionError("nobody there")
        self.came.append((payload, headers["Stripe-Signature"]))
        return status


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    seconds: float

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Running:
    """A stub that is being served."""

    stub: Stub
    url: str
    webhook: Webhook
    clock: Clock
    home: Path

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """A request with the key."""
        more.setdefault("headers", {})["Authorization"] = f"Bearer {API_KEY}"
        return requests.request(method, self.url + path, timeout=20, allow_redirects=False, **more)

    def behave(self, **settings: Any) -> None:
        """Set how the stub is to misbehave."""
        answer = self.ask("POST", "/stub/settings", json=settings)
        assert answer.ok, answer.text

    def deliver(self) -> list[dict[str, str]]:
        """Deliver all events that wait."""
        told: list[dict[str, str]] = self.ask("POST", "/stub/deliver").json()
        return told

    def payments(self, **more: Any) -> Payments:
        """The client, pointed here."""
        return Payments(**{"api_key": API_KEY, "webhook_secret": SECRET, "base_url": self.url, "timeout": 10.0, **more})


@contextmanager
def serve(home: Path, clock: Clock) -> Iterator[Running]:
    """The stub on a free port of loopback."""
    webhook = Webhook()
    stub = create_stub(
        home=home,
        api_key=API_KEY,
        webhook_url="http://127.0.0.1:9/webhooks/payments",
        webhook_secret=SECRET,
        deliver_in_background=False,
        clock=clock,
        post=webhook,
    )
    server = make_loopback_server(stub.app, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Running(stub, f"http://127.0.0.1:{server.server_port}", webhook, clock, home)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        stub.close()


@pytest.fixture
def clock() -> Clock:
    """A fixed instant; tests move it."""
    return Clock(1_780_000_000.0)


@pytest.fixture
def running(tmp_path: Path, clock: Clock) -> Iterator[Running]:
    """A stub of this test's own."""
    with serve(tmp_path / "stub", clock) as running:
        yield running


@pytest.fixture
def served() -> Callable[[Path, Clock], AbstractContextManager[Running]]:
    """For tests that start a stub again on the same memory."""
    return serve


@pytest.fixture
def payments(running: Running) -> Payments:
    """The client, pointed at the stub."""
    return running.payments()
