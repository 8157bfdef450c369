"""Differences of credit notes between the payment provider's books and ours."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KINDS = (
    *("invoice_missing", "invoice_unknown", "invoice_twice", "invoice_amount", "invoice_status", "paid_amount"),
    *("credit_missing", "credit_unknown", "credit_amount", "credited", "given_back", "chargeback"),
)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_payment_differences_kind"), "payment_differences", type_="check")
    kinds = ", ".join(f"'{one}'" for one in KINDS)
    op.create_check_constraint(op.f("ck_payment_differences_kind"), "payment_differences", f"kind IN ({kinds})")
