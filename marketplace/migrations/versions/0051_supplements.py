"""Supplementary invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supplements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("service_line_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("deduction_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_supplements_amount_positive")),
        sa.CheckConstraint("extract(day from month) = 1", name=op.f("ck_supplements_month_begins")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_supplements_reason_given")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_supplements_agreement_id")),
        sa.ForeignKeyConstraint(["service_line_id"], ["service_lines.id"], name=op.f("fk_supplements_service_line_id")),
        sa.ForeignKeyConstraint(["deduction_id"], ["deductions.id"], name=op.f("fk_supplements_deduction_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.id"], name=op.f("fk_supplements_asked_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplements")),
        sa.UniqueConstraint("agreement_id", "number", name=op.f("uq_supplements_agreement_id_number")),
        sa.UniqueConstraint("id", "agreement_id", name=op.f("uq_supplements_id_agreement_id")),
        sa.UniqueConstraint("deduction_id", name=op.f("uq_supplements_deduction_id")),
    )
    for name in ("agreement_id", "service_line_id", "asked_by"):
        op.create_index(op.f(f"ix_supplements_{name}"), "supplements", [name])
    op.add_column("invoices", sa.Column("supplement_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_invoices_supplement_id"), "invoices", ["supplement_id"])
    op.create_foreign_key(
        op.f("fk_invoices_supplement_id_agreement_id"),
        "invoices",
        "supplements",
        ["supplement_id", "agreement_id"],
        ["id", "agreement_id"],
    )
    op.drop_constraint(op.f("ck_invoices_kind"), "invoices", type_="check")
    op.create_check_constraint(
        op.f("ck_invoices_kind"), "invoices", "kind IN ('month', 'reconciliation', 'instalment', 'supplementary')"
    )
    op.create_check_constraint(
        op.f("ck_invoices_supplement"), "invoices", "(kind = 'supplementary') = (supplement_id IS NOT NULL)"
    )
    op.drop_index("uq_invoices_once", "invoices")
    for name, columns, kinds in (
        ("once", ["agreement_id", "organisation_id", "kind", "period_from"], "NOT IN ('instalment', 'supplementary')"),
        ("supplement_once", ["supplement_id", "organisation_id"], "= 'supplementary'"),
    ):
        op.create_index(
            f"uq_invoices_{name}",
            "invoices",
            [*columns, "sequence"],
            unique=True,
            postgresql_where=sa.text(f"kind {kinds}"),
        )
