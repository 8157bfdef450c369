"""Targets that both sides agree, scorecards of months that are over, and actions to improve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "measure_targets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "measure",
            sa.Enum(
                "attended",
                "in_touch",
                "reviewed",
                "completed",
                "reached",
                "answered",
                "taken_on",
                "first_session",
                "recorded",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("percent", sa.Integer(), nullable=True),
        sa.Column("tolerance", sa.Integer(), nullable=True),
        sa.Column("from_month", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "agreed",
                "declined",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "side",
            sa.Enum("supplier", "commissioner", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("(status = 'proposed') = (answered_at IS NULL)", name=op.f("ck_measure_targets_answered")),
        sa.CheckConstraint(
            "status <> 'agreed' OR answered_by <> proposed_by", name=op.f("ck_measure_targets_agreed_by_another")
        ),
        sa.CheckConstraint(
            "status <> 'declined' OR reason IS NOT NULL", name=op.f("ck_measure_targets_declined_with_reason")
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answered_by IS NULL)", name=op.f("ck_measure_targets_answered_by_somebody")
        ),
        sa.CheckConstraint("(percent IS NULL) = (tolerance IS NULL)", name=op.f("ck_measure_targets_complete")),
        sa.CheckConstraint("extract(day from from_month) = 1", name=op.f("ck_measure_targets_month_begins")),
        sa.CheckConstraint(
            "percent BETWEEN 1 AND 100 AND tolerance BETWEEN 0 AND percent", name=op.f("ck_measure_targets_percent")
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_measure_targets_agreement_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["people.id"], name=op.f("fk_measure_targets_answered_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["people.id"], name=op.f("fk_measure_targets_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measure_targets")),
    )
    op.create_index(op.f("ix_measure_targets_agreement_id"), "measure_targets", ["agreement_id"])
    op.create_index(op.f("ix_measure_targets_proposed_by"), "measure_targets", ["proposed_by"])
    op.create_index(
        "uq_measure_targets_one_proposed",
        "measure_targets",
        ["agreement_id", "measure"],
        unique=True,
        postgresql_where=sa.text("status = 'proposed'"),
    )
    op.create_table(
        "scorecards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "quality",
            sa.Enum(
                "missed", "near", "met", "too_few", name="quality", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "outcomes",
            sa.Enum(
                "missed",
                "near",
                "met",
                "too_few",
                name="outcomes",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "basics",
            sa.Enum(
                "missed", "near", "met", "too_few", name="basics", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "overall",
            sa.Enum(
                "missed", "near", "met", "too_few", name="overall", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("commented_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("commented_by", sa.BigInteger(), nullable=True),
        sa.Column("review", sa.String(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(comment IS NULL) = (commented_at IS NULL) AND (comment IS NULL) = (commented_by IS NULL)",
            name=op.f("ck_scorecards_commented"),
        ),
        sa.CheckConstraint(
            "(review IS NULL) = (reviewed_at IS NULL) AND (review IS NULL) = (reviewed_by IS NULL)",
            name=op.f("ck_scorecards_reviewed"),
        ),
        sa.CheckConstraint("extract(day from month) = 1", name=op.f("ck_scorecards_month_begins")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_scorecards_agreement_id")),
        sa.ForeignKeyConstraint(["commented_by"], ["people.id"], name=op.f("fk_scorecards_commented_by")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["people.id"], name=op.f("fk_scorecards_reviewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scorecards")),
        sa.UniqueConstraint("agreement_id", "month", name=op.f("uq_scorecards_agreement_id_month")),
    )
    op.create_index(op.f("ix_scorecards_agreement_id"), "scorecards", ["agreement_id"])
    op.create_index(op.f("ix_scorecards_overall"), "scorecards", ["overall"])
    op.create_table(
        "improvement_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scorecard_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("supplier", "commissioner", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "done", "closed", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.String(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.BigInteger(), nullable=True),
        sa.Column("reopened", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_improvement_actions_closed")),
        sa.CheckConstraint("(status = 'open') = (done_at IS NULL)", name=op.f("ck_improvement_actions_done")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_improvement_actions_closed_by_somebody")
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) = (done_by IS NULL) AND (done_at IS NULL) = (shown IS NULL)",
            name=op.f("ck_improvement_actions_done_complete"),
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["people.id"], name=op.f("fk_improvement_actions_closed_by")),
        sa.ForeignKeyConstraint(["done_by"], ["people.id"], name=op.f("fk_improvement_actions_done_by")),
        sa.ForeignKeyConstraint(["scorecard_id"], ["scorecards.id"], name=op.f("fk_improvement_actions_scorecard_id")),
        sa.ForeignKeyConstraint(["set_by"], ["people.id"], name=op.f("fk_improvement_actions_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_improvement_actions")),
    )
    op.create_index(
        "ix_improvement_actions_open",
        "improvement_actions",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(op.f("ix_improvement_actions_scorecard_id"), "improvement_actions", ["scorecard_id"])
    op.create_index(op.f("ix_improvement_actions_set_by"), "improvement_actions", ["set_by"])
    op.create_table(
        "scorecard_rows",
        sa.Column("scorecard_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "measure",
            sa.Enum(
                "attended",
                "in_touch",
                "reviewed",
                "completed",
                "reached",
                "answered",
                "taken_on",
                "first_session",
                "recorded",
                name="measure",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("tolerance", sa.Integer(), nullable=False),
        sa.Column("is_agreed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("met BETWEEN 0 AND cases", name=op.f("ck_scorecard_rows_met")),
        sa.CheckConstraint(
            "percent BETWEEN 1 AND 100 AND tolerance BETWEEN 0 AND percent", name=op.f("ck_scorecard_rows_percent")
        ),
        sa.ForeignKeyConstraint(["scorecard_id"], ["scorecards.id"], name=op.f("fk_scorecard_rows_scorecard_id")),
        sa.PrimaryKeyConstraint("scorecard_id", "measure", name=op.f("pk_scorecard_rows")),
    )
