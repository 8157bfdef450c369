"""Variations of contracts, and who approved them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "variations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "awaiting_approval",
                "awaiting_supplier",
                "awaiting_commissioner",
                "agreed",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("returned_reason", sa.String(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(status = 'withdrawn') = (withdrawn_reason IS NOT NULL)", name=op.f("ck_variations_withdrawn_with_reason")
        ),
        sa.CheckConstraint("round >= 1", name=op.f("ck_variations_round")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_variations_agreement_id")),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name=op.f("fk_variations_author_id")),
        sa.ForeignKeyConstraint(
            ["version_id", "agreement_id"],
            ["agreement_versions.id", "agreement_versions.agreement_id"],
            name=op.f("fk_variations_version_id_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variations")),
        sa.UniqueConstraint("version_id", name=op.f("uq_variations_version_id")),
    )
    op.create_index(op.f("ix_variations_agreement_id"), "variations", ["agreement_id"])
    op.create_index(op.f("ix_variations_author_id"), "variations", ["author_id"])
    op.create_index(
        "uq_variations_one_open",
        "variations",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("status NOT IN ('agreed', 'withdrawn')"),
    )
    op.create_table(
        "variation_approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("variation_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("approved OR reason IS NOT NULL", name=op.f("ck_variation_approvals_refused_with_reason")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_variation_approvals_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_variation_approvals_person_id")),
        sa.ForeignKeyConstraint(["variation_id"], ["variations.id"], name=op.f("fk_variation_approvals_variation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variation_approvals")),
        sa.UniqueConstraint(
            "variation_id",
            "round",
            "organisation_id",
            name=op.f("uq_variation_approvals_variation_id_round_organisation_id"),
        ),
    )
    op.create_index(op.f("ix_variation_approvals_organisation_id"), "variation_approvals", ["organisation_id"])
    op.create_index(op.f("ix_variation_approvals_variation_id"), "variation_approvals", ["variation_id"])
