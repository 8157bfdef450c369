"""Volume positions against the driver alone, side by side: one line, a region's board, the nation's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any

import psycopg

from bench import dataset
from contracts.volumes import queries, rules
from contracts.volumes.queries import By
from marketplace import clock
from marketplace.access import Actor, Role
from marketplace.extensions import db

# How many times what the driver alone takes a question may take; how many times as long over ten times the referrals.
DRIVER, TEN_TIMES = 3.0, 1.3
FIGURES = """
SELECT l.id, a.starts_on,
       CASE WHEN v.superseded_on IS NULL THEN v.ends_on ELSE
       (SELECT ends_on FROM agreement_versions WHERE agreement_id = a.id
        AND (number = 1 OR date(timezone('Europe/London', agreed_at)) <= %(on)s) ORDER BY number DESC LIMIT 1) END,
       l.referrals_from, t.referrals_until, t.planned_band, b.lows, b.highs, b.prices,
       v.in_force_from, s.weights, c.year_begins, c.total, c.delivered
FROM service_lines l
JOIN agreements a ON a.id = l.agreement_id
JOIN line_terms t ON t.line_id = l.id
JOIN agreement_versions v ON v.id = t.version_id AND v.agreed_at IS NOT NULL AND v.in_force_from <= %(on)s
     AND (v.superseded_on IS NULL OR v.superseded_on > %(on)s)
CROSS JOIN LATERAL (SELECT array_agg(low ORDER BY number) lows, array_agg(high ORDER BY number) highs,
                           array_agg(annual_price ORDER BY number) prices FROM line_bands WHERE terms_id = t.id) b
LEFT JOIN LATERAL (SELECT weights FROM line_seasons WHERE line_id = l.id AND from_day <= %(on)s
                   ORDER BY from_day DESC, id DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT year_begins, total, delivered FROM line_days WHERE line_id = l.id AND day <= %(on)s
                   ORDER BY day DESC LIMIT 1) c ON true
WHERE a.status = 'signed' AND (a.ends_on IS NULL OR a.ends_on >= %(on)s)
"""
AREAS = """
SELECT DISTINCT t.line_id, p.name
FROM line_terms t
JOIN agreement_versions v ON v.id = t.version_id AND v.agreed_at IS NOT NULL AND v.in_force_from <= %(on)s
     AND (v.superseded_on IS NULL OR v.superseded_on > %(on)s)
JOIN agreements a ON a.id = v.agreement_id AND a.status = 'signed' AND (a.ends_on IS NULL OR a.ends_on >= %(on)s)
JOIN line_terms_places tp ON tp.terms_id = t.id JOIN places_within w ON w.inner_code = tp.place_code
JOIN places p ON p.code = w.outer_code AND p.level = %(level)s
"""
WAITING = "SELECT line_id, count(*) FROM referrals WHERE status = 'waiting' GROUP BY line_id"
STOPPED = """
SELECT l.id FROM service_lines l JOIN suspensions s ON s.agreement_id = l.agreement_id
     AND (s.line_id IS NULL OR s.line_id = l.id)
WHERE s.from_on <= %(on)s AND (s.lifted_from IS NULL OR s.lifted_from > %(on)s)
"""
IN_REGION = """ AND t.id IN (SELECT terms_id FROM line_terms_places WHERE place_code IN (
    SELECT outer_code FROM places_within WHERE inner_code = %(place)s
    UNION SELECT inner_code FROM places_within WHERE outer_code = %(place)s))"""


@dataclass
class Measured:
    """One question asked both ways: medians in milliseconds."""

    name: str
    referrals: int
    ours: float
    driver: float


@dataclass
class Volumes:
    """What was measured, and what is not as it should be."""

    rows: list[Measured] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        """As Markdown."""
        lines = [
            "| question | referrals | ours, ms | driver alone, ms | ratio | against a tenth |",
            "|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            fewer = self.tenth(row)
            times = f"{row.ours / fewer.ours:.2f}" if fewer else ""
            lines.append(
                f"| {row.name} | {row.referrals:,} | {row.ours:.2f} | {row.driver:.2f} "
                f"| {row.ours / row.driver:.2f} | {times} |"
            )
        return "\n".join([*lines, "", *self.made, *(f"WRONG: {words}" for words in [*self.wrong, *self.slow])])

    @property
    def slow(self) -> list[str]:
        """What takes longer than it may over all the referrals."""
        found = []
        for row in self.rows:
            fewer = self.tenth(row)
            if fewer is None:
                continue
            if row.ours > DRIVER * row.driver:
                found.append(f"{row.name} takes more than {DRIVER:g} times what the driver alone takes")
            if row.ours > TEN_TIMES * fewer.ours:
                found.append(f"{row.name} takes more than {TEN_TIMES:g} times as long over ten times the referrals")
        return found

    def tenth(self, row: Measured) -> Measured | None:
        """The same question over a tenth of the referrals, if it was measured."""
        return next((one for one in self.rows if one.name == row.name and one.referrals * 10 == row.referrals), None)


def volumes(
    contracts: int = 2000, referrals: int = 1_000_000, *, repetitions: int = 60, seed: int = 20261125
) -> Volumes:
    """Make a tenth of the referrals, then all of them, and measure each."""
    found, today = Volumes(), clock.today()
    with dataset.database() as app:
        yearly = max(referrals // contracts, 20)
        dataset.make_contracts(app, contracts=contracts, yearly=yearly, today=today)
        for count in (referrals // 10, referrals):
            began = time.monotonic()
            dataset.make_referrals(app, count=count, today=today, seed=seed)
            found.made.append(
                f"{count:,} referrals of {contracts:,} contracts made in {time.monotonic() - began:.0f} s"
            )
            wrong = dataset.differences(sample=50, seed=seed)
            if wrong:
                found.wrong.append(f"{wrong} days of 50 lines are not what their referrals say")
            with dataset.driver(app) as connection:
                found.rows += _measure(connection, count, today, repetitions, seed)
    return found


def _measure(connection: psycopg.Connection, count: int, on: date, repetitions: int, seed: int) -> list[Measured]:
    lines = [row[0] for row in connection.execute("SELECT id FROM service_lines ORDER BY id")]
    region, body = connection.execute(
        "SELECT place_code, id FROM organisations WHERE place_code IS NOT NULL"
    ).fetchone() or ("", 0)
    manager, team = (
        Actor(1, "Somebody", body, "", frozenset({role})) for role in (Role.CONTRACT_MANAGER, Role.FRAMEWORK_TEAM)
    )
    random = Random(seed)
    chosen = [random.choice(lines) for _ in range(repetitions)]

    def fetched(sql: str, **values: Any) -> list[Any]:
        return connection.execute(sql, {"on": on, **values}).fetchall()

    def region_rows(place: str) -> None:
        fetched(FIGURES + IN_REGION, place=place)
        fetched(AREAS + IN_REGION.replace(" AND ", " WHERE ", 1), place=place, level="police_force_area")
        fetched(WAITING)
        fetched(STOPPED)

    def nation_rows() -> None:
        fetched(FIGURES)
        fetched(AREAS, level="probation_region")
        fetched(WAITING)
        fetched(STOPPED)

    def line_rows(number: int) -> None:
        fetched(FIGURES + " AND l.id = %(line)s", line=chosen[number % repetitions])

    asked: list[tuple[str, int, Callable[[int], object], Callable[[int], object]]] = [
        ("one line’s position", 5, lambda n: _whole(chosen[n % repetitions], on), line_rows),
        (
            "a region’s board",
            1,
            lambda n: queries.region(manager, region, on=on, by=By.AREA),
            lambda n: region_rows(region),
        ),
        ("the nation’s board", 1, lambda n: queries.nation(team, on=on, by=By.AREA), lambda n: nation_rows()),
    ]
    found = []
    for name, times, ours, theirs in asked:
        mine, others = [], []
        for number in range(-5, repetitions):  # the first few only warm both up
            mine.append(_time(ours, number, times))
            others.append(_time(theirs, number, times))
        found.append(Measured(name, count, statistics.median(mine[5:]), statistics.median(others[5:])))
        db.session.rollback()
    return found


def _whole(line_id: int, on: date) -> object:
    """All that a service's page says of its position."""
    found = queries.reading(line_id, on=on)
    assert found is not None
    figures = (found.standing, found.expected, found.projected, found.likely_range, found.next_edge, found.cap_edge)
    return figures, rules.paid_against_used(found), rules.at_stake(found), rules.one_more(found)


def _time(work: Callable[[int], object], number: int, times: int) -> float:
    """Milliseconds for one, of so many at once."""
    began = time.perf_counter()
    for _ in range(times):
        work(number)
    return (time.perf_counter() - began) * 1000 / times
