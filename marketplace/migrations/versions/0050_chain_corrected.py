"""What a supplier confirmed that it paid down its supply chain can be corrected; what it said before is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

TABLE = "subcontractor_payments"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("reason", sa.String()))
    op.add_column(TABLE, sa.Column("corrected_at", Moment()))
    op.drop_constraint(op.f(f"uq_{TABLE}_subcontractor_id_month"), TABLE, type_="unique")
    op.create_index(
        f"uq_{TABLE}_standing",
        TABLE,
        ["subcontractor_id", "month"],
        unique=True,
        postgresql_where=sa.text("corrected_at IS NULL"),
    )
    for name, rule in (
        ("reason_given", "reason IS NULL OR length(reason) > 0"),
        ("corrected_after", "corrected_at >= confirmed_at"),
    ):
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, rule)
