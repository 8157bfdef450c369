"""When a session was entered is kept, so that none entered afterwards meets a clock that had run out.

Of sessions that are there it is not known: they stand as entered when they began.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE sessions SET entered_at = starts_at")
    op.alter_column("sessions", "entered_at", nullable=False)
