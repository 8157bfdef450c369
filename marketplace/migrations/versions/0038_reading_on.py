"""A supplier reads any referral for a while after it has ended, counted from its end; until now only moved ones ended.

What was kept for moved ones, six months, is not needed: 26 weeks run from the moment at which any of them ended.
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_referrals_transferred"), "referrals")
    op.drop_column("referrals", "supplier_reads_until")
    op.create_check_constraint(
        op.f("ck_referrals_transferred"), "referrals", "status <> 'transferred' OR ended_at IS NOT NULL"
    )
