"""A contract year that was worked out waits for approval. Those that were reconciled before were approved by nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reconciled_years", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("reconciled_years", sa.Column("approved_by", sa.BigInteger(), nullable=True))
    op.execute("UPDATE reconciled_years SET approved_at = at")
    op.create_foreign_key(
        op.f("fk_reconciled_years_approved_by"), "reconciled_years", "people", ["approved_by"], ["id"]
    )
    op.create_index(op.f("ix_reconciled_years_approved_by"), "reconciled_years", ["approved_by"])
    op.create_check_constraint(
        op.f("ck_reconciled_years_approved_when"),
        "reconciled_years",
        "approved_by IS NULL OR approved_at IS NOT NULL",
    )
