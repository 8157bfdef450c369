"""What the database refuses, by the name of the constraint."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.database import Base
from marketplace.extensions import db


def assert_refused(statement: str, name: str, **values: object) -> None:
    """The statement breaks the constraint of that name; nothing of it is kept."""
    with pytest.raises(IntegrityError) as refused, db.session.begin_nested():
        db.session.execute(text(statement), values)
    assert f'"{name}"' in str(refused.value.orig), statement


def assert_once(table: str, name: str) -> None:
    """The table's row cannot be there a second time, because of the index of that name."""
    columns = ", ".join(one.name for one in Base.metadata.tables[table].columns if one.name != "id")
    assert_refused(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}", name)
