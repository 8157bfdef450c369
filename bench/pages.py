"""Pages as people ask for them, over ten times today's referrals: each beside the plainest page of the same run.

Times are the fastest of some, and say little on a busy machine. What a page reads does not hang on the machine: the
blocks of all its statements, asked again with EXPLAIN. By these it is told what grows with the referrals.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from bench import around, dataset
from contracts.agreements.models import Agreement, ServiceLine
from marketplace import clock
from marketplace.access import Role
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationKind
from marketplace.extensions import db
from marketplace.transactions import transaction

# The plainest page that somebody signed in can ask for.
FLOOR = "the floor: one’s own account"
# How many times what the floor takes a page may take; how many times as much it may read over ten times the referrals
# (an index is a step deeper over ten times its rows).
FLOORS, TEN_TIMES = 60.0, 2.0


@dataclass(frozen=True)
class Asked:
    """A page that somebody asks for. `counts_people`: it counts referrals or sessions one by one, so it may grow."""

    name: str
    who: FlaskClient
    path: str
    counts_people: bool = False


@dataclass
class Measured:
    """One page over so many referrals: the fastest of some times, whole and in the database, in ms; what it reads."""

    page: Asked
    referrals: int
    whole: float
    database: float
    statements: int
    # Blocks of 8 kB that the database looks at.
    blocks: int


@dataclass
class Pages:
    """What was measured, and what is not as it should be."""

    rows: list[Measured] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        """As Markdown, over all the referrals."""
        lines = [
            "| page | ms | of it in the database | statements | times the floor | blocks | blocks against a tenth |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            fewer = self.tenth(row)
            if fewer is not None:
                lines.append(
                    f"| {row.page.name}{' †' if row.page.counts_people else ''} "
                    f"| {row.whole:.0f} | {row.database:.0f} | {row.statements} "
                    f"| {row.whole / self.floor(row.referrals):.1f} "
                    f"| {row.blocks:,} | {row.blocks / fewer.blocks:.2f} |"
                )
        notes = [
            "",
            "† It looks at each open referral or appointment of its services, and may grow with them.",
            *self.made,
        ]
        return "\n".join([*lines, *notes, *(f"WRONG: {words}" for words in [*self.wrong, *self.slow])])

    @property
    def slow(self) -> list[str]:
        """What takes longer than it may over all the referrals."""
        found = []
        for row in self.rows:
            fewer = self.tenth(row)
            if fewer is None:
                continue
            if row.whole > FLOORS * self.floor(row.referrals):
                found.append(f"{row.page.name} takes more than {FLOORS:g} times what the plainest page takes")
            if not row.page.counts_people and row.blocks > TEN_TIMES * fewer.blocks:
                found.append(
                    f"{row.page.name} reads more than {TEN_TIMES:g} times as much over ten times the referrals"
                )
        return found

    def tenth(self, row: Measured) -> Measured | None:
        """The same page over a tenth of the referrals, if it was measured."""
        of_tenth = (one for one in self.rows if one.page.name == row.page.name and one.referrals * 10 == row.referrals)
        return next(of_tenth, None)

    def floor(self, referrals: int) -> float:
        """What the plainest page took over so many."""
        return next(one.whole for one in self.rows if one.page.name == FLOOR and one.referrals == referrals)


def pages(contracts: int = 2000, referrals: int = 1_000_000, *, repetitions: int = 9, seed: int = 20261125) -> Pages:
    """Make a tenth of the referrals, then all of them, and ask for every page over each."""
    found, today = Pages(), clock.today()
    with dataset.database() as app:
        dataset.make_contracts(app, contracts=contracts, yearly=max(referrals // contracts, 20), today=today)
        around.make_records(app, today=today)
        asked = everything_asked(app, today)
        for count in (referrals // 10, referrals):
            began = time.monotonic()
            dataset.make_referrals(app, count=count, today=today, seed=seed)
            around.make_work(app, today=today)
            found.made.append(f"{count:,} referrals and their appointments made in {time.monotonic() - began:.0f} s")
            with dataset.driver(app) as connection:
                for page in asked:
                    try:
                        found.rows.append(measured(page, count, repetitions, connection))
                    except AssertionError as error:
                        found.wrong.append(str(error))
    return found


def everything_asked(app: Flask, today: date) -> list[Asked]:
    """Every page, asked for by somebody of a body or a supplier with as many contracts as any other."""
    with transaction():
        team = Organisation(kind=OrganisationKind.FRAMEWORK_TEAM, name="Framework team", created_at=clock.now())
        db.session.add(team)
        db.session.flush()
    old_enough = Agreement.starts_on < today - timedelta(days=365)
    contract = db.session.scalars(select(Agreement).where(old_enough).order_by(Agreement.id)).first()
    assert contract is not None
    body, place = contract.commissioner_id, contract.commissioner.place_code
    line = db.session.scalars(select(ServiceLine.id).where(ServiceLine.agreement_id == contract.id)).one()
    partner = around.signed_in(app, body, Role.COMMERCIAL_PARTNER)
    manager = around.signed_in(app, body, Role.CONTRACT_MANAGER)
    coordinator = around.signed_in(app, body, Role.REGIONAL_COORDINATOR)
    finance = around.signed_in(app, body, Role.COMMISSIONER_FINANCE)
    supplier = around.signed_in(app, contract.supplier_id, Role.SERVICE_MANAGER)
    paid = around.signed_in(app, contract.supplier_id, Role.SUPPLIER_FINANCE)
    nation = around.signed_in(app, team.id, Role.FRAMEWORK_TEAM)
    found = [Asked(FLOOR, manager, "/account")]
    found += [
        Asked(f"home page of {who}", client, "/home", counts_people=True)
        for who, client in (
            ("a contract manager", manager),
            ("a co-ordinator", coordinator),
            ("finance", finance),
            ("a service manager", supplier),
        )
    ]
    found += [
        Asked(
            f"who was referred, {whose} by {by}", client, f"/cohorts?by={by}&months={months}{where}", counts_people=True
        )
        for by, months in (("category", 12), ("area", 12), ("month", 36), ("complexity", 12), ("for_whom", 12))
        for whose, client, where in (("the nation", nation, "&place="), ("a region", partner, f"&place={place}"))
    ]
    found += [
        Asked("contracts, a body’s", manager, "/contracts/"),
        Asked("contracts, a co-ordinator’s", coordinator, "/contracts/"),
        Asked("contracts, by supplier", manager, "/contracts/?sort=supplier"),
        Asked("a contract", manager, f"/contracts/{contract.id}"),
        Asked("contracts’ readiness", manager, "/contracts/readiness"),
        Asked("a contract’s performance", manager, f"/contracts/{contract.id}/performance", counts_people=True),
        Asked("contracts’ performance", manager, "/contracts/performance"),
        Asked("contracts’ performance, a co-ordinator’s", coordinator, "/contracts/performance"),
        Asked("performance by kind of help", manager, "/contracts/performance/kinds"),
        Asked("the referral desk", manager, "/contracts/late", counts_people=True),
        Asked("the referral desk, a co-ordinator’s", coordinator, "/contracts/late", counts_people=True),
        Asked("the referral desk, a supplier’s", supplier, "/contracts/late", counts_people=True),
        Asked("late referrals of a service", manager, f"/contracts/late/{line}", counts_people=True),
        Asked("referrals, a service manager’s", supplier, "/referrals/", counts_people=True),
        Asked("waiting lists", manager, "/referrals/waiting-lists"),
        Asked("volumes, a body’s", manager, "/volumes/"),
        Asked("volumes, a co-ordinator’s", coordinator, "/volumes/"),
        Asked("volume of a service", manager, f"/volumes/{line}"),
        Asked("volumes of the nation", nation, "/volumes/nation"),
        Asked("volumes of a region", manager, f"/volumes/places/{place}"),
        Asked("volume alerts", manager, "/volumes/alerts"),
        Asked("actions on volumes", manager, "/volumes/actions"),
        Asked("the rate card", manager, "/volumes/rate-card"),
        Asked("regions compared", nation, "/volumes/comparison"),
        Asked("invoices, a body’s", finance, "/invoices"),
        Asked("invoices, a supplier’s", paid, "/invoices"),
        Asked("a contract’s money", manager, f"/contracts/{contract.id}/money"),
        Asked("a statement, a body’s", finance, "/statement"),
        Asked("a statement, a supplier’s", paid, "/statement"),
        Asked("aged debt, a body’s", finance, "/aged-debt"),
        Asked("aged debt, a supplier’s", paid, "/aged-debt"),
        Asked("remittances", finance, "/remittances"),
    ]
    return found


def measured(page: Asked, count: int, repetitions: int, connection: psycopg.Connection) -> Measured:
    """The fastest of so many times, after two that only warm up: what else the machine does only ever adds."""
    wholes, databases, sent = [], [], 0
    for number in range(repetitions + 2):
        with time_in_database() as spent:
            began = time.perf_counter()
            answer = Context().run(page.who.get, page.path)  # a context of its own, as each request has
            whole = (time.perf_counter() - began) * 1000
        assert answer.status_code == 200, f"{page.name} answers {answer.status_code}"
        if number >= 2:
            wholes.append(whole)
            databases.append(sum(spent))
            sent = len(spent)
    return Measured(page, count, min(wholes), min(databases), sent, blocks_read(page, connection))


def blocks_read(page: Asked, connection: psycopg.Connection) -> int:
    """How many blocks the database looks at for a page: each of its questions is asked once more, by the driver."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *rest: object) -> None:
        if statement.lstrip().startswith("SELECT"):
            asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        Context().run(page.who.get, page.path)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    blocks = 0
    for statement, parameters in asked:
        explained = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + statement
        row = connection.execute(explained.encode(), parameters).fetchone()
        assert row is not None
        plan = row[0][0]["Plan"]
        blocks += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return blocks


@contextmanager
def time_in_database() -> Iterator[list[float]]:
    """Milliseconds that each statement took meanwhile, until its first rows came."""
    spent: list[float] = []
    began = [0.0]

    def before(*_: object) -> None:
        began[0] = time.perf_counter()

    def after(*_: object) -> None:
        spent.append((time.perf_counter() - began[0]) * 1000)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    try:
        yield spent
    finally:
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)
