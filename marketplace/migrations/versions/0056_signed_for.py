"""For which body each signature was given; a subcontractor that left can come back under its name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

# Who leads a contract can have changed since: the audit trail says for whom the commissioner's side signed.
SIGNED_FOR = """
UPDATE signatures s SET organisation_id = CASE s.side WHEN 'supplier' THEN a.supplier_id ELSE coalesce((
    SELECT o.id FROM audit_events e JOIN organisations o ON o.id = e.organisation_id
    WHERE e.subject_kind = 'agreements' AND e.subject_id = a.id AND e.what = 'Signed for the commissioner'
        AND e.person_id = s.person_id AND e.details ->> 'digest' = s.digest
    ORDER BY e.id LIMIT 1
), a.commissioner_id) END
FROM agreement_versions v JOIN agreements a ON a.id = v.agreement_id
WHERE v.id = s.version_id
"""


def upgrade() -> None:
    op.add_column("signatures", sa.Column("organisation_id", sa.BigInteger(), nullable=True))
    op.execute(SIGNED_FOR)
    op.alter_column("signatures", "organisation_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_signatures_organisation_id"), "signatures", "organisations", ["organisation_id"], ["id"]
    )
    op.create_index(op.f("ix_signatures_organisation_id"), "signatures", ["organisation_id"], unique=False)
    op.drop_constraint(op.f("uq_subcontractors_agreement_id_name"), "subcontractors", type_="unique")
    op.create_index(
        "uq_subcontractors_name_present",
        "subcontractors",
        ["agreement_id", "name"],
        unique=True,
        postgresql_where=sa.text("left_on IS NULL"),
    )
