"""What stopped new referrals is a code, and a handover names what it stopped: both were told from the reason's words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

# The reason that a handover has always given. Whoever typed the same words for a handover that is not there meant else.
STOPPED_BY = """
UPDATE handovers h SET suspension_id = s.id FROM suspensions s
WHERE s.line_id = h.from_line_id AND s.reason = format('The service is handed over (handover %s).', h.id)
    AND s.at = h.agreed_at
"""


def upgrade() -> None:
    op.add_column("suspensions", sa.Column("cause", sa.String(length=40), nullable=False, server_default="decided"))
    op.alter_column("suspensions", "cause", server_default=None)
    op.add_column("handovers", sa.Column("suspension_id", sa.BigInteger(), nullable=True))
    op.execute(STOPPED_BY)
    op.execute("UPDATE suspensions SET cause = 'handover' WHERE id IN (SELECT suspension_id FROM handovers)")
    op.create_check_constraint(op.f("ck_suspensions_cause"), "suspensions", "cause IN ('decided', 'handover')")
    op.create_check_constraint(
        op.f("ck_suspensions_handover_of_service"), "suspensions", "cause <> 'handover' OR line_id IS NOT NULL"
    )
    op.create_foreign_key(op.f("fk_handovers_suspension_id"), "handovers", "suspensions", ["suspension_id"], ["id"])
    op.create_unique_constraint(op.f("uq_handovers_suspension_id"), "handovers", ["suspension_id"])
