"""What grants' instalments were used for, and credit notes over what was not spent of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instalment_uses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("instalment_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("sent", "asked", "accepted", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("received", sa.Numeric(12, 2), nullable=False),
        sa.Column("spent", sa.Numeric(12, 2), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("shown_by", sa.String(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.Column("question", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("spent BETWEEN 0 AND received", name=op.f("ck_instalment_uses_spent_within")),
        sa.CheckConstraint("length(what) > 0", name=op.f("ck_instalment_uses_what_given")),
        sa.CheckConstraint("(status = 'sent') = (decided_at IS NULL)", name=op.f("ck_instalment_uses_decided")),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by IS NULL)", name=op.f("ck_instalment_uses_decided_by_somebody")
        ),
        sa.CheckConstraint(
            "(status = 'asked') = (question IS NOT NULL)", name=op.f("ck_instalment_uses_asked_with_question")
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_instalment_uses_agreement_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_instalment_uses_decided_by")),
        sa.ForeignKeyConstraint(["reported_by"], ["people.id"], name=op.f("fk_instalment_uses_reported_by")),
        sa.ForeignKeyConstraint(
            ["instalment_id", "agreement_id"],
            ["grant_instalments.id", "grant_instalments.agreement_id"],
            name=op.f("fk_instalment_uses_instalment_id_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instalment_uses")),
    )
    for column in ("agreement_id", "decided_by", "instalment_id", "reported_by"):
        op.create_index(op.f(f"ix_instalment_uses_{column}"), "instalment_uses", [column])
    op.create_index(
        "uq_instalment_uses_one",
        "instalment_uses",
        ["instalment_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'asked'"),
    )
    op.drop_constraint(op.f("ck_credit_notes_kind"), "credit_notes")
    op.create_check_constraint(
        op.f("ck_credit_notes_kind"),
        "credit_notes",
        "kind IN ('dispute', 'reconciliation', 'deduction', 'correction', 'unspent')",
    )
