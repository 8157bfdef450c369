"""When in the year a service's referrals are expected: weights of months, from a day on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "line_seasons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("weights", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "cardinality(weights) = 12 AND 0 <= ALL (weights) AND 1000 >= ALL (weights) AND 0 < ANY (weights)",
            name=op.f("ck_line_seasons_weights"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_line_seasons_reason")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_line_seasons_line_id")),
        sa.ForeignKeyConstraint(["set_by"], ["people.id"], name=op.f("fk_line_seasons_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_seasons")),
    )
    op.create_index(op.f("ix_line_seasons_line_id"), "line_seasons", ["line_id"])
    op.create_index(op.f("ix_line_seasons_set_by"), "line_seasons", ["set_by"])
    op.create_index("ix_line_seasons_latest", "line_seasons", ["line_id", "from_day", "id"])
