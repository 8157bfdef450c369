"""Call-offs: plans, competitions, bids, evaluation, awards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "competition_reference_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_competition_reference_counters")),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.Column("need", sa.String(), nullable=False),
        sa.Column("projected_annual_volume", sa.Integer(), nullable=False),
        sa.Column("annual_budget", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("annual_budget > 0", name=op.f("ck_plans_budget_positive")),
        sa.CheckConstraint("projected_annual_volume > 0", name=op.f("ck_plans_volume_positive")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_plans_category_code")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_plans_created_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_plans_organisation_id")),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_plans_place_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_created_by"), "plans", ["created_by"], unique=False)
    op.create_index(op.f("ix_plans_organisation_id"), "plans", ["organisation_id"], unique=False)
    op.create_table(
        "competitions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("framework_code", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "awaiting_approval",
                "published",
                "paused",
                "opened",
                "evaluated",
                "award_decided",
                "cancelled",
                "failed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("specification", sa.String(), nullable=False),
        sa.Column("level_reason", sa.String(), nullable=False),
        sa.Column(
            "volume_kind",
            sa.Enum("cap", "bands", name="volume_kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("planned_band", sa.Integer(), nullable=False),
        sa.Column("price_weight", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_reason", sa.String(), nullable=True),
        sa.Column("ended_reason", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("standstill_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status IN ('cancelled', 'failed')) = (ended_at IS NOT NULL AND ended_reason IS NOT NULL)",
            name=op.f("ck_competitions_ended_complete"),
        ),
        sa.CheckConstraint(
            "(status NOT IN ('opened', 'evaluated', 'award_decided')) OR opened_at IS NOT NULL",
            name=op.f("ck_competitions_opened"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'awaiting_approval', 'cancelled') OR (published_at IS NOT NULL AND closes_at IS NOT NULL AND approved_by IS NOT NULL)",
            name=op.f("ck_competitions_published_complete"),
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> author_id", name=op.f("ck_competitions_approved_by_another")
        ),
        sa.CheckConstraint("months BETWEEN 1 AND 120", name=op.f("ck_competitions_months")),
        sa.CheckConstraint("price_weight BETWEEN 0 AND 100", name=op.f("ck_competitions_price_weight")),
        sa.ForeignKeyConstraint(["approved_by"], ["people.id"], name=op.f("fk_competitions_approved_by")),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name=op.f("fk_competitions_author_id")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_competitions_category_code")),
        sa.ForeignKeyConstraint(["framework_code"], ["frameworks.code"], name=op.f("fk_competitions_framework_code")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_competitions_organisation_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_competitions_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competitions")),
        sa.UniqueConstraint("reference", name=op.f("uq_competitions_reference")),
    )
    op.create_index(op.f("ix_competitions_approved_by"), "competitions", ["approved_by"], unique=False)
    op.create_index(op.f("ix_competitions_author_id"), "competitions", ["author_id"], unique=False)
    op.create_index(op.f("ix_competitions_organisation_id"), "competitions", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_competitions_plan_id"), "competitions", ["plan_id"], unique=False)
    op.create_index(op.f("ix_competitions_status"), "competitions", ["status"], unique=False)
    op.create_table(
        "bid_openings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["competition_id"], ["competitions.id"], name=op.f("fk_bid_openings_competition_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_bid_openings_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bid_openings")),
        sa.UniqueConstraint("competition_id", "person_id", name=op.f("uq_bid_openings_competition_id_person_id")),
    )
    op.create_index(op.f("ix_bid_openings_competition_id"), "bid_openings", ["competition_id"], unique=False)
    op.create_index(op.f("ix_bid_openings_person_id"), "bid_openings", ["person_id"], unique=False)
    op.create_table(
        "bids",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft", "submitted", "withdrawn", name="status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("sealed_draft", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_submission", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status <> 'submitted' OR (sealed_submission IS NOT NULL AND submitted_at IS NOT NULL)",
            name=op.f("ck_bids_submitted_complete"),
        ),
        sa.ForeignKeyConstraint(["competition_id"], ["competitions.id"], name=op.f("fk_bids_competition_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_bids_organisation_id")),
        sa.ForeignKeyConstraint(["started_by"], ["people.id"], name=op.f("fk_bids_started_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bids")),
        sa.UniqueConstraint("competition_id", "organisation_id", name=op.f("uq_bids_competition_id_organisation_id")),
    )
    op.create_index(op.f("ix_bids_competition_id"), "bids", ["competition_id"], unique=False)
    op.create_index(op.f("ix_bids_organisation_id"), "bids", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_bids_started_by"), "bids", ["started_by"], unique=False)
    op.create_table(
        "competition_bands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("annual_value", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("annual_value > 0", name=op.f("ck_competition_bands_value_positive")),
        sa.CheckConstraint("low >= 0 AND high >= low", name=op.f("ck_competition_bands_edges")),
        sa.CheckConstraint("number BETWEEN 1 AND 4", name=op.f("ck_competition_bands_number")),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_competition_bands_competition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_bands")),
        sa.UniqueConstraint("competition_id", "number", name=op.f("uq_competition_bands_competition_id_number")),
    )
    op.create_index(op.f("ix_competition_bands_competition_id"), "competition_bands", ["competition_id"], unique=False)
    op.create_table(
        "competition_funders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.CheckConstraint("percent > 0 AND percent <= 100", name=op.f("ck_competition_funders_percent")),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_competition_funders_competition_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_competition_funders_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_funders")),
        sa.UniqueConstraint(
            "competition_id", "organisation_id", name=op.f("uq_competition_funders_competition_id_organisation_id")
        ),
    )
    op.create_index(
        op.f("ix_competition_funders_competition_id"), "competition_funders", ["competition_id"], unique=False
    )
    op.create_index(
        op.f("ix_competition_funders_organisation_id"), "competition_funders", ["organisation_id"], unique=False
    )
    op.create_table(
        "competition_invitations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_competition_invitations_competition_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_competition_invitations_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_invitations")),
        sa.UniqueConstraint(
            "competition_id", "organisation_id", name=op.f("uq_competition_invitations_competition_id_organisation_id")
        ),
    )
    op.create_index(
        op.f("ix_competition_invitations_competition_id"), "competition_invitations", ["competition_id"], unique=False
    )
    op.create_index(
        op.f("ix_competition_invitations_organisation_id"), "competition_invitations", ["organisation_id"], unique=False
    )
    op.create_table(
        "competition_places",
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_competition_places_competition_id")
        ),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_competition_places_place_code")),
        sa.PrimaryKeyConstraint("competition_id", "place_code", name=op.f("pk_competition_places")),
    )
    op.create_table(
        "competition_questions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("scored", "pass_fail", "psed", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("word_limit", sa.Integer(), nullable=False),
        sa.CheckConstraint("(kind = 'scored') = (weight > 0)", name=op.f("ck_competition_questions_weight_of_scored")),
        sa.CheckConstraint("word_limit BETWEEN 1 AND 10000", name=op.f("ck_competition_questions_word_limit")),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_competition_questions_competition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competition_questions")),
        sa.UniqueConstraint(
            "competition_id", "position", name=op.f("uq_competition_questions_competition_id_position")
        ),
    )
    op.create_index(
        op.f("ix_competition_questions_competition_id"), "competition_questions", ["competition_id"], unique=False
    )
    op.create_index(
        "uq_competition_questions_psed",
        "competition_questions",
        ["competition_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'psed'"),
    )
    op.create_table(
        "evaluators",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("appointed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("has_conflict", sa.Boolean(), nullable=True),
        sa.Column("declaration", sa.String(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(declared_at IS NULL) = (has_conflict IS NULL) AND (declared_at IS NULL) = (declaration IS NULL)",
            name=op.f("ck_evaluators_declared_complete"),
        ),
        sa.CheckConstraint(
            "finished_at IS NULL OR (has_conflict IS NOT NULL AND NOT has_conflict)",
            name=op.f("ck_evaluators_finished_free"),
        ),
        sa.ForeignKeyConstraint(["competition_id"], ["competitions.id"], name=op.f("fk_evaluators_competition_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_evaluators_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluators")),
        sa.UniqueConstraint("competition_id", "person_id", name=op.f("uq_evaluators_competition_id_person_id")),
    )
    op.create_index(op.f("ix_evaluators_competition_id"), "evaluators", ["competition_id"], unique=False)
    op.create_index(op.f("ix_evaluators_person_id"), "evaluators", ["person_id"], unique=False)
    op.create_table(
        "agreed_marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_agreed_marks_reason_given")),
        sa.CheckConstraint("mark BETWEEN 0 AND 5", name=op.f("ck_agreed_marks_range")),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_agreed_marks_bid_id")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["competition_questions.id"], name=op.f("fk_agreed_marks_question_id")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["people.id"], name=op.f("fk_agreed_marks_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreed_marks")),
        sa.UniqueConstraint("bid_id", "question_id", name=op.f("uq_agreed_marks_bid_id_question_id")),
    )
    op.create_index(op.f("ix_agreed_marks_bid_id"), "agreed_marks", ["bid_id"], unique=False)
    op.create_index(op.f("ix_agreed_marks_question_id"), "agreed_marks", ["question_id"], unique=False)
    op.create_index(op.f("ix_agreed_marks_recorded_by"), "agreed_marks", ["recorded_by"], unique=False)
    op.create_table(
        "award_recommendations_sent_back",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("recommended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recommended_by", sa.BigInteger(), nullable=False),
        sa.Column("recommendation", sa.String(), nullable=False),
        sa.Column("sent_back_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_back_by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint(
            "sent_back_by <> recommended_by", name=op.f("ck_award_recommendations_sent_back_sent_back_by_another")
        ),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_award_recommendations_sent_back_bid_id")),
        sa.ForeignKeyConstraint(
            ["competition_id"], ["competitions.id"], name=op.f("fk_award_recommendations_sent_back_competition_id")
        ),
        sa.ForeignKeyConstraint(
            ["recommended_by"], ["people.id"], name=op.f("fk_award_recommendations_sent_back_recommended_by")
        ),
        sa.ForeignKeyConstraint(
            ["sent_back_by"], ["people.id"], name=op.f("fk_award_recommendations_sent_back_sent_back_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_recommendations_sent_back")),
    )
    op.create_index(
        op.f("ix_award_recommendations_sent_back_bid_id"), "award_recommendations_sent_back", ["bid_id"], unique=False
    )
    op.create_index(
        op.f("ix_award_recommendations_sent_back_competition_id"),
        "award_recommendations_sent_back",
        ["competition_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_award_recommendations_sent_back_recommended_by"),
        "award_recommendations_sent_back",
        ["recommended_by"],
        unique=False,
    )
    op.create_index(
        op.f("ix_award_recommendations_sent_back_sent_back_by"),
        "award_recommendations_sent_back",
        ["sent_back_by"],
        unique=False,
    )
    op.create_table(
        "awards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("competition_id", sa.BigInteger(), nullable=False),
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("whole_life_value", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("score", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("recommended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recommended_by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("notice_published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("standstill_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL) AND (approved_by IS NULL) = (notice_published_at IS NULL) AND (approved_by IS NULL) = (standstill_ends_at IS NULL)",
            name=op.f("ck_awards_approved_complete"),
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> recommended_by", name=op.f("ck_awards_approved_by_another")
        ),
        sa.ForeignKeyConstraint(["approved_by"], ["people.id"], name=op.f("fk_awards_approved_by")),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_awards_bid_id")),
        sa.ForeignKeyConstraint(["competition_id"], ["competitions.id"], name=op.f("fk_awards_competition_id")),
        sa.ForeignKeyConstraint(["recommended_by"], ["people.id"], name=op.f("fk_awards_recommended_by")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("fk_awards_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awards")),
        sa.UniqueConstraint("competition_id", name=op.f("uq_awards_competition_id")),
    )
    op.create_index(op.f("ix_awards_approved_by"), "awards", ["approved_by"], unique=False)
    op.create_index(op.f("ix_awards_bid_id"), "awards", ["bid_id"], unique=False)
    op.create_index(op.f("ix_awards_recommended_by"), "awards", ["recommended_by"], unique=False)
    op.create_index(op.f("ix_awards_supplier_id"), "awards", ["supplier_id"], unique=False)
    op.create_table(
        "bid_receipts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_bid_receipts_bid_id")),
        sa.ForeignKeyConstraint(["submitted_by"], ["people.id"], name=op.f("fk_bid_receipts_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bid_receipts")),
        sa.UniqueConstraint("bid_id", "number", name=op.f("uq_bid_receipts_bid_id_number")),
    )
    op.create_index(op.f("ix_bid_receipts_bid_id"), "bid_receipts", ["bid_id"], unique=False)
    op.create_index(op.f("ix_bid_receipts_submitted_by"), "bid_receipts", ["submitted_by"], unique=False)
    op.create_table(
        "marks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("question_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_marks_reason_given")),
        sa.CheckConstraint("mark BETWEEN 0 AND 5", name=op.f("ck_marks_range")),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_marks_bid_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_marks_person_id")),
        sa.ForeignKeyConstraint(["question_id"], ["competition_questions.id"], name=op.f("fk_marks_question_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marks")),
        sa.UniqueConstraint("bid_id", "question_id", "person_id", name=op.f("uq_marks_bid_id_question_id_person_id")),
    )
    op.create_index(op.f("ix_marks_bid_id"), "marks", ["bid_id"], unique=False)
    op.create_index(op.f("ix_marks_person_id"), "marks", ["person_id"], unique=False)
    op.create_index(op.f("ix_marks_question_id"), "marks", ["question_id"], unique=False)
    op.create_table(
        "award_assessments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("award_id", sa.BigInteger(), nullable=False),
        sa.Column("bid_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("quality", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("price_score", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("total", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(rank IS NULL) = (total IS NULL) AND (rank IS NULL) = (price_score IS NULL)",
            name=op.f("ck_award_assessments_ranked"),
        ),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_award_assessments_award_id")),
        sa.ForeignKeyConstraint(["bid_id"], ["bids.id"], name=op.f("fk_award_assessments_bid_id")),
        sa.ForeignKeyConstraint(["read_by"], ["people.id"], name=op.f("fk_award_assessments_read_by")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("fk_award_assessments_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_assessments")),
        sa.UniqueConstraint("award_id", "bid_id", name=op.f("uq_award_assessments_award_id_bid_id")),
    )
    op.create_index(op.f("ix_award_assessments_award_id"), "award_assessments", ["award_id"], unique=False)
    op.create_index(op.f("ix_award_assessments_bid_id"), "award_assessments", ["bid_id"], unique=False)
    op.create_index(op.f("ix_award_assessments_read_by"), "award_assessments", ["read_by"], unique=False)
    op.create_index(op.f("ix_award_assessments_supplier_id"), "award_assessments", ["supplier_id"], unique=False)
    op.create_table(
        "awarded_prices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("award_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("annual_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_awarded_prices_award_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_awarded_prices")),
        sa.UniqueConstraint("award_id", "number", name=op.f("uq_awarded_prices_award_id_number")),
    )
    op.create_index(op.f("ix_awarded_prices_award_id"), "awarded_prices", ["award_id"], unique=False)
