"""Who leads a contract may change with a version of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agreement_versions", sa.Column("lead_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_agreement_versions_lead_id"), "agreement_versions", "organisations", ["lead_id"], ["id"]
    )
