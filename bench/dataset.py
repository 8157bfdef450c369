"""The national data set: signed contracts over the twelve regions, and their referrals with the running counters.

Contracts are put into the tables directly. Referrals go in by COPY; what is sealed about them is one of a few real
ciphertexts, because sealing a million apart takes an hour and changes nothing that is measured here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import flask_migrate
import psycopg
from flask import Flask
from sqlalchemy import select

from contracts.agreements.models import ServiceLine
from contracts.referrals import queries as referrals
from contracts.referrals.rules import tally
from marketplace import clock
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.extensions import db
from marketplace.framework.actions import load_framework
from marketplace.local.servers import local_servers
from marketplace.places.actions import load_places
from marketplace.vault import vault

SEALED_WORDS = 16
RETURNED_PERCENT = 8
# Who was referred in these last days is still helped; who was referred in the very last has not been taken on yet.
OPEN_DAYS, UNANSWERED_DAYS = 70, 4
BODIES, SUPPLIERS = 12, 200

CONTRACTS = """
SET session_replication_role = replica;
INSERT INTO organisations (kind, name, supplier_status, created_at, is_demonstration)
SELECT 'supplier', 'Supplier ' || n, 'vcse', now(), true FROM generate_series(1, %(suppliers)s) n;
INSERT INTO organisations (kind, name, place_code, created_at, is_demonstration)
SELECT 'probation_region', 'Body of ' || name, code, now(), true FROM places WHERE level = 'probation_region';
INSERT INTO people (email, name, failed_sign_ins, created_at, is_demonstration)
VALUES ('somebody@bench.example', 'Somebody', 0, now(), true);
INSERT INTO agreements (reference, origin, instrument, award_id, status, supplier_id, commissioner_id, title,
                        specification, starts_on, ends_on, created_at)
SELECT 'C-N-' || lpad(n::text, 5, '0'), 'award', 'contract', n, 'signed', s.id, b.id, 'Contract ' || n, '',
       (date_trunc('month', %(today)s::date) - make_interval(months => n %% 30 + 1))::date,
       (date_trunc('month', %(today)s::date) + make_interval(months => n %% 24 + 2))::date, now()
FROM generate_series(1, %(contracts)s) n
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM organisations WHERE kind = 'supplier') s
  ON s.place = n %% %(suppliers)s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM organisations WHERE kind = 'probation_region'
      AND is_demonstration) b ON b.place = n %% %(bodies)s;
INSERT INTO agreement_versions (agreement_id, number, in_force_from, agreed_at, ends_on)
SELECT id, 1, starts_on, now(), ends_on FROM agreements;
INSERT INTO agreement_funders (version_id, agreement_id, organisation_id, percent)
SELECT v.id, a.id, a.commissioner_id, 100 FROM agreements a JOIN agreement_versions v ON v.agreement_id = a.id;
INSERT INTO service_lines (agreement_id, number, title, open_to_women, open_to_men, minimum_age, referrals_from)
SELECT id, 1, 'Service of ' || reference, true, true, 18, starts_on FROM agreements;
INSERT INTO service_line_categories (line_id, category_code)
SELECT l.id, c.code FROM service_lines l
JOIN (SELECT code, row_number() OVER (ORDER BY code) - 1 AS place FROM categories) c
  ON c.place = l.id %% (SELECT count(*) FROM categories);
INSERT INTO line_terms (line_id, version_id, volume_kind, planned_band)
SELECT l.id, v.id, CASE WHEN l.id %% 2 = 0 THEN 'bands' ELSE 'cap' END, CASE WHEN l.id %% 2 = 0 THEN 2 ELSE 1 END
FROM service_lines l JOIN agreement_versions v USING (agreement_id);
INSERT INTO line_bands (terms_id, number, low, high, annual_price)
SELECT t.id, b.number, %(yearly)s * b.low / 100 + 1, %(yearly)s * b.high / 100,
       12 * (4000 + t.id %% 977) * b.high / 100
FROM line_terms t
JOIN (VALUES (1, 60, 80), (2, 80, 100), (3, 100, 120), (4, 120, 200)) b (number, low, high) ON t.planned_band = 2
UNION ALL
SELECT id, 1, 0, %(yearly)s * 2, 12 * (10000 + id %% 977) FROM line_terms WHERE planned_band = 1;
INSERT INTO line_terms_places (terms_id, place_code)
SELECT t.id, p.code FROM line_terms t JOIN service_lines l ON l.id = t.line_id
JOIN agreements a ON a.id = l.agreement_id JOIN organisations o ON o.id = a.commissioner_id
JOIN places p ON p.parent_code = o.place_code OR (p.code = o.place_code AND t.id %% 10 = 0);
SET session_replication_role = DEFAULT;
"""
REFERRALS = """
COPY referrals (reference, line_id, officer_id, officer_organisation_id, status, crn, crn_fingerprint, category_code,
                need, complexity, sent_at, placed_at, released_at, accepted_at, caseworker_id, ended_at) FROM STDIN
"""
DAYS = "COPY line_days (line_id, day, year_begins, placed, released, total, completed, delivered) FROM STDIN"


@contextmanager
def database() -> Iterator[Flask]:
    """The application on a PostgreSQL of its own with durable settings, tables and reference data; gone afterwards."""
    with TemporaryDirectory(prefix="marketplace-bench-") as name:
        home = Path(name)
        home.chmod(0o755)  # PostgreSQL is another user when we are root
        with local_servers(home, {}) as urls:
            given = {"MARKETPLACE_MODE": "test", "MARKETPLACE_HOME": name} | urls.environment()
            app = create_app(Settings.from_environment(given))
            with app.app_context():
                flask_migrate.upgrade()
                load_places(now=clock.now())
                load_framework(now=clock.now())
                db.session.commit()
                yield app
                db.session.remove()
                db.engine.dispose()


def driver(app: Flask) -> psycopg.Connection:
    """A connection of the driver alone."""
    url: str = app.config["SETTINGS"].database_url
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def make_contracts(app: Flask, *, contracts: int, yearly: int, today: date) -> None:
    """Signed contracts of one service each, spread over regions, kinds of help and starting months."""
    given = {"contracts": contracts, "yearly": yearly, "today": today, "suppliers": SUPPLIERS, "bodies": BODIES}
    with driver(app) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(CONTRACTS, given)


def make_referrals(app: Flask, *, count: int, today: date, seed: int) -> None:
    """So many referrals, evenly over the lines and over the days since each began, in place of any there are.

    Some are returned and give their place back within days. The running counters are the rule's own.
    """
    random = Random(seed)
    pool = [
        tuple(vault().seal(f"words {n}".encode(), context=f"referrals.{column}") for column in ("crn", "need"))
        for n in range(SEALED_WORDS)
    ]
    with driver(app) as connection:
        connection.execute("TRUNCATE referrals, line_days, sessions CASCADE")
        lines = connection.execute(
            "SELECT l.id, a.starts_on, c.category_code FROM service_lines l JOIN agreements a ON a.id = l.agreement_id"
            " JOIN service_line_categories c ON c.line_id = l.id ORDER BY l.id"
        ).fetchall()
        (person,) = connection.execute("SELECT min(id) FROM people").fetchone() or (None,)
        (body,) = connection.execute("SELECT min(id) FROM organisations WHERE place_code IS NOT NULL").fetchone() or (
            0,
        )
        days: dict[int, Counter[tuple[date, date | None]]] = {line: Counter() for line, _, _ in lines}
        done: dict[int, Counter[tuple[date, date]]] = {line: Counter() for line, _, _ in lines}
        latest = datetime.combine(today, time(1), UTC)
        status: str
        accepted: datetime | None
        ended: datetime | None
        with connection.cursor() as cursor, cursor.copy(REFERRALS) as rows:
            for number in range(count):
                line, starts_on, category = lines[number % len(lines)]
                placed_on = starts_on + timedelta(days=random.randrange((today - starts_on).days + 1))
                placed = datetime.combine(placed_on, time(9 + number % 8, number % 60), UTC)
                released = None
                if random.randrange(100) < RETURNED_PERCENT and placed_on < today:
                    released = min(placed + timedelta(days=random.randrange(1, 10)), latest)
                on, age = clock.london(placed).date(), (today - placed_on).days
                days[line][on, clock.london(released).date() if released else None] += 1
                status, accepted, ended = "completed", placed, placed
                if released:
                    status, accepted, ended = "returned", None, released
                elif age < OPEN_DAYS:
                    status, accepted, ended = (
                        ("sent", None, None) if age < UNANSWERED_DAYS else ("accepted", placed, None)
                    )
                else:
                    done[line][on, on] += 1
                crn, need = pool[number % SEALED_WORDS]
                rows.write_row(
                    (
                        *(f"R-{number:07X}", line, person, body, status, crn),
                        *(f"{number:064x}", category, need, "low", placed, placed, released, accepted),
                        *(person if accepted else None, ended),
                    )
                )
        with (
            connection.cursor() as cursor,
            cursor.copy(DAYS) as rows,
        ):
            for line, starts_on, _ in lines:
                counts = tally(
                    starts_on,
                    ((placed, released, n) for (placed, released), n in days[line].items()),
                    ((placed, completed, n) for (placed, completed), n in done[line].items()),
                )
                for day, one in counts.items():
                    rows.write_row((line, day, *astuple(one)))
        connection.execute("VACUUM ANALYZE")


def differences(*, sample: int, seed: int) -> int:
    """On how many days the counters of a sample of lines are not what their referrals say."""
    lines = db.session.scalars(select(ServiceLine).order_by(ServiceLine.id)).all()
    found = sum(len(referrals.differences(line)) for line in Random(seed).sample(lines, min(sample, len(lines))))
    db.session.rollback()
    return found
