"""Invoices bear the addresses of both sides, as VAT invoices must; those that were raised bear none."""

import sqlalchemy as sa
from alembic import op

from marketplace.database import Moment

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invoice_addresses",
        sa.Column("organisation_id", sa.BigInteger(), sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("stated_at", Moment(), nullable=False),
        sa.Column("stated_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False, index=True),
        sa.CheckConstraint("length(address) BETWEEN 1 AND 300", name=op.f("ck_invoice_addresses_address_given")),
    )
    op.add_column("invoices", sa.Column("supplier_address", sa.String(), nullable=True))
    op.add_column("invoices", sa.Column("funder_address", sa.String(), nullable=True))
