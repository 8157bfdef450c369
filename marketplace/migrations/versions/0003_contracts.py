"""Contracts: agreements, referrals, invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payment_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_events")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_payment_events_provider_id")),
    )
    op.create_table(
        "payment_accounts",
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_payment_accounts_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_payment_accounts")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_payment_accounts_provider_id")),
    )
    op.create_table(
        "agreements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum("award", "register", name="origin", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("award_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "awaiting_supplier",
                "awaiting_commissioner",
                "signed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("commissioner_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("specification", sa.String(), nullable=False),
        sa.Column("equality_commitments", sa.LargeBinary(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("whole_life_value", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(origin = 'award') = (award_id IS NOT NULL)", name=op.f("ck_agreements_award_known")),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name=op.f("ck_agreements_dates")),
        sa.ForeignKeyConstraint(["award_id"], ["awards.id"], name=op.f("fk_agreements_award_id")),
        sa.ForeignKeyConstraint(["commissioner_id"], ["organisations.id"], name=op.f("fk_agreements_commissioner_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("fk_agreements_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("award_id", name=op.f("uq_agreements_award_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_agreements_reference")),
    )
    op.create_index(op.f("ix_agreements_commissioner_id"), "agreements", ["commissioner_id"], unique=False)
    op.create_index(op.f("ix_agreements_status"), "agreements", ["status"], unique=False)
    op.create_index(op.f("ix_agreements_supplier_id"), "agreements", ["supplier_id"], unique=False)
    op.create_table(
        "agreement_documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("waiting", "made", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.CheckConstraint("(status = 'made') = (sha256 IS NOT NULL)", name=op.f("ck_agreement_documents_made")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_agreement_documents_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_documents")),
    )
    op.create_index(op.f("ix_agreement_documents_agreement_id"), "agreement_documents", ["agreement_id"], unique=False)
    op.create_index(
        "uq_agreement_documents_one_waiting",
        "agreement_documents",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "agreement_funders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.CheckConstraint("percent > 0 AND percent <= 100", name=op.f("ck_agreement_funders_percent")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_agreement_funders_agreement_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_agreement_funders_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_funders")),
        sa.UniqueConstraint(
            "agreement_id", "organisation_id", name=op.f("uq_agreement_funders_agreement_id_organisation_id")
        ),
    )
    op.create_index(op.f("ix_agreement_funders_agreement_id"), "agreement_funders", ["agreement_id"], unique=False)
    op.create_index(
        op.f("ix_agreement_funders_organisation_id"), "agreement_funders", ["organisation_id"], unique=False
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft", "open", "paid", "void", name="status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("payment_url", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("status <> 'paid' OR paid_at IS NOT NULL", name=op.f("ck_invoices_paid_complete")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_invoices_amount_positive")),
        sa.CheckConstraint("extract(day from month) = 1", name=op.f("ck_invoices_month_begins")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_invoices_agreement_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_invoices_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint(
            "agreement_id", "organisation_id", "month", name=op.f("uq_invoices_agreement_id_organisation_id_month")
        ),
        sa.UniqueConstraint("number", name=op.f("uq_invoices_number")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_invoices_provider_id")),
    )
    op.create_index(op.f("ix_invoices_agreement_id"), "invoices", ["agreement_id"], unique=False)
    op.create_index(op.f("ix_invoices_organisation_id"), "invoices", ["organisation_id"], unique=False)
    op.create_index(op.f("ix_invoices_status"), "invoices", ["status"], unique=False)
    op.create_table(
        "service_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("register_type", sa.String(), nullable=True),
        sa.Column("open_to_women", sa.Boolean(), nullable=False),
        sa.Column("open_to_men", sa.Boolean(), nullable=False),
        sa.Column("minimum_age", sa.Integer(), nullable=False),
        sa.Column("maximum_age", sa.Integer(), nullable=True),
        sa.Column("referrals_from", sa.Date(), nullable=False),
        sa.Column("referrals_until", sa.Date(), nullable=True),
        sa.Column(
            "volume_kind",
            sa.Enum("cap", "bands", name="volume_kind", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("planned_band", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "minimum_age >= 18 AND (maximum_age IS NULL OR maximum_age >= minimum_age)",
            name=op.f("ck_service_lines_ages"),
        ),
        sa.CheckConstraint("open_to_women OR open_to_men", name=op.f("ck_service_lines_open_to_somebody")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_service_lines_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_lines")),
        sa.UniqueConstraint("agreement_id", "number", name=op.f("uq_service_lines_agreement_id_number")),
    )
    op.create_index(op.f("ix_service_lines_agreement_id"), "service_lines", ["agreement_id"], unique=False)
    op.create_table(
        "signatures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("supplier", "commissioner", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_signatures_agreement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_signatures_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatures")),
        sa.UniqueConstraint("agreement_id", "side", name=op.f("uq_signatures_agreement_id_side")),
    )
    op.create_index(op.f("ix_signatures_agreement_id"), "signatures", ["agreement_id"], unique=False)
    op.create_index(op.f("ix_signatures_person_id"), "signatures", ["person_id"], unique=False)
    op.create_table(
        "subcontractors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_subcontractors_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subcontractors")),
        sa.UniqueConstraint("agreement_id", "name", name=op.f("uq_subcontractors_agreement_id_name")),
    )
    op.create_index(op.f("ix_subcontractors_agreement_id"), "subcontractors", ["agreement_id"], unique=False)
    op.create_table(
        "invoice_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("service_line_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_lines_invoice_id")),
        sa.ForeignKeyConstraint(
            ["service_line_id"], ["service_lines.id"], name=op.f("fk_invoice_lines_service_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_lines")),
    )
    op.create_index(op.f("ix_invoice_lines_invoice_id"), "invoice_lines", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_invoice_lines_service_line_id"), "invoice_lines", ["service_line_id"], unique=False)
    op.create_table(
        "referrals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=False),
        sa.Column("officer_organisation_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "sent",
                "accepted",
                "returned",
                "withdrawn",
                "completed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("crn", sa.LargeBinary(), nullable=False),
        sa.Column("crn_fingerprint", sa.String(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("need", sa.LargeBinary(), nullable=False),
        sa.Column(
            "complexity",
            sa.Enum("low", "medium", "high", name="complexity", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("rar_days", sa.Integer(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("caseworker_id", sa.BigInteger(), nullable=True),
        sa.Column("officer_looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_reason", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "status <> 'accepted' OR (accepted_at IS NOT NULL AND caseworker_id IS NOT NULL)",
            name=op.f("ck_referrals_accepted"),
        ),
        sa.CheckConstraint("rar_days IS NULL OR rar_days BETWEEN 1 AND 365", name=op.f("ck_referrals_rar_days")),
        sa.ForeignKeyConstraint(["caseworker_id"], ["people.id"], name=op.f("fk_referrals_caseworker_id")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_referrals_category_code")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_referrals_line_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["people.id"], name=op.f("fk_referrals_officer_id")),
        sa.ForeignKeyConstraint(
            ["officer_organisation_id"], ["organisations.id"], name=op.f("fk_referrals_officer_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
        sa.UniqueConstraint("reference", name=op.f("uq_referrals_reference")),
    )
    op.create_index(op.f("ix_referrals_caseworker_id"), "referrals", ["caseworker_id"], unique=False)
    op.create_index(
        "ix_referrals_counting",
        "referrals",
        ["line_id", "sent_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('sent', 'accepted', 'completed')"),
    )
    op.create_index(op.f("ix_referrals_crn_fingerprint"), "referrals", ["crn_fingerprint"], unique=False)
    op.create_index(op.f("ix_referrals_line_id"), "referrals", ["line_id"], unique=False)
    op.create_index(op.f("ix_referrals_officer_id"), "referrals", ["officer_id"], unique=False)
    op.create_index(
        op.f("ix_referrals_officer_organisation_id"), "referrals", ["officer_organisation_id"], unique=False
    )
    op.create_index(
        "uq_referrals_one_open",
        "referrals",
        ["line_id", "crn_fingerprint"],
        unique=True,
        postgresql_where=sa.text("status IN ('sent', 'accepted')"),
    )
    op.create_table(
        "service_line_bands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("annual_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("low >= 0 AND high >= low", name=op.f("ck_service_line_bands_edges")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_service_line_bands_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_line_bands")),
        sa.UniqueConstraint("line_id", "number", name=op.f("uq_service_line_bands_line_id_number")),
    )
    op.create_index(op.f("ix_service_line_bands_line_id"), "service_line_bands", ["line_id"], unique=False)
    op.create_table(
        "service_line_categories",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_service_line_categories_category_code")
        ),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_service_line_categories_line_id")),
        sa.PrimaryKeyConstraint("line_id", "category_code", name=op.f("pk_service_line_categories")),
    )
    op.create_index(
        op.f("ix_service_line_categories_category_code"), "service_line_categories", ["category_code"], unique=False
    )
    op.create_table(
        "service_line_places",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_service_line_places_line_id")),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_service_line_places_place_code")),
        sa.PrimaryKeyConstraint("line_id", "place_code", name=op.f("pk_service_line_places")),
    )
    op.create_index(op.f("ix_service_line_places_place_code"), "service_line_places", ["place_code"], unique=False)
    op.create_table(
        "referral_outcomes",
        sa.Column("referral_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outcome_code"], ["desired_outcomes.code"], name=op.f("fk_referral_outcomes_outcome_code")
        ),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_referral_outcomes_referral_id")),
        sa.PrimaryKeyConstraint("referral_id", "outcome_code", name=op.f("pk_referral_outcomes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("referral_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "attendance",
            sa.Enum("YES", "LATE", "NO", name="attendance", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column(
            "absence",
            sa.Enum(
                "POP_ACCEPTABLE",
                "POP_UNACCEPTABLE",
                name="absence_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(absence IS NOT NULL) = (attendance IS NOT NULL AND attendance = 'NO')", name=op.f("ck_sessions_absence")
        ),
        sa.CheckConstraint("(attendance IS NULL) = (recorded_at IS NULL)", name=op.f("ck_sessions_recorded")),
        sa.ForeignKeyConstraint(["recorded_by"], ["people.id"], name=op.f("fk_sessions_recorded_by")),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_sessions_referral_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("referral_id", "number", name=op.f("uq_sessions_referral_id_number")),
    )
    op.create_index(op.f("ix_sessions_recorded_by"), "sessions", ["recorded_by"], unique=False)
    op.create_index(op.f("ix_sessions_referral_id"), "sessions", ["referral_id"], unique=False)
