"""The ground: places, accounts, the framework, suppliers; audit trail and outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("organisation_name", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_subject", "audit_events", ["subject_kind", "subject_id", "id"], unique=False)
    op.create_table(
        "categories",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_cy", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    op.create_table(
        "cohorts",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_cy", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_cohorts")),
    )
    op.create_table(
        "frameworks",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_cy", sa.String(), nullable=True),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_frameworks")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=True),
        sa.Column("failed_sign_ins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_index("uq_people_email", "people", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "places",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "probation_region",
                "police_force_area",
                "local_authority",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_cy", sa.String(), nullable=True),
        sa.Column("parent_code", sa.String(), nullable=True),
        sa.Column("pcc_area", sa.String(), nullable=True),
        sa.Column("reissued_code", sa.String(), nullable=True),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "level <> 'probation_region' OR parent_code IS NULL", name=op.f("ck_places_regions_are_roots")
        ),
        sa.CheckConstraint(
            "level = 'police_force_area' OR pcc_area IS NULL", name=op.f("ck_places_pcc_area_of_forces")
        ),
        sa.ForeignKeyConstraint(["parent_code"], ["places.code"], name=op.f("fk_places_parent_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_places")),
        sa.UniqueConstraint("reissued_code", name=op.f("uq_places_reissued_code")),
    )
    op.create_index(op.f("ix_places_parent_code"), "places", ["parent_code"], unique=False)
    op.create_table(
        "selection_questions",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_cy", sa.String(), nullable=True),
        sa.Column("hint", sa.String(), nullable=True),
        sa.Column(
            "rule",
            sa.Enum(
                "pass_if_yes",
                "pass_if_no",
                "judged",
                "information",
                name="rule",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("word_limit", sa.Integer(), nullable=True),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_selection_questions")),
    )
    op.create_table(
        "desired_outcomes",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_cy", sa.String(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_desired_outcomes_category_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_desired_outcomes")),
    )
    op.create_index(op.f("ix_desired_outcomes_category_code"), "desired_outcomes", ["category_code"], unique=False)
    op.create_table(
        "letters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("holds_secret", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("waiting", "sent", "failed", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_letters_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("key", name=op.f("uq_letters_key")),
    )
    op.create_index(op.f("ix_letters_next_attempt_at"), "letters", ["next_attempt_at"], unique=False)
    op.create_index(op.f("ix_letters_person_id"), "letters", ["person_id"], unique=False)
    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "supplier",
                "probation_region",
                "hmpps_national",
                "pcc",
                "mopac",
                "gmca",
                "local_authority",
                "nhs_body",
                "welsh_government",
                "prison",
                "framework_team",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_cy", sa.String(), nullable=True),
        sa.Column(
            "supplier_status",
            sa.Enum(
                "vcse", "sme", "large", name="supplier_status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("company_number", sa.String(), nullable=True),
        sa.Column("charity_number", sa.String(), nullable=True),
        sa.Column("place_code", sa.String(), nullable=True),
        sa.Column("register_name", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_demonstration", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'supplier') OR supplier_status IS NULL", name=op.f("ck_organisations_status_of_suppliers")
        ),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_organisations_place_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
    )
    op.create_index(op.f("ix_organisations_kind"), "organisations", ["kind"], unique=False)
    op.create_index(op.f("ix_organisations_name"), "organisations", ["name"], unique=False)
    op.create_index(
        "uq_organisations_charity_number",
        "organisations",
        ["charity_number"],
        unique=True,
        postgresql_where=sa.text("charity_number IS NOT NULL"),
    )
    op.create_index(
        "uq_organisations_company_number",
        "organisations",
        ["company_number"],
        unique=True,
        postgresql_where=sa.text("company_number IS NOT NULL"),
    )
    op.create_index(
        "uq_organisations_register_name",
        "organisations",
        ["register_name"],
        unique=True,
        postgresql_where=sa.text("register_name IS NOT NULL"),
    )
    op.create_table(
        "places_within",
        sa.Column("inner_code", sa.String(), nullable=False),
        sa.Column("outer_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["inner_code"], ["places.code"], name=op.f("fk_places_within_inner_code")),
        sa.ForeignKeyConstraint(["outer_code"], ["places.code"], name=op.f("fk_places_within_outer_code")),
        sa.PrimaryKeyConstraint("inner_code", "outer_code", name=op.f("pk_places_within")),
    )
    op.create_index("ix_places_within_outer", "places_within", ["outer_code", "inner_code"], unique=False)
    op.create_table(
        "applications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("framework_code", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "submitted",
                "admitted",
                "declined",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("cohorts_stated", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "status NOT IN ('admitted', 'declined') OR decided_at IS NOT NULL",
            name=op.f("ck_applications_decided_by_somebody"),
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_applications_decided_by")),
        sa.ForeignKeyConstraint(["framework_code"], ["frameworks.code"], name=op.f("fk_applications_framework_code")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_applications_organisation_id")
        ),
        sa.ForeignKeyConstraint(["started_by"], ["people.id"], name=op.f("fk_applications_started_by")),
        sa.ForeignKeyConstraint(["submitted_by"], ["people.id"], name=op.f("fk_applications_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    op.create_index(op.f("ix_applications_decided_by"), "applications", ["decided_by"], unique=False)
    op.create_index(op.f("ix_applications_organisation_id"), "applications", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_applications_started_by"), "applications", ["started_by"], unique=False)
    op.create_index(op.f("ix_applications_status"), "applications", ["status"], unique=False)
    op.create_index(op.f("ix_applications_submitted_by"), "applications", ["submitted_by"], unique=False)
    op.create_index(
        "uq_applications_one_open",
        "applications",
        ["organisation_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('draft', 'submitted')"),
    )
    op.create_table(
        "one_time_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind <> 'invitation' OR organisation_id IS NOT NULL", name=op.f("ck_one_time_links_invitation_complete")
        ),
        sa.CheckConstraint("kind IN ('invitation', 'reset')", name=op.f("ck_one_time_links_kind")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_one_time_links_created_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_one_time_links_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_links_token_hash")),
    )
    op.create_index(op.f("ix_one_time_links_created_by"), "one_time_links", ["created_by"], unique=False)
    op.create_index(op.f("ix_one_time_links_organisation_id"), "one_time_links", ["organisation_id"], unique=False)
    op.create_table(
        "role_grants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator",
                "bid_manager",
                "signatory",
                "service_manager",
                "caseworker",
                "supplier_finance",
                "commercial_partner",
                "approver",
                "evaluator",
                "contract_manager",
                "commissioner_finance",
                "regional_coordinator",
                "responsible_officer",
                "framework_team",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_role_grants_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_role_grants_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grants")),
        sa.UniqueConstraint(
            "person_id", "organisation_id", "role", name=op.f("uq_role_grants_person_id_organisation_id_role")
        ),
    )
    op.create_index(op.f("ix_role_grants_organisation_id"), "role_grants", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_role_grants_person_id"), "role_grants", ["person_id"], unique=False)
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=True),
        sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_sign_in_sessions_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sign_in_sessions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_sessions_organisation_id"), "sign_in_sessions", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_sign_in_sessions_person_id"), "sign_in_sessions", ["person_id"], unique=False)
    op.create_table(
        "supplier_cohorts",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("cohort_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["cohort_code"], ["cohorts.code"], name=op.f("fk_supplier_cohorts_cohort_code")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_supplier_cohorts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "cohort_code", name=op.f("pk_supplier_cohorts")),
    )
    op.create_table(
        "application_answers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("question_code", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_application_answers_application_id")
        ),
        sa.ForeignKeyConstraint(
            ["question_code"], ["selection_questions.code"], name=op.f("fk_application_answers_question_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_answers")),
        sa.UniqueConstraint(
            "application_id", "question_code", name=op.f("uq_application_answers_application_id_question_code")
        ),
    )
    op.create_index(
        op.f("ix_application_answers_application_id"), "application_answers", ["application_id"], unique=False
    )
    op.create_table(
        "application_categories",
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_application_categories_application_id")
        ),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_application_categories_category_code")
        ),
        sa.PrimaryKeyConstraint("application_id", "category_code", name=op.f("pk_application_categories")),
    )
    op.create_table(
        "invited_roles",
        sa.Column("link_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator",
                "bid_manager",
                "signatory",
                "service_manager",
                "caseworker",
                "supplier_finance",
                "commercial_partner",
                "approver",
                "evaluator",
                "contract_manager",
                "commissioner_finance",
                "regional_coordinator",
                "responsible_officer",
                "framework_team",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["link_id"], ["one_time_links.id"], name=op.f("fk_invited_roles_link_id")),
        sa.PrimaryKeyConstraint("link_id", "role", name=op.f("pk_invited_roles")),
    )
    op.create_table(
        "qualifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "sought",
                "qualified",
                "declined",
                "lapsed",
                "suspended",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["applications.id"], name=op.f("fk_qualifications_application_id")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_qualifications_category_code")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_qualifications_decided_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_qualifications_organisation_id")
        ),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_qualifications_place_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualifications")),
        sa.UniqueConstraint(
            "organisation_id",
            "category_code",
            "place_code",
            name=op.f("uq_qualifications_organisation_id_category_code_place_code"),
        ),
    )
    op.create_index(op.f("ix_qualifications_application_id"), "qualifications", ["application_id"], unique=False)
    op.create_index(op.f("ix_qualifications_decided_by"), "qualifications", ["decided_by"], unique=False)
    op.create_index(
        "ix_qualifications_match", "qualifications", ["category_code", "place_code", "status"], unique=False
    )
    op.create_index(op.f("ix_qualifications_organisation_id"), "qualifications", ["organisation_id"], unique=False)
    op.create_table(
        "application_areas",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.Column(
            "decision",
            sa.Enum(
                "sought",
                "qualified",
                "declined",
                "lapsed",
                "suspended",
                name="decision",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "decision <> 'declined' OR coalesce(reason, '') <> ''",
            name=op.f("ck_application_areas_declined_with_a_reason"),
        ),
        sa.CheckConstraint(
            "decision IN ('qualified', 'declined')", name=op.f("ck_application_areas_qualified_or_declined")
        ),
        sa.ForeignKeyConstraint(
            ["application_id", "category_code"],
            ["application_categories.application_id", "application_categories.category_code"],
            name=op.f("fk_application_areas_application_id_category_code"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_application_areas_place_code")),
        sa.PrimaryKeyConstraint("application_id", "category_code", "place_code", name=op.f("pk_application_areas")),
    )

    # The audit trail is append-only: the database itself refuses anything else.
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is never changed or deleted';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER audit_events_no_truncate BEFORE TRUNCATE ON audit_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
