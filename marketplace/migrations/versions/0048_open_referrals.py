"""What the referral desk and the waiting lists read of a referral, and when somebody was last seen, is in indexes alone.

So that they cost what is open, and not all that ever was.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

OF_OPEN = ["id", "reference", "status", "sent_at", "accepted_at", "ended_at", "moved_from_id"]


def upgrade() -> None:
    op.create_index(
        "ix_referrals_open",
        "referrals",
        ["line_id"],
        postgresql_include=OF_OPEN,
        postgresql_where=sa.text("status IN ('sent', 'accepted', 'transferred')"),
    )
    op.create_index(
        "ix_referrals_unsent",
        "referrals",
        ["line_id"],
        postgresql_include=["status", "joined_at"],
        postgresql_where=sa.text("status IN ('waiting', 'offered')"),
    )
    op.drop_index("ix_sessions_referral_id", table_name="sessions")
    op.create_index(
        "ix_sessions_referral_id", "sessions", ["referral_id", "starts_at"], postgresql_include=["recorded_at"]
    )
