"""What stopped new referrals before it was a code: told from the words that handovers gave, by the migration."""

from __future__ import annotations

import flask_migrate
from flask import Flask
from sqlalchemy import text

from marketplace.extensions import db

# Handover 2 was cancelled and its stop lifted; 3 stopped nothing; somebody typed the words of 3, and of one unknown.
ROWS = """
SET session_replication_role = replica;
INSERT INTO handovers (id, from_line_id, to_line_id, day, status, planned_by, planned_at, agreed_at, cancelled_reason)
    SELECT id, line, 99, '2026-10-01', status, 1, '2026-09-01Z', '2026-09-02 10:00Z', reason
    FROM (VALUES (1, 1, 'agreed', NULL), (2, 2, 'cancelled', 'Late'), (3, 3, 'agreed', NULL))
    given (id, line, status, reason);
INSERT INTO suspensions (id, agreement_id, line_id, from_on, reason, at, by, lifted_from, lifted_reason, lifted_at,
    lifted_by)
    SELECT id, 1, line, '2026-10-01', reason, at::timestamptz, 1, lifted, 'Late' || left(lifted::text, 0), lifted,
        lifted - lifted + 1
    FROM (VALUES
        (11, 1, 'The service is handed over (handover 1).', '2026-09-02 10:00Z', NULL::date),
        (12, 2, 'The service is handed over (handover 2).', '2026-09-02 10:00Z', '2026-10-01'),
        (13, 3, 'The service is handed over (handover 3).', '2026-09-05 10:00Z', NULL),
        (14, 4, 'The service is handed over (handover 7).', '2026-09-02 10:00Z', NULL),
        (15, NULL, 'Staff', '2026-09-02 10:00Z', NULL)
    ) given (id, line, reason, at, lifted);
"""


def test_a_stop_is_a_handovers_own_where_it_was_made_with_it_and_says_so(committed_app: Flask) -> None:
    with committed_app.app_context(), db.engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()
        flask_migrate.upgrade(revision="0040")
        connection.execute(text(ROWS))
        connection.commit()
        flask_migrate.upgrade(revision="0041")
        causes = connection.execute(text("SELECT id, cause FROM suspensions ORDER BY id"))
        assert [tuple(row) for row in causes] == [
            (11, "handover"),
            (12, "handover"),
            (13, "decided"),
            (14, "decided"),
            (15, "decided"),
        ]
        kept = connection.execute(text("SELECT id, suspension_id FROM handovers ORDER BY id"))
        assert [tuple(row) for row in kept] == [(1, 11), (2, 12), (3, None)]
