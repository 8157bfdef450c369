"""What surrounds a contract: milestones, people who deliver, promises, the supply chain as planned and as delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "milestones",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("supplier", "commissioner", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "done",
                "accepted",
                "sent_back",
                "dropped",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("dropped_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(status = 'dropped') = (dropped_reason IS NOT NULL)", name=op.f("ck_milestones_dropped_with_reason")
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_milestones_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestones")),
    )
    op.create_index(op.f("ix_milestones_agreement_id"), "milestones", ["agreement_id"])
    op.create_index(op.f("ix_milestones_due_on"), "milestones", ["due_on"])
    op.create_index(
        "uq_milestones_title",
        "milestones",
        ["agreement_id", "title"],
        unique=True,
        postgresql_where=sa.text("status <> 'dropped'"),
    )
    op.create_table(
        "mobilisations",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_mobilisations_agreement_id")),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_mobilisations")),
    )
    op.create_table(
        "promises",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("equality", "social_value", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("need", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column(
            "frequency",
            sa.Enum(
                "once", "quarterly", "yearly", name="frequency", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("first_due_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "agreed",
                "declined",
                "ended",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "side",
            sa.Enum("supplier", "commissioner", name="side", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("(status = 'proposed') = (answered_at IS NULL)", name=op.f("ck_promises_answered")),
        sa.CheckConstraint(
            "status NOT IN ('declined', 'ended') OR reason IS NOT NULL", name=op.f("ck_promises_with_reason")
        ),
        sa.CheckConstraint("length(who) <= 100 AND length(measure) <= 300", name=op.f("ck_promises_short")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_promises_agreement_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["people.id"], name=op.f("fk_promises_answered_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["people.id"], name=op.f("fk_promises_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
    )
    op.create_index(op.f("ix_promises_agreement_id"), "promises", ["agreement_id"])
    op.create_index(op.f("ix_promises_proposed_by"), "promises", ["proposed_by"])
    op.create_index(
        "uq_promises_measure",
        "promises",
        ["agreement_id", "who", "measure"],
        unique=True,
        postgresql_where=sa.text("status IN ('proposed', 'agreed')"),
    )
    op.create_table(
        "staff_members",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "baseline",
                "standard",
                "enhanced_1",
                "enhanced_2",
                name="level",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("applied_on", sa.Date(), nullable=True),
        sa.Column("cleared_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "length(reference) <= 12 AND position(' ' in reference) = 0", name=op.f("ck_staff_members_no_names")
        ),
        sa.CheckConstraint(
            "cleared_on IS NULL OR applied_on IS NULL OR cleared_on >= applied_on",
            name=op.f("ck_staff_members_cleared_later"),
        ),
        sa.CheckConstraint(
            "expires_on IS NULL OR (cleared_on IS NOT NULL AND expires_on >= cleared_on)",
            name=op.f("ck_staff_members_expires_later"),
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_staff_members_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_members")),
    )
    op.create_index(op.f("ix_staff_members_agreement_id"), "staff_members", ["agreement_id"])
    op.create_index(
        "uq_staff_members_reference",
        "staff_members",
        ["agreement_id", "reference"],
        unique=True,
        postgresql_where=sa.text("left_on IS NULL"),
    )
    op.create_table(
        "milestone_reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("milestone_id", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(judged_at IS NULL) = (accepted IS NULL) AND (judged_at IS NULL) = (judged_by IS NULL)",
            name=op.f("ck_milestone_reports_judged"),
        ),
        sa.CheckConstraint(
            "accepted IS NOT FALSE OR reason IS NOT NULL", name=op.f("ck_milestone_reports_sent_back_with_reason")
        ),
        sa.ForeignKeyConstraint(["judged_by"], ["people.id"], name=op.f("fk_milestone_reports_judged_by")),
        sa.ForeignKeyConstraint(["milestone_id"], ["milestones.id"], name=op.f("fk_milestone_reports_milestone_id")),
        sa.ForeignKeyConstraint(["reported_by"], ["people.id"], name=op.f("fk_milestone_reports_reported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone_reports")),
    )
    op.create_index(op.f("ix_milestone_reports_milestone_id"), "milestone_reports", ["milestone_id"])
    op.create_index(op.f("ix_milestone_reports_reported_by"), "milestone_reports", ["reported_by"])
    op.create_index(
        "uq_milestone_reports_accepted",
        "milestone_reports",
        ["milestone_id"],
        unique=True,
        postgresql_where=sa.text("accepted"),
    )
    op.create_index(
        "uq_milestone_reports_unjudged",
        "milestone_reports",
        ["milestone_id"],
        unique=True,
        postgresql_where=sa.text("judged_at IS NULL"),
    )
    op.create_table(
        "prison_access",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_member_id", sa.BigInteger(), nullable=False),
        sa.Column("prison", sa.String(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=True),
        sa.Column("granted_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "expires_on IS NULL OR (granted_on IS NOT NULL AND expires_on >= granted_on)",
            name=op.f("ck_prison_access_expires_later"),
        ),
        sa.CheckConstraint(
            "granted_on IS NULL OR applied_on IS NULL OR granted_on >= applied_on",
            name=op.f("ck_prison_access_granted_later"),
        ),
        sa.ForeignKeyConstraint(
            ["staff_member_id"], ["staff_members.id"], name=op.f("fk_prison_access_staff_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prison_access")),
        sa.UniqueConstraint("staff_member_id", "prison", name=op.f("uq_prison_access_staff_member_id_prison")),
    )
    op.create_index(op.f("ix_prison_access_staff_member_id"), "prison_access", ["staff_member_id"])
    op.create_table(
        "promise_reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("promise_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reached", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "verdict",
            sa.Enum(
                "kept",
                "partly",
                "not_kept",
                "sent_back",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "verdict IS NULL OR verdict = 'kept' OR reason IS NOT NULL", name=op.f("ck_promise_reports_with_reason")
        ),
        sa.CheckConstraint(
            "(judged_at IS NULL) = (verdict IS NULL) AND (judged_at IS NULL) = (judged_by IS NULL)",
            name=op.f("ck_promise_reports_judged"),
        ),
        sa.ForeignKeyConstraint(["judged_by"], ["people.id"], name=op.f("fk_promise_reports_judged_by")),
        sa.ForeignKeyConstraint(["promise_id"], ["promises.id"], name=op.f("fk_promise_reports_promise_id")),
        sa.ForeignKeyConstraint(["reported_by"], ["people.id"], name=op.f("fk_promise_reports_reported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_reports")),
    )
    op.create_index(op.f("ix_promise_reports_promise_id"), "promise_reports", ["promise_id"])
    op.create_index(op.f("ix_promise_reports_reported_by"), "promise_reports", ["reported_by"])
    op.create_index(
        "uq_promise_reports_day",
        "promise_reports",
        ["promise_id", "due_on"],
        unique=True,
        postgresql_where=sa.text("verdict IS DISTINCT FROM 'sent_back'"),
    )
    op.create_table(
        "supply_chain_reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subcontractor_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter_begins", sa.Date(), nullable=False),
        sa.Column("percent", sa.Numeric(precision=5, scale=2), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("percent >= 0 AND percent <= 100", name=op.f("ck_supply_chain_reports_percent")),
        sa.ForeignKeyConstraint(["reported_by"], ["people.id"], name=op.f("fk_supply_chain_reports_reported_by")),
        sa.ForeignKeyConstraint(
            ["subcontractor_id"], ["subcontractors.id"], name=op.f("fk_supply_chain_reports_subcontractor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supply_chain_reports")),
        sa.UniqueConstraint(
            "subcontractor_id", "quarter_begins", name=op.f("uq_supply_chain_reports_subcontractor_id_quarter_begins")
        ),
    )
    op.create_index(op.f("ix_supply_chain_reports_reported_by"), "supply_chain_reports", ["reported_by"])
    op.create_index(op.f("ix_supply_chain_reports_subcontractor_id"), "supply_chain_reports", ["subcontractor_id"])
    op.add_column("subcontractors", sa.Column("work", sa.String(), nullable=True))
    op.add_column("subcontractors", sa.Column("share", sa.Numeric(precision=5, scale=2), nullable=True))
    op.add_column(
        "subcontractors",
        sa.Column(
            "supplier_status",
            sa.Enum(
                "vcse", "sme", "large", name="supplier_status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
    )
    op.add_column("subcontractors", sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("subcontractors", sa.Column("agreed_by", sa.BigInteger(), nullable=True))
    op.add_column("subcontractors", sa.Column("left_on", sa.Date(), nullable=True))
    op.create_foreign_key(op.f("fk_subcontractors_agreed_by"), "subcontractors", "people", ["agreed_by"], ["id"])
    op.create_check_constraint(op.f("ck_subcontractors_share"), "subcontractors", "share > 0 AND share <= 100")
    op.create_check_constraint(
        op.f("ck_subcontractors_agreed"), "subcontractors", "(agreed_at IS NULL) = (agreed_by IS NULL)"
    )
