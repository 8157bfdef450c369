"""How many referrals were seen through to their end is counted from an index of those that were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_referrals_completed",
        "referrals",
        ["line_id", "placed_at"],
        postgresql_include=["ended_at"],
        postgresql_where=sa.text("status = 'completed'"),
    )
