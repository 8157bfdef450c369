"""Early endings as variations of their own purpose, and the tasks of a contract’s ending."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("variations", sa.Column("purpose", sa.String(length=40), nullable=True))
    op.execute("UPDATE variations SET purpose = 'change'")
    op.alter_column("variations", "purpose", nullable=False)
    op.add_column("variations", sa.Column("ground", sa.String(length=40), nullable=True))
    op.create_check_constraint(op.f("ck_variations_purpose"), "variations", "purpose IN ('change', 'ending', 'notice')")
    op.create_check_constraint(
        op.f("ck_variations_ground"),
        "variations",
        "ground IN ('not_needed', 'funding', 'changed', 'breach', 'unable', 'excluded')",
    )
    op.create_check_constraint(
        op.f("ck_variations_ending_with_ground"),
        "variations",
        "(purpose IN ('ending', 'notice')) = (ground IS NOT NULL)",
    )
    op.create_table(
        "exit_plans",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_exit_plans_agreement_id")),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_exit_plans")),
    )
    op.create_table(
        "exit_tasks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("supplier", "commissioner", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("dropped_reason", sa.String(), nullable=True),
        sa.CheckConstraint("(done_at IS NULL) = (done_by IS NULL)", name=op.f("ck_exit_tasks_done")),
        sa.CheckConstraint("done_at IS NULL OR dropped_reason IS NULL", name=op.f("ck_exit_tasks_done_or_dropped")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_exit_tasks_agreement_id")),
        sa.ForeignKeyConstraint(["done_by"], ["people.id"], name=op.f("fk_exit_tasks_done_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exit_tasks")),
    )
    op.create_index(op.f("ix_exit_tasks_agreement_id"), "exit_tasks", ["agreement_id"])
    op.create_index(
        "uq_exit_tasks_title",
        "exit_tasks",
        ["agreement_id", "title"],
        unique=True,
        postgresql_where=sa.text("dropped_reason IS NULL"),
    )
