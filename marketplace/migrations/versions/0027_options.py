"""Options to extend a contract, and the variations that use them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "extension_options",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("decide_by", sa.Date(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum("use", "leave", name="decision", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_reason", sa.String(), nullable=True),
        sa.CheckConstraint("months BETWEEN 1 AND 60", name=op.f("ck_extension_options_months")),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL) AND (decision IS NULL) = (decided_by IS NULL) "
            "AND (decision IS NULL) = (decided_reason IS NULL)",
            name=op.f("ck_extension_options_decided"),
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_extension_options_agreement_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_extension_options_decided_by")),
        sa.ForeignKeyConstraint(
            ["version_id", "agreement_id"],
            ["agreement_versions.id", "agreement_versions.agreement_id"],
            name=op.f("fk_extension_options_version_id_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension_options")),
        sa.UniqueConstraint("agreement_id", "number", name=op.f("uq_extension_options_agreement_id_number")),
    )
    op.create_index(op.f("ix_extension_options_agreement_id"), "extension_options", ["agreement_id"])
    op.create_index(op.f("ix_extension_options_version_id"), "extension_options", ["version_id"])
    op.add_column("variations", sa.Column("option_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_variations_option_id"), "variations", "extension_options", ["option_id"], ["id"])
    op.create_index(op.f("ix_variations_option_id"), "variations", ["option_id"])
    op.drop_constraint(op.f("ck_variations_purpose"), "variations", type_="check")
    op.create_check_constraint(
        op.f("ck_variations_purpose"), "variations", "purpose IN ('change', 'extension', 'ending', 'notice')"
    )
    op.create_check_constraint(
        op.f("ck_variations_extension_of_option"), "variations", "(purpose = 'extension') = (option_id IS NOT NULL)"
    )
