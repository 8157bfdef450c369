"""A dispute keeps who answered it; for answers given before, the audit trail says who."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

FROM_THE_TRAIL = """
UPDATE disputes d SET answered_by = p.id
FROM audit_events a JOIN people p ON p.id = a.person_id
WHERE a.subject_kind = 'invoices' AND a.subject_id = d.invoice_id AND a.at = d.answered_at
    AND a.what = 'Answered the dispute'
"""


def upgrade() -> None:
    op.add_column("disputes", sa.Column("answered_by", sa.BigInteger(), sa.ForeignKey("people.id")))
    op.create_index("ix_disputes_answered_by", "disputes", ["answered_by"])
    op.create_check_constraint(
        op.f("ck_disputes_answered_by_somebody"), "disputes", "answered_by IS NULL OR answered_at IS NOT NULL"
    )
    op.execute(FROM_THE_TRAIL)
