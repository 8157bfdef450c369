"""What a reviewer saw of the work with one person is sealed."""

import sqlalchemy as sa
from alembic import op

from marketplace.vault import vault

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

CONTEXT = "reviewed_referrals.words"


def upgrade() -> None:
    connection = op.get_bind()
    op.alter_column("reviewed_referrals", "words", new_column_name="plain")
    op.add_column("reviewed_referrals", sa.Column("words", sa.LargeBinary(), nullable=True))
    rows = connection.execute(sa.text("SELECT review_id, position, plain FROM reviewed_referrals WHERE plain <> ''"))
    for row in rows.all():
        connection.execute(
            sa.text("UPDATE reviewed_referrals SET words = :words WHERE review_id = :review AND position = :position"),
            {
                "words": vault().seal(row.plain.encode(), context=CONTEXT),
                "review": row.review_id,
                "position": row.position,
            },
        )
    op.drop_column("reviewed_referrals", "plain")
