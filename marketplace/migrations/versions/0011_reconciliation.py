"""Nightly comparisons of the payment provider's books with ours, and what differs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *(sa.Column(name, Moment(), nullable=False) for name in ("since", "until", "started_at", "finished_at")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("ours", "theirs", "differences")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    op.create_table(
        "payment_differences",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "kind",
            _choice(
                "kind",
                *("invoice_missing", "invoice_unknown", "invoice_twice", "invoice_amount", "invoice_status"),
                *("paid_amount", "given_back", "chargeback"),
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("ours", sa.String(), nullable=False),
        sa.Column("theirs", sa.String(), nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("settled_at", Moment(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("noted_at", Moment(), nullable=True),
        sa.Column("noted_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(note IS NULL) = (noted_at IS NULL) AND (note IS NULL) = (noted_by IS NULL)",
            name=op.f("ck_payment_differences_noted"),
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_payment_differences_invoice_id")),
        sa.ForeignKeyConstraint(["noted_by"], ["people.id"], name=op.f("fk_payment_differences_noted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_differences")),
    )
    for column in ("kind", "invoice_id", "noted_by"):
        op.create_index(op.f(f"ix_payment_differences_{column}"), "payment_differences", [column])
    op.create_index(
        "uq_payment_differences_standing",
        "payment_differences",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
