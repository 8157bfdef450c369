"""What banks took back from the marketplace is taken back from suppliers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

CHOICES = {
    ("postings", "kind"): (
        *("invoice", "credit_note", "payment", "refund", "chargeback", "void"),
        *("outlay", "recovery"),
    ),
    ("posting_entries", "account"): ("owed", "paid", "services", "vat", "to_return", "laid_out"),
    ("payment_differences", "kind"): (
        *("invoice_missing", "invoice_unknown", "invoice_twice", "invoice_amount", "invoice_status", "paid_amount"),
        *("credit_missing", "credit_unknown", "credit_amount", "credited", "given_back", "chargeback", "recovered"),
    ),
}


def upgrade() -> None:
    """What a bank undid before this has its recovery begun by the first run of the job that seeks it."""
    for (table, column), values in CHOICES.items():
        name = op.f(f"ck_{table}_{column}")
        op.drop_constraint(name, table, type_="check")
        op.create_check_constraint(name, table, f"{column} IN ({', '.join(map(repr, values))})")
    op.create_table(
        "recoveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("chargeback_id", sa.BigInteger(), sa.ForeignKey("chargebacks.id"), nullable=False, unique=True),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("status", sa.String(40), nullable=False, index=True),
        sa.Column("begun_at", Moment(), nullable=False),
        sa.Column("provider_id", sa.String(), unique=True),
        sa.Column("transfer", sa.String(), index=True),
        sa.Column("settled_at", Moment()),
        sa.Column("settled_by", sa.BigInteger(), sa.ForeignKey("people.id"), index=True),
        sa.Column("next_attempt_at", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String()),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_recoveries_{name}"))
            for name, rule in (
                ("amount_positive", "amount > 0"),
                ("settled", "(status = 'waiting') = (settled_at IS NULL)"),
                ("recovered_there", "(status = 'recovered') = (provider_id IS NOT NULL)"),
                ("elsewhere_by_somebody", "(status = 'elsewhere') = (settled_by IS NOT NULL)"),
                ("status", "status IN ('waiting', 'recovered', 'elsewhere', 'not_passed_on')"),
            )
        ),
    )
