"""Contracts that are given up because one side never signs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_agreements_status"), "agreements", type_="check")
    op.create_check_constraint(
        op.f("ck_agreements_status"),
        "agreements",
        "status IN ('awaiting_supplier', 'awaiting_commissioner', 'signed', 'abandoned')",
    )
    op.create_table(
        "abandonments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved", sa.Boolean(), nullable=True),
        sa.Column("refused_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by IS NULL) AND (decided_at IS NULL) = (approved IS NULL)",
            name=op.f("ck_abandonments_decided"),
        ),
        sa.CheckConstraint("decided_by <> proposed_by", name=op.f("ck_abandonments_two_people")),
        sa.CheckConstraint(
            "(approved IS FALSE) = (refused_reason IS NOT NULL)", name=op.f("ck_abandonments_refused_with_reason")
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_abandonments_agreement_id")),
        sa.ForeignKeyConstraint(["proposed_by"], ["people.id"], name=op.f("fk_abandonments_proposed_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_abandonments_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_abandonments")),
    )
    op.create_index(op.f("ix_abandonments_agreement_id"), "abandonments", ["agreement_id"])
    op.create_index(
        "uq_abandonments_one",
        "abandonments",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("approved IS NOT FALSE"),
    )
