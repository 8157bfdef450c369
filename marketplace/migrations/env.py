"""Alembic's environment: migrations run on the application's own database. Forward only."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import TypeDecorator

from marketplace.database import Base
from marketplace.extensions import db


def _plain_types(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """In a migration a column has the database's own type: our Python types may change, what was migrated may not."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    return f"sa.{item.impl!r}"


def run() -> None:
    """Run what is asked, in one transaction a migration."""
    if context.is_offline_mode():
        raise SystemExit("Migrations run on a database; there is no SQL-only mode.")
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            transaction_per_migration=True,
            render_item=_plain_types,
            **current_app.extensions["migrate"].configure_args.get("context", {}),
        )
        with context.begin_transaction():
            context.run_migrations()


run()
