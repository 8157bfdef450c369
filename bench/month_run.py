"""The month's run over some thousand contracts while the worker is killed and the queue emptied: each invoice once.

Some contracts end with the month, and fewer came than was planned: their year is reconciled and approved, what was
charged too much is credited, and the provider is told of each credit note once.

Contracts are put into the tables directly, without the awards they would come from (their keys are invented: foreign
keys are not looked at meanwhile). All else is the installation as it runs for people: its scheduler and worker raise
and send, its payments stub answers and tells of what happens, its web process takes that in.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random

import psycopg

from bench.installation import Installation, installation
from contracts.invoices.jobs import raise_due_invoices
from marketplace import clock
from marketplace.adapters.payments.records import InvoiceStatus
from marketplace.app import create_app
from marketplace.queueing import enqueue

CONTRACTS, SUPPLIERS, FUNDERS = 2000, 100, 40
KILLS = 3
LONGEST_SECONDS = 1800.0
EVERY = 4  # every fourth contract has two funders
ENDED = 10  # every tenth has ended with the month, and nobody came
TOO_MUCH = 200  # pounds a month above the lowest band, which is what it is paid then

GIVEN = {"ended": ENDED, "too_much": TOO_MUCH}

MADE = """
SET session_replication_role = replica;
INSERT INTO organisations (kind, name, supplier_status, created_at, claimed_at, is_demonstration)
SELECT 'supplier', 'Supplier ' || n, 'vcse', now(), now(), true FROM generate_series(1, %(suppliers)s) n;
INSERT INTO organisations (kind, name, created_at, is_demonstration)
SELECT 'probation_region', 'Region ' || n, now(), true FROM generate_series(1, %(funders)s) n;
INSERT INTO people (email, name, failed_sign_ins, created_at, is_demonstration)
SELECT 'finance' || id || '@bench.example', 'Finance ' || id, 0, now(), true FROM organisations WHERE is_demonstration;
INSERT INTO role_grants (person_id, organisation_id, role, granted_at)
SELECT p.id, o.id, CASE o.kind WHEN 'supplier' THEN 'supplier_finance' ELSE 'commissioner_finance' END, now()
FROM organisations o JOIN people p ON p.email = 'finance' || o.id || '@bench.example';
INSERT INTO agreements (reference, origin, instrument, award_id, status, supplier_id, commissioner_id, title,
                        specification, starts_on, ends_on, created_at)
SELECT 'C-B-' || lpad(n::text, 5, '0'), 'award', 'contract', n, 'signed', s.id, f.id, 'Contract ' || n, '',
       %(first)s, CASE WHEN n %% %(ended)s = 0 THEN %(month_ends)s ELSE %(last)s END, now()
FROM generate_series(1, %(contracts)s) n
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM organisations WHERE kind = 'supplier') s
  ON s.place = n %% %(suppliers)s
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM organisations WHERE kind = 'probation_region') f
  ON f.place = n %% %(funders)s;
INSERT INTO agreement_versions (agreement_id, number, in_force_from, agreed_at, ends_on)
SELECT id, 1, starts_on, now(), ends_on FROM agreements;
INSERT INTO service_lines (agreement_id, number, title, open_to_women, open_to_men, minimum_age, referrals_from)
SELECT id, 1, 'Service of ' || reference, true, true, 18, starts_on FROM agreements;
INSERT INTO line_terms (line_id, version_id, volume_kind, planned_band)
SELECT l.id, v.id, CASE WHEN a.award_id %% %(ended)s = 0 THEN 'bands' ELSE 'cap' END,
       CASE WHEN a.award_id %% %(ended)s = 0 THEN 2 ELSE 1 END
FROM service_lines l JOIN agreement_versions v USING (agreement_id) JOIN agreements a ON a.id = l.agreement_id;
INSERT INTO line_bands (terms_id, number, low, high, annual_price)
SELECT id, planned_band, CASE planned_band WHEN 1 THEN 0 ELSE 101 END, 100 * planned_band, 12 * (10000 + id %% 977)
FROM line_terms;
INSERT INTO line_bands (terms_id, number, low, high, annual_price)
SELECT terms_id, 1, 0, 100, annual_price - 12 * %(too_much)s FROM line_bands WHERE number = 2;
INSERT INTO agreement_funders (version_id, agreement_id, organisation_id, percent)
SELECT v.id, a.id, a.commissioner_id, CASE WHEN a.award_id %% %(every)s = 0 THEN 60 ELSE 100 END
FROM agreements a JOIN agreement_versions v ON v.agreement_id = a.id;
INSERT INTO agreement_funders (version_id, agreement_id, organisation_id, percent)
SELECT v.id, a.id, (SELECT min(o.id) FROM organisations o WHERE o.kind = 'probation_region' AND o.id > a.commissioner_id
                    UNION ALL SELECT min(id) FROM organisations WHERE kind = 'probation_region' LIMIT 1), 40
FROM agreements a JOIN agreement_versions v ON v.agreement_id = a.id
WHERE a.award_id %% %(every)s = 0
"""
# Contract managers approve what has been raised, as it comes.
APPROVED = """
UPDATE invoices SET status = 'draft', approved_at = now(), next_attempt_at = now() WHERE status = 'awaiting_approval'
"""
# And, when all is raised, the years that were worked out with it: the run's next turn credits what they give back.
YEARS_APPROVED = "UPDATE reconciled_years SET approved_at = now() WHERE approved_at IS NULL"
# What the month must come to, funder by funder, to the penny.
EXPECTED = """
SELECT a.reference, f.organisation_id, round(b.annual_price / 12 * f.percent / 100, 2)
FROM agreements a JOIN agreement_funders f ON f.agreement_id = a.id
JOIN service_lines l ON l.agreement_id = a.id JOIN line_terms t ON t.line_id = l.id
JOIN line_bands b ON b.terms_id = t.id AND b.number = t.planned_band
"""
# And what is credited of it.
CREDITED = """
SELECT a.reference, f.organisation_id, round(%(too_much)s * f.percent / 100, 2)
FROM agreements a JOIN agreement_funders f ON f.agreement_id = a.id WHERE a.award_id %% %(ended)s = 0
"""


@dataclass
class Run:
    """What was done, and what came of it."""

    contracts: int
    invoices: int = 0
    credits: int = 0
    done: list[str] = field(default_factory=list)
    raised_in: float = 0.0
    sent_in: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> str:
        """For people."""
        rows = [
            ("contracts", f"{self.contracts:,}"),
            ("invoices of the month", f"{self.invoices:,}"),
            ("credit notes of years that are over", f"{self.credits:,}"),
            *((f"disturbed, {place}", what) for place, what in enumerate(self.done, start=1)),
            ("all raised after", f"{self.raised_in:.0f} s"),
            ("all at the provider after", f"{self.sent_in:.0f} s"),
            ("each once here and there, amounts equal", "yes" if not self.wrong else "NO"),
        ]
        return "\n".join(f"{name:<42} {value}" for name, value in rows + [("wrong", words) for words in self.wrong])


def month_run(
    contracts: int = CONTRACTS, *, kills: int = KILLS, seed: int = 20261125, most_seconds: float = LONGEST_SECONDS
) -> Run:
    """Make the contracts, let the month's run go, kill it so often, empty its queue once, and count in the end."""
    random, run = Random(seed), Run(contracts)
    suppliers, funders = min(SUPPLIERS, contracts), min(FUNDERS, contracts)
    with installation() as here, here.database() as database:
        _make(here, database, contracts=contracts, suppliers=suppliers, funders=funders)
        expected = {(row[0], row[1]): row[2] for row in database.execute(EXPECTED)}
        credited = {(row[0], row[1]): row[2] for row in database.execute(CREDITED, GIVEN)}
        run.invoices, run.credits = len(expected), len(credited)
        began = time.monotonic()
        _queue(here)
        # At random moments of the work: once while invoices are raised, twice and the queue while they are sent.
        sending = sorted(random.uniform(0.05, 0.9) for _ in range(kills))
        moments = [("raised", random.uniform(0.2, 0.8)), *(("sent", one) for one in sending)]
        emptied = random.randrange(1, kills + 1)
        while time.monotonic() - began < most_seconds:
            database.execute(APPROVED)
            raised, sent, told = _progress(database)
            if raised == run.invoices and not run.raised_in:
                run.raised_in = time.monotonic() - began
                database.execute(YEARS_APPROVED)
                _queue(here)
            if moments and {"raised": raised, "sent": sent}[moments[0][0]] >= moments[0][1] * run.invoices:
                if len(run.done) == emptied:
                    here.valkey().flushall()
                    what = "Valkey emptied"
                else:
                    what = _kill(here, random)
                run.done.append(f"{what} with {raised:,} raised and {sent:,} sent")
                moments.pop(0)
                if len(run.done) - 1 == emptied:
                    _queue(here)  # the run's next turn of that night
            if sent == run.invoices and told == run.credits:
                run.sent_in = time.monotonic() - began
                break
            time.sleep(0.2)
        if moments:
            run.wrong.append(f"only {len(run.done)} disturbances: the run was over too soon")
        _compare(here, database, expected, run)
        _compare_credits(here, database, credited, run)
    return run


def _make(here: Installation, database: psycopg.Connection, *, contracts: int, suppliers: int, funders: int) -> None:
    first = (clock.today().replace(day=1) - timedelta(days=1)).replace(day=1)
    given = {"contracts": contracts, "suppliers": suppliers, "funders": funders, "every": EVERY, **GIVEN}
    given["month_ends"] = clock.today().replace(day=1) - timedelta(days=1)
    with database.transaction(), psycopg.ClientCursor(database) as cursor:
        cursor.execute(MADE, given | {"first": first, "last": first.replace(year=first.year + 3)})
        cursor.execute("SET session_replication_role = origin")
    payments = here.payments()
    for key, name in database.execute("SELECT id, name FROM organisations WHERE kind = 'supplier'").fetchall():
        since = clock.now()
        account = payments.open_account(
            reference=f"bench-{key}", name=name, email="finance@bench.example", asked_since=since, invented=True
        )
        database.execute(
            "INSERT INTO receiving_accounts (organisation_id, provider_id, status, wanted, begun_at, as_of)"
            " VALUES (%s, %s, 'able', '[]', now(), now())",
            (key, account.id),
        )


def _queue(here: Installation) -> None:
    """The timetable's job that raises what is due falls due."""
    with create_app(here.settings).app_context():
        enqueue(raise_due_invoices)


def _progress(database: psycopg.Connection) -> tuple[int, int, int]:
    """How many invoices there are, how many are at the provider, and of how many credit notes it has been told."""
    row = database.execute(
        "SELECT count(*), count(*) FILTER (WHERE status = 'open'),"
        " (SELECT count(*) FROM credit_notes WHERE provider_id IS NOT NULL) FROM invoices"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def _kill(here: Installation, random: Random) -> str:
    """The worker with all its work, or only the process that does the present job."""
    workers = here.processes("marketplace.cli worker")
    if len(workers) > 1 and random.random() < 0.5:
        os.kill(workers[-1], signal.SIGKILL)
        return "the job’s process killed -9"
    for one in workers:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return "the worker killed -9"


def _compare(
    here: Installation, database: psycopg.Connection, expected: dict[tuple[str, int], Decimal], run: Run
) -> None:
    """Ours and the provider's, each once, over the amounts they must have."""
    rows = database.execute(
        "SELECT a.reference, i.organisation_id, i.amount, i.provider_id, i.number, i.status"
        " FROM invoices i JOIN agreements a ON a.id = i.agreement_id"
    ).fetchall()
    ours = Counter((row[0], row[1]) for row in rows)
    if ours != Counter(expected.keys()):
        run.wrong.append(f"{len(rows)} invoices here where {len(expected)} are due, or some twice")
    if any(abs(row[2] - expected[row[0], row[1]]) > Decimal("0.01") for row in rows if (row[0], row[1]) in expected):
        run.wrong.append("some amounts here are not those due")
    if (total := sum(row[2] for row in rows)) != sum(expected.values()):
        run.wrong.append(f"£{total:,} here where £{sum(expected.values()):,} are due")
    if not_sent := [row[4] for row in rows if row[5] != "open"]:
        run.wrong.append(f"{len(not_sent)} are not at the provider yet")
    theirs = list(here.payments().invoices())
    numbers = Counter((one.reference or "").rpartition("-")[0] for one in theirs)
    if numbers != Counter(row[4] for row in rows):
        run.wrong.append(f"{len(theirs)} invoices at the provider, not each of ours once")
    there = {one.id: one for one in theirs}
    for row in rows:
        found = there.get(row[3] or "")
        if found is None or found.total != row[2] or found.status is not InvoiceStatus.OPEN:
            run.wrong.append(f"invoice {row[4]} is another one at the provider")


def _compare_credits(
    here: Installation, database: psycopg.Connection, expected: dict[tuple[str, int], Decimal], run: Run
) -> None:
    """Credit notes, ours and the provider's: each once, over what was charged too much; and less is asked for."""
    rows = database.execute(
        "SELECT a.reference, i.organisation_id, n.amount, n.provider_id, n.number, i.provider_id, i.amount - i.credited"
        " FROM credit_notes n JOIN invoices i ON i.id = n.invoice_id JOIN agreements a ON a.id = i.agreement_id"
    ).fetchall()
    if sorted((row[0], row[1]) for row in rows) != sorted(expected):
        run.wrong.append(f"{len(rows)} credit notes here where {len(expected)} are due, or some twice")
    if any(row[2] != expected.get((row[0], row[1])) for row in rows):
        run.wrong.append("some credit notes are over another amount than was charged too much")
    theirs = {one.id: one for one in here.payments().credits()}
    if set(theirs) != {row[3] for row in rows}:
        run.wrong.append(f"{len(theirs)} credit notes at the provider, not each of ours once")
    left = {one.id: one.amount_due for one in here.payments().invoices()}
    if any(row[3] in theirs and theirs[row[3]].amount != row[2] for row in rows):
        run.wrong.append("some credit notes are over another amount at the provider")
    if wrong := [row[4] for row in rows if left.get(row[5]) != row[6]]:
        run.wrong.append(f"{len(wrong)} invoices ask for another amount at the provider than is left here")
