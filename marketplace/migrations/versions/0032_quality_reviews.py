"""Quality reviews: a checklist, referrals drawn by a seed, a rating and its reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quality_reviews",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_by", sa.BigInteger(), nullable=False),
        sa.Column("sampled_from", sa.Date(), nullable=False),
        sa.Column("sampled_to", sa.Date(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("sampled_of", sa.Integer(), nullable=False),
        sa.Column(
            "rating",
            sa.Enum(
                "strong",
                "sound",
                "needs_work",
                "poor",
                name="rating",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reasons", sa.String(), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (rating IS NULL) AND (finished_at IS NULL) = (reasons IS NULL) AND (finished_at IS NULL) = (finished_by IS NULL) AND (finished_at IS NULL) = (next_on IS NULL)",
            name=op.f("ck_quality_reviews_finished"),
        ),
        sa.CheckConstraint("sampled_to >= sampled_from", name=op.f("ck_quality_reviews_sampled")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_quality_reviews_agreement_id")),
        sa.ForeignKeyConstraint(["begun_by"], ["people.id"], name=op.f("fk_quality_reviews_begun_by")),
        sa.ForeignKeyConstraint(["finished_by"], ["people.id"], name=op.f("fk_quality_reviews_finished_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_reviews")),
        sa.UniqueConstraint("agreement_id", "number", name=op.f("uq_quality_reviews_agreement_id_number")),
    )
    op.create_index(op.f("ix_quality_reviews_agreement_id"), "quality_reviews", ["agreement_id"])
    op.create_index(op.f("ix_quality_reviews_begun_by"), "quality_reviews", ["begun_by"])
    op.create_index(
        "uq_quality_reviews_one_open",
        "quality_reviews",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "review_points",
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "point",
            sa.Enum(
                "aim",
                "evidence",
                "fit",
                "method",
                "amount",
                "staff",
                "voice",
                "equality",
                name="point",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("met", "partly", "not_met", name="verdict", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("words", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["review_id"], ["quality_reviews.id"], name=op.f("fk_review_points_review_id")),
        sa.PrimaryKeyConstraint("review_id", "point", name=op.f("pk_review_points")),
    )
    op.create_table(
        "reviewed_referrals",
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("referral_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("met", "partly", "not_met", name="verdict", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("words", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_reviewed_referrals_referral_id")),
        sa.ForeignKeyConstraint(["review_id"], ["quality_reviews.id"], name=op.f("fk_reviewed_referrals_review_id")),
        sa.PrimaryKeyConstraint("review_id", "position", name=op.f("pk_reviewed_referrals")),
        sa.UniqueConstraint("review_id", "referral_id", name=op.f("uq_reviewed_referrals_review_id_referral_id")),
    )
    op.create_index(op.f("ix_reviewed_referrals_referral_id"), "reviewed_referrals", ["referral_id"])
