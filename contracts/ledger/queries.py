"""Reads of the ledger: the balance of any account on any day, statements, and debts by age."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased, joinedload

from contracts.ledger.models import Entry, Posting
from contracts.ledger.rules import Account, Age, PostingKind, age_of, late_interest
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page

NOTHING = Decimal("0.00")


def balance(
    account: Account,
    organisation_id: int,
    *,
    on: date,
    other_id: int | None = None,
    agreement_id: int | None = None,
    item: str | None = None,
) -> Decimal:
    """What stands in an organisation's account at the end of a day, in pounds.

    All of it, or only that with one other organisation (a funder's debt to one supplier), under one agreement, or on
    one invoice.
    """
    asked = (
        select(func.coalesce(func.sum(Entry.amount), 0))
        .join(Posting, Entry.posting_id == Posting.id)
        .where(Entry.account == account, Entry.organisation_id == organisation_id, Posting.day <= on)
    )
    if other_id is not None:
        other = Posting.supplier_id if account is Account.OWED else Posting.funder_id
        asked = asked.where(other == other_id)
    if agreement_id is not None:
        asked = asked.where(Posting.agreement_id == agreement_id)
    if item is not None:
        asked = asked.where(Posting.item == item)
    return Decimal(db.session.scalar(asked) or 0).quantize(NOTHING)


def unbalanced(on: date) -> Decimal:
    """What all accounts together come to at the end of a day: nought, or the ledger is wrong."""
    found = db.session.scalar(
        select(func.sum(Entry.amount)).join(Posting, Entry.posting_id == Posting.id).where(Posting.day <= on)
    )
    return Decimal(found or 0).quantize(NOTHING)


@dataclass
class Sums:
    """What was charged and credited before VAT, the VAT of both together, what was paid and what is owed, in pounds.

    charged − credited + vat = paid + owed, always: the ledger balances.
    """

    charged: Decimal = NOTHING
    credited: Decimal = NOTHING
    vat: Decimal = NOTHING
    paid: Decimal = NOTHING
    owed: Decimal = NOTHING

    def add(self, other: Sums) -> None:
        """Take these sums into it."""
        for name in ("charged", "credited", "vat", "paid", "owed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def by_item(agreement_id: int, *, on: date, funder_id: int | None = None) -> dict[str, Sums]:
    """What the ledger has for each invoice under an agreement at the end of a day, by its number; perhaps one funder's.

    Credited: by credit notes and voidings.
    """
    asked = (
        select(Posting.item, Posting.kind, Entry.account, func.sum(Entry.amount))
        .join(Entry, Entry.posting_id == Posting.id)
        .where(Posting.agreement_id == agreement_id, Posting.day <= on)
        .group_by(Posting.item, Posting.kind, Entry.account)
    )
    if funder_id is not None:
        asked = asked.where(Posting.funder_id == funder_id)
    found: dict[str, Sums] = defaultdict(Sums)
    for item, kind, account, amount in db.session.execute(asked):
        sums = found[item]
        if account is Account.OWED:
            sums.owed += amount
        elif account is Account.PAID:
            sums.paid += amount
        elif account is Account.VAT:
            sums.vat -= amount
        elif kind is PostingKind.INVOICE:
            sums.charged -= amount
        else:
            sums.credited += amount
    return dict(found)


@dataclass(frozen=True)
class StatementRow:
    """One posting as a statement shows it: what it changed, and what was owed after it."""

    posting: Posting
    change: Decimal
    owed: Decimal


@dataclass(frozen=True)
class Statement(Page[StatementRow]):
    """What was owed before the first day, what was posted since, and what is owed at the end of the last day.

    Its rows are one page, or all. `totals` is what moved in the whole period, by what it was. All in pounds.
    """

    first: date
    last: date
    before: Decimal
    after: Decimal
    totals: dict[PostingKind, Decimal]


def statement(
    actor: Actor, *, first: date, last: date, other_id: int | None = None, page: int | None = None
) -> Statement:
    """The actor's organisation's statement: as a funder what it owes, as a supplier what it is owed.

    With all others, or with one of them; one page of it, or all.
    """
    mine = _mine(actor, other_id)
    before_first = _owed(mine, first - timedelta(days=1))
    within = (mine, Entry.account == Account.OWED, Posting.day >= first, Posting.day <= last)
    counted = db.session.execute(
        select(Posting.kind, func.count(), func.sum(Entry.amount))
        .join(Entry, Entry.posting_id == Posting.id)
        .where(*within)
        .group_by(Posting.kind)
    ).all()
    total = sum(count for _, count, _ in counted)
    totals = dict.fromkeys(PostingKind, NOTHING) | {kind: amount for kind, _, amount in counted}
    in_order = (Posting.day, Posting.id)
    asked = (
        select(Posting, Entry.amount, func.sum(Entry.amount).over(order_by=in_order))
        .join(Entry, Entry.posting_id == Posting.id)
        .where(*within)
        .options(joinedload(Posting.funder), joinedload(Posting.supplier))
        .order_by(*in_order)
    )
    number = 1
    if page is not None:
        number = nearest_page(page, total)
        asked = asked.limit(PAGE).offset(before(number))
    rows = [StatementRow(one, change, before_first + so_far) for one, change, so_far in db.session.execute(asked)]
    after = before_first + sum(totals.values(), NOTHING)
    return Statement(rows, total, number, first, last, before_first, after, totals)


def _mine(actor: Actor, other_id: int | None) -> ColumnElement[bool]:
    """The postings of which the actor's organisation is a side."""
    actor.must(Permission.SEE_INVOICES)
    side, other = Posting.funder_id, Posting.supplier_id
    if actor.is_supplier:
        side, other = other, side
    mine = side == actor.organisation
    return mine if other_id is None else mine & (other == other_id)


def _owed(mine: ColumnElement[bool], on: date) -> Decimal:
    found = db.session.scalar(
        select(func.sum(Entry.amount))
        .join(Posting, Entry.posting_id == Posting.id)
        .where(mine, Entry.account == Account.OWED, Posting.day <= on)
    )
    return Decimal(found or 0).quantize(NOTHING)


def others(actor: Actor) -> Sequence[Organisation]:
    """Those with whom the actor's organisation has an account: suppliers for a funder, funders for a supplier."""
    other = Posting.funder_id if actor.is_supplier else Posting.supplier_id
    return db.session.scalars(
        select(Organisation)
        .where(Organisation.id.in_(select(other).where(_mine(actor, None))))
        .order_by(Organisation.name)
    ).all()


@dataclass(frozen=True)
class OpenDebt:
    """What is still owed on one invoice at the end of a day, how old that is, and the interest that the law gives."""

    item: str
    funder: Organisation
    supplier: Organisation
    due_on: date
    owed: Decimal
    age: Age
    interest: Decimal


def debts(actor: Actor, *, on: date, base_rate: Decimal, other_id: int | None = None) -> list[OpenDebt]:
    """What the actor's organisation owes (a funder) or is owed (a supplier) at the end of a day, the oldest first.

    An invoice on which more was credited than was left to pay stands below nought: that money is to come back.
    """
    owed = (
        select(Posting.item, func.sum(Entry.amount).label("owed"))
        .join(Entry, Entry.posting_id == Posting.id)
        .where(_mine(actor, other_id), Entry.account == Account.OWED, Posting.day <= on)
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
    found = []
    for posting, amount, payer, paid in db.session.execute(rows):
        assert posting.due_on is not None  # a constraint of the table
        late = late_interest(max(amount, NOTHING), posting.due_on, on, base_rate=base_rate)
        found.append(OpenDebt(posting.item, payer, paid, posting.due_on, amount, age_of(posting.due_on, on), late))
    return found


def by_age(found: Sequence[OpenDebt]) -> dict[Age, Decimal]:
    """What is owed in all, by how old it is, in pounds."""
    totals = dict.fromkeys(Age, NOTHING)
    for debt in found:
        totals[debt.age] += debt.owed
    return totals
