"""What reviewers had seen before it was sealed is sealed by the migration, and reads as it did."""

from __future__ import annotations

import flask_migrate
from flask import Flask
from sqlalchemy import select, text

from contracts.performance.models import ReviewedReferral
from marketplace.extensions import db

# Keys of other tables are not looked at: the tables' triggers are off.
ROWS = """
SET session_replication_role = replica;
INSERT INTO reviewed_referrals (review_id, position, referral_id, verdict, words)
    VALUES (1, 1, 1, 'met', 'A plan that fits.'), (1, 2, 2, NULL, NULL);
"""


def test_what_was_seen_of_the_work_with_somebody_is_sealed(committed_app: Flask) -> None:
    with committed_app.app_context(), db.engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        connection.commit()
        flask_migrate.upgrade(revision="0038")
        connection.execute(text(ROWS))
        connection.commit()
        flask_migrate.upgrade(revision="0039")
        kept = connection.execute(text("SELECT words FROM reviewed_referrals ORDER BY position")).scalars().all()
        assert b"plan" not in kept[0]
        assert kept[1] is None
        asked = select(ReviewedReferral.words).order_by(ReviewedReferral.position)
        assert db.session.scalars(asked).all() == ["A plan that fits.", None]
