"""News of the payment provider that cannot be read is set aside; of what was applied no more is kept than what it was."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

KINDS = (
    *("invoice_missing", "invoice_unknown", "invoice_twice", "invoice_amount", "invoice_status", "paid_amount"),
    *("credit_missing", "credit_unknown", "credit_amount", "credited", "given_back", "chargeback", "recovered"),
    "news_unreadable",
)


def upgrade() -> None:
    op.add_column("payment_events", sa.Column("set_aside_at", Moment(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_events_set_aside"), "payment_events", "set_aside_at IS NULL OR applied_at IS NULL"
    )
    name = op.f("ck_payment_differences_kind")
    op.drop_constraint(name, "payment_differences", type_="check")
    op.create_check_constraint(name, "payment_differences", f"kind IN ({', '.join(map(repr, KINDS))})")
    # Whole payloads may hold a bank's particulars, names and addresses; nothing reads them once they are applied.
    op.execute(
        "UPDATE payment_events SET payload = jsonb_build_object('id', payload -> 'id', 'type', payload -> 'type', "
        "'created', payload -> 'created', 'data', jsonb_build_object('object', jsonb_build_object())) "
        "WHERE applied_at IS NOT NULL"
    )
