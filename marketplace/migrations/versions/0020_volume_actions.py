"""What is done about volumes: decided, followed up; and what officers are told about a service before they refer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "line_notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("words <> ''", name=op.f("ck_line_notices_words")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_line_notices_line_id")),
        sa.ForeignKeyConstraint(["set_by"], ["people.id"], name=op.f("fk_line_notices_set_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_notices")),
    )
    op.create_index(op.f("ix_line_notices_line_id"), "line_notices", ["line_id"])
    op.create_index(op.f("ix_line_notices_set_by"), "line_notices", ["set_by"])
    op.create_index(
        "ix_line_notices_shown", "line_notices", ["line_id", "until"], postgresql_where=sa.text("ended_at IS NULL")
    )
    _actions()
    op.create_table(
        "volume_reviews",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "verdict",
            _one_of("verdict", "goes_on", "helped", "partly", "no_difference", "dropped"),
            nullable=False,
        ),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(verdict = 'goes_on') = (next_on IS NOT NULL)", name=op.f("ck_volume_reviews_next")),
        sa.CheckConstraint("words <> ''", name=op.f("ck_volume_reviews_words")),
        sa.ForeignKeyConstraint(["action_id"], ["volume_actions.id"], name=op.f("fk_volume_reviews_action_id")),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_volume_reviews_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_reviews")),
        sa.UniqueConstraint("action_id", "due_on", name=op.f("uq_volume_reviews_action_id_due_on")),
    )
    op.create_index(op.f("ix_volume_reviews_action_id"), "volume_reviews", ["action_id"])
    op.create_index(op.f("ix_volume_reviews_by"), "volume_reviews", ["by"])
    op.create_index(
        "uq_volume_reviews_one_last",
        "volume_reviews",
        ["action_id"],
        unique=True,
        postgresql_where=sa.text("verdict <> 'goes_on'"),
    )


def _actions() -> None:
    op.create_table(
        "volume_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", _one_of("kind", "vary", "slow", "waiting_list", "market"), nullable=False),
        sa.Column("status", _one_of("status", "under_way", "done", "dropped"), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("follow_up_on", sa.Date(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=True),
        sa.Column("letters_wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("letters_written_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "letters_wanted_at IS NULL OR kind = 'market'", name=op.f("ck_volume_actions_letters_of_marketing")
        ),
        sa.CheckConstraint(
            "letters_written_at IS NULL OR letters_wanted_at IS NOT NULL",
            name=op.f("ck_volume_actions_letters_wanted"),
        ),
        sa.CheckConstraint(
            "notice_id IS NULL OR kind IN ('slow', 'waiting_list')", name=op.f("ck_volume_actions_notice")
        ),
        sa.CheckConstraint("what <> ''", name=op.f("ck_volume_actions_what")),
        sa.ForeignKeyConstraint(
            ["alert_id", "line_id"],
            ["volume_alerts.id", "volume_alerts.line_id"],
            name=op.f("fk_volume_actions_alert_id_line_id"),
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_volume_actions_decided_by")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_volume_actions_line_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["line_notices.id"], name=op.f("fk_volume_actions_notice_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_volume_actions_organisation_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["people.id"], name=op.f("fk_volume_actions_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_actions")),
    )
    for name in ("alert_id", "decided_by", "line_id", "notice_id", "organisation_id", "owner_id"):
        op.create_index(op.f(f"ix_volume_actions_{name}"), "volume_actions", [name])
    op.create_index(
        "ix_volume_actions_follow_up",
        "volume_actions",
        ["follow_up_on"],
        postgresql_where=sa.text("status = 'under_way'"),
    )
    op.create_index(
        "uq_volume_actions_one_under_way",
        "volume_actions",
        ["line_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status = 'under_way'"),
    )
