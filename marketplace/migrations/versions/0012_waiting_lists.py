"""Waiting lists: referrals that wait for a place, and places held for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATUSES = ("waiting", "offered", "sent", "accepted", "returned", "withdrawn", "completed")
CHECKS = {
    "status": "status IN (" + ", ".join(f"'{one}'" for one in STATUSES) + ")",
    "placed": "status NOT IN ('offered', 'sent', 'accepted', 'returned', 'completed') OR placed_at IS NOT NULL",
    "place_kept": "status NOT IN ('waiting', 'offered', 'sent', 'accepted', 'completed') OR released_at IS NULL",
    "waiting": "status <> 'waiting' OR (joined_at IS NOT NULL AND placed_at IS NULL AND sent_at IS NULL)",
    "offered": "status <> 'offered' OR (joined_at IS NOT NULL AND offered_at IS NOT NULL AND sent_at IS NULL)",
    "offer_ends": "(offered_at IS NULL) = (offer_ends_at IS NULL)",
    "sent_or_waited": "sent_at IS NOT NULL OR joined_at IS NOT NULL",
    "sent": "status NOT IN ('sent', 'accepted', 'returned', 'completed') OR sent_at IS NOT NULL",
}


def upgrade() -> None:
    for name in ("joined_at", "offered_at", "offer_ends_at"):
        op.add_column("referrals", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.alter_column("referrals", "sent_at", nullable=True)
    for name in ("status", "placed", "place_kept"):
        op.drop_constraint(op.f(f"ck_referrals_{name}"), "referrals")
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_referrals_{name}"), "referrals", condition)
    op.drop_index("uq_referrals_one_open", table_name="referrals")
    op.create_index(
        "uq_referrals_one_open",
        "referrals",
        ["line_id", "crn_fingerprint"],
        unique=True,
        postgresql_where=sa.text("status IN ('waiting', 'offered', 'sent', 'accepted')"),
    )
    op.create_index(
        "ix_referrals_queue",
        "referrals",
        ["line_id", "joined_at", "id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index(
        "ix_referrals_offers", "referrals", ["offer_ends_at"], postgresql_where=sa.text("status = 'offered'")
    )
