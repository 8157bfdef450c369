"""When a variation first came to the supplier: one that was dropped before then is the commissioners' own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

# The letter that asked the supplier to sign says when; a notice came to it with its last approval.
COME = """
UPDATE variations v SET with_supplier_at = found.at
FROM (
    SELECT one.id, coalesce(
        (SELECT min(l.created_at) FROM letters l WHERE l.key LIKE 'variation:' || one.id || ':%:sign:awaiting_supplier:%'),
        CASE WHEN one.status IN ('awaiting_supplier', 'awaiting_commissioner', 'agreed') THEN coalesce(
            (SELECT max(a.at) FROM variation_approvals a WHERE a.variation_id = one.id AND a.approved), one.created_at
        ) END
    ) AS at
    FROM variations one
) found
WHERE found.id = v.id AND found.at IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("variations", sa.Column("with_supplier_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(COME)
    op.create_check_constraint(
        op.f("ck_variations_with_supplier"),
        "variations",
        "with_supplier_at IS NOT NULL OR status IN ('draft', 'awaiting_approval', 'withdrawn')",
    )
