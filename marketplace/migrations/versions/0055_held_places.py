"""A place that is held over the end of a contract year is given back with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "held_places",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("referral_id", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("released_at >= placed_at", name=op.f("ck_held_places_released_after")),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_held_places_referral_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_places")),
        sa.UniqueConstraint("referral_id", "placed_at", name=op.f("uq_held_places_referral_id_placed_at")),
    )
    op.create_index(op.f("ix_held_places_referral_id"), "held_places", ["referral_id"])
