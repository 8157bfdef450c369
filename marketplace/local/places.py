"""Where one installation keeps its files."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from marketplace.local.binaries import PostgresPrograms
from marketplace.local.processes import CannotStart, User, may_reach

# A Unix socket's path may have 107 characters; PostgreSQL adds ".s.PGSQL.5432" and a lock file's ".lock" to it.
LONGEST_SOCKET_FOLDER = 80
# As root, when the installation lies where PostgreSQL's user cannot come (under /root, say).
ROOT_STATE = Path("/var/lib/dynamic-framework-marketplace")
LEAST_FREE_MEGABYTES = 300


@dataclass(frozen=True)
class Home:
    """One installation's folder (MARKETPLACE_HOME)."""

    path: Path

    def make(self) -> None:
        """Make the folder; refuse in plain words if it cannot be, or the disk is full."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.log.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotStart(
                f"The folder for this installation's data, {self.path}, cannot be made ({error.strerror}). "
                "Set MARKETPLACE_HOME to a folder you may write to."
            ) from error
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise CannotStart(
                f"{self.path} belongs to another user (number {owner}). Start as that user, "
                "or set MARKETPLACE_HOME to a folder of your own."
            )
        free = shutil.disk_usage(self.path).free // 1_000_000
        if free < LEAST_FREE_MEGABYTES:
            raise CannotStart(
                f"The disk is full: {self.path} has {free} MB left and needs at least {LEAST_FREE_MEGABYTES} MB. "
                "Make room, or set MARKETPLACE_HOME to a folder on another disk."
            )

    @property
    def log(self) -> Path:
        """Where the logs are."""
        return self.path / "log"

    @property
    def mark(self) -> str:
        """A short name of its own for this installation."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:16]

    def folder(self, name: str) -> Path:
        """A private folder of ours inside the home."""
        return private_folder(self.path / name)

    def sockets(self) -> Path:
        """A private folder for sockets, with a path short enough for them."""
        folder = self.path / "run"
        if len(str(folder)) > LONGEST_SOCKET_FOLDER:
            base = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")
            folder = (base if os.access(base, os.W_OK) else Path("/tmp")) / f"marketplace-{self.mark}"
        return private_folder(folder)

    def postgres_folder(self, user: User | None) -> Path:
        """The folder that PostgreSQL's data and socket live in, and that its user reaches."""
        if user is None:
            return self.folder("postgres")
        elsewhere = ROOT_STATE / self.mark
        if may_reach(user, self.path) and not elsewhere.is_dir():  # once elsewhere, always elsewhere
            return private_folder(self.path / "postgres", user)
        return private_folder(reachable_state() / self.mark, user)


def reachable_state() -> Path:
    """As root: a folder that every user may pass through."""
    ROOT_STATE.mkdir(parents=True, exist_ok=True)
    ROOT_STATE.chmod(0o755)
    return ROOT_STATE


def private_folder(folder: Path, user: User | None = None) -> Path:
    """The folder, made if need be, belonging to us (or to the user) and closed to everybody else.

    Somebody else's folder of that name is refused: in /tmp anybody may have put it there.
    """
    expected = user.uid if user else os.geteuid()
    try:
        if not os.path.lexists(folder):
            _put_in_place(folder, user)
    except OSError as error:
        raise CannotStart(f"The folder {folder} cannot be made ({error.strerror}).") from error
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected:
        raise CannotStart(f"{folder} belongs to somebody else (user number {found.st_uid}). Remove it or ask them to.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def _put_in_place(folder: Path, user: User | None) -> None:
    """Make the folder beside, and rename it when it has its owner: two processes at once never see it half made."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        if user:
            os.chown(fresh, user.uid, user.gid)
        fresh.rename(folder)
    except OSError as error:
        fresh.rmdir()
        # Somebody was quicker, and has put something into theirs already.
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            raise


def reachable_programs(programs: PostgresPrograms, user: User | None) -> PostgresPrograms:
    """PostgreSQL's programs where its user can reach them.

    As root with the checkout under /root, say, the unprivileged user cannot: then they are copied once, beside
    the data. Permissions of folders that are not ours are never changed.
    """
    if may_reach(user, programs.postgres):
        return programs
    install = programs.folder.parent
    stamp = hashlib.sha256(f"{install}{programs.postgres.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    kept = reachable_state() / f"postgresql-{programs.major}-{stamp}"
    if not kept.exists():
        fresh = kept.with_name(f".{kept.name}.{os.getpid()}")
        package = install.parent
        shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")  # where the wheel keeps what the programs link to
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))
        try:
            fresh.rename(kept)
        except OSError:  # another installation was quicker
            shutil.rmtree(fresh)
    return PostgresPrograms(kept / install.parent.name / install.name / "bin", programs.major)
