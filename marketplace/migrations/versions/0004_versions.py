"""Agreements in versions: what a variation may change moves from the contract and its lines to their version 1."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _versions()
    _line_terms()
    _funders()
    _signatures_and_documents()


def _versions() -> None:
    op.create_table(
        "agreement_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("superseded_on", sa.Date(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("abandoned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("whole_life_value", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("signed_terms", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= in_force_from", name=op.f("ck_agreement_versions_dates")),
        sa.CheckConstraint(
            "superseded_on IS NULL OR (agreed_at IS NOT NULL AND superseded_on >= in_force_from)",
            name=op.f("ck_agreement_versions_superseded"),
        ),
        sa.CheckConstraint(
            "agreed_at IS NULL OR abandoned_at IS NULL", name=op.f("ck_agreement_versions_agreed_or_abandoned")
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_agreement_versions_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement_versions")),
        sa.UniqueConstraint("agreement_id", "number", name=op.f("uq_agreement_versions_agreement_id_number")),
        sa.UniqueConstraint("id", "agreement_id", name=op.f("uq_agreement_versions_id_agreement_id")),
    )
    op.create_index(op.f("ix_agreement_versions_agreement_id"), "agreement_versions", ["agreement_id"])
    op.create_index(
        "uq_agreement_versions_one_drafted",
        "agreement_versions",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("agreed_at IS NULL AND abandoned_at IS NULL"),
    )
    op.create_index(
        "uq_agreement_versions_one_latest",
        "agreement_versions",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("agreed_at IS NOT NULL AND superseded_on IS NULL"),
    )
    op.execute(
        """
        INSERT INTO agreement_versions (agreement_id, number, in_force_from, agreed_at, ends_on, whole_life_value)
        SELECT id, 1, starts_on,
          CASE WHEN status = 'signed' THEN
            coalesce((SELECT max(at) FROM signatures WHERE signatures.agreement_id = agreements.id), created_at)
          END,
          ends_on, whole_life_value
        FROM agreements
        """
    )


def _line_terms() -> None:
    op.create_table(
        "line_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "volume_kind",
            sa.Enum("cap", "bands", name="volume_kind", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("planned_band", sa.Integer(), nullable=True),
        sa.Column("referrals_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_line_terms_line_id")),
        sa.ForeignKeyConstraint(["version_id"], ["agreement_versions.id"], name=op.f("fk_line_terms_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_terms")),
        sa.UniqueConstraint("line_id", "version_id", name=op.f("uq_line_terms_line_id_version_id")),
    )
    op.create_index(op.f("ix_line_terms_line_id"), "line_terms", ["line_id"])
    op.create_index(op.f("ix_line_terms_version_id"), "line_terms", ["version_id"])
    op.execute(
        """
        INSERT INTO line_terms (line_id, version_id, volume_kind, planned_band, referrals_until)
        SELECT line.id, version.id, line.volume_kind, line.planned_band, line.referrals_until
        FROM service_lines AS line JOIN agreement_versions AS version USING (agreement_id)
        """
    )
    op.create_table(
        "line_terms_places",
        sa.Column("terms_id", sa.BigInteger(), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_line_terms_places_place_code")),
        sa.ForeignKeyConstraint(["terms_id"], ["line_terms.id"], name=op.f("fk_line_terms_places_terms_id")),
        sa.PrimaryKeyConstraint("terms_id", "place_code", name=op.f("pk_line_terms_places")),
    )
    op.create_index(op.f("ix_line_terms_places_place_code"), "line_terms_places", ["place_code"])
    op.execute(
        """
        INSERT INTO line_terms_places (terms_id, place_code)
        SELECT line_terms.id, place_code FROM service_line_places JOIN line_terms USING (line_id)
        """
    )
    op.drop_table("service_line_places")
    op.create_table(
        "line_bands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("terms_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("annual_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("low >= 0 AND high >= low", name=op.f("ck_line_bands_edges")),
        sa.ForeignKeyConstraint(["terms_id"], ["line_terms.id"], name=op.f("fk_line_bands_terms_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_bands")),
        sa.UniqueConstraint("terms_id", "number", name=op.f("uq_line_bands_terms_id_number")),
    )
    op.create_index(op.f("ix_line_bands_terms_id"), "line_bands", ["terms_id"])
    op.execute(
        """
        INSERT INTO line_bands (terms_id, number, low, high, annual_price)
        SELECT line_terms.id, number, low, high, annual_price FROM service_line_bands JOIN line_terms USING (line_id)
        """
    )
    op.drop_table("service_line_bands")
    for column in ("volume_kind", "planned_band", "referrals_until"):
        op.drop_column("service_lines", column)


def _funders() -> None:
    op.add_column("agreement_funders", sa.Column("version_id", sa.BigInteger(), nullable=True))
    op.execute(
        """
        UPDATE agreement_funders SET version_id = version.id FROM agreement_versions AS version
        WHERE version.agreement_id = agreement_funders.agreement_id
        """
    )
    op.alter_column("agreement_funders", "version_id", nullable=False)
    op.drop_constraint(op.f("uq_agreement_funders_agreement_id_organisation_id"), "agreement_funders")
    op.create_unique_constraint(
        op.f("uq_agreement_funders_version_id_organisation_id"), "agreement_funders", ["version_id", "organisation_id"]
    )
    op.create_foreign_key(
        op.f("fk_agreement_funders_version_id_agreement_id"),
        "agreement_funders",
        "agreement_versions",
        ["version_id", "agreement_id"],
        ["id", "agreement_id"],
    )
    op.create_index(op.f("ix_agreement_funders_version_id"), "agreement_funders", ["version_id"])


def _signatures_and_documents() -> None:
    op.drop_constraint(op.f("uq_signatures_agreement_id_side"), "signatures")
    op.drop_index("uq_agreement_documents_one_waiting", "agreement_documents")
    for table in ("signatures", "agreement_documents"):
        op.add_column(table, sa.Column("version_id", sa.BigInteger(), nullable=True))
        op.execute(
            f"UPDATE {table} SET version_id = version.id FROM agreement_versions AS version "
            f"WHERE version.agreement_id = {table}.agreement_id"
        )
        op.alter_column(table, "version_id", nullable=False)
        op.create_foreign_key(op.f(f"fk_{table}_version_id"), table, "agreement_versions", ["version_id"], ["id"])
        op.create_index(op.f(f"ix_{table}_version_id"), table, ["version_id"])
        op.drop_column(table, "agreement_id")
    op.create_unique_constraint(op.f("uq_signatures_version_id_side"), "signatures", ["version_id", "side"])
    op.create_index(
        "uq_agreement_documents_one_waiting",
        "agreement_documents",
        ["version_id"],
        unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )
