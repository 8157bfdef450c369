"""What no month is left to take of a deduction is credited."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credit_notes", sa.Column("deduction_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_credit_notes_deduction_id"), "credit_notes", "deductions", ["deduction_id"], ["id"])
    op.create_index(op.f("ix_credit_notes_deduction_id"), "credit_notes", ["deduction_id"])
    for name, rule in (
        ("kind", "kind IN ('dispute', 'reconciliation', 'deduction', 'correction')"),
        ("issued_by_somebody", "kind IN ('reconciliation', 'deduction') OR issued_by IS NOT NULL"),
    ):
        op.drop_constraint(op.f(f"ck_credit_notes_{name}"), "credit_notes", type_="check")
        op.create_check_constraint(op.f(f"ck_credit_notes_{name}"), "credit_notes", rule)
    op.create_check_constraint(
        op.f("ck_credit_notes_deduction"), "credit_notes", "(kind = 'deduction') = (deduction_id IS NOT NULL)"
    )
