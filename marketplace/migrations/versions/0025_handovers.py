"""Handovers of a service to the next supplier, and what is decided and done about each referral."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

OPEN = "status IN ('draft', 'agreed', 'under_way', 'undoing')"
STATUSES = ("draft", "agreed", "under_way", "done", "undoing", "undone", "cancelled")


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("from_line_id", sa.BigInteger(), nullable=False),
        sa.Column("to_line_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("status", _one_of("status", *STATUSES), nullable=False),
        sa.Column("planned_by", sa.BigInteger(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_reason", sa.String(), nullable=True),
        sa.Column("halted", sa.String(), nullable=True),
        sa.CheckConstraint("from_line_id <> to_line_id", name=op.f("ck_handovers_to_another")),
        sa.CheckConstraint(
            "status IN ('draft', 'cancelled') OR agreed_at IS NOT NULL", name=op.f("ck_handovers_agreed")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'agreed', 'cancelled') OR begun_at IS NOT NULL", name=op.f("ck_handovers_begun")
        ),
        sa.CheckConstraint("status NOT IN ('done', 'undone') OR ended_at IS NOT NULL", name=op.f("ck_handovers_ended")),
        sa.CheckConstraint(
            "(status = 'cancelled') = (cancelled_reason IS NOT NULL)", name=op.f("ck_handovers_cancelled_with_reason")
        ),
        sa.ForeignKeyConstraint(["from_line_id"], ["service_lines.id"], name=op.f("fk_handovers_from_line_id")),
        sa.ForeignKeyConstraint(["to_line_id"], ["service_lines.id"], name=op.f("fk_handovers_to_line_id")),
        sa.ForeignKeyConstraint(["planned_by"], ["people.id"], name=op.f("fk_handovers_planned_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    for column in ("from_line_id", "to_line_id", "status", "planned_by"):
        op.create_index(op.f(f"ix_handovers_{column}"), "handovers", [column])
    op.create_index("uq_handovers_one_open", "handovers", ["from_line_id"], unique=True, postgresql_where=sa.text(OPEN))
    op.create_table(
        "handover_cases",
        sa.Column("handover_id", sa.BigInteger(), nullable=False),
        sa.Column("referral_id", sa.BigInteger(), nullable=False),
        sa.Column("decision", _one_of("decision", "move", "stay"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("moved_to_id", sa.BigInteger(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(moved_to_id IS NULL) = (moved_at IS NULL)", name=op.f("ck_handover_cases_moved")),
        sa.CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name=op.f("ck_handover_cases_decided")),
        sa.ForeignKeyConstraint(["handover_id"], ["handovers.id"], name=op.f("fk_handover_cases_handover_id")),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_handover_cases_referral_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_handover_cases_decided_by")),
        sa.ForeignKeyConstraint(["moved_to_id"], ["referrals.id"], name=op.f("fk_handover_cases_moved_to_id")),
        sa.PrimaryKeyConstraint("handover_id", "referral_id", name=op.f("pk_handover_cases")),
        sa.UniqueConstraint("moved_to_id", name=op.f("uq_handover_cases_moved_to_id")),
    )
    for column in ("referral_id", "decided_by"):
        op.create_index(op.f(f"ix_handover_cases_{column}"), "handover_cases", [column])
