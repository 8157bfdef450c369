"""A call-off keeps how the needs data of its plan stood when it was published, and the reason if not on current data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

STANDINGS = ("none", "awaited", "late", "current", "old")
CHECKS = {
    "needs_standing_kind": f"needs_standing IN {STANDINGS}",
    "needs_standing_of_published": "needs_standing IS NULL OR published_at IS NOT NULL",
    "needs_reason": "(needs_reason IS NOT NULL) = (needs_standing IS NOT NULL AND needs_standing <> 'current')",
    "needs_reason_given": "needs_reason <> ''",
}


def upgrade() -> None:
    op.add_column("competitions", sa.Column("needs_standing", sa.String(40)))
    op.add_column("competitions", sa.Column("needs_reason", sa.String()))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_competitions_{name}"), "competitions", condition)
