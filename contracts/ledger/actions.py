"""Posting to the ledger, and base rates. Nothing is ever changed there: a mistake is put right by another row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import insert as plain_insert
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.ledger.models import BaseRate, Entry, Posting
from contracts.ledger.rules import HIGHEST_BASE_RATE, Account, Line, PostingKind
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid
from marketplace.extensions import db
from marketplace.presentation import date_words


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


def enter_base_rate(*, percent: Decimal, from_day: date, reason: str, actor: Actor, now: datetime) -> BaseRate:
    """The framework team enters the Bank of England's base rate from a day on, or corrects what was entered for it.

    What applies already is corrected with a reason. What was entered before is kept, and interest is reckoned anew:
    nothing is charged by it. Refused for others, for a rate that cannot be, for a day long to come, and twice.
    """
    actor.must(Permission.KEEP_BASE_RATES)
    today = clock.london(now).date()
    if not 0 <= percent <= HIGHEST_BASE_RATE:
        raise Invalid(f"Enter a rate from 0 to {HIGHEST_BASE_RATE}%", field="percent")
    if from_day > today + timedelta(days=366):
        raise Invalid("Enter a day within a year from today", field="from_day")
    standing = db.session.scalar(
        select(BaseRate).where(BaseRate.from_day == from_day, BaseRate.corrected_at.is_(None)).with_for_update()
    )
    if standing is not None:
        if standing.percent == percent and not standing.is_default:
            raise AlreadyDone(f"This rate is entered from {date_words(from_day)} already.")
        if from_day <= today and standing.percent != percent and not reason.strip():
            raise Invalid("Say why you correct a rate that applies already", field="reason")
        standing.corrected_at = now
        db.session.flush()
    key = db.session.scalar(
        insert(BaseRate)
        .values(
            from_day=from_day,
            percent=percent,
            entered_at=now,
            entered_by=actor.person,
            reason=reason.strip() or None if standing else None,
        )
        .on_conflict_do_nothing(index_elements=["from_day"], index_where=BaseRate.corrected_at.is_(None))
        .returning(BaseRate.id)
    )
    if key is None:
        raise AlreadyDone(f"Somebody has entered a rate from {date_words(from_day)} meanwhile. Look at it again.")
    made = db.session.get_one(BaseRate, key)
    what = f"Base rate of {percent}% from {date_words(from_day)} entered"
    audit.record(what, made, actor=actor, now=now, before=str(standing.percent) if standing else None)
    return made
