"""Planning a need by the government's method: versions of assumptions, needs data, unit costs.

Every plan of before becomes one settled version whose projection is stated: its volume and budget for two years, the
length that its call-off would have had, and with bands in pure proportion as it showed them. Its calculated cost is not
known, and is said not to be.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

CARRIED = """
INSERT INTO plan_versions (
    plan_id, number, created_at, created_by, settled_at, settled_by, months, evidence_reason, basis, stated_volume,
    stated_source, route, larger_from, edges, fixed_percent, projected_annual_volume, annual_budget, budget
)
SELECT
    id, 1, created_at, created_by, created_at, created_by, 24, 'The plan was made before needs data was asked for.',
    'stated', projected_annual_volume, 'Entered with the plan, before sources were asked for.', 'contract', 1000000,
    ARRAY[60, 80, 100, 120, 140], 0, projected_annual_volume, annual_budget, 2 * annual_budget
FROM plans
"""
CARRIED_BUDGETS = """
INSERT INTO plan_budgets (version_id, year, amount)
SELECT v.id, year, v.annual_budget FROM plan_versions v CROSS JOIN generate_series(1, 2) AS year
"""
CARRIED_CALL_OFFS = """
UPDATE competitions SET plan_version_id = v.id FROM plan_versions v WHERE v.plan_id = competitions.plan_id
"""
KEPT = """
CREATE FUNCTION refuse_settled_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    version bigint;
BEGIN
    IF TG_TABLE_NAME = 'plan_versions' THEN
        IF OLD.settled_at IS NULL THEN
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        RAISE EXCEPTION 'the settled figures of a plan are never changed or deleted';
    END IF;
    version := CASE TG_OP WHEN 'DELETE' THEN OLD.version_id ELSE NEW.version_id END;
    IF EXISTS (SELECT 1 FROM plan_versions v WHERE v.id = version AND v.settled_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the settled figures of a plan are never changed or deleted';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
"""


def upgrade() -> None:
    _reference_figures()
    _versions()
    _parts()
    op.add_column("competitions", sa.Column("plan_version_id", sa.BigInteger(), nullable=True))
    op.execute(CARRIED)
    op.execute(CARRIED_BUDGETS)
    op.execute(CARRIED_CALL_OFFS)
    op.create_foreign_key(
        op.f("fk_competitions_plan_version_id"), "competitions", "plan_versions", ["plan_version_id"], ["id"]
    )
    op.create_index(op.f("ix_competitions_plan_version_id"), "competitions", ["plan_version_id"])
    op.drop_column("plans", "projected_annual_volume")
    op.drop_column("plans", "annual_budget")
    op.execute(KEPT)
    op.execute(
        "CREATE TRIGGER settled_stays BEFORE UPDATE OR DELETE ON plan_versions "
        "FOR EACH ROW EXECUTE FUNCTION refuse_settled_change()"
    )
    for table in ("plan_history", "plan_growth", "plan_budgets"):
        op.execute(
            f"CREATE TRIGGER settled_stays BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_settled_change()"
        )


def _reference_figures() -> None:
    op.create_table(
        "needs_data",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("place_code", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("good_until", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("good_until > due_on", name=op.f("ck_needs_data_good_after_due")),
        sa.ForeignKeyConstraint(["entered_by"], ["people.id"], name=op.f("fk_needs_data_entered_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_needs_data_organisation_id")),
        sa.ForeignKeyConstraint(["place_code"], ["places.code"], name=op.f("fk_needs_data_place_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_needs_data")),
        sa.UniqueConstraint("place_code", "title", name=op.f("uq_needs_data_place_code_title")),
    )
    op.create_index(op.f("ix_needs_data_place_code"), "needs_data", ["place_code"])
    op.create_index(op.f("ix_needs_data_organisation_id"), "needs_data", ["organisation_id"])
    op.create_index(op.f("ix_needs_data_entered_by"), "needs_data", ["entered_by"])
    op.create_table(
        "unit_costs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("category_code", sa.String(), nullable=False),
        sa.Column("low", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("medium", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("high", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "low >= 0 AND medium >= low AND high >= medium AND high > 0", name=op.f("ck_unit_costs_rising")
        ),
        sa.CheckConstraint("source <> ''", name=op.f("ck_unit_costs_source")),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_unit_costs_category_code")),
        sa.ForeignKeyConstraint(["entered_by"], ["people.id"], name=op.f("fk_unit_costs_entered_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_unit_costs_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_costs")),
    )
    op.create_index(op.f("ix_unit_costs_organisation_id"), "unit_costs", ["organisation_id"])
    op.create_index(op.f("ix_unit_costs_entered_by"), "unit_costs", ["entered_by"])
    op.create_index("ix_unit_costs_latest", "unit_costs", ["organisation_id", "category_code", "as_of", "id"])


def _versions() -> None:
    money, percent = sa.Numeric(precision=12, scale=2), sa.Numeric(precision=5, scale=2)
    words = [
        sa.Column(name, sa.String(), server_default="", nullable=False)
        for name in (
            "reason",
            "evidence_reason",
            "history_source",
            "eligible_source",
            "stated_source",
            "unit_source",
            "budget_reason",
            "route_reason",
        )
    ]
    amounts = [
        sa.Column(name, money, nullable=True)
        for name in ("unit_low", "unit_medium", "unit_high", "annual_budget", "budget", "calculated_cost")
    ]
    shares = [
        sa.Column(name, percent, nullable=True) for name in ("eligible_percent", "mix_low", "mix_medium", "mix_high")
    ]
    op.create_table(
        "plan_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("needs_data_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "basis",
            sa.Enum("caseload", "stated", name="basis", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("stated_volume", sa.Integer(), nullable=True),
        sa.Column("unit_as_of", sa.Date(), nullable=True),
        sa.Column("fund_id", sa.BigInteger(), nullable=True),
        sa.Column("fund_purpose", sa.String(), nullable=True),
        sa.Column(
            "route",
            sa.Enum(
                "contract", "grant", "elsewhere", name="route", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("larger_from", money, nullable=False),
        sa.Column("edges", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("fixed_percent", percent, nullable=False),
        sa.Column("projected_annual_volume", sa.Integer(), nullable=True),
        *words,
        *amounts,
        *shares,
        sa.CheckConstraint("number > 0 AND months BETWEEN 1 AND 120", name=op.f("ck_plan_versions_number_and_months")),
        sa.CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name=op.f("ck_plan_versions_settled_by")),
        sa.CheckConstraint(
            "settled_at IS NULL OR (projected_annual_volume IS NOT NULL AND annual_budget IS NOT NULL "
            "AND budget IS NOT NULL AND basis IS NOT NULL AND route IS NOT NULL)",
            name=op.f("ck_plan_versions_settled_whole"),
        ),
        sa.CheckConstraint("projected_annual_volume > 0", name=op.f("ck_plan_versions_volume_positive")),
        sa.CheckConstraint("annual_budget > 0 AND budget > 0", name=op.f("ck_plan_versions_budget_positive")),
        sa.CheckConstraint("calculated_cost >= 0", name=op.f("ck_plan_versions_cost_not_negative")),
        sa.CheckConstraint("eligible_percent > 0 AND eligible_percent <= 100", name=op.f("ck_plan_versions_eligible")),
        sa.CheckConstraint("stated_volume > 0", name=op.f("ck_plan_versions_stated_volume")),
        sa.CheckConstraint(
            "(unit_low IS NULL) = (unit_medium IS NULL) AND (unit_low IS NULL) = (unit_high IS NULL) "
            "AND (unit_low IS NULL) = (mix_low IS NULL) AND unit_low >= 0 AND unit_medium >= unit_low "
            "AND unit_high >= unit_medium AND unit_high > 0",
            name=op.f("ck_plan_versions_unit_costs"),
        ),
        sa.CheckConstraint(
            "(mix_low IS NULL) = (mix_medium IS NULL) AND (mix_low IS NULL) = (mix_high IS NULL) "
            "AND mix_low >= 0 AND mix_medium >= 0 AND mix_high >= 0 AND mix_low + mix_medium + mix_high = 100",
            name=op.f("ck_plan_versions_mix"),
        ),
        sa.CheckConstraint(
            "(fund_id IS NULL) = (fund_purpose IS NULL)", name=op.f("ck_plan_versions_fund_with_purpose")
        ),
        sa.CheckConstraint("cardinality(edges) = 5 AND 0 < ALL (edges)", name=op.f("ck_plan_versions_edges")),
        sa.CheckConstraint("fixed_percent BETWEEN 0 AND 100", name=op.f("ck_plan_versions_fixed_percent")),
        sa.CheckConstraint("larger_from >= 0", name=op.f("ck_plan_versions_larger_from")),
        sa.ForeignKeyConstraint(["created_by"], ["people.id"], name=op.f("fk_plan_versions_created_by")),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.id"], name=op.f("fk_plan_versions_fund_id")),
        sa.ForeignKeyConstraint(["needs_data_id"], ["needs_data.id"], name=op.f("fk_plan_versions_needs_data_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_plan_versions_plan_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["people.id"], name=op.f("fk_plan_versions_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_versions")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_plan_versions_plan_id_number")),
    )
    for column in ("plan_id", "created_by", "settled_by", "needs_data_id", "fund_id"):
        op.create_index(op.f(f"ix_plan_versions_{column}"), "plan_versions", [column])
    op.create_index(
        "uq_plan_versions_one_draft",
        "plan_versions",
        ["plan_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _parts() -> None:
    def part(name: str, *columns: sa.Column[object] | sa.Constraint) -> None:
        op.create_table(
            name,
            sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
            sa.Column("version_id", sa.BigInteger(), nullable=False),
            *columns,
            sa.ForeignKeyConstraint(["version_id"], ["plan_versions.id"], name=op.f(f"fk_{name}_version_id")),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        )
        op.create_index(op.f(f"ix_{name}_version_id"), name, ["version_id"])

    part(
        "plan_history",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("caseload", sa.Integer(), nullable=False),
        sa.CheckConstraint("caseload >= 0 AND year BETWEEN 1990 AND 2200", name=op.f("ck_plan_history_caseload")),
        sa.UniqueConstraint("version_id", "year", name=op.f("uq_plan_history_version_id_year")),
    )
    part(
        "plan_growth",
        sa.Column(
            "kind",
            sa.Enum(
                "police",
                "sentencing",
                "population",
                "other",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("first_percent", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("later_percent", sa.Numeric(precision=6, scale=2), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.CheckConstraint(
            "first_percent BETWEEN -100 AND 500 AND later_percent BETWEEN -100 AND 500",
            name=op.f("ck_plan_growth_percentages"),
        ),
        sa.CheckConstraint("source <> ''", name=op.f("ck_plan_growth_source")),
        sa.UniqueConstraint("version_id", "kind", name=op.f("uq_plan_growth_version_id_kind")),
    )
    part(
        "plan_budgets",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("year BETWEEN 1 AND 10", name=op.f("ck_plan_budgets_year")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_plan_budgets_amount")),
        sa.UniqueConstraint("version_id", "year", name=op.f("uq_plan_budgets_version_id_year")),
    )
