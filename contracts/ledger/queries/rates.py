"""Base rates, and which of them counts for a debt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from contracts.ledger.models import BaseRate
from contracts.ledger.rules import base_rate_day
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page


class Rates:
    """The base rates that stand, read once."""

    def __init__(self) -> None:
        standing = select(BaseRate).where(BaseRate.corrected_at.is_(None)).order_by(BaseRate.from_day.desc())
        self._latest_first = db.session.scalars(standing).all()

    def on(self, day: date) -> BaseRate | None:
        """The one in force on a day; None before the first that is known."""
        return next((one for one in self._latest_first if one.from_day <= day), None)

    def for_debt(self, due_on: date) -> BaseRate | None:
        """The one by which interest on a debt is reckoned that was due on this day."""
        return self.on(base_rate_day(due_on))


def base_rate_from(day: date) -> BaseRate | None:
    """The rate that stands as entered from this very day."""
    return db.session.scalar(select(BaseRate).where(BaseRate.from_day == day, BaseRate.corrected_at.is_(None)))


def _every() -> Select[BaseRate]:
    return (
        select(BaseRate)
        .options(joinedload(BaseRate.enterer))
        .order_by(BaseRate.from_day.desc(), BaseRate.corrected_at.desc().nulls_first(), BaseRate.id.desc())
    )


def base_rates(*, page: int) -> Page[BaseRate]:
    """One page of all that were entered, those that were corrected too, the latest day first."""
    total = db.session.scalar(select(func.count()).select_from(BaseRate)) or 0
    number = nearest_page(page, total)
    return Page(db.session.scalars(_every().limit(PAGE).offset(before(number))).all(), total, number)


def every_base_rate() -> Sequence[BaseRate]:
    """All of them: for the CSV."""
    return db.session.scalars(_every()).all()


def used(rates: Iterable[BaseRate | None]) -> list[BaseRate]:
    """Each of them once, the latest first: for what is said below figures."""
    each = {one.id: one for one in rates if one is not None}
    return sorted(each.values(), key=lambda one: one.from_day, reverse=True)
