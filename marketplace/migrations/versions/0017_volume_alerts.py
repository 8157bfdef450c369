"""Alerts on volumes: raised once for each line, contract year and volume, acted on, closed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volume_alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("year_begins", sa.Date(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "cap_met",
                "cap_close",
                "cap_near",
                "under_minimum",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "acted_on", "closed", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("projected", sa.Integer(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_why", sa.String(), nullable=True),
        sa.CheckConstraint("volume >= 0 AND counted >= 0", name=op.f("ck_volume_alerts_figures")),
        sa.CheckConstraint(
            "(status = 'closed') = (closed_at IS NOT NULL) AND (status = 'closed') = (closed_why IS NOT NULL)",
            name=op.f("ck_volume_alerts_closed"),
        ),
        sa.CheckConstraint("closed_by IS NULL OR closed_at IS NOT NULL", name=op.f("ck_volume_alerts_closed_by")),
        sa.ForeignKeyConstraint(["closed_by"], ["people.id"], name=op.f("fk_volume_alerts_closed_by")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_volume_alerts_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_alerts")),
        sa.UniqueConstraint("id", "line_id", name=op.f("uq_volume_alerts_id_line_id")),
        sa.UniqueConstraint(
            "line_id", "year_begins", "kind", "volume", name=op.f("uq_volume_alerts_line_id_year_begins_kind_volume")
        ),
    )
    op.create_index(op.f("ix_volume_alerts_closed_by"), "volume_alerts", ["closed_by"])
    op.create_index(op.f("ix_volume_alerts_line_id"), "volume_alerts", ["line_id"])
    op.create_index(
        "ix_volume_alerts_unclosed", "volume_alerts", ["line_id"], postgresql_where=sa.text("status <> 'closed'")
    )
