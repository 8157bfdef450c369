"""Plans from before there were versions: each becomes one settled version with the figures it had."""

from __future__ import annotations

import flask_migrate
from flask import Flask
from sqlalchemy import text

from marketplace.extensions import db

# Keys of other tables are not looked at: the tables' triggers are off.
ROWS = """
SET session_replication_role = replica;
INSERT INTO people (id, email, name, failed_sign_ins, created_at, is_demonstration)
    VALUES (3, 'a@example.org', 'A', 0, now(), false);
INSERT INTO plans (id, organisation_id, title, category_code, place_code, need, projected_annual_volume, annual_budget,
    created_at, created_by) VALUES (7, 1, 'T', 'ACC', 'X', 'N', 200, 120000.50, now(), 3);
INSERT INTO competitions (id, reference, framework_code, organisation_id, plan_id, status, instrument, title,
    category_code, specification, level_reason, volume_kind, planned_band, price_weight, starts_on, months, author_id,
    created_at)
    SELECT id, 'DF-' || id, 'f', 1, plan, 'draft', 'contract', 't', 'ACC', '', '', 'cap', 1, 30, '2027-01-01', 24, 3,
    now() FROM (VALUES (1, 7), (2, NULL)) given (id, plan);
"""


def test_a_plan_of_before_is_one_settled_version(committed_app: Flask) -> None:
    with committed_app.app_context(), db.engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()
        flask_migrate.upgrade(revision="0021")
        connection.execute(text(ROWS))
        connection.commit()
        flask_migrate.upgrade(revision="0022")
        found = connection.execute(
            text(
                "SELECT number, settled_by, basis, stated_volume, projected_annual_volume, annual_budget::text, "
                "budget::text, calculated_cost, fixed_percent::int, route FROM plan_versions"
            )
        ).all()
        assert [tuple(row) for row in found] == [
            (1, 3, "stated", 200, 200, "120000.50", "240001.00", None, 0, "contract")
        ]
        budgets = connection.execute(text("SELECT year, amount::text FROM plan_budgets ORDER BY year")).all()
        assert [tuple(row) for row in budgets] == [(1, "120000.50"), (2, "120000.50")]
        carried = connection.execute(
            text(
                "SELECT c.id, v.plan_id FROM competitions c LEFT JOIN plan_versions v ON v.id = c.plan_version_id "
                "ORDER BY 1"
            )
        ).all()
        assert [tuple(row) for row in carried] == [(1, 7), (2, None)]
