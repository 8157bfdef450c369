"""That a supplier was asked about its late referrals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chased_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("late > 0", name=op.f("ck_chases_late")),
        sa.ForeignKeyConstraint(["chased_by"], ["people.id"], name=op.f("fk_chases_chased_by")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_chases_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chases")),
        sa.UniqueConstraint("line_id", "day", name=op.f("uq_chases_line_id_day")),
    )
    op.create_index(op.f("ix_chases_chased_by"), "chases", ["chased_by"])
    op.create_index(op.f("ix_chases_line_id"), "chases", ["line_id"])
