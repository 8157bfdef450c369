"""When a referral takes its place and gives it back, and the running counters of service lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What counts, as it stood on this day: a place is taken when the referral is sent; a returned one gives it back, and a
# withdrawn one unless the person had attended a session.
PLACES = """
UPDATE referrals r SET
    placed_at = sent_at,
    released_at = CASE
        WHEN status = 'returned'
            OR (status = 'withdrawn' AND NOT EXISTS (
                SELECT 1 FROM sessions s WHERE s.referral_id = r.id AND s.attendance IN ('YES', 'LATE')))
        THEN greatest(coalesce(ended_at, sent_at), sent_at)
    END
"""

# The start of a contract year so many years after the first; 29 February becomes 1 March where there is none.
ANNIVERSARY = """
CREATE FUNCTION pg_temp.anniversary(starts_on date, years integer) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT found + CASE WHEN extract(day FROM found) < extract(day FROM starts_on) THEN 1 ELSE 0 END
    FROM (SELECT (starts_on + make_interval(years => years))::date AS found) one
$$
"""

COUNTERS = """
INSERT INTO line_days (line_id, day, year_begins, placed, released, total)
WITH places AS (
    SELECT r.line_id, a.starts_on,
        (r.placed_at AT TIME ZONE 'Europe/London')::date AS placed_on,
        (r.released_at AT TIME ZONE 'Europe/London')::date AS released_on
    FROM referrals r JOIN service_lines l ON l.id = r.line_id JOIN agreements a ON a.id = l.agreement_id
), numbered AS (
    SELECT *, extract(year FROM placed_on)::integer - extract(year FROM starts_on)::integer AS years
    FROM places WHERE placed_on >= starts_on
), begun AS (
    SELECT *, years - CASE WHEN placed_on < pg_temp.anniversary(starts_on, years) THEN 1 ELSE 0 END AS year
    FROM numbered
), moves AS (
    SELECT line_id, placed_on AS day, pg_temp.anniversary(starts_on, year) AS year_begins, 1 AS placed, 0 AS released
    FROM begun
    UNION ALL
    SELECT line_id, released_on, pg_temp.anniversary(starts_on, year), 0, 1
    FROM begun WHERE released_on < pg_temp.anniversary(starts_on, year + 1)
), days AS (
    SELECT line_id, day, year_begins, sum(placed) AS placed, sum(released) AS released
    FROM moves GROUP BY line_id, day, year_begins
)
SELECT line_id, day, year_begins, placed, released,
    sum(placed - released) OVER (PARTITION BY line_id, year_begins ORDER BY day)
FROM days
"""


def upgrade() -> None:
    op.add_column("referrals", sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("referrals", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(PLACES)
    op.drop_index("ix_referrals_counting", table_name="referrals")
    op.create_index(
        "ix_referrals_placed",
        "referrals",
        ["line_id", "placed_at"],
        postgresql_include=["released_at"],
        postgresql_where=sa.text("placed_at IS NOT NULL"),
    )
    for name, condition in (
        ("placed", "status NOT IN ('sent', 'accepted', 'returned', 'completed') OR placed_at IS NOT NULL"),
        ("released_after", "released_at IS NULL OR (placed_at IS NOT NULL AND released_at >= placed_at)"),
        ("place_kept", "status NOT IN ('sent', 'accepted', 'completed') OR released_at IS NULL"),
        ("place_given_back", "status <> 'returned' OR released_at IS NOT NULL"),
    ):
        op.create_check_constraint(op.f(f"ck_referrals_{name}"), "referrals", condition)
    op.create_table(
        "line_days",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("year_begins", sa.Date(), nullable=False),
        sa.Column("placed", sa.Integer(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.CheckConstraint("day >= year_begins", name=op.f("ck_line_days_within_year")),
        sa.CheckConstraint("placed >= 0 AND released >= 0 AND total >= 0", name=op.f("ck_line_days_not_negative")),
        sa.ForeignKeyConstraint(["line_id"], ["service_lines.id"], name=op.f("fk_line_days_line_id")),
        sa.PrimaryKeyConstraint("line_id", "day", name=op.f("pk_line_days")),
    )
    op.execute(ANNIVERSARY)
    op.execute(COUNTERS)
    op.execute("DROP FUNCTION pg_temp.anniversary(date, integer)")
