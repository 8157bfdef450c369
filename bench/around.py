"""What pages read beside contracts and referrals: sessions, people who wait, scorecards, invoices, and people to ask.

All of it is written by the database itself from the contracts and referrals that are there.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import date

import psycopg
from flask import Flask
from flask.testing import FlaskClient

from bench.dataset import driver
from contracts.performance.rules import Measure
from marketplace import clock
from marketplace.access import Role
from marketplace.accounts.models import Person, RoleGrant, SignInSession
from marketplace.extensions import db

# Appointments of one referral, a week apart; of those who still come one in so many is not recorded.
SESSIONS, UNRECORDED_EVERY = 5, 97
# One in so many lines has people waiting, so many on each.
FULL_EVERY, WAITING = 40, 12

WORK = """
SET session_replication_role = replica;
INSERT INTO sessions (referral_id, number, starts_at, entered_at, attendance, absence, recorded_at, recorded_by)
SELECT r.id, n, starts_at, r.accepted_at,
       CASE WHEN held THEN CASE WHEN (r.id + n) %% 6 = 0 THEN 'NO' ELSE 'YES' END END,
       CASE WHEN held AND (r.id + n) %% 6 = 0 THEN 'POP_UNACCEPTABLE' END,
       CASE WHEN held THEN starts_at + interval '1 hour' END, CASE WHEN held THEN r.caseworker_id END
FROM referrals r CROSS JOIN generate_series(1, %(sessions)s) n
CROSS JOIN LATERAL (SELECT r.accepted_at + make_interval(days => 7 * n + 2) AS starts_at) s
CROSS JOIN LATERAL (SELECT starts_at < %(today)s::date AND (r.status <> 'accepted' OR (r.id + n) %% %(unrecorded)s > 0)
                    AS held) h
WHERE r.accepted_at IS NOT NULL;
INSERT INTO referrals (reference, line_id, officer_id, officer_organisation_id, status, crn, crn_fingerprint,
                       category_code, need, complexity, joined_at)
SELECT 'W-' || l.id || '-' || n, l.id, r.officer_id, r.officer_organisation_id, 'waiting', r.crn,
       'waiting' || l.id || '-' || n, c.category_code, r.need, 'low', now() - make_interval(days => n)
FROM service_lines l JOIN service_line_categories c ON c.line_id = l.id CROSS JOIN generate_series(1, %(waiting)s) n
CROSS JOIN (SELECT * FROM referrals ORDER BY id LIMIT 1) r WHERE l.id %% %(full)s = 0;
SET session_replication_role = DEFAULT;
"""
RECORDS = """
SET session_replication_role = replica;
INSERT INTO scorecards (agreement_id, month, made_at, quality, outcomes, basics, overall)
SELECT a.id, m::date, m + interval '1 month 8 days', 'met', 'met', CASE WHEN a.id %% 7 = 0 THEN 'missed' ELSE 'met' END,
       CASE WHEN a.id %% 7 = 0 THEN 'missed' ELSE 'met' END
FROM agreements a
CROSS JOIN generate_series(date_trunc('month', %(today)s::date) - interval '12 months',
                           date_trunc('month', %(today)s::date) - interval '1 month', interval '1 month') m
WHERE a.starts_on <= m;
INSERT INTO scorecard_rows (scorecard_id, measure, met, cases, percent, tolerance, is_agreed)
SELECT s.id, m, 20 + s.id %% 9, 30, 80, 5, false FROM scorecards s CROSS JOIN unnest(%(measures)s::text[]) m;
INSERT INTO invoices (number, agreement_id, organisation_id, kind, period_from, period_to, month, percent, net,
                      vat_rate, vat, amount, credited_net, credited, status, raised_at, due_on, approved_at, paid_at,
                      paid_amount, next_attempt_at, sequence, attempts)
SELECT a.reference || to_char(m, '-YYYYMM'), a.id, a.commissioner_id, 'month', m::date,
       (m + interval '1 month')::date - 1, m::date, 100, 1000 + a.id, 20, (1000 + a.id) / 5.0, (1000 + a.id) * 1.2,
       0, 0, CASE WHEN old THEN 'paid' ELSE 'open' END, m + interval '1 month 9 hours',
       (m + interval '1 month 30 days')::date, m + interval '1 month 3 days',
       CASE WHEN old THEN m + interval '1 month 20 days' END, CASE WHEN old THEN (1000 + a.id) * 1.2 END, now(), 1, 1
FROM agreements a
CROSS JOIN LATERAL generate_series(date_trunc('month', a.starts_on),
                                   date_trunc('month', %(today)s::date) - interval '1 month', interval '1 month') m
CROSS JOIN LATERAL (SELECT m < date_trunc('month', %(today)s::date) - make_interval(months => 1 + (a.id %% 3)::int)
                    AS old) o;
INSERT INTO invoice_lines (invoice_id, service_line_id, text, amount)
SELECT i.id, l.id, l.title, i.net FROM invoices i JOIN service_lines l USING (agreement_id);
INSERT INTO postings (key, kind, at, day, agreement_id, funder_id, supplier_id, item, document, due_on, entry_count)
SELECT what || ':' || i.id, what, at, (at AT TIME ZONE 'Europe/London')::date, i.agreement_id, i.organisation_id,
       a.supplier_id, i.number, i.number, CASE WHEN what = 'invoice' THEN i.due_on END,
       CASE WHEN what = 'invoice' THEN 3 ELSE 2 END
FROM invoices i JOIN agreements a ON a.id = i.agreement_id
CROSS JOIN LATERAL (VALUES ('invoice', i.raised_at), ('payment', i.paid_at)) p (what, at) WHERE at IS NOT NULL
ORDER BY at;
INSERT INTO posting_entries (posting_id, account, organisation_id, amount)
SELECT p.id, account, CASE WHEN account = 'owed' THEN p.funder_id ELSE p.supplier_id END, pounds
FROM postings p JOIN invoices i ON i.number = p.item
CROSS JOIN LATERAL (VALUES ('invoice', 'owed', i.amount), ('invoice', 'services', -i.net), ('invoice', 'vat', -i.vat),
                           ('payment', 'paid', i.amount), ('payment', 'owed', -i.amount)) e (what, account, pounds)
WHERE what = p.kind;
SET session_replication_role = DEFAULT;
"""


def make_records(app: Flask, *, today: date) -> None:
    """A year of scorecards of every contract; an invoice of every month since it began, the older ones paid."""
    given = {"today": today, "measures": [one.value for one in Measure]}
    with driver(app) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(RECORDS, given)
        cursor.execute("VACUUM ANALYZE")


def make_work(app: Flask, *, today: date) -> None:
    """The appointments of all referrals that are there, and people who wait."""
    given = {"today": today, "sessions": SESSIONS, "unrecorded": UNRECORDED_EVERY}
    given |= {"full": FULL_EVERY, "waiting": WAITING}
    with driver(app) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(WORK, given)
        cursor.execute("VACUUM ANALYZE sessions, referrals")


def signed_in(app: Flask, organisation_id: int, *roles: Role) -> FlaskClient:
    """A browser in which somebody new of an organisation is signed in."""
    token, now = secrets.token_urlsafe(32), clock.now()
    if True:
        person = Person(
            email=f"{token[:12].lower()}@bench.example", name="Somebody", created_at=now, is_demonstration=True
        )
    person.grants += [RoleGrant(organisation_id=organisation_id, role=role, granted_at=now) for role in roles]
    db.session.add(
        SignInSession(
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
            person=person,
            organisation_id=organisation_id,
            second_factor_at=now,
            created_at=now,
            last_seen_at=now,
        )
    )
    db.session.commit()
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = token
        session["_fresh"] = True
    return client
