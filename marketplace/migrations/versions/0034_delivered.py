"""How many of the referrals that count have been completed is kept with the running counters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# The start of a contract year so many years after the first; 29 February becomes 1 March where there is none.
ANNIVERSARY = """
CREATE FUNCTION pg_temp.anniversary(starts_on date, years integer) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT found + CASE WHEN extract(day FROM found) < extract(day FROM starts_on) THEN 1 ELSE 0 END
    FROM (SELECT (starts_on + make_interval(years => years))::date AS found) one
$$
"""

COMPLETED = """
INSERT INTO line_days (line_id, day, year_begins, placed, released, total, completed, delivered)
WITH done AS (
    SELECT r.line_id, a.starts_on,
        (r.placed_at AT TIME ZONE 'Europe/London')::date AS placed_on,
        (greatest(r.ended_at, r.placed_at) AT TIME ZONE 'Europe/London')::date AS day
    FROM referrals r JOIN service_lines l ON l.id = r.line_id JOIN agreements a ON a.id = l.agreement_id
    WHERE r.status = 'completed' AND r.ended_at IS NOT NULL
), numbered AS (
    SELECT *, extract(year FROM placed_on)::integer - extract(year FROM starts_on)::integer AS years
    FROM done WHERE placed_on >= starts_on
), begun AS (
    SELECT *, years - CASE WHEN placed_on < pg_temp.anniversary(starts_on, years) THEN 1 ELSE 0 END AS year
    FROM numbered
), days AS (
    SELECT line_id, day, pg_temp.anniversary(starts_on, year) AS year_begins, count(*) AS completed
    FROM begun WHERE day < pg_temp.anniversary(starts_on, year + 1)
    GROUP BY 1, 2, 3
)
SELECT line_id, day, year_begins, 0, 0, coalesce((
    SELECT total FROM line_days d
    WHERE d.line_id = days.line_id AND d.day >= days.year_begins AND d.day < days.day
    ORDER BY d.day DESC LIMIT 1
), 0), completed, completed
FROM days
ON CONFLICT (line_id, day) DO UPDATE SET completed = EXCLUDED.completed, delivered = EXCLUDED.completed
"""

DELIVERED = """
UPDATE line_days d SET delivered = s.delivered
FROM (
    SELECT line_id, day, sum(completed) OVER (PARTITION BY line_id, year_begins ORDER BY day) AS delivered FROM line_days
) s
WHERE d.line_id = s.line_id AND d.day = s.day AND d.delivered <> s.delivered
"""


def upgrade() -> None:
    for name in ("completed", "delivered"):
        op.add_column("line_days", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
        op.alter_column("line_days", name, server_default=None)
    op.create_check_constraint(op.f("ck_line_days_delivered"), "line_days", "completed >= 0 AND delivered >= completed")
    op.execute(ANNIVERSARY)
    op.execute(COMPLETED)
    op.execute(DELIVERED)
    op.execute("DROP FUNCTION pg_temp.anniversary(date, integer)")
    op.drop_index("ix_referrals_completed", table_name="referrals")
