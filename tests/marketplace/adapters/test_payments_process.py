"""The stub as a process of its own: a kill -9 loses nothing, a taken port is named."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from marketplace.adapters.payments.records import InvoiceStatus, PaymentLine
from marketplace.adapters.payments.stripe import Payments

pytestmark = pytest.mark.processes


def start(home: Path, port: int = 0) -> subprocess.Popen[str]:
    """A stub with its keys in the environment, as the supervisor starts it."""
    command = [sys.executable, "-m", "marketplace.adapters.payments.stub", "--port", str(port), "--home", str(home)]
    command += ["--webhook-url", "http://127.0.0.1:9/webhooks/payments"]
    root = Path(__file__).parents[3]
    keys = {"STUB_PAYMENTS_KEY": "k", "STUB_WEBHOOK_SECRET": "s", "PYTHONPATH": str(root)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=keys)


@contextmanager
def started(home: Path) -> Iterator[tuple[subprocess.Popen[str], Payments]]:
    """A running stub and a client for it."""
    with start(home) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            yield process, Payments(api_key="k", webhook_secret="s", base_url=url)
        finally:
            process.kill()


def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as (process, payments):
        buyer = payments.ensure_customer(reference="b", name="n", email="e@x.example").id
        lines = [PaymentLine("May", Decimal("10.00"))]
        invoice = payments.raise_invoice(customer_id=buyer, reference="I", lines=lines)
        process.kill()
        process.wait(timeout=10)
    with started(tmp_path) as (process, payments):
        again = payments.raise_invoice(customer_id=buyer, reference="I", lines=lines)
        assert (again.id, again.status) == (invoice.id, InvoiceStatus.OPEN)
        process.terminate()
        assert process.wait(timeout=10) == 0


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with start(tmp_path, port) as process:
            _, words = process.communicate(timeout=20)
            assert process.returncode == 1
            assert f"Port {port} is in use" in words
