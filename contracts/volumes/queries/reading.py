"""Positions read straight from rows: any number of service lines in one query, with no objects made of them.

The count is the latest row of the running counters, found by an index, so it costs the same however many referrals
there are. What the figures mean is worked out by the rules, here as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.types import NULLTYPE

from calloffs.plans.rules import Band
from contracts.agreements.models import Agreement, AgreementVersion, LineBand, LineTerms, ServiceLine
from contracts.agreements.queries import in_force
from contracts.agreements.rules import contract_year
from contracts.referrals.models import LineDay
from contracts.volumes.models import LineSeason
from contracts.volumes.rules import EVEN, Plan, Position, Span, planned_from, profile
from marketplace.extensions import db

# Written into the statement: of a limit that is a parameter the database expects a tenth of the rows, so dear that it
# plans anew each time, which takes longer than the answer.
ONE: ColumnElement[int] = literal_column("1")

# A nation's lines share few contract years.
_year = lru_cache(maxsize=8192)(contract_year)


def applies(on: date) -> ColumnElement[bool]:
    """Whether a version says what is agreed on a day; before the contract begins its first does."""
    to_come = and_(
        AgreementVersion.agreed_at.is_not(None), AgreementVersion.number == 1, AgreementVersion.in_force_from > on
    )
    return or_(in_force(on), to_come)


def among(column: InstrumentedAttribute[int], keys: Sequence[int]) -> ColumnElement[bool]:
    """Whether a key is one of these: one parameter, so that the statement is the same however many there are."""
    return column == any_(literal(keys, ARRAY(BigInteger)))


def readings(*which: ColumnElement[bool], on: date) -> list[Position]:
    """Where each line of an agreed contract stands at the end of a day, by title. `which` narrows the lines."""
    return _positions(db.session.execute(_figures(on).where(*which)).all(), on)


def _positions(rows: Sequence[Any], on: date) -> list[Position]:
    changed = {}
    for row in rows:
        if row.in_force_from > row.starts_on and row.in_force_from > (first := _year(row.starts_on, on)[0]):
            changed[row.id] = first
    earlier = _earlier_spans(changed, on) if changed else {}
    return [_position(row, earlier.get(row[0]), on) for row in rows]


def reading(line_id: int, *, on: date) -> Position | None:
    """Where one line stands; None if nothing is agreed about it."""
    text, values = _one_line()
    db.session.flush()
    rows = db.session.connection().exec_driver_sql(text, {**values, "day": on, "line": line_id}).all()
    return next(iter(_positions(rows, on)), None)


@lru_cache(maxsize=1)
def _one_line() -> tuple[str, dict[str, Any]]:
    """The same query for one line as text: to put it together takes longer than to answer it."""
    day: Any = bindparam("day", type_=Date)
    asked = _figures(day).where(ServiceLine.id == bindparam("line", type_=BigInteger))
    made = asked.compile(dialect=db.engine.dialect)
    return made.string, made.params


def _position(row: Any, earlier: Sequence[Span] | None, on: date) -> Position:
    line, starts, ends, opens, shuts, planned_band, lows, highs, prices, since, season, counted_in, total, done = row
    first, last = _year(starts, on)
    year = profile(
        first,
        last,
        season=EVEN if season is None else tuple(season),
        referrals_from=opens,
        referrals_until=shuts,
        ends_on=ends,
    )
    plan = planned_from(since if earlier else first, highs or (), prices or (), planned_band)
    before = [planned for span in earlier for planned in _planned(span)] if earlier else []
    return Position(
        line_id=line,
        year=year,
        on=on,
        counted=total if counted_in == first else 0,
        delivered=done if counted_in == first else 0,
        lows=lows or (),
        highs=highs or (),
        prices=prices or (),
        planned_band=planned_band,
        plan=(*before, *plan) if before else plan,
        earlier=tuple(earlier or ()),
    )


def _figures(on: date) -> Select[Any]:
    bands = _bands("bands")
    season = (
        select(LineSeason.weights)
        .where(LineSeason.line_id == ServiceLine.id, LineSeason.from_day <= on)
        .order_by(LineSeason.from_day.desc(), LineSeason.id.desc())
        .limit(ONE)
        .lateral("season")
    )
    latest = (
        select(LineDay.year_begins, LineDay.total, LineDay.delivered)
        .where(LineDay.line_id == ServiceLine.id, LineDay.day <= on)
        .order_by(LineDay.day.desc())
        .limit(ONE)
        .lateral("latest")
    )
    return (
        select(
            ServiceLine.id,
            Agreement.starts_on,
            _last_day(on),
            ServiceLine.referrals_from,
            LineTerms.referrals_until,
            LineTerms.planned_band,
            bands.c.lows,
            bands.c.highs,
            bands.c.prices,
            AgreementVersion.in_force_from,
            season.c.weights,
            latest.c.year_begins,
            latest.c.total,
            latest.c.delivered,
        )
        .select_from(ServiceLine)
        .join(ServiceLine.agreement)
        .join(LineTerms, LineTerms.line_id == ServiceLine.id)
        .join(LineTerms.version)
        .join(bands, true())
        .outerjoin(season, true())
        .outerjoin(latest, true())
        .where(applies(on))
        .order_by(ServiceLine.title, ServiceLine.id)
    )


def _last_day(on: date) -> ColumnElement[date | None]:
    """The contract's last day as it was agreed by the end of a day: what is agreed later changes no past position.

    Where no version supersedes the one at hand, that says it; else the newest one that had been agreed by then.
    """
    known = aliased(AgreementVersion)
    agreed_on = func.date(func.timezone("Europe/London", known.agreed_at))
    newest = (
        select(known.ends_on)
        .where(known.agreement_id == Agreement.id, or_(known.number == 1, agreed_on <= on))
        .order_by(known.number.desc())
        .limit(ONE)
        .scalar_subquery()
    )
    return case((AgreementVersion.superseded_on.is_(None), AgreementVersion.ends_on), else_=newest)


def _bands(name: str) -> Any:
    """The bands of the terms at hand as arrays, lowest first."""

    def listed(column: InstrumentedAttribute[Any]) -> Any:
        # The driver gives lists of numbers already; to look at each once more takes longer than all else here.
        return type_coerce(func.array_agg(aggregate_order_by(column, LineBand.number)), NULLTYPE)

    return (
        select(
            listed(LineBand.low).label("lows"),
            listed(LineBand.high).label("highs"),
            listed(LineBand.annual_price).label("prices"),
        )
        .where(LineBand.terms_id == LineTerms.id)
        .lateral(name)
    )


def _planned(span: Span) -> Plan:
    highs, prices = [band.high for band in span.bands], [band.annual_value for band in span.bands]
    return planned_from(span.first, highs, prices, span.planned_band)


def _earlier_spans(firsts: dict[int, date], on: date) -> dict[int, list[Span]]:
    """What was agreed earlier in the contract year, for lines whose terms were changed since its first day."""
    bands = _bands("bands")
    rows = db.session.execute(
        select(
            LineTerms.line_id,
            AgreementVersion.in_force_from,
            AgreementVersion.superseded_on,
            LineTerms.planned_band,
            bands.c.lows,
            bands.c.highs,
            bands.c.prices,
        )
        .join(LineTerms.version)
        .join(bands, true())
        .where(
            LineTerms.line_id.in_(firsts),
            AgreementVersion.agreed_at.is_not(None),
            AgreementVersion.superseded_on > AgreementVersion.in_force_from,
            AgreementVersion.superseded_on <= on,
        )
        .order_by(LineTerms.line_id, AgreementVersion.number)
    )
    found: dict[int, list[Span]] = {}
    for line, since, superseded_on, planned_band, lows, highs, prices in rows:
        if superseded_on > firsts[line] and highs:
            agreed = (Band(number, *band) for number, band in enumerate(zip(lows, highs, prices, strict=True), start=1))
            last = superseded_on - timedelta(days=1)
            found.setdefault(line, []).append(
                Span(max(since, firsts[line]), last, tuple(agreed), planned_band or len(highs))
            )
    return found


def positions(lines: Sequence[ServiceLine], *, on: date) -> dict[int, Position]:
    """Where each line stands, by its key. One query for all."""
    keys = [line.id for line in lines]
    return {found.line_id: found for found in readings(ServiceLine.id.in_(keys), on=on)} if keys else {}
