"""Suspensions: no new referrals to a contract or one of its services from a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_unique_constraint(op.f("uq_service_lines_id_agreement_id"), "service_lines", ["id", "agreement_id"])
    op.create_table(
        "suspensions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.Column("lifted_from", sa.Date(), nullable=True),
        sa.Column("lifted_reason", sa.String(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_from IS NULL) AND (lifted_at IS NULL) = (lifted_by IS NULL) "
            "AND (lifted_at IS NULL) = (lifted_reason IS NULL)",
            name=op.f("ck_suspensions_lifted"),
        ),
        sa.CheckConstraint("lifted_from >= from_on", name=op.f("ck_suspensions_lifted_later")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_suspensions_agreement_id")),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_suspensions_by")),
        sa.ForeignKeyConstraint(
            ["line_id", "agreement_id"],
            ["service_lines.id", "service_lines.agreement_id"],
            name=op.f("fk_suspensions_line_id_agreement_id"),
        ),
        sa.ForeignKeyConstraint(["lifted_by"], ["people.id"], name=op.f("fk_suspensions_lifted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspensions")),
    )
    op.create_index(op.f("ix_suspensions_agreement_id"), "suspensions", ["agreement_id"])
    op.create_index(
        "uq_suspensions_one_of_contract",
        "suspensions",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("line_id IS NULL AND lifted_at IS NULL"),
    )
    op.create_index(
        "uq_suspensions_one_of_line",
        "suspensions",
        ["line_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
