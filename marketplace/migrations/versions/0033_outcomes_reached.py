"""Whether a desired outcome was reached, as the service says when it completes a referral; unknown of those before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("referral_outcomes", sa.Column("reached", sa.Boolean(), nullable=True))
