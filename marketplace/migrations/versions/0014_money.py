"""Invoices of several kinds with VAT, approved, disputed and credited; how they are reckoned; and the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# What is posted stays as it was posted.
KEPT = """
CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is posted to the ledger is never changed or deleted';
END $$
"""

# A posting has the entries it was made with, no fewer and no more, and they come to nought.
BALANCED = """
CREATE FUNCTION refuse_ledger_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posting bigint := CASE TG_TABLE_NAME WHEN 'postings' THEN NEW.id ELSE (to_jsonb(NEW) ->> 'posting_id')::bigint END;
BEGIN
    IF EXISTS (
        SELECT 1 FROM postings p LEFT JOIN posting_entries e ON e.posting_id = p.id
        WHERE p.id = posting GROUP BY p.id
        HAVING count(e.id) <> p.entry_count OR coalesce(sum(e.amount), 1) <> 0
    ) THEN
        RAISE EXCEPTION 'the posting % does not balance, or its entries are not those it was made with', posting;
    END IF;
    RETURN NULL;
END $$
"""

# Every invoice that there is: raised and, if so, paid or voided, each at the moment at which that became known.
POSTED = """
INSERT INTO postings (key, kind, at, day, agreement_id, funder_id, supplier_id, item, document, due_on, entry_count)
SELECT key, kind, at, (at AT TIME ZONE 'Europe/London')::date,
    found.agreement_id, found.organisation_id, a.supplier_id, number, number, due_on, 2
FROM (
    SELECT 'invoice:' || id AS key, 'invoice' AS kind, raised_at AS at, due_on, agreement_id, organisation_id, number
    FROM invoices
    UNION ALL
    SELECT 'payment:' || id, 'payment', paid_at, NULL, agreement_id, organisation_id, number
    FROM invoices WHERE status = 'paid'
    UNION ALL
    SELECT 'void:' || id, 'void',
        coalesce((SELECT max(e.at) FROM audit_events e
                  WHERE e.subject_kind = 'invoices' AND e.subject_id = i.id AND e.what = 'Voided'), raised_at),
        NULL, agreement_id, organisation_id, number
    FROM invoices i WHERE status = 'void'
) found JOIN agreements a ON a.id = found.agreement_id
ORDER BY at
"""
ENTERED = """
INSERT INTO posting_entries (posting_id, account, organisation_id, amount)
SELECT p.id, 'owed', p.funder_id, CASE p.kind WHEN 'invoice' THEN i.amount ELSE -i.amount END
FROM postings p JOIN invoices i ON i.number = p.item
UNION ALL
SELECT p.id, CASE p.kind WHEN 'payment' THEN 'paid' ELSE 'services' END, p.supplier_id,
    CASE p.kind WHEN 'invoice' THEN -i.amount ELSE i.amount END
FROM postings p JOIN invoices i ON i.number = p.item
"""


def upgrade() -> None:
    _ledger()
    _reckoning()
    _parties()
    _invoices()
    _credits()
    op.execute(POSTED)
    op.execute(ENTERED)
    # The triggers come last: rows of before are checked here and now.
    op.execute(KEPT)
    op.execute(BALANCED)
    for table in ("postings", "posting_entries"):
        op.execute(
            f"CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_ledger_change()"
        )
        op.execute(
            f"CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()"
        )
        op.execute(
            f"CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse_ledger_imbalance()"
        )


def _ledger() -> None:
    op.create_table(
        "postings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "invoice",
                "credit_note",
                "payment",
                "refund",
                "void",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("funder_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("(kind = 'invoice') = (due_on IS NOT NULL)", name=op.f("ck_postings_due")),
        sa.CheckConstraint("day = (at AT TIME ZONE 'Europe/London')::date", name=op.f("ck_postings_day_of_moment")),
        sa.CheckConstraint("entry_count >= 2", name=op.f("ck_postings_has_entries")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_postings_agreement_id")),
        sa.ForeignKeyConstraint(["funder_id"], ["organisations.id"], name=op.f("fk_postings_funder_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["organisations.id"], name=op.f("fk_postings_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint("key", name=op.f("uq_postings_key")),
    )
    op.create_index(op.f("ix_postings_agreement_id"), "postings", ["agreement_id"])
    op.create_index(op.f("ix_postings_day"), "postings", ["day"])
    op.create_index(op.f("ix_postings_funder_id"), "postings", ["funder_id"])
    op.create_index("ix_postings_item", "postings", ["item"])
    op.create_index(op.f("ix_postings_supplier_id"), "postings", ["supplier_id"])
    op.create_table(
        "posting_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "account",
            sa.Enum(
                "owed", "paid", "services", "vat", name="account", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_posting_entries_not_nought")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_posting_entries_organisation_id")
        ),
        sa.ForeignKeyConstraint(["posting_id"], ["postings.id"], name=op.f("fk_posting_entries_posting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting_entries")),
        sa.UniqueConstraint("posting_id", "account", name=op.f("uq_posting_entries_posting_id_account")),
    )
    op.create_index("ix_posting_entries_account", "posting_entries", ["organisation_id", "account"])


def _reckoning() -> None:
    op.create_table(
        "grant_instalments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("milestone", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "planned", "claimed", "accepted", name="status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.BigInteger(), nullable=True),
        sa.Column("sent_back_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(status = 'accepted') = (accepted_at IS NOT NULL)", name=op.f("ck_grant_instalments_accepted")
        ),
        sa.CheckConstraint(
            "status = 'planned' OR (claimed_at IS NOT NULL AND evidence IS NOT NULL)",
            name=op.f("ck_grant_instalments_claimed"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_grant_instalments_amount_positive")),
        sa.ForeignKeyConstraint(["accepted_by"], ["people.id"], name=op.f("fk_grant_instalments_accepted_by")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_grant_instalments_agreement_id")),
        sa.ForeignKeyConstraint(["claimed_by"], ["people.id"], name=op.f("fk_grant_instalments_claimed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_instalments")),
        sa.UniqueConstraint("agreement_id", "number", name=op.f("uq_grant_instalments_agreement_id_number")),
        sa.UniqueConstraint("id", "agreement_id", name=op.f("uq_grant_instalments_id_agreement_id")),
    )
    op.create_index(op.f("ix_grant_instalments_accepted_by"), "grant_instalments", ["accepted_by"])
    op.create_index(op.f("ix_grant_instalments_agreement_id"), "grant_instalments", ["agreement_id"])
    op.create_index(op.f("ix_grant_instalments_claimed_by"), "grant_instalments", ["claimed_by"])
    op.create_table(
        "deductions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("service_line_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_deductions_amount_positive")),
        sa.CheckConstraint("extract(day from month) = 1", name=op.f("ck_deductions_month_begins")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_deductions_reason_given")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.id"], name=op.f("fk_deductions_decided_by")),
        sa.ForeignKeyConstraint(["service_line_id"], ["service_lines.id"], name=op.f("fk_deductions_service_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deductions")),
    )
    op.create_index(op.f("ix_deductions_decided_by"), "deductions", ["decided_by"])
    op.create_index(op.f("ix_deductions_service_line_id"), "deductions", ["service_line_id"])
    op.create_table(
        "reconciled_years",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("service_line_id", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("whole_days", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last >= first", name=op.f("ck_reconciled_years_year")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_reconciled_years_agreement_id")),
        sa.ForeignKeyConstraint(
            ["service_line_id"], ["service_lines.id"], name=op.f("fk_reconciled_years_service_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciled_years")),
        sa.UniqueConstraint("service_line_id", "first", name=op.f("uq_reconciled_years_service_line_id_first")),
    )
    op.create_index(op.f("ix_reconciled_years_agreement_id"), "reconciled_years", ["agreement_id"])
    op.create_index(op.f("ix_reconciled_years_service_line_id"), "reconciled_years", ["service_line_id"])
    op.create_table(
        "reconciled_spans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reconciled_year_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("planned_band", sa.Integer(), nullable=False),
        sa.Column("planned_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("charged", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("band_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("due", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.ForeignKeyConstraint(
            ["reconciled_year_id"], ["reconciled_years.id"], name=op.f("fk_reconciled_spans_reconciled_year_id")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["agreement_versions.id"], name=op.f("fk_reconciled_spans_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciled_spans")),
        sa.UniqueConstraint("reconciled_year_id", "first", name=op.f("uq_reconciled_spans_reconciled_year_id_first")),
    )
    op.create_index(op.f("ix_reconciled_spans_reconciled_year_id"), "reconciled_spans", ["reconciled_year_id"])
    op.create_index(op.f("ix_reconciled_spans_version_id"), "reconciled_spans", ["version_id"])


def _parties() -> None:
    op.create_table(
        "purchase_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_purchase_orders_agreement_id")),
        sa.ForeignKeyConstraint(["entered_by"], ["people.id"], name=op.f("fk_purchase_orders_entered_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_purchase_orders_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_orders")),
        sa.UniqueConstraint(
            "agreement_id",
            "organisation_id",
            "from_day",
            name=op.f("uq_purchase_orders_agreement_id_organisation_id_from_day"),
        ),
    )
    op.create_index(op.f("ix_purchase_orders_agreement_id"), "purchase_orders", ["agreement_id"])
    op.create_index(op.f("ix_purchase_orders_entered_by"), "purchase_orders", ["entered_by"])
    op.create_index(op.f("ix_purchase_orders_organisation_id"), "purchase_orders", ["organisation_id"])
    op.create_table(
        "vat_statuses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("organisation_id", sa.BigInteger(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "standard",
                "exempt",
                "not_registered",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("vat_number", sa.String(), nullable=True),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stated_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'not_registered') = (vat_number IS NULL)", name=op.f("ck_vat_statuses_number_known")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_vat_statuses_organisation_id")
        ),
        sa.ForeignKeyConstraint(["stated_by"], ["people.id"], name=op.f("fk_vat_statuses_stated_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vat_statuses")),
        sa.UniqueConstraint("organisation_id", "from_day", name=op.f("uq_vat_statuses_organisation_id_from_day")),
    )
    op.create_index(op.f("ix_vat_statuses_organisation_id"), "vat_statuses", ["organisation_id"])
    op.create_index(op.f("ix_vat_statuses_stated_by"), "vat_statuses", ["stated_by"])
    op.create_table(
        "subcontractor_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subcontractor_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("invoiced_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND (amount = 0) = (paid_on IS NULL) AND (amount = 0) = (invoiced_on IS NULL)",
            name=op.f("ck_subcontractor_payments_complete"),
        ),
        sa.CheckConstraint("extract(day from month) = 1", name=op.f("ck_subcontractor_payments_month_begins")),
        sa.CheckConstraint("paid_on >= invoiced_on", name=op.f("ck_subcontractor_payments_dates")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["people.id"], name=op.f("fk_subcontractor_payments_confirmed_by")),
        sa.ForeignKeyConstraint(
            ["subcontractor_id"], ["subcontractors.id"], name=op.f("fk_subcontractor_payments_subcontractor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subcontractor_payments")),
        sa.UniqueConstraint("subcontractor_id", "month", name=op.f("uq_subcontractor_payments_subcontractor_id_month")),
    )
    op.create_index(op.f("ix_subcontractor_payments_confirmed_by"), "subcontractor_payments", ["confirmed_by"])
    op.create_index(op.f("ix_subcontractor_payments_subcontractor_id"), "subcontractor_payments", ["subcontractor_id"])


def _invoices() -> None:
    op.add_column("invoice_lines", sa.Column("deduction_id", sa.BigInteger(), nullable=True))
    op.alter_column("invoice_lines", "service_line_id", existing_type=sa.BIGINT(), nullable=True)
    op.create_index(op.f("ix_invoice_lines_deduction_id"), "invoice_lines", ["deduction_id"])
    op.create_foreign_key(
        op.f("fk_invoice_lines_deduction_id"), "invoice_lines", "deductions", ["deduction_id"], ["id"]
    )
    kinds = ("month", "reconciliation", "instalment")
    kind = sa.Enum(*kinds, name="kind", native_enum=False, create_constraint=True, length=40)
    pounds, percent = sa.Numeric(precision=12, scale=2), sa.Numeric(precision=5, scale=2)
    # Every invoice of before is a month's, without VAT, credited nothing, and was sent without being approved.
    for name, column_type, of_before in (
        ("kind", kind, "month"),
        ("period_from", sa.Date(), None),
        ("period_to", sa.Date(), None),
        ("sequence", sa.Integer(), "1"),
        ("net", pounds, None),
        ("vat_rate", percent, "0"),
        ("vat", pounds, "0"),
        ("credited_net", pounds, "0"),
        ("credited", pounds, "0"),
    ):
        op.add_column("invoices", sa.Column(name, column_type, nullable=of_before is None, server_default=of_before))
        if of_before is not None:
            op.alter_column("invoices", name, server_default=None)
    for name, column_type in (
        ("reissue_of_id", sa.BigInteger()),
        ("instalment_id", sa.BigInteger()),
        ("po_number", sa.String()),
        ("approved_at", sa.DateTime(timezone=True)),
        ("approved_by", sa.BigInteger()),
        ("paid_amount", pounds),
    ):
        op.add_column("invoices", sa.Column(name, column_type, nullable=True))
    op.execute(
        """
        UPDATE invoices SET
            net = amount,
            approved_at = raised_at,
            paid_amount = CASE WHEN invoices.status = 'paid' THEN amount END,
            period_from = greatest(month, a.starts_on),
            period_to = least((month + interval '1 month' - interval '1 day')::date, a.ends_on)
        FROM agreements a WHERE a.id = invoices.agreement_id
        """
    )
    # Whatever the contract's dates have become, an invoice is for days of its month.
    op.execute("UPDATE invoices SET period_from = month WHERE period_from >= month + interval '1 month'")
    op.execute("UPDATE invoices SET period_to = (month + interval '1 month')::date - 1 WHERE period_to < period_from")
    for name in ("net", "period_from", "period_to"):
        op.alter_column("invoices", name, nullable=False)
    op.drop_constraint(op.f("uq_invoices_agreement_id_organisation_id_month"), "invoices", type_="unique")
    op.drop_constraint(op.f("ck_invoices_status"), "invoices", type_="check")
    op.drop_constraint(op.f("ck_invoices_amount_positive"), "invoices", type_="check")
    op.drop_constraint(op.f("ck_invoices_paid_complete"), "invoices", type_="check")
    for name, rule in (
        ("status", "status IN ('awaiting_approval', 'draft', 'open', 'paid', 'credited', 'void')"),
        ("period", "period_to >= period_from"),
        ("reissue", "sequence >= 1 AND (sequence = 1) = (reissue_of_id IS NULL)"),
        ("instalment", "(kind = 'instalment') = (instalment_id IS NOT NULL)"),
        ("sums", "net >= 0 AND vat >= 0 AND amount = net + vat"),
        (
            "credited_within",
            "credited_net BETWEEN 0 AND net AND credited BETWEEN 0 AND amount AND credited_net <= credited",
        ),
        ("credited_whole", "status <> 'credited' OR credited = amount"),
        ("amount_positive", "amount > 0 OR status = 'credited'"),
        ("approved_first", "approved_at IS NOT NULL OR status IN ('awaiting_approval', 'credited')"),
        ("paid_complete", "status <> 'paid' OR (paid_at IS NOT NULL AND paid_amount IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_invoices_{name}"), "invoices", rule)
    op.create_index(op.f("ix_invoices_approved_by"), "invoices", ["approved_by"])
    op.create_index(op.f("ix_invoices_instalment_id"), "invoices", ["instalment_id"])
    op.create_index("ix_invoices_month", "invoices", ["month"])
    op.create_index(op.f("ix_invoices_reissue_of_id"), "invoices", ["reissue_of_id"])
    op.create_unique_constraint(op.f("uq_invoices_id_agreement_id"), "invoices", ["id", "agreement_id"])
    op.create_index(
        "uq_invoices_instalment_once",
        "invoices",
        ["instalment_id", "organisation_id", "sequence"],
        unique=True,
        postgresql_where=sa.text("kind = 'instalment'"),
    )
    op.create_index(
        "uq_invoices_once",
        "invoices",
        ["agreement_id", "organisation_id", "kind", "period_from", "sequence"],
        unique=True,
        postgresql_where=sa.text("kind <> 'instalment'"),
    )
    op.create_foreign_key(
        op.f("fk_invoices_instalment_id_agreement_id"),
        "invoices",
        "grant_instalments",
        ["instalment_id", "agreement_id"],
        ["id", "agreement_id"],
    )
    op.create_foreign_key(
        op.f("fk_invoices_reissue_of_id_agreement_id"),
        "invoices",
        "invoices",
        ["reissue_of_id", "agreement_id"],
        ["id", "agreement_id"],
    )
    op.create_foreign_key(op.f("fk_invoices_approved_by"), "invoices", "people", ["approved_by"], ["id"])


def _credits() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "upheld",
                "partly_upheld",
                "not_upheld",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("net", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_by", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upheld_net", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'open') = (settled_at IS NULL) AND (status = 'open') = (upheld_net IS NULL)",
            name=op.f("ck_disputes_settled"),
        ),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_disputes_answered")),
        sa.CheckConstraint("net > 0", name=op.f("ck_disputes_net_positive")),
        sa.CheckConstraint(
            "upheld_net IS NULL OR upheld_net BETWEEN 0 AND net", name=op.f("ck_disputes_upheld_within")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_disputes_invoice_id")),
        sa.ForeignKeyConstraint(["raised_by"], ["people.id"], name=op.f("fk_disputes_raised_by")),
        sa.ForeignKeyConstraint(["settled_by"], ["people.id"], name=op.f("fk_disputes_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("id", "invoice_id", name=op.f("uq_disputes_id_invoice_id")),
    )
    op.create_index(op.f("ix_disputes_invoice_id"), "disputes", ["invoice_id"])
    op.create_index(op.f("ix_disputes_raised_by"), "disputes", ["raised_by"])
    op.create_index(op.f("ix_disputes_settled_by"), "disputes", ["settled_by"])
    op.create_index(op.f("ix_disputes_status"), "disputes", ["status"])
    op.create_index(
        "uq_disputes_one_open", "disputes", ["invoice_id"], unique=True, postgresql_where=sa.text("status = 'open'")
    )
    op.create_table(
        "credit_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "dispute",
                "reconciliation",
                "correction",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("net", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("vat", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=True),
        sa.Column("year_begins", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "waiting", "issued", "refunded", name="status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.BigInteger(), nullable=True),
        sa.Column("to_refund", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reissued_as_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("(kind = 'dispute') = (dispute_id IS NOT NULL)", name=op.f("ck_credit_notes_dispute")),
        sa.CheckConstraint(
            "(kind = 'reconciliation') = (year_begins IS NOT NULL)", name=op.f("ck_credit_notes_reconciliation")
        ),
        sa.CheckConstraint("(status = 'refunded') = (refunded_at IS NOT NULL)", name=op.f("ck_credit_notes_refunded")),
        sa.CheckConstraint(
            "kind = 'reconciliation' OR issued_by IS NOT NULL", name=op.f("ck_credit_notes_issued_by_somebody")
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_credit_notes_reason_given")),
        sa.CheckConstraint("net > 0 AND vat >= 0 AND amount = net + vat", name=op.f("ck_credit_notes_sums")),
        sa.ForeignKeyConstraint(
            ["dispute_id", "invoice_id"],
            ["disputes.id", "disputes.invoice_id"],
            name=op.f("fk_credit_notes_dispute_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_credit_notes_invoice_id")),
        sa.ForeignKeyConstraint(["issued_by"], ["people.id"], name=op.f("fk_credit_notes_issued_by")),
        sa.ForeignKeyConstraint(["reissued_as_id"], ["invoices.id"], name=op.f("fk_credit_notes_reissued_as_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_notes")),
        sa.UniqueConstraint("invoice_id", "place", name=op.f("uq_credit_notes_invoice_id_place")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_notes_number")),
        sa.UniqueConstraint("reissued_as_id", name=op.f("uq_credit_notes_reissued_as_id")),
        sa.UniqueConstraint("provider_id", name=op.f("uq_credit_notes_provider_id")),
    )
    op.create_index(op.f("ix_credit_notes_dispute_id"), "credit_notes", ["dispute_id"])
    op.create_index(op.f("ix_credit_notes_invoice_id"), "credit_notes", ["invoice_id"])
    op.create_index(op.f("ix_credit_notes_issued_by"), "credit_notes", ["issued_by"])
    op.create_index(op.f("ix_credit_notes_status"), "credit_notes", ["status"])
    op.create_table(
        "invoice_documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        sa.Column("credit_note_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("waiting", "made", name="status", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.CheckConstraint("(status = 'made') = (sha256 IS NOT NULL)", name=op.f("ck_invoice_documents_made")),
        sa.CheckConstraint("num_nonnulls(invoice_id, credit_note_id) = 1", name=op.f("ck_invoice_documents_of_one")),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["credit_notes.id"], name=op.f("fk_invoice_documents_credit_note_id")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoices.id"], name=op.f("fk_invoice_documents_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_documents")),
        sa.UniqueConstraint("credit_note_id", name=op.f("uq_invoice_documents_credit_note_id")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_invoice_documents_invoice_id")),
    )
    op.create_index(op.f("ix_invoice_documents_status"), "invoice_documents", ["status"])
