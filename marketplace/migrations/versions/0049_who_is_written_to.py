"""What the payment provider has been told of a funder is kept, so that it is told again when that changes."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

KINDS = (
    *("invoice_missing", "invoice_unknown", "invoice_twice", "invoice_amount", "invoice_status", "paid_amount"),
    *("credit_missing", "credit_unknown", "credit_amount", "credited", "given_back", "chargeback", "recovered"),
    *("news_unreadable", "not_sent", "invoice_parties", "invoice_due"),
)


def upgrade() -> None:
    """Whose address was told before is not known: it is told again before the next invoice."""
    for name in ("name", "email"):
        op.add_column("payment_accounts", sa.Column(name, sa.String(), nullable=False, server_default=""))
        op.alter_column("payment_accounts", name, server_default=None)
    name = op.f("ck_payment_differences_kind")
    op.drop_constraint(name, "payment_differences", type_="check")
    op.create_check_constraint(name, "payment_differences", f"kind IN ({', '.join(map(repr, KINDS))})")
