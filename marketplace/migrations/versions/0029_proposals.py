"""What suppliers propose to change about their contracts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "change_proposals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "sent",
                "taken_up",
                "declined",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("variation_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'taken_up') = (variation_id IS NOT NULL)", name=op.f("ck_change_proposals_taken_up_as_variation")
        ),
        sa.CheckConstraint(
            "(status = 'declined') = (answer IS NOT NULL)", name=op.f("ck_change_proposals_declined_with_reason")
        ),
        sa.CheckConstraint(
            "(status IN ('taken_up', 'declined')) = (answered_at IS NOT NULL)",
            name=op.f("ck_change_proposals_answered"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answered_by IS NULL)", name=op.f("ck_change_proposals_answered_by_somebody")
        ),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= from_on", name=op.f("ck_change_proposals_dates")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_change_proposals_agreement_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["people.id"], name=op.f("fk_change_proposals_answered_by")),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name=op.f("fk_change_proposals_author_id")),
        sa.ForeignKeyConstraint(["variation_id"], ["variations.id"], name=op.f("fk_change_proposals_variation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_proposals")),
        sa.UniqueConstraint("variation_id", name=op.f("uq_change_proposals_variation_id")),
    )
    op.create_index(op.f("ix_change_proposals_agreement_id"), "change_proposals", ["agreement_id"])
    op.create_index(
        "uq_change_proposals_one_sent",
        "change_proposals",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("status = 'sent'"),
    )
