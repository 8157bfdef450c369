"""script/setup says in plain words what is missing, and does nothing when nothing is to do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parent.parent.parent / "script" / "setup"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder to be the whole PATH: what is put in it is all there is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "find", "cat", "sha256sum"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def program(folder: Path, name: str, does: str) -> None:
    (folder / name).write_text(f"#!/bin/bash\n{does}\n")
    (folder / name).chmod(0o755)


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/bash", SETUP], env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_an_old_python_is_named(programs: Path) -> None:
    program(programs, "python3", '[ "$1" = --version ] && echo "Python 3.9.2" && exit; exit 1')
    done = run(programs)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed, and this machine has Python 3.9.2." in done.stderr


def test_an_ordinary_user_is_told_the_one_command(programs: Path) -> None:
    program(programs, "python3", "exit 0")
    program(programs, "ldconfig", "exit 0")
    program(programs, "apt-get", "echo apt-get must not run; exit 1")
    program(programs, "id", "echo 1000")
    done = run(programs)
    assert done.returncode == 1
    assert "sudo apt-get update && sudo apt-get install --yes --no-install-recommends libpango-1.0-0" in done.stderr
    assert "must not run" not in done.stdout + done.stderr
