"""Starting and stopping programs that die with us."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

GUARD = Path(__file__).with_name("guard.py")


class CannotStart(Exception):
    """Something that must run cannot. The message says what in plain words, and what to do."""


@dataclass(frozen=True)
class User:
    """Somebody to run a program as."""

    name: str
    uid: int
    gid: int


def unprivileged_user() -> User | None:
    """As root: who runs PostgreSQL, which refuses to be root. Otherwise None: ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody", "daemon"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(name, entry.pw_uid, entry.pw_gid)
    raise CannotStart("PostgreSQL does not run as root, and this machine has no user 'postgres' or 'nobody' to be.")


def start(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    user: User | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path = Path("/"),
    output: int | IO[Any] = subprocess.PIPE,
    errors: int = subprocess.STDOUT,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own; it gets `death_signal` when this process dies, however it dies.

    Call it from a thread that lives as long as the process: Linux counts the starting thread as the parent.
    """
    who = f"{user.uid}:{user.gid}" if user else "-"
    guarded = [sys.executable, "-I", "-S", str(GUARD), str(int(death_signal)), str(os.getpid()), who]
    return subprocess.Popen(
        [*guarded, *(str(part) for part in command)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=dict(environment) if environment is not None else None,
        cwd=directory,
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], sig: signal.Signals, *, seconds: float) -> None:
    """Ask the program to end; after `seconds`, end it and whatever it started."""
    if process.poll() is None:
        process.send_signal(sig)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    if process.poll() is None:
        kill_group(process)
        process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the program at once, with whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def may_reach(user: User | None, path: Path) -> bool:
    """Whether the user gets to this path: every folder above it lets them through."""
    if user is None:
        return True
    answer = subprocess.run(
        ["/usr/bin/test", "-x", str(path)],
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return answer.returncode == 0
