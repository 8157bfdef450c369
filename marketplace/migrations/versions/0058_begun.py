"""Who was first referred when, and to which kind of help, is in one index by line: cohorts are counted from it alone.

With which suppliers a funder has an account is in one, too.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_referrals_begun",
        "referrals",
        ["line_id", sa.text("coalesce(joined_at, sent_at)")],
        postgresql_include=["joined_at", "sent_at", "category_code", "complexity"],
        postgresql_where=sa.text("moved_from_id IS NULL"),
    )
    op.drop_index("ix_postings_funder_id", table_name="postings")
    op.create_index("ix_postings_funder_id", "postings", ["funder_id", "supplier_id"])
