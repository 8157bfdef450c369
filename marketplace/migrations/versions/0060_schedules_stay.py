"""The schedule of instalments that both sides of a grant have agreed stays as it is."""

from __future__ import annotations

from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was planned under the first version, which agrees no schedule, is written when the first change is drafted.
    op.execute(
        """
        CREATE FUNCTION refuse_agreed_schedule_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (SELECT bool_or(agreed_at IS NOT NULL AND number > 1) FROM agreement_versions
                WHERE id IN (OLD.version_id, NEW.version_id)) THEN
                RAISE EXCEPTION 'the instalments of an agreed version stay as they are'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN coalesce(NEW, OLD);
        END;
        $$;
        CREATE TRIGGER agreed_schedule_stays BEFORE INSERT OR UPDATE OR DELETE ON version_instalments
            FOR EACH ROW EXECUTE FUNCTION refuse_agreed_schedule_change();
        """
    )
