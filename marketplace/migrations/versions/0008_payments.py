"""Suppliers' accounts at the payment provider, and payments and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from marketplace.database import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_events", sa.Column("was_asked_for", sa.Boolean(), nullable=False, server_default="false"))
    op.create_index(
        "ix_payment_events_waiting",
        "payment_events",
        ["happened_at", "id"],
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_table(
        "receiving_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("status", _choice("status", "incomplete", "checking", "able", "restricted"), nullable=False),
        sa.Column("wanted", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("as_of", Moment(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint(
            "status <> 'able' OR provider_id IS NOT NULL", name=op.f("ck_receiving_accounts_able_there")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_receiving_accounts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receiving_accounts")),
        sa.UniqueConstraint("organisation_id", name=op.f("uq_receiving_accounts_organisation_id")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_receiving_accounts_provider_id")),
    )
    op.create_table(
        "provider_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("provider_invoice", sa.String(), nullable=True),
        sa.Column("amount", sa.Numeric(12, 2), nullable=True),
        sa.Column("paid_at", Moment(), nullable=True),
        sa.Column("refunded", sa.Numeric(12, 2), nullable=False),
        sa.Column("refunded_as_of", Moment(), nullable=True),
        sa.CheckConstraint("refunded >= 0", name=op.f("ck_provider_payments_refunded_not_negative")),
        sa.CheckConstraint(
            "(provider_invoice IS NULL) = (amount IS NULL)", name=op.f("ck_provider_payments_invoice_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_payments")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_provider_payments_provider_id")),
    )
    op.create_index(op.f("ix_provider_payments_provider_invoice"), "provider_payments", ["provider_invoice"])
    op.create_table(
        "chargebacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("payment", sa.String(), nullable=True),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", _choice("status", "asked", "taken", "withdrawn", "won", "lost"), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_chargebacks_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargebacks")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_chargebacks_provider_id")),
    )
    for column in ("payment", "invoice_id", "status"):
        op.create_index(op.f(f"ix_chargebacks_{column}"), "chargebacks", [column])


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)
