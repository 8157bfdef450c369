"""Whom a category is usually for, and whom each call-off is for: its contract said so by the category's name alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("categories", "competitions"):
        for name in ("open_to_women", "open_to_men"):
            op.add_column(table, sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true()))
            op.alter_column(table, name, server_default=None)
        op.add_column(table, sa.Column("minimum_age", sa.Integer(), nullable=False, server_default="18"))
        op.alter_column(table, "minimum_age", server_default=None)
        op.add_column(table, sa.Column("maximum_age", sa.Integer(), nullable=True))
    op.execute("UPDATE categories SET open_to_men = false WHERE code = 'WOM'")
    op.execute("UPDATE categories SET maximum_age = 25 WHERE code = 'YAD'")
    # What is drawn is signed as it is: only call-offs without a contract take over whom their category is for.
    op.execute("""
        UPDATE competitions c SET open_to_men = k.open_to_men, maximum_age = k.maximum_age
        FROM categories k
        WHERE k.code = c.category_code AND (NOT k.open_to_men OR NOT EXISTS (
            SELECT FROM awards w JOIN agreements a ON a.award_id = w.id WHERE w.competition_id = c.id
        ))
    """)
    for table in ("categories", "competitions"):
        op.create_check_constraint(op.f(f"ck_{table}_open_to_somebody"), table, "open_to_women OR open_to_men")
        op.create_check_constraint(
            op.f(f"ck_{table}_ages"), table, "minimum_age >= 18 AND (maximum_age IS NULL OR maximum_age >= minimum_age)"
        )
