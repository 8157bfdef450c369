"""Referrals that are moved to the next supplier, and whether the person lets it read what was recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

STATUSES = ("waiting", "offered", "sent", "accepted", "returned", "withdrawn", "completed", "transferred")
ANSWERS = ("not_asked", "asked", "given", "refused")


def upgrade() -> None:
    op.add_column("referrals", sa.Column("moved_from_id", sa.BigInteger(), nullable=True))
    op.add_column("referrals", sa.Column("move_undone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("referrals", sa.Column("supplier_reads_until", sa.Date(), nullable=True))
    op.add_column(
        "referrals",
        sa.Column(
            "consent",
            sa.Enum(*ANSWERS, name="consent", native_enum=False, create_constraint=True, length=40),
            server_default="not_asked",
            nullable=False,
        ),
    )
    op.add_column("referrals", sa.Column("consent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("referrals", sa.Column("consent_by", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_referrals_moved_from_id"), "referrals", "referrals", ["moved_from_id"], ["id"])
    op.create_foreign_key(op.f("fk_referrals_consent_by"), "referrals", "people", ["consent_by"], ["id"])
    op.create_index(op.f("ix_referrals_consent_by"), "referrals", ["consent_by"])
    op.create_index(
        "uq_referrals_moved_once",
        "referrals",
        ["moved_from_id"],
        unique=True,
        postgresql_where=sa.text("move_undone_at IS NULL"),
    )
    op.drop_constraint(op.f("ck_referrals_status"), "referrals")
    for name, rule in (
        ("status", "status IN (" + ", ".join(f"'{one}'" for one in STATUSES) + ")"),
        ("moved_from_another", "moved_from_id <> id"),
        ("move_undone", "move_undone_at IS NULL OR (moved_from_id IS NOT NULL AND status = 'withdrawn')"),
        (
            "transferred",
            "(status = 'transferred') = (supplier_reads_until IS NOT NULL) "
            "AND (status <> 'transferred' OR ended_at IS NOT NULL)",
        ),
        (
            "consent_recorded",
            "(consent = 'not_asked') = (consent_at IS NULL) AND (consent_at IS NULL) = (consent_by IS NULL)",
        ),
    ):
        op.create_check_constraint(op.f(f"ck_referrals_{name}"), "referrals", rule)
