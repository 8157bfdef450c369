"""What was there before there were counters: its places and its counters are made by the migration."""

from __future__ import annotations

import flask_migrate
from flask import Flask
from sqlalchemy import text

from marketplace.extensions import db

# A contract from a leap day, and referrals about the turn of its contract years (London: 23:30 UTC in summer is the
# next day). Keys of other tables are not looked at: the tables' triggers are off.
ROWS = """
SET session_replication_role = replica;
INSERT INTO agreements (id, reference, origin, status, supplier_id, commissioner_id, title, specification, starts_on,
    created_at) VALUES (1, 'C', 'register', 'signed', 1, 1, '', '', '2024-02-29', now());
INSERT INTO service_lines (id, agreement_id, number, title, open_to_women, open_to_men, minimum_age, referrals_from)
    VALUES (1, 1, 1, '', true, true, 18, '2024-02-29');
INSERT INTO referrals (id, reference, line_id, officer_id, officer_organisation_id, status, crn, crn_fingerprint,
    category_code, need, complexity, sent_at, accepted_at, caseworker_id, ended_at)
    SELECT id, 'R-' || id, 1, 1, 1, status, '', id, 'ACC', '', 'low', sent_at::timestamptz, sent_at::timestamptz, 1,
        ended_at::timestamptz
    FROM (VALUES
        (1, 'sent', '2024-02-28 12:00Z', NULL),
        (2, 'completed', '2024-07-01 23:30Z', '2025-06-01 12:00Z'),
        (3, 'returned', '2025-02-28 12:00Z', '2025-03-01 12:00Z'),
        (4, 'returned', '2025-03-01 12:00Z', '2025-03-05 12:00Z'),
        (5, 'withdrawn', '2025-03-02 12:00Z', '2025-03-06 12:00Z'),
        (6, 'withdrawn', '2025-03-02 13:00Z', '2025-03-06 12:00Z'),
        (7, 'accepted', '2028-02-29 12:00Z', NULL),
        (8, 'returned', '2025-03-03 12:00Z', NULL)
    ) given (id, status, sent_at, ended_at);
INSERT INTO sessions (referral_id, number, starts_at, attendance, recorded_at) VALUES (6, 1, now(), 'LATE', now());
"""


def test_places_and_counters_are_made_of_the_referrals_that_are_there(committed_app: Flask) -> None:
    with committed_app.app_context(), db.engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()
        flask_migrate.upgrade(revision="0004")
        connection.execute(text(ROWS))
        connection.commit()
        flask_migrate.upgrade(revision="0005")
        released = connection.execute(text("SELECT id FROM referrals WHERE released_at IS NOT NULL ORDER BY id"))
        assert list(released.scalars()) == [3, 4, 5, 8]
        rows = connection.execute(
            text("SELECT day::text, year_begins::text, placed, released, total FROM line_days ORDER BY day")
        )
        assert [tuple(row) for row in rows] == [
            ("2024-07-02", "2024-02-29", 1, 0, 1),
            ("2025-02-28", "2024-02-29", 1, 0, 2),
            ("2025-03-01", "2025-03-01", 1, 0, 1),
            ("2025-03-02", "2025-03-01", 2, 0, 3),
            ("2025-03-03", "2025-03-01", 1, 1, 3),
            ("2025-03-05", "2025-03-01", 0, 1, 2),
            ("2025-03-06", "2025-03-01", 0, 1, 1),
            ("2028-02-29", "2028-02-29", 1, 0, 1),
        ]
