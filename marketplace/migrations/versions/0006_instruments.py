"""A call-off leads to a contract or to a grant; all that there are lead to contracts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("competitions", "agreements"):
        kinds = sa.Enum("contract", "grant", name="instrument", native_enum=False, create_constraint=True, length=40)
        op.add_column(table, sa.Column("instrument", kinds, nullable=False, server_default="contract"))
        op.alter_column(table, "instrument", server_default=None)
