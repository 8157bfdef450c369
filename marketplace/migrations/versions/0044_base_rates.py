"""Base rates from a day on, kept by the framework team; those known when this was written come with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

# From the Bank of England's list of its decisions. Marked as our own until the framework team has entered its own.
KNOWN = (
    *(("2022-12-15", "3.50"), ("2023-02-02", "4.00"), ("2023-03-23", "4.25"), ("2023-05-11", "4.50")),
    *(("2023-06-22", "5.00"), ("2023-08-03", "5.25"), ("2024-08-01", "5.00"), ("2024-11-07", "4.75")),
    *(("2025-02-06", "4.50"), ("2025-05-08", "4.25"), ("2025-08-07", "4.00"), ("2025-12-18", "3.75")),
)


def upgrade() -> None:
    """What an installation had set as its one rate is not taken over: it was one rate for all days."""
    op.create_table(
        "base_rates",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("percent", sa.Numeric(5, 2), nullable=False),
        sa.Column("entered_at", Moment(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), sa.ForeignKey("people.id"), index=True),
        sa.Column("reason", sa.String()),
        sa.Column("corrected_at", Moment()),
        sa.CheckConstraint("percent BETWEEN 0 AND 25", name=op.f("ck_base_rates_percent_within")),
        sa.CheckConstraint("reason IS NULL OR length(reason) > 0", name=op.f("ck_base_rates_reason_given")),
    )
    op.create_index(
        "uq_base_rates_day", "base_rates", ["from_day"], unique=True, postgresql_where=sa.text("corrected_at IS NULL")
    )
    values = ", ".join(f"('{day}', {percent}, now())" for day, percent in KNOWN)
    op.execute(f"INSERT INTO base_rates (from_day, percent, entered_at) VALUES {values}")
