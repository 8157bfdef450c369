"""By how many referrals of a whole contract year a band was reached is kept with what it was paid by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("low", "high"):
        op.add_column("reconciled_spans", sa.Column(name, sa.Integer(), nullable=True))
