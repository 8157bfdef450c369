"""The schedule of instalments that a version of a grant agrees."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "version_instalments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("milestone", sa.String(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_version_instalments_number")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_version_instalments_amount_positive")),
        sa.CheckConstraint("length(milestone) > 0", name=op.f("ck_version_instalments_milestone_given")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_version_instalments_agreement_id")),
        sa.ForeignKeyConstraint(
            ["version_id", "agreement_id"],
            ["agreement_versions.id", "agreement_versions.agreement_id"],
            name=op.f("fk_version_instalments_version_id_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version_instalments")),
        sa.UniqueConstraint("version_id", "number", name=op.f("uq_version_instalments_version_id_number")),
    )
    op.create_index(op.f("ix_version_instalments_agreement_id"), "version_instalments", ["agreement_id"])
    op.create_index(op.f("ix_version_instalments_version_id"), "version_instalments", ["version_id"])
    # What is agreed comes to the grant’s value.
    op.execute(
        """
        CREATE FUNCTION schedule_comes_to_the_grant() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            planned numeric;
        BEGIN
            IF NEW.agreed_at IS NOT NULL AND NEW.number > 1
               AND (SELECT instrument FROM agreements WHERE id = NEW.agreement_id) = 'grant' THEN
                SELECT coalesce(sum(amount), 0) INTO planned FROM version_instalments WHERE version_id = NEW.id;
                IF planned <> coalesce(NEW.whole_life_value, 0) THEN
                    RAISE EXCEPTION 'the instalments of version % come to %, not to its value', NEW.id, planned
                        USING ERRCODE = 'check_violation';
                END IF;
            END IF;
            RETURN NULL;
        END;
        $$;
        CREATE CONSTRAINT TRIGGER schedule_comes_to_the_grant
            AFTER INSERT OR UPDATE OF agreed_at, whole_life_value ON agreement_versions
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION schedule_comes_to_the_grant();
        """
    )
