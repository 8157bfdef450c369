"""Debts by age, and the interest that the law gives on those that are late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement
from contracts.ledger.models import BaseRate, Entry, Posting
from contracts.ledger.queries.accounts import NOTHING, concerning
from contracts.ledger.queries.rates import Rates
from contracts.ledger.rules import Account, Age, PostingKind, age_of, late_interest
from marketplace.access import Actor
from marketplace.accounts.models import Organisation
from marketplace.extensions import db


@dataclass(frozen=True)
class OpenDebt:
    """What is still owed on one invoice at the end of a day, how old that is, and the interest that the law gives.

    `rate` is the base rate by which that is reckoned; None where there is none.
    """

    item: str
    funder: Organisation
    supplier: Organisation
    due_on: date
    owed: Decimal
    age: Age
    interest: Decimal
    rate: BaseRate | None


def debts(actor: Actor, *, on: date, other_id: int | None = None) -> list[OpenDebt]:
    """What the actor's organisation owes (a funder) or is owed (a supplier) at the end of a day, the oldest first.

    An invoice on which more was credited than was left to pay stands below nought: that money is to come back.
    """
    owed = (
        select(Posting.item, func.sum(Entry.amount).label("owed"))
        .join(Entry, Entry.posting_id == Posting.id)
        .where(concerning(actor, other_id), Entry.account == Account.OWED, Posting.day <= on)
        .group_by(Posting.item)
        .having(func.sum(Entry.amount) != 0)
        .subquery()
    )
    funder, supplier = aliased(Organisation), aliased(Organisation)
    rows = (
        select(Posting, owed.c.owed, funder, supplier)
        .join(owed, owed.c.item == Posting.item)
        .join(funder, funder.id == Posting.funder_id)
        .join(supplier, supplier.id == Posting.supplier_id)
        .where(Posting.kind == PostingKind.INVOICE)
        .order_by(Posting.due_on, Posting.item)
    )
    interest = interest_by_item(select(owed.c.item), on=on)
    found = []
    for posting, amount, payer, paid in db.session.execute(rows):
        assert posting.due_on is not None  # a constraint of the table
        late = interest.get(posting.item) if amount > 0 else None
        found.append(
            OpenDebt(
                posting.item,
                payer,
                paid,
                posting.due_on,
                amount,
                age_of(posting.due_on, on) if amount > 0 else Age.TO_COME_BACK,
                late.amount if late else NOTHING,
                late.rate if late else None,
            )
        )
    return found


@dataclass(frozen=True)
class Interest:
    """What the law gives on one debt, in pounds, and the base rate that it is reckoned by."""

    amount: Decimal
    rate: BaseRate


def interest_by_item(items: Select[str] | Sequence[str], *, on: date) -> dict[str, Interest]:
    """The interest that the law gives on each invoice that was late at the end of a day, paid since or not, by number.

    None for one that was due before any base rate is known of, and none for a grant, which is the price of no goods or
    services (Late Payment of Commercial Debts (Interest) Act 1998, s. 2). For whoever may see the invoices.
    """
    rows = db.session.execute(
        select(Posting.item, Posting.kind, Posting.day, Posting.due_on, Entry.amount)
        .join(Entry, Entry.posting_id == Posting.id)
        .join(Agreement, Agreement.id == Posting.agreement_id)
        .where(
            Posting.item.in_(items),
            Entry.account == Account.OWED,
            Posting.day <= on,
            Agreement.instrument == Instrument.CONTRACT,
        )
    )
    charged: dict[str, tuple[Decimal, date]] = {}
    changes: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for item, kind, day, due_on, amount in rows:
        if kind is PostingKind.INVOICE and due_on is not None:
            charged[item] = amount, due_on
        else:
            changes[item].append((day, amount))
    rates = Rates()
    return {
        item: Interest(late_interest(amount, due_on, on, base_rate=rate.percent, changes=changes[item]), rate)
        for item, (amount, due_on) in charged.items()
        if due_on < on and (rate := rates.for_debt(due_on)) is not None
    }


def by_age(found: Sequence[OpenDebt]) -> dict[Age, Decimal]:
    """What is owed in all, by how old it is, in pounds."""
    totals = dict.fromkeys(Age, NOTHING)
    for debt in found:
        totals[debt.age] += debt.owed
    return totals


def by_other(actor: Actor, found: Sequence[OpenDebt]) -> list[tuple[Organisation, dict[Age, Decimal]]]:
    """The same for each organisation on the other side, by name."""
    debts_with: dict[Organisation, list[OpenDebt]] = defaultdict(list)
    for debt in found:
        debts_with[debt.funder if actor.is_supplier else debt.supplier].append(debt)
    return [(one, by_age(debts_with[one])) for one in sorted(debts_with, key=lambda one: (one.name, one.id))]
