"""A whole installation as processes: kill -9 leaves none behind and loses nothing."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from marketplace.local.places import Home
from marketplace.local.postgres import Postgres

pytestmark = pytest.mark.processes
CHECKOUT = Path(__file__).resolve().parent.parent.parent
WELCOME = "Ctrl-C stops it"


class Installation:
    """One installation under test."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it, without waiting."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        ours = {"MARKETPLACE_HOME": str(self.home), "PORT": str(self.port), "MARKETPLACE_MODE": "test"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "marketplace.cli", "run"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=kept | ours | {"WEB_PROCESSES": "1"},
            cwd=CHECKOUT,
        )
        return self.process

    def run(self) -> None:
        """Start it and wait until it says that it runs."""
        pipe = self.begin().stdout
        assert pipe is not None
        said = b""
        deadline = time.monotonic() + 60
        while WELCOME.encode() not in said:
            ready, _, _ = select.select([pipe], [], [], deadline - time.monotonic())
            read = os.read(pipe.fileno(), 65536) if ready else b""
            assert read, f"it did not start: {said.decode()}"
            said += read

    def refusal(self) -> tuple[int, str]:
        """Start it where it must refuse: its code and words."""
        process = self.begin()
        words, _ = process.communicate(timeout=30)
        return process.returncode, words.decode()

    def processes(self) -> dict[int, str]:
        """Every process of this installation: they carry its home in their environment."""
        mark = f"MARKETPLACE_HOME={self.home}\0".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if mark in (entry / "environ").read_bytes():
                        found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
                except OSError:
                    continue
        return found

    def end(self, sig: signal.Signals) -> int:
        """Send the signal and wait for the end of the supervisor."""
        assert self.process is not None
        self.process.send_signal(sig)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def database(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection to its database."""
        server = Postgres(Home(self.home))
        server.locate()
        return psycopg.connect(server.url().replace("+psycopg", ""), autocommit=True)


def wait(for_what: Callable[[], bool], *, seconds: float) -> bool:
    """Whether it comes true in time. Other processes decide, so there is nothing to wait on but the clock."""
    deadline = time.monotonic() + seconds
    while not for_what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def two_free_ports() -> int:
    """A port that is free, and the one after it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


@pytest.fixture
def installation() -> Iterator[Installation]:
    home = Path(os.environ["MARKETPLACE_SUITE_HOME"]) / f"whole-{os.urandom(4).hex()}"
    made = Installation(home, two_free_ports())
    yield made
    if made.process and made.process.poll() is None:
        made.end(signal.SIGTERM)


def test_a_killed_supervisor_leaves_nothing_running_and_loses_nothing(installation: Installation) -> None:
    installation.run()
    with installation.database() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    kinds = " ".join(installation.processes().values())
    for program in ("bin/postgres", "valkey-server", "gunicorn", "payments.stub", "cli worker", "cli scheduler"):
        assert program in kinds

    same_port = Installation(installation.home.with_name(installation.home.name + "-b"), installation.port)
    code, words = same_port.refusal()
    assert code == 1
    assert f"Port {installation.port}, wanted for the web pages, is taken" in words
    assert "PORT=" in words.split("choose another port")[1]

    same_home = Installation(installation.home, two_free_ports())
    code, words = same_home.refusal()
    assert code == 1
    assert f"already running: script/run on port {installation.port}" in words

    (worker,) = (pid for pid, command in installation.processes().items() if "cli worker" in command)
    os.kill(worker, signal.SIGKILL)
    assert wait(
        lambda: any("cli worker" in line and pid != worker for pid, line in installation.processes().items()), seconds=5
    ), "a crashed worker is started again"

    installation.end(signal.SIGKILL)
    assert wait(lambda: not installation.processes(), seconds=10), installation.processes()

    installation.run()
    with installation.database() as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert installation.end(signal.SIGINT) == 0
    assert not installation.processes()


def test_what_cannot_work_is_given_up_in_plain_words(installation: Installation, tmp_path: Path) -> None:
    """The database's folder is broken: said once, in words, with nothing left running."""
    server = Postgres(Home(installation.home))
    installation.home.mkdir(parents=True)
    server.locate()
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("9\n")
    code, words = installation.refusal()
    assert code == 1
    assert "The data was made by PostgreSQL 9" in words
    assert "Traceback" not in words
    assert not installation.processes()
