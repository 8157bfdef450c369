"""When the funders were first asked to approve a version: from then on it concerns those that it names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

# A variation that is no longer a draft, or has been one before the funders, was asked of them.
ASKED = """
UPDATE agreement_versions v SET asked_at = coalesce(
    (SELECT min(l.created_at) FROM letters l WHERE l.key LIKE 'variation:' || one.id || ':%:approve:%'), one.created_at
)
FROM variations one
WHERE one.version_id = v.id AND (one.status <> 'draft' OR one.round > 1)
"""


def upgrade() -> None:
    op.add_column("agreement_versions", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(ASKED)
