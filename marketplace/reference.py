"""Reference data: CSV files of our own by natural code, loaded idempotently, retired and never deleted."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Date, Enum, Integer, inspect, select

from marketplace.database import Base
from marketplace.extensions import db


@dataclass(frozen=True)
class Loaded:
    """What one loading did, in rows. Retired rows stay for whatever refers to them, and are no longer offered."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        """Both loadings together."""
        return Loaded(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.retired + other.retired,
        )


def read(path: Path, model: type[Base]) -> list[dict[str, Any]]:
    """The rows of a CSV file whose columns are the model's, each value in its column's type; empty is none.

    Refuses (with the file and line) an unknown column, a code that comes twice and a value of the wrong kind: such a
    file is a mistake of ours, found by the tests before anyone loads it.
    """
    columns = inspect(model).columns
    codes: set[str] = set()
    rows: list[dict[str, Any]] = []
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        for raw in reader:
            try:
                row = {name: _value(columns[name], text) for name, text in raw.items()}
            except (KeyError, ValueError, AttributeError) as error:
                raise ValueError(f"{path.name} line {reader.line_num}: {error}") from error
            if row["code"] in codes:
                raise ValueError(f"{path.name} line {reader.line_num}: {row['code']} comes twice")
            codes.add(row["code"])
            rows.append(row)
    return rows


def _value(column: Column[Any], text: str) -> Any:
    if text == "":
        if not column.nullable:
            raise ValueError(f"{column.name} is empty")
        return None
    if isinstance(column.type, Enum):
        return column.type.enum_class(text)  # type: ignore[misc]
    if isinstance(column.type, Boolean):
        return {"yes": True, "no": False}[text]
    if isinstance(column.type, Integer):
        return int(text)
    if isinstance(column.type, Date):
        return date.fromisoformat(text)
    return text


def load(model: type[Base], rows: Sequence[Mapping[str, Any]], *, today: date) -> Loaded:
    """Make the table say what the rows say: new codes are added, others brought up to date.

    A code that is no longer among the rows is retired as of today; one that comes back is in use again. A table
    without `retired_on` (the frameworks) keeps what it has.
    """
    mapper = inspect(model)
    kept = {row.code: row for row in db.session.scalars(select(model))}  # type: ignore[attr-defined]
    retires = "retired_on" in mapper.columns
    added = changed = unchanged = retired = 0
    for values in rows:
        wanted = {**values, "retired_on": None} if retires else dict(values)
        row = kept.pop(values["code"], None)
        if row is None:
            db.session.add(model(**wanted))
            added += 1
            continue
        different = {name: value for name, value in wanted.items() if getattr(row, name) != value}
        for name, value in different.items():
            setattr(row, name, value)
        changed, unchanged = changed + bool(different), unchanged + (not different)
    for row in kept.values():
        if not retires:
            continue
        if row.retired_on is None:  # type: ignore[attr-defined]
            row.retired_on = today  # type: ignore[attr-defined]
            retired += 1
    db.session.flush()
    return Loaded(added, changed, unchanged, retired)
