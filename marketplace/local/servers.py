"""`with local_servers(...)`: a database and a queue for whatever runs inside."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from marketplace.local.places import Home
from marketplace.local.postgres import Postgres
from marketplace.local.processes import CannotStart, start, stop
from marketplace.local.valkey import Valkey

Server = Postgres | Valkey
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Urls:
    """Where the database and the queue are."""

    database: str
    redis: str

    def environment(self) -> dict[str, str]:
        """The settings that tell the marketplace."""
        return {"DATABASE_URL": self.database, "REDIS_URL": self.redis}


class InUse(CannotStart):
    """The installation's servers are being run by another process."""


class Lock:
    """Who runs the servers of one installation: one process at a time. Linux frees it when that process dies."""

    def __init__(self, home: Home) -> None:
        self.path = home.path / "servers.lock"
        self._file: IO[str] | None = None

    def take(self, what: str) -> None:
        """Take it, leaving word of who we are. Raises InUse, with the words of whoever holds it."""
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise InUse(self._words()) from error
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), "what": what}))
        file.flush()
        self._file = file

    def free(self) -> None:
        """Give it back."""
        if self._file:
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def _words(self) -> str:
        try:
            holder = json.loads(self.path.read_text())
            who = f"{holder['what']}, process {holder['process']}"
        except (OSError, ValueError, KeyError):
            who = "another process"
        return (
            f"This installation ({self.path.parent}) is already running: {who}. Stop it first, "
            "or start a second one beside it: PORT=5010 MARKETPLACE_HOME=var-second script/run"
        )


@contextmanager
def local_servers(home: Path, environment: Mapping[str, str] | None = None, *, durable: bool = True) -> Iterator[Urls]:
    """Addresses of a database and a queue that answer for as long as the block lasts.

    DATABASE_URL and REDIS_URL win. Else the installation's running servers are used, or, when there are none,
    started for the block's own duration. Who started them waits at the end for others who came to use them.
    """
    given = os.environ if environment is None else environment
    database, redis = given.get("DATABASE_URL", ""), given.get("REDIS_URL", "")
    if database and redis:
        yield Urls(database, redis)
        return
    place = Home(home)
    place.make()
    postgres, valkey = Postgres(place, durable), Valkey(place, durable)
    wanted: list[Server] = [*([] if database else [postgres]), *([] if redis else [valkey])]
    with _ours_or_running(place, wanted):
        yield Urls(database or postgres.url(), redis or valkey.url())


@contextmanager
def _ours_or_running(home: Home, wanted: list[Server]) -> Iterator[None]:
    lock = Lock(home)
    with (home.path / "users.lock").open("a") as users:
        # Shared by all who use the servers; who owns them takes it alone before ending them.
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            lock.take("a marketplace command")
        except InUse:
            _find_running(wanted)
            yield
            return
        processes: list[tuple[Server, subprocess.Popen[bytes]]] = []
        try:
            with (home.log / "servers.log").open("ab") as output:
                for server in wanted:
                    server.prepare()
                    processes.append((server, launch(server, output)))
                for server, process in processes:
                    wait_until_ready(server, process, home.log / "servers.log")
            yield
            fcntl.flock(users, fcntl.LOCK_EX)
        finally:
            for server, process in reversed(processes):
                stop(process, server.stop_signal, seconds=STOP_SECONDS)
            lock.free()


def _find_running(wanted: list[Server]) -> None:
    """Wait until the servers that another process runs (or is just starting) answer."""
    for server in wanted:
        server.locate()
        deadline = time.monotonic() + START_SECONDS
        while not server.ready():
            if time.monotonic() > deadline:
                raise CannotStart(f"Another process runs this installation, but its {server.name} does not answer.")
            time.sleep(0.1)


def launch(server: Server, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a server that has been prepared."""
    return start(server.command(), death_signal=server.stop_signal, user=server.user, output=output)


def wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the first answer; refuse in plain words if the server ends instead."""
    deadline = time.monotonic() + START_SECONDS
    while not server.ready():
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise CannotStart(f"{server.name} ended at once. Its last words: {' / '.join(said) or 'none'}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{server.name} did not answer within {START_SECONDS:.0f} seconds.")
        time.sleep(0.02)
