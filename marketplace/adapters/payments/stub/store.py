"""What the stub remembers: one SQLite file, in which every request is one transaction.

A kill -9 between two requests loses nothing; during one, the request never was. So an event exists exactly if the
change it tells of does.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Body = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, place);
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (kind, json_extract(body, '$.customer'));
CREATE INDEX IF NOT EXISTS objects_by_invoice ON objects (kind, json_extract(body, '$.invoice'));
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_created ON objects (kind, json_extract(body, '$.created'));
CREATE TABLE IF NOT EXISTS pages (token TEXT PRIMARY KEY, invoice TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    path TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    request TEXT NOT NULL,
    made REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT 'waiting' CHECK (outcome IN ('waiting', 'delivered', 'lost', 'given up')),
    last_answer TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (outcome, due);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Store:
    """The stub's memory. `clock` gives seconds since 1970."""

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clock = clock
        self._lock = threading.RLock()
        self._inside = False
        self._connection = sqlite3.connect(folder / "payments-stub.sqlite3", check_same_thread=False)
        self._connection.isolation_level = None  # we say BEGIN and COMMIT ourselves
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA busy_timeout = 10000")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one at a time. Inside another one it is part of that."""
        with self._lock:
            if self._inside:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            self._inside = True
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            else:
                self._connection.execute("COMMIT")
            finally:
                self._inside = False

    def run(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """One statement and its rows."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    # Objects

    def new_id(self, prefix: str) -> str:
        """An id in Stripe's manner, such as in_1f3c…"""
        return f"{prefix}_{secrets.token_hex(12)}"

    def put(self, body: Body) -> None:
        """Keep the object, new or changed."""
        self.run(
            "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            body["object"],
            body["id"],
            json.dumps(body),
        )

    def get(self, kind: str, id_: object) -> Body | None:
        """The object of that kind and id, if there is one."""
        rows = self.run("SELECT body FROM objects WHERE kind = ? AND id = ?", kind, id_)
        return json.loads(rows[0]["body"]) if rows else None

    def remove(self, id_: str) -> None:
        """Forget the object."""
        self.run("DELETE FROM objects WHERE id = ?", id_)

    def those(self, kind: str, **fields: str) -> list[Body]:
        """The objects of that kind with these fields, latest first."""
        return self.listed(kind, [(f"json_extract(body, '$.{name}') = ?", value) for name, value in fields.items()])

    def listed(
        self, kind: str, conditions: list[tuple[str, object]], *, limit: int = -1, up: bool = False
    ) -> list[Body]:
        """The objects of that kind for which the conditions hold, latest first (or earliest, for `up`)."""
        where = "".join(f" AND {condition}" for condition, _ in conditions)
        sql = f"SELECT body FROM objects WHERE kind = ?{where} ORDER BY place {'ASC' if up else 'DESC'} LIMIT ?"
        rows = self.run(sql, kind, *(value for _, value in conditions), limit)
        return [json.loads(row["body"]) for row in rows]

    def place(self, kind: str, id_: object) -> int | None:
        """Where the object stands among all, in the order in which they were made."""
        rows = self.run("SELECT place FROM objects WHERE kind = ? AND id = ?", kind, id_)
        return int(rows[0]["place"]) if rows else None

    # Pages of invoices: the unguessable token is what lets somebody see and pay one

    def page_token(self, invoice_id: str) -> str:
        """The token of the invoice's page, made at the first call."""
        self.run(
            "INSERT INTO pages (token, invoice) VALUES (?, ?) ON CONFLICT (invoice) DO NOTHING",
            secrets.token_urlsafe(24),
            invoice_id,
        )
        return str(self.run("SELECT token FROM pages WHERE invoice = ?", invoice_id)[0]["token"])

    def invoice_of_page(self, token: str) -> Body | None:
        """The invoice behind the token, if there is one."""
        rows = self.run("SELECT invoice FROM pages WHERE token = ?", token)
        return self.get("invoice", rows[0]["invoice"]) if rows else None

    # What the stub knows and shows in no object

    def recall(self, name: str) -> Any:
        """What was noted under this name, or None."""
        rows = self.run("SELECT value FROM notes WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else None

    def note(self, name: str, value: Any) -> None:
        """Note it."""
        self.run("INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", name, json.dumps(value))

    def noted(self, begins: str) -> list[tuple[str, Any]]:
        """Every name that begins so, and what was noted under it."""
        rows = self.run("SELECT name, value FROM notes WHERE name GLOB ? || '*' ORDER BY rowid", begins)
        return [(row["name"], json.loads(row["value"])) for row in rows]

    def forget(self, name: str) -> None:
        """Nothing is noted under this name any more."""
        self.run("DELETE FROM notes WHERE name = ?", name)

    # Settings made while running

    def setting(self, name: str, default: Any) -> Any:
        """The setting as last made."""
        rows = self.run("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def set(self, name: str, value: Any) -> None:
        """Make a setting, which outlives a restart."""
        self.run(
            "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            json.dumps(value),
        )
