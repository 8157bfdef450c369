"""The balance of any account on any day, statements, and what payments covered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased, joinedload

from contracts.ledger.models import Entry, Posting
from contracts.ledger.rules import Account, PostingKind
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page

NOTHING = Decimal("0.00")
# What moves the supplier's money for invoices: payments, and those that a bank took back, which stand below nought.
PAYMENTS = (PostingKind.PAYMENT, PostingKind.CHARGEBACK)
# Between the marketplace and a supplier, no matter of a funder's.
BETWEEN_US = (Account.TO_RETURN, Account.LAID_OUT)


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
        .where(Posting.agreement_id == agreement_id, Posting.day <= on, Entry.account.not_in(BETWEEN_US))
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
    mine = concerning(actor, other_id)
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


def concerning(actor: Actor, other_id: int | None) -> ColumnElement[bool]:
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
        .where(Organisation.id.in_(select(other).where(concerning(actor, None))))
        .order_by(Organisation.name)
    ).all()


@dataclass(frozen=True)
class Remittance:
    """What one funder paid one supplier on one day, less what banks took back, in pounds; and how often each."""

    day: date
    funder: Organisation
    supplier: Organisation
    payments: int
    taken_back: int
    amount: Decimal


def remittances(
    actor: Actor, *, other_id: int | None = None, day: date | None = None, page: int | None = None
) -> Page[Remittance]:
    """The payments of the actor's organisation (a funder) or to it (a supplier) by day, the latest first.

    A payment that a bank took back stays on its day, and stands below nought on the day on which it was taken back.
    """
    mine = concerning(actor, other_id)
    if day is not None:
        mine &= Posting.day == day
    funder, supplier = aliased(Organisation), aliased(Organisation)
    grouped = (
        select(
            Posting.day,
            Posting.funder_id,
            Posting.supplier_id,
            func.count().filter(Posting.kind == PostingKind.PAYMENT).label("payments"),
            func.count().filter(Posting.kind == PostingKind.CHARGEBACK).label("taken_back"),
            func.sum(Entry.amount).label("amount"),
        )
        .join(Entry, and_(Entry.posting_id == Posting.id, Entry.account == Account.PAID))
        .where(mine, Posting.kind.in_(PAYMENTS))
        .group_by(Posting.day, Posting.funder_id, Posting.supplier_id)
        .subquery()
    )
    total = db.session.scalar(select(func.count()).select_from(grouped)) or 0
    number = nearest_page(page or 1, total)
    asked = (
        select(grouped.c.day, funder, supplier, grouped.c.payments, grouped.c.taken_back, grouped.c.amount)
        .join(funder, funder.id == grouped.c.funder_id)
        .join(supplier, supplier.id == grouped.c.supplier_id)
        .order_by(grouped.c.day.desc(), funder.name, supplier.name, grouped.c.funder_id, grouped.c.supplier_id)
    )
    if page is not None:
        asked = asked.limit(PAGE).offset(before(number))
    rows = [Remittance(*row) for row in db.session.execute(asked)]
    return Page(rows, total, number)


@dataclass(frozen=True)
class RemittedItem:
    """One invoice that a payment covered: what it asked for, what was credited by then, and what was paid.

    `taken_back` is what a bank took back of it on the day, below nought.
    """

    item: str
    charged: Decimal
    credited: Decimal
    paid: Decimal
    taken_back: Decimal


def remitted(actor: Actor, *, day: date, other_id: int) -> tuple[Remittance, list[RemittedItem]] | None:
    """The remittance advice of a day with one organisation: every invoice that it covered. None if nothing was paid."""
    found = remittances(actor, other_id=other_id, day=day).rows
    if not found:
        return None
    moved = db.session.execute(
        select(Posting.item, Posting.kind, func.sum(Entry.amount))
        .join(Entry, and_(Entry.posting_id == Posting.id, Entry.account == Account.PAID))
        .where(concerning(actor, other_id), Posting.kind.in_(PAYMENTS), Posting.day == day)
        .group_by(Posting.item, Posting.kind)
    ).all()
    items = sorted({item for item, _, _ in moved})
    paid, taken_back = dict.fromkeys(items, NOTHING), dict.fromkeys(items, NOTHING)
    for item, kind, amount in moved:
        (paid if kind is PostingKind.PAYMENT else taken_back)[item] += amount
    owed = db.session.execute(
        select(Posting.item, Posting.kind, func.sum(Entry.amount))
        .join(Entry, and_(Entry.posting_id == Posting.id, Entry.account == Account.OWED))
        .where(Posting.item.in_(items), Posting.day <= day, Posting.kind.not_in(PAYMENTS))
        .group_by(Posting.item, Posting.kind)
    )
    charged, credited = dict.fromkeys(items, NOTHING), dict.fromkeys(items, NOTHING)
    for item, kind, amount in owed:
        if kind is PostingKind.INVOICE:
            charged[item] += amount
        elif kind in (PostingKind.CREDIT_NOTE, PostingKind.VOID):
            credited[item] -= amount
    return found[0], [RemittedItem(item, charged[item], credited[item], paid[item], taken_back[item]) for item in items]


def days_paid(item: str) -> Sequence[date]:
    """The days on which payments of an invoice were posted, or that a bank took one back."""
    asked = select(Posting.day).where(Posting.item == item, Posting.kind.in_(PAYMENTS))
    return db.session.scalars(asked.distinct().order_by(Posting.day)).all()
