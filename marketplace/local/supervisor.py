"""One process that starts everything an installation needs, keeps it running, and ends it.

PostgreSQL and Valkey (where no URL is given), the payments stub (where no STRIPE_API_KEY is given), web, worker and
scheduler, each in a session of its own, so that Ctrl-C reaches only the supervisor and everything ends in order.
Each gets a signal from Linux when the supervisor dies, so that a kill -9 leaves nothing behind either.
Single-threaded on purpose: Linux counts the starting *thread* as the parent.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from marketplace.config import Settings
from marketplace.local import ports
from marketplace.local.log import Log
from marketplace.local.places import Home
from marketplace.local.postgres import Postgres
from marketplace.local.processes import CannotStart, User, kill_group, start
from marketplace.local.servers import START_SECONDS, Lock, Server
from marketplace.local.valkey import Valkey

CHECKOUT = Path(__file__).resolve().parent.parent.parent
STEADY_SECONDS = 10  # whoever lived this long did not crash at the start
CRASHES = 5  # in a row, at the start, before we give up
LONGEST_PAUSE = 8.0
STOP_SECONDS = 6.0
DATABASE_STOP_SECONDS = 20.0
# Where the payments provider's events go (contracts.payments.views).
WEBHOOK = "/webhooks/payments"
# Advice to administrators of large servers, of no use here.
NOT_WORTH_SAYING = "Memory overcommit must be enabled"


@dataclass
class Program:
    """One program that must be running."""

    name: str
    command: Callable[[], Sequence[str | Path]]
    stop_signal: signal.Signals = signal.SIGTERM
    user: User | None = None
    before: Callable[[], None] = lambda: None
    stop_seconds: float = STOP_SECONDS
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    started_at: float = field(init=False, default=0.0)
    crashes: int = field(init=False, default=0)
    restart_at: float | None = field(init=False, default=None)
    rest: bytes = field(init=False, default=b"")


class Supervisor:
    """Runs one installation until told to stop."""

    def __init__(self, home: Path, port: int, environment: dict[str, str]) -> None:
        self.home = Home(home)
        self.port = port
        self.environment = environment | {"PORT": str(port), "MARKETPLACE_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self.programs: list[Program] = []
        self.stopping = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Start everything, keep it running, and end it all when told to. Raises CannotStart in plain words."""
        began = time.monotonic()
        self.home.make()
        lock = Lock(self.home)
        lock.take(f"script/run on port {self.port}")
        self._catch_signals()
        try:
            stub = "" if self.environment.get("STRIPE_API_KEY") else "the payments stub"
            ports.demand({self.port: "the web pages"} | ({self.port + 1: stub} if stub else {}), port=self.port)
            self.log = Log(self.home.log)
            self._start_servers()
            prepared = self._prepare()
            self._start_programs(stub=bool(stub))
            if stub:
                self._wait(lambda: ports.answers(self.port + 1), "payments")
            self._wait(lambda: ports.answers(self.port), "web")
            if not self.stopping:
                self._welcome(prepared, time.monotonic() - began)
            while not self.stopping:
                self._turn(5.0)
        except _Stopped:
            pass
        finally:
            self._stop_all()
            lock.free()

    # Starting

    def _start_servers(self) -> None:
        wanted: list[tuple[str, Server]] = []
        if not self.environment.get("DATABASE_URL"):
            wanted.append(("DATABASE_URL", Postgres(self.home)))
        if not self.environment.get("REDIS_URL"):
            wanted.append(("REDIS_URL", Valkey(self.home)))
        for _, server in wanted:
            server.prepare()
            seconds = DATABASE_STOP_SECONDS if isinstance(server, Postgres) else STOP_SECONDS
            program = Program(
                server.name, server.command, server.stop_signal, server.user, server.prepare, stop_seconds=seconds
            )
            self.programs.append(program)
            self._start(program)
        for name, server in wanted:
            self._wait(server.ready, server.name)
            self.environment[name] = server.url()

    def _prepare(self) -> dict[str, object]:
        """Bring the database up to date before anything uses it. What it reports is for the welcome."""
        report = self.home.path / "prepared.json"
        with report.open("wb") as output:
            process = start(
                [sys.executable, "-m", "marketplace.cli", "prepare", "--json"],
                death_signal=signal.SIGKILL,
                environment=self.environment,
                directory=CHECKOUT,
                output=output,
                errors=subprocess.PIPE,
            )
            program = Program("prepare", list)
            program.process = process
            self._listen(program)
            try:
                while process.poll() is None:
                    self._turn(0.5)
            finally:
                if process.poll() is None:
                    kill_group(process)
                    process.wait()
                self._drain(program)
        if self.stopping:
            raise _Stopped
        if process.returncode:
            raise CannotStart(_words("The database could not be prepared", self.log.last_words("prepare")))
        read: dict[str, object] = json.loads(report.read_text() or "{}")
        return read

    def _start_programs(self, *, stub: bool) -> None:
        python = sys.executable
        commands: list[tuple[str, list[str]]] = []
        if stub:
            keys = Settings.from_environment(self.environment).keys
            self.environment |= {"STUB_PAYMENTS_KEY": keys.stub_payments, "STUB_WEBHOOK_SECRET": keys.stub_webhook}
            command = [python, "-m", "marketplace.adapters.payments.stub", "--port", str(self.port + 1)]
            command += ["--home", str(self.home.folder("payments"))]
            command += ["--webhook-url", f"http://127.0.0.1:{self.port}{WEBHOOK}"]
            commands.append(("payments", command))
        commands += [
            ("web", [python, "-m", "gunicorn", "--config", "python:marketplace.local.web"]),
            ("worker", [python, "-m", "marketplace.cli", "worker"]),
            ("scheduler", [python, "-m", "marketplace.cli", "scheduler"]),
        ]
        for name, command in commands:
            program = Program(name, lambda command=command: command)  # type: ignore[misc]
            self.programs.append(program)
            self._start(program)

    def _start(self, program: Program) -> None:
        program.restart_at = None
        program.started_at = time.monotonic()
        is_server = program.user is not None or program.name in ("postgres", "valkey")
        program.process = start(
            program.command(),
            death_signal=program.stop_signal,
            user=program.user,
            environment=self.environment,
            directory=Path("/") if is_server else CHECKOUT,
        )
        self._listen(program)

    def _welcome(self, prepared: dict[str, object], seconds: float) -> None:
        say = self.log.say
        self.log.write("supervisor", f"everything runs, after {seconds:.1f} seconds")
        say("")
        people = prepared.get("people")
        if isinstance(people, list) and people:
            say("  Invented people who can sign in:")
            for one in people:
                say(f"    {one['role']:<46} {one['organisation']:<42} {one['email']:<46} {one['password']}")
            say("")
        say(f"  The Dynamic Framework Marketplace is at http://127.0.0.1:{self.port}")
        say(f"  Data and logs: {self.home.path}. Ctrl-C stops it and loses nothing.")
        say("")

    # Keeping

    def _turn(self, seconds: float) -> None:
        """Wait for something to happen, at most so long, and see to it."""
        due = [program.restart_at for program in self.programs if program.restart_at is not None]
        if due:
            seconds = min(seconds, max(0.0, min(due) - time.monotonic()))
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
            else:
                self._read(key.data)
        if self.stopping:
            return
        for program in self.programs:
            if program.process is not None and program.process.poll() is not None:
                self._ended(program)
            elif program.restart_at is not None and program.restart_at <= time.monotonic():
                program.before()
                self._start(program)

    def _ended(self, program: Program) -> None:
        """A program has crashed: start it again after a while, or give up."""
        assert program.process is not None
        code = program.process.returncode
        kill_group(program.process)
        self._drain(program)
        program.process = None
        steady = time.monotonic() - program.started_at >= STEADY_SECONDS
        program.crashes = 1 if steady else program.crashes + 1
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        if program.crashes >= CRASHES:
            said = self.log.last_words(program.name)
            raise CannotStart(_words(f"{program.name} {how}, {CRASHES} times in a row", said))
        pause = min(0.25 * 2 ** (program.crashes - 1), LONGEST_PAUSE)
        program.restart_at = time.monotonic() + pause
        self.log.write("supervisor", f"{program.name} {how}; starting it again")

    def _wait(self, ready: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self._turn(0.03)
            if self.stopping:
                raise _Stopped
            if time.monotonic() > deadline:
                said = self.log.last_words(name)
                raise CannotStart(_words(f"{name} did not answer within {START_SECONDS:.0f} seconds", said))

    def _listen(self, program: Program) -> None:
        process = program.process
        assert process is not None
        pipe = process.stdout or process.stderr
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, selectors.EVENT_READ, program)

    def _read(self, program: Program) -> bool:
        """Put what a program says in the log. False when there is no more for now."""
        pipe = program.process and (program.process.stdout or program.process.stderr)
        if not pipe or pipe.closed:
            return False
        try:
            said = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return False
        *lines, program.rest = (program.rest + said).split(b"\n")
        if not said:
            lines, program.rest = ([program.rest] if program.rest else []), b""
            self._selector.unregister(pipe)
            pipe.close()
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text and NOT_WORTH_SAYING not in text:
                self.log.write(program.name, text)
        return bool(said)

    def _drain(self, program: Program) -> None:
        while self._read(program):
            pass
        pipe = program.process and (program.process.stdout or program.process.stderr)
        if pipe and not pipe.closed:
            self._selector.unregister(pipe)
            pipe.close()

    # Stopping

    def _catch_signals(self) -> None:
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken when a program ends
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(sig) is not signal.SIG_IGN or sig is signal.SIGTERM:  # nohup, or started with "&"
                signal.signal(sig, self._stop_requested)

    def _stop_requested(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _stop_all(self) -> None:
        """End everything: first those that use the servers, then the servers."""
        self.stopping = True
        if not hasattr(self, "log"):
            return
        servers = [program for program in self.programs if program.name in ("postgres", "valkey")]
        for group in ([program for program in self.programs if program not in servers], servers):
            running = [program for program in group if program.process and program.process.poll() is None]
            for program in running:
                assert program.process is not None
                program.process.send_signal(program.stop_signal)
            began = time.monotonic()
            while waiting := [one for one in running if one.process and one.process.poll() is None]:
                for program in waiting:
                    if time.monotonic() - began > program.stop_seconds and program.process:
                        kill_group(program.process)
                self._turn(0.2)
            for program in group:
                if program.process:
                    kill_group(program.process)
                    self._drain(program)
        self.log.write("supervisor", "everything has ended; nothing is lost")


class _Stopped(Exception):
    """Told to stop while starting."""


def _words(what: str, said: list[str]) -> str:
    text = " ".join(said)
    if "No space left on device" in text:
        return f"{what}: the disk is full. Make room and start again."
    last = "\n".join(f"    {line}" for line in said)
    return f"{what}. It said last:\n{last}" if said else f"{what}, and said nothing."
