"""Each import contract, broken once on purpose, goes red: in a copy of the tree, all at once, in one run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("marketplace", "calloffs", "contracts", "catalogue")
# Contract, then what is written where to break it.
BREAKS = {
    "Floors: downstream pulls, upstream never pushes": ("calloffs/plans/queries.py", "import calloffs.awards.models"),
    "Every room of the ground floor has its place": ("marketplace/attic.py", '"""A room without a place."""'),
    "Every room of call-offs has its place": ("calloffs/attic/__init__.py", '"""A room without a place."""'),
    "Every room of contracts has its place": ("contracts/attic/__init__.py", '"""A room without a place."""'),
    "Every room of the catalogue has its place": ("catalogue/attic/__init__.py", '"""A room without a place."""'),
    "Rules are pure: no Flask, no SQLAlchemy, no clock": ("calloffs/bids/rules.py", "import sqlalchemy"),
    "Models know no queries, actions, forms or pages": (
        "marketplace/places/models.py",
        "import marketplace.places.actions",
    ),
    "Queries read: they know no actions, forms or pages": (
        "marketplace/places/queries.py",
        "import marketplace.places.actions",
    ),
    "Actions know no forms and no pages": ("marketplace/framework/actions.py", "import wtforms"),
    "Forms check shape only": ("contracts/referrals/forms.py", "import contracts.referrals.views"),
    "What runs before the application does not import it": ("marketplace/local/ports.py", "import flask"),
}


def lint(folder: Path) -> str:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "COLUMNS": "200", "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_each_contract_broken_on_purpose_goes_red(tmp_path: Path) -> None:
    for room in ROOMS:
        shutil.copytree(CHECKOUT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    names = [
        one["name"]
        for one in tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ]
    assert sorted(names) == sorted(BREAKS), "a contract without its break, or the other way round"
    for path, line in BREAKS.values():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as open_file:
            open_file.write(f"\n{line}\n")
    said = lint(tmp_path)
    kept = [name for name in names if not re.search(re.escape(name) + r" BROKEN", said)]
    assert kept == [], said
