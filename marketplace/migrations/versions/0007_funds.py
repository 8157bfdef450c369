"""Funds, what is set aside from them, and call-offs that are paid from one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "funds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("outcomes", "other", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("purposes", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_funds_amount_positive")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_funds_dates")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_funds_created_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_funds_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funds")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_funds_organisation_id_name")),
    )
    op.create_index(op.f("ix_funds_created_by"), "funds", ["created_by"])
    op.create_index(op.f("ix_funds_organisation_id"), "funds", ["organisation_id"])
    op.create_table(
        "fund_commitments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("fund_id", sa.BigInteger(), nullable=False),
        sa.Column("call_off", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum("held", "agreed", "released", name="stage", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_fund_commitments_amount")),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_fund_commitments_fund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_commitments")),
        sa.UniqueConstraint("call_off", name=op.f("uq_fund_commitments_call_off")),
    )
    op.create_index(op.f("ix_fund_commitments_fund_id"), "fund_commitments", ["fund_id"])
    op.add_column("competition_funders", sa.Column("fund_id", sa.BigInteger(), nullable=True))
    op.add_column("competition_funders", sa.Column("fund_purpose", sa.String(), nullable=True))
    op.create_foreign_key(op.f("fk_competition_funders_fund_id"), "competition_funders", "funds", ["fund_id"], ["id"])
    op.create_index(op.f("ix_competition_funders_fund_id"), "competition_funders", ["fund_id"])
    op.create_check_constraint(
        op.f("ck_competition_funders_fund_with_purpose"),
        "competition_funders",
        "(fund_id IS NULL) = (fund_purpose IS NULL)",
    )
