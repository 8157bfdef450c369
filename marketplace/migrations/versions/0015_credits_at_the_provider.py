"""When the payment provider was told of a credit note, and what it gave back for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credit_notes", sa.Column("sent_at", Moment(), nullable=True))
    op.add_column("credit_notes", sa.Column("given_back", sa.Numeric(12, 2), server_default="0", nullable=False))
    # Nobody has told the provider of any yet; a key put there by hand is as old as the note.
    op.execute("UPDATE credit_notes SET sent_at = issued_at WHERE provider_id IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_credit_notes_given_back_within"), "credit_notes", "given_back BETWEEN 0 AND amount"
    )
    op.create_check_constraint(
        op.f("ck_credit_notes_sent_when"), "credit_notes", "provider_id IS NULL OR sent_at IS NOT NULL"
    )
