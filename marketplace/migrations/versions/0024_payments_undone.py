"""Payments that a bank has undone: posted, and owed again; refunds that did not arrive."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

POSTINGS = ("invoice", "credit_note", "payment", "refund", "chargeback", "void")
STATUSES = ("awaiting_approval", "draft", "open", "paid", "taken_back", "credited", "void")


def upgrade() -> None:
    """What a bank undid before this stays unposted until the next news of its invoice, which posts it."""
    op.add_column("invoices", sa.Column("owed_again", sa.Numeric(12, 2), server_default="0", nullable=False))
    op.add_column("credit_notes", sa.Column("taken_back", sa.Numeric(12, 2), server_default="0", nullable=False))
    op.add_column("credit_notes", sa.Column("failed_refund", sa.String(), nullable=True))
    op.add_column("chargebacks", sa.Column("posted_at", Moment(), nullable=True))
    for table, column, values in (("invoices", "status", STATUSES), ("postings", "kind", POSTINGS)):
        name = op.f(f"ck_{table}_{column}")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"{column} IN ({', '.join(map(repr, values))})")
    for table, name, rule in (
        ("invoices", "owed_again", "owed_again >= 0 AND (status = 'taken_back') = (owed_again > 0)"),
        ("credit_notes", "taken_back_within", "taken_back >= 0 AND to_refund + taken_back <= amount"),
        ("chargebacks", "posted_if_lost", "posted_at IS NULL OR status = 'lost'"),
    ):
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
