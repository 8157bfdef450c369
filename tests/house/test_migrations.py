"""Migrations make exactly the tables that the code describes, from nothing and from each head before."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy import Connection, text

from marketplace.config import CHECKOUT
from marketplace.database import Base
from marketplace.extensions import db
from marketplace.local.binaries import postgres_programs

VERSIONS = CHECKOUT / "marketplace" / "migrations" / "versions"
REVISIONS = sorted(re.match(r"\d+", path.name)[0] for path in VERSIONS.glob("[0-9]*.py"))  # type: ignore[index]
# What migrations make beside the tables of the code.
BESIDE = re.compile(r"SCHEMA public|alembic|CREATE (CONSTRAINT )?TRIGGER")
FUNCTION = re.compile(r"^CREATE FUNCTION .*?\$\$;$", re.DOTALL | re.MULTILINE)


def _statements(app: Flask) -> set[str]:
    """Every statement that would make the present tables again, columns and constraints in any order."""
    address = app.config["SQLALCHEMY_DATABASE_URI"].replace("+psycopg", "")
    dump = subprocess.run(
        [postgres_programs().pg_dump, "--schema-only", "--no-owner", "--dbname", address],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    plain = "\n".join(line for line in dump.splitlines() if line and not line.startswith(("--", "\\")))
    found = set()
    for statement in re.split(r";\n", FUNCTION.sub("", plain)):
        if BESIDE.search(statement):
            continue
        head, *body = [part.strip().rstrip(",;") for part in statement.strip().splitlines()]
        found.add("\n".join([head, *sorted(body)]))
    return found


def _empty(connection: Connection) -> None:
    connection.execute(text("DROP SCHEMA public CASCADE"))
    connection.execute(text("CREATE SCHEMA public"))
    connection.commit()


def test_they_make_what_the_code_describes_constraint_by_constraint(committed_app: Flask) -> None:
    with committed_app.app_context():
        migrated = _statements(committed_app)
        with db.engine.connect() as connection:
            _empty(connection)
            Base.metadata.create_all(connection)
            connection.commit()
        described = _statements(committed_app)
    assert len(described) > 300
    assert migrated - described == set()
    assert described - migrated == set()


def test_they_go_on_from_each_head_before(committed_app: Flask) -> None:
    """One at a time, each from the head before it; the first does not make the present tables, all of them do."""
    with committed_app.app_context():
        wanted = _statements(committed_app)
        with db.engine.connect() as connection:
            _empty(connection)
        flask_migrate.upgrade(revision=REVISIONS[0])
        assert _statements(committed_app) != wanted
        for revision in REVISIONS[1:]:
            flask_migrate.upgrade(revision=revision)
        assert _statements(committed_app) == wanted


def test_they_only_go_forward() -> None:
    for path in VERSIONS.glob("[0-9]*.py"):
        assert "def downgrade" not in Path(path).read_text(), path.name
