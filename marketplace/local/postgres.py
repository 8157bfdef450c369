"""A PostgreSQL of one installation's own: reached by a socket only, and only by whoever started it."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from marketplace.local.binaries import PostgresPrograms, postgres_programs
from marketplace.local.places import Home, private_folder, reachable_programs
from marketplace.local.processes import CannotStart, User, unprivileged_user

DATABASE = "marketplace"
OWNER = "marketplace"
FIRST_WITH_BUILTIN_LOCALES = 17


@dataclass
class Postgres:
    """One server. `durable` is off only for tests, whose data nobody misses."""

    home: Home
    durable: bool = True
    name: str = "postgres"
    stop_signal: signal.Signals = signal.SIGINT  # "fast": ends sessions, keeps everything committed
    user: User | None = field(init=False, default=None)
    data: Path = field(init=False)
    sockets: Path = field(init=False)
    programs: PostgresPrograms = field(init=False)

    def locate(self) -> None:
        """Find out where everything is."""
        self.user = unprivileged_user()
        folder = self.home.postgres_folder(self.user)
        self.data = folder / "data"
        if self.user is None:
            self.sockets = self.home.sockets()
        else:  # the server's user must be able to write here
            self.sockets = private_folder(folder / "run", self.user)
            if len(str(self.sockets)) > 80:
                self.sockets = private_folder(Path("/tmp") / f"marketplace-{self.home.mark}-postgres", self.user)

    def prepare(self) -> None:
        """Make the data directory if there is none, and clear away what a killed server left."""
        self.locate()
        made_by = self.data / "PG_VERSION"
        found = postgres_programs(int(made_by.read_text()) if made_by.is_file() else None)
        self.programs = reachable_programs(found, self.user)
        if not made_by.is_file():
            self._make_data()
        self._forget_the_dead()

    def command(self) -> list[str | Path]:
        """The server's command line."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "",
            "logging_collector": "off",
            "jit": "off",
            "max_connections": "120",
            # Logs never hold what people typed: no statements, no values of a violated constraint.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_checkpoints": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [
            self.programs.postgres,
            "-D",
            self.data,
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    def url(self, database: str = DATABASE) -> str:
        """The address of one of its databases, for SQLAlchemy."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={quote(str(self.sockets), safe='')}"

    def ready(self) -> bool:
        """Whether it answers; on its first answer its database is made."""
        try:  # asking too early would only put complaints in the log
            if (self.data / "postmaster.pid").read_text().splitlines()[7].strip() != "ready":
                return False
        except (OSError, IndexError):
            return False
        try:
            with psycopg.connect(
                host=str(self.sockets), user=OWNER, dbname="postgres", connect_timeout=5, autocommit=True
            ) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    # Two processes may ask at once: whoever comes second finds it made.
                    with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                        connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def _make_data(self) -> None:
        """Run initdb into a folder beside, and put it in place when it is whole."""
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        builtin = self.programs.major >= FIRST_WITH_BUILTIN_LOCALES
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"] if builtin else ["--locale=C.UTF-8"]
        sync = [] if self.durable else ["--no-sync"]
        made = subprocess.run(
            [self.programs.initdb, "-D", fresh, "-U", OWNER, "-E", "UTF8", "-A", "peer", *locale, *sync],
            user=self.user.uid if self.user else None,
            group=self.user.gid if self.user else None,
            extra_groups=[] if self.user else None,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            said = (made.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise CannotStart(f"PostgreSQL could not make its data directory {self.data}: {said}")
        self._let_in_only_us(fresh)
        fresh.rename(self.data)

    def _let_in_only_us(self, data: Path) -> None:
        """The socket's folder is closed to others; the server also asks Linux who is calling."""
        try:
            us = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError:  # a container's user without a name: the folder alone must do
            (data / "pg_hba.conf").write_text("local all all trust\n")
            return
        (data / "pg_hba.conf").write_text("local all all peer map=ours\n")
        (data / "pg_ident.conf").write_text(f'ours "{us}" {OWNER}\n')

    def _forget_the_dead(self) -> None:
        """Remove the pid file of a server that is no more; its number may belong to another program by now.

        The caller holds the installation's lock, so a server that still runs here is one that is just ending.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            pid_file.unlink(missing_ok=True)
            return
        if self._is_ours(pid):
            wait_for_end(pid)
            if self._is_ours(pid):
                raise CannotStart(f"A PostgreSQL (process {pid}) still runs on {self.data}. End it and try again.")
        pid_file.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        try:
            return os.path.realpath(f"/proc/{pid}/cwd") == os.path.realpath(self.data)
        except OSError:
            return False


def wait_for_end(pid: int, *, seconds: float = 15) -> None:
    """Wait until a process that is not our child has ended."""
    try:
        watched = os.pidfd_open(pid)
    except OSError:
        return
    try:
        select.select([watched], [], [], seconds)
    finally:
        os.close(watched)
