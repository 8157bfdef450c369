"""A whole installation for a measurement: real processes, real servers, a home of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from redis import Redis

from marketplace.adapters.payments.stripe import Payments
from marketplace.config import Settings
from marketplace.local.servers import local_servers

CHECKOUT = Path(__file__).resolve().parent.parent
WELCOME = "Ctrl-C stops it"
START_SECONDS = 120.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Installation:
    """One that runs."""

    home: Path
    settings: Settings

    def database(self) -> psycopg.Connection:
        """A connection to its database, each statement a transaction of its own."""
        return psycopg.connect(self.settings.database_url.replace("+psycopg", ""), autocommit=True)

    def valkey(self) -> Redis:
        """A connection to its Valkey."""
        return Redis.from_url(self.settings.redis_url)

    def payments(self) -> Payments:
        """A client of its payments stub."""
        return Payments(
            api_key=self.settings.stripe_key,
            webhook_secret=self.settings.stripe_webhook_secret,
            base_url=self.settings.stripe_base,
            timeout=60,
        )

    def processes(self, words: str) -> list[int]:
        """Its processes with these words in their command, the eldest first."""
        mark, found = f"MARKETPLACE_HOME={self.home}\0".encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if mark in (entry / "environ").read_bytes():
                        command = (entry / "cmdline").read_text().replace("\0", " ")
                        if words in command:
                            found.append(int(entry.name))
                except OSError:
                    continue
        return sorted(found)


@contextmanager
def installation() -> Iterator[Installation]:
    """Start one, empty but for its reference data; end it and take it away, whatever happens meanwhile."""
    home, port = Path(tempfile.mkdtemp(prefix="marketplace-bench-")), _free_ports()
    home.chmod(0o755)  # PostgreSQL is another user when we are root
    ours = {"MARKETPLACE_HOME": str(home), "PORT": str(port), "MARKETPLACE_MODE": "test", "WEB_PROCESSES": "1"}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    log = (home / "bench.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "marketplace.cli", "run"], stdout=log, stderr=log, env=kept | ours, cwd=CHECKOUT
    )
    try:
        _wait_for_welcome(process, home / "bench.log")
        with local_servers(home, {}) as urls:  # finds those that run
            yield Installation(home, Settings.from_environment(ours | urls.environment()))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait_for_welcome(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while WELCOME not in (said := log.read_text(errors="replace")):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the installation did not start: {said[-2000:]}")
        time.sleep(0.2)


def _free_ports() -> int:
    """A port that is free together with the one after it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
