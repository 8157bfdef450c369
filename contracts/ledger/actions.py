"""Posting to the ledger. Nothing is ever changed there: a mistake is put right by another posting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert

from contracts.ledger.models import Entry, Posting
from contracts.ledger.rules import Account, Line, PostingKind
from marketplace import clock
from marketplace.extensions import db


@dataclass(frozen=True)
class Debt:
    """Whose debt a posting is about: what a funder owes a supplier under an agreement by one invoice, by its number."""

    agreement_id: int
    funder_id: int
    supplier_id: int
    invoice: str


def post(
    kind: PostingKind,
    lines: Sequence[Line],
    *,
    key: str,
    debt: Debt,
    document: str,
    now: datetime,
    due_on: date | None = None,
) -> bool:
    """Post these lines, once for the key however often this runs. Whether it was posted now.

    What the funder owes stands in its own account, all else in the supplier's. Nothing is posted where there are no
    lines (an invoice over nothing). Lines that do not balance are refused by the database when the work is committed.
    """
    if not lines:
        return False
    made = db.session.execute(
        insert(Posting)
        .values(
            key=key,
            kind=kind,
            at=now,
            day=clock.london(now).date(),
            agreement_id=debt.agreement_id,
            funder_id=debt.funder_id,
            supplier_id=debt.supplier_id,
            item=debt.invoice,
            document=document,
            due_on=due_on,
            entry_count=len(lines),
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Posting.id)
    ).scalar()
    if made is None:
        return False
    db.session.execute(
        plain_insert(Entry),
        [
            {
                "posting_id": made,
                "account": line.account,
                "organisation_id": debt.funder_id if line.account is Account.OWED else debt.supplier_id,
                "amount": line.amount,
            }
            for line in lines
        ],
    )
    return True
