"""The demonstration, loaded as it is at a first start: every list of the contracts side shows its person something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from contracts.agreements.models import Agreement
from contracts.ledger.queries import unbalanced
from contracts.payments import jobs as payments
from contracts.payments.models import Difference
from contracts.payments.rules import DifferenceKind
from marketplace import clock, demonstration
from marketplace.access import Actor
from marketplace.accounts.models import Person, RoleGrant
from marketplace.accounts.queries import actor_for
from marketplace.cli import _load_reference
from marketplace.demonstration import scenes
from marketplace.demonstration.provider import provider
from marketplace.extensions import db
from marketplace.local.servers import Urls
from tests.conftest import committed
from tests.factories.accounts import sign_in

PARTNER, APPROVER, MANAGER = "priya.nair@north-east", "graham.ellison@north-east", "lesley.hunt@north-east"
PAYER, COORDINATOR, OFFICER = "imran.shah@north-east", "bethan.rowe@north-east", "joanna.clark@north-east"
OTHER_PAYER, TEAM = "sam.doyle@northumbria-pcc", "amara.osei@framework"
CLERK, DELIVERER, SIGNATORY = "mark.dunn@staithes", "nadia.rahman@staithes", "carol.whitfield@staithes"
HOUSING = "sunita.patel@kittiwake"

WOMEN, WELLBEING, HOMES = scenes.WOMEN, scenes.WELLBEING, scenes.ACCOMMODATION
# Who looks, where ({title} stands for the contract's key), and what of the play is to be read there.
LISTS = (
    (PARTNER, "/plans", "Dependency and recovery in Northumbria"),
    (PARTNER, "/plans/needs-data", "Needs of people on probation in Northumbria"),
    (PARTNER, "/plans/unit-costs", "Average of our contracts"),
    (PARTNER, "/funds", "Regional Outcomes Fund"),
    (PARTNER, "/cohorts", "Women"),
    (APPROVER, "/contracts/", WOMEN),
    (MANAGER, "/contracts/readiness", scenes.FAMILY),
    (MANAGER, f"/contracts/{{{WOMEN}}}/changes", "victims’ fund ends"),
    (MANAGER, f"/contracts/{{{WELLBEING}}}/changes", "Version 2"),
    (MANAGER, f"/contracts/{{{WELLBEING}}}/ending", "To be decided"),
    (MANAGER, f"/contracts/{{{HOMES}}}/ending", "Staff who may transfer (TUPE)"),
    (MANAGER, f"/contracts/{{{HOMES}}}/handover", scenes.HOMES),
    (MANAGER, f"/contracts/{{{scenes.MENTORING}}}/handover", scenes.MENTORS),
    (MANAGER, f"/contracts/{{{scenes.MENTORS}}}/changes", "Ten more places a year"),
    (DELIVERER, f"/contracts/{{{WOMEN}}}/people", "EY-01"),
    (MANAGER, f"/contracts/{{{WOMEN}}}/promises", "Women with children"),
    (MANAGER, f"/contracts/{{{WOMEN}}}/supply-chain", "Coble Counselling"),
    (MANAGER, f"/contracts/{{{WELLBEING}}}/performance", "Nobody lost sight of"),
    (MANAGER, f"/contracts/{{{WELLBEING}}}/targets", "the second office closed"),
    (MANAGER, f"/contracts/{{{WELLBEING}}}/actions", "list of people who wait for a first session"),
    (MANAGER, f"/contracts/{{{WELLBEING}}}/reviews", "Sound"),
    (MANAGER, "/contracts/performance", WELLBEING),
    (MANAGER, "/contracts/performance/kinds", "Emotional Wellbeing"),
    (MANAGER, "/contracts/late", scenes.MENTORS),
    (MANAGER, f"/contracts/{{{WOMEN}}}/money", "Paid"),
    (MANAGER, f"/contracts/{{{scenes.EMPLOYMENT}}}/deductions", "Evening sessions"),
    (MANAGER, f"/contracts/{{{scenes.GRANT}}}/instalments", "The panel of twelve women"),
    (MANAGER, "/invoices", WOMEN),
    (PAYER, "/invoices?status=open", WELLBEING),
    (PAYER, "/credit-notes", "Women’s services"),
    (PAYER, "/statement", "Staithes Women’s Centre"),
    (PAYER, "/aged-debt", "Staithes Women’s Centre"),
    (PAYER, "/remittances", "Staithes Women’s Centre"),
    (PAYER, "/purchase-orders", "4500118201"),
    (OTHER_PAYER, "/invoices", WOMEN),
    (OTHER_PAYER, "/purchase-orders", "NPCC-0417"),
    (COORDINATOR, "/volumes/", WOMEN),
    (COORDINATOR, "/volumes/alerts", "cap"),
    (COORDINATOR, "/volumes/actions", "Make the service known"),
    (TEAM, "/volumes/comparison", "North East"),
    (COORDINATOR, "/volumes/rate-card", "Staithes Women’s Centre"),
    (TEAM, "/volumes/nation", "North East"),
    (OFFICER, "/referrals/", "R-"),
    (COORDINATOR, "/referrals/waiting-lists", scenes.MENTORS),
    (OFFICER, "/referrals/moved", "R-"),
    (DELIVERER, "/referrals/", "R-"),
    (DELIVERER, "/contracts/performance", WOMEN),
    (HOUSING, f"/contracts/{{{HOMES}}}/ending", "Premises and equipment"),
    (CLERK, "/invoices", WOMEN),
    (CLERK, "/credit-notes", "Northumbria Police and Crime Commissioner"),
    (CLERK, "/statement", "North East"),
    (CLERK, "/aged-debt", "North East"),
    (CLERK, "/remittances", "North East"),
    (CLERK, f"/contracts/{{{WOMEN}}}/supply-chain-payments", "Tyne Kitchen Collective"),
    (CLERK, "/vat", "Not registered for VAT"),
    (SIGNATORY, "/contracts/", WOMEN),
)


@pytest.fixture
def played(servers: Urls, template: str, tmp_path: Path) -> Iterator[Flask]:
    """The application with the demonstration loaded, its files and its provider's books in a home of their own."""
    with committed(servers, template, MARKETPLACE_HOME=str(tmp_path)) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            _load_reference()
            assert demonstration.load(clock.now()).fresh
        yield app


def _actor(address: str) -> Actor:
    person, body = db.session.execute(
        select(Person.id, RoleGrant.organisation_id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(Person.email == f"{address}.example")
    ).first() or (0, 0)
    return actor_for(person, body)


def test_a_demonstration_as_it_is_at_a_first_start(played: Flask) -> None:
    """One test, because the load is dear: on two workers it would be made twice."""
    with played.app_context():
        assert not demonstration.load(clock.now()).fresh, "a second load changes nothing"
        assert unbalanced(clock.today()) == 0
        assert _differences() == {DifferenceKind.NOT_SENT}, "only what waits until its supplier can be paid"
        keys = {one.title: one.id for one in db.session.scalars(select(Agreement))}
    missing = [one for one in LISTS if not _shows(played, *one, keys)]
    assert missing == []


def _differences() -> set[DifferenceKind]:
    with provider() as there:
        assert there is not None
        payments.reconcile()
    return set(db.session.scalars(select(Difference.kind)))


def _shows(app: Flask, who: str, path: str, words: str, keys: dict[str, int]) -> bool:
    with app.app_context():  # in one of its own, which knows nobody who asked before
        answer = sign_in(app.test_client(), _actor(who)).get(path.format(**keys))
    return answer.status_code == 200 and words in answer.text.partition("<main")[2]
