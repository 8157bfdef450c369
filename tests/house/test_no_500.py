"""Whatever is asked for, in an address or a form, the answer is a page: never an error of ours."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session
from werkzeug.routing import Rule

from calloffs.competitions.rules import CompetitionStatus
from calloffs.funds.actions import open_fund
from calloffs.funds.rules import FundKind
from contracts.agreements.rules import Side
from contracts.changes.actions import add_option, begin, begin_exit, suspend
from contracts.handovers import actions as handing_over
from contracts.invoices.actions import confirm_payment, credit, dispute, report_use
from contracts.invoices.rules import InvoiceStatus
from contracts.mobilisation.actions import enter_access, report_on_promise
from contracts.mobilisation.rules import Dates
from contracts.performance.actions import begin_review, resolve
from contracts.referrals.rules import ReferralStatus
from contracts.volumes.actions import Decision, decide, raise_alerts
from contracts.volumes.queries import alerts_of, position
from contracts.volumes.rules import ActionKind
from marketplace.access import (
    COMMISSIONER_ROLES,
    FRAMEWORK_ROLES,
    PUBLIC,
    SIGNED_IN,
    SIGNED_WEBHOOK,
    SUPPLIER_ROLES,
    Actor,
    audience_of,
)
from marketplace.suppliers.rules import ApplicationStatus
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_framework_team, make_supplier, sign_in
from tests.factories.agreements import make_signed_agreement
from tests.factories.changes import APPLIES, Change, make_proposal
from tests.factories.competitions import make_needs_data, make_plan, make_tender
from tests.factories.evaluation import make_evaluated, make_recommended
from tests.factories.grants import make_grant
from tests.factories.invoices import RAISED, make_contract, make_invoice
from tests.factories.mobilisation import Contract
from tests.factories.money import make_deduction, make_instalment
from tests.factories.payments import make_difference, make_recovery
from tests.factories.performance import make_performer
from tests.factories.places import GREATER_MANCHESTER_REGION
from tests.factories.referrals import make_referral, make_service, make_session
from tests.factories.suppliers import make_application

Database = scoped_session[Session]

# Beyond every column.
HUGE = str(10**30)
# Every name that an address of ours may carry after its question mark.
ASKED = (
    *("page", "stage", "category", "place", "show", "status", "sort", "text", "origin", "name", "standing", "need"),
    *("words", "who", "mine", "news", "agreement", "next", "kind", "order", "by", "on", "month", "measure", "rating"),
    *("first", "last", "other", "first-day", "on-day", "clock", "from"),
)
HOSTILE = ("\x00", HUGE, "%_\\' OR 1=1 -- 🏠")
# What is typed into every field of a form at once.
TYPED = ("", "\x00", "-1", HUGE, "٣", "🏠\r\n\tline" + "x" * 10_000)
# These end the session of the browser that asks.
ENDING = {"accounts.sign_out", "accounts.sign_out_everywhere"}


@dataclass
class World:
    """One of everything: its keys by the name that addresses give them, and people who hold every role there."""

    keys: dict[str, list[object]]
    people: dict[str, Actor]


@pytest.fixture
def world(session: Database, clock: StandingClock) -> World:
    tender, evaluated, draft = make_tender(), make_evaluated(), make_tender(CompetitionStatus.DRAFT)
    commissioner = make_actor(tender.lead, *COMMISSIONER_ROLES)
    supplier = make_actor(tender.supplier, *SUPPLIER_ROLES)
    draft.competition.organisation, draft.competition.author_id = tender.lead, commissioner.person
    award = make_recommended(evaluated)
    agreement = make_contract(supplier=tender.supplier, lead=tender.lead)
    service = make_service(supplier=tender.supplier, commissioner=tender.lead)
    referral = make_referral(service, officer=commissioner, status=ReferralStatus.ACCEPTED, caseworker=supplier)
    wanted = {"ACC": [GREATER_MANCHESTER_REGION]}
    applied = [
        make_application(organisation, status, wanted=wanted)
        for organisation, status in (
            (tender.supplier, ApplicationStatus.DRAFT),
            (make_supplier(), ApplicationStatus.SUBMITTED),
        )
    ]
    fund = open_fund(
        name="Outcomes",
        kind=FundKind.OUTCOMES,
        purposes="Homes",
        amount=Decimal(1000),
        starts_on=RAISED.date(),
        ends_on=RAISED.date(),
        actor=commissioner,
        now=clock(),
    )
    changed = Change(make_signed_agreement(lead=tender.lead, supplier=tender.supplier))
    variation = begin(changed.agreement, reason="x", in_force_from=APPLIES, actor=changed.manager, now=clock())
    option = add_option(variation.version, months=12, decide_by=APPLIES, actor=changed.manager, now=clock())
    stopped = suspend(changed.agreement, line=None, from_on=APPLIES, reason="x", actor=changed.manager, now=clock())
    mobilised = Contract(agreement)
    instalment = make_instalment(lead=tender.lead, supplier=tender.supplier, now=clock())
    spent = make_grant(funders=1, lead=tender.lead)
    spent.accept(1, now=clock())
    use = report_use(spent.instalment(1), spent=Decimal(1), what="x", shown_by=None, actor=spent.deliverer, now=clock())
    promise, member = mobilised.promise(), mobilised.staff()
    access = enter_access(member, prison="HMP Elmley", dates=Dates(), actor=mobilised.deliverer, now=clock())
    report = report_on_promise(
        promise,
        due_on=promise.first_due_on,
        reached="1",
        words="",
        actor=mobilised.deliverer,
        now=RAISED + timedelta(days=90),
    )
    invoice = make_invoice(agreement, status=InvoiceStatus.OPEN)
    disputed = dispute(
        make_invoice(agreement, month=RAISED.date(), status=InvoiceStatus.OPEN),
        amount=Decimal(1),
        reason="x",
        actor=commissioner,
        now=clock(),
    )
    paid_on = confirm_payment(
        mobilised.subcontractor("Next Door"),
        month=agreement.starts_on,
        amount=Decimal(1),
        invoiced_on=agreement.starts_on,
        paid_on=agreement.starts_on,
        actor=supplier,
        now=RAISED,
    )
    paid_on.confirmed_at = clock()  # or it would be corrected before it was confirmed
    warned = make_service(supplier=tender.supplier, commissioner=tender.lead, bands=((60, 80),))
    raise_alerts(position(warned, on=clock().date()), now=clock())
    decided = decide(
        warned.id,
        Decision(ActionKind.VARY, "x", commissioner.person, clock().date() + timedelta(days=30)),
        actor=commissioner,
        now=clock(),
    )
    performed = make_performer(supplier=tender.supplier, commissioner=tender.lead)
    card = performed.card(performed.agreement.starts_on, now=clock())
    improvement = resolve(
        card, what="x", side=Side.SUPPLIER, due_on=RAISED.date(), actor=performed.manager, now=clock()
    )
    served = make_service(supplier=tender.supplier, commissioner=tender.lead)
    planned = handing_over.plan(service, served, day=clock().date(), actor=commissioner, now=clock())
    keys: dict[str, list[object]] = {
        "competition_id": [one.competition.id for one in (tender, evaluated, draft)],
        "agreement_id": [agreement.id, instalment.agreement_id],
        "instalment_id": [instalment.id],
        "use_id": [use.id],
        "deduction_id": [make_deduction(agreement, month=RAISED.date(), now=RAISED).id],
        "day": ["2026-11-01"],
        "document_id": [1],
        "bid_id": [evaluated.bids[0].id],
        "award_id": [award.id],
        "plan_id": [
            make_plan(tender.lead, tender.author).id,
            make_plan(tender.lead, tender.author, settled=False).id,
        ],
        "data_id": [make_needs_data(tender.author).id],
        "question_id": [draft.competition.questions[1].id],
        "person_id": [tender.partner.person],
        "referral_id": [referral.id],
        "handover_id": [planned.id],
        "session_id": [make_session(referral, starts_at=datetime(2026, 9, 2, 9, 0, tzinfo=UTC)).id],
        "line_id": [agreement.lines[0].id, service.id],
        "invoice_id": [invoice.id, disputed.invoice_id],
        "dispute_id": [disputed.id],
        "credit_note_id": [credit(invoice, amount=Decimal(1), reason="x", actor=supplier, now=clock()).id],
        "difference_id": [make_difference().id],
        "recovery_id": [make_recovery(invoice).id],
        "payment_id": [paid_on.id],
        "fund_id": [fund.id],
        "variation_id": [variation.id, spent.draft(now=clock()).id],
        "suspension_id": [stopped.id],
        "option_id": [option.id],
        "proposal_id": [make_proposal(changed).id],
        "exit_task_id": [begin_exit(changed.agreement, actor=changed.manager, now=clock())[0].id],
        "target_id": [performed.proposed(from_month=performed.agreement.starts_on.replace(month=10)).id],
        "scorecard_id": [card.id],
        "improvement_id": [improvement.id],
        "review_id": [begin_review(performed.agreement, actor=performed.manager, now=clock()).id],
        "milestone_id": [mobilised.begin()[0].id],
        "promise_id": [promise.id],
        "promise_report_id": [report.id],
        "staff_member_id": [member.id],
        "access_id": [access.id],
        "subcontractor_id": [mobilised.subcontractor().id],
        "application_id": [one.id for one in applied],
        "organisation_id": [tender.supplier.id],
        "alert_id": [alerts_of(warned.id, warned.agreement.starts_on)[0].id],
        "action_id": [decided.id],
        "letter_id": [1],
        "link_id": [1],
        "number": [1],
        "reference": [tender.competition.reference],
        "category_code": ["ACC"],
        "place_code": [GREATER_MANCHESTER_REGION],
        "token": ["none-such"],
        "first": ["2026-10-01"],
    }
    people = {
        "commissioner": commissioner,
        "evaluating": make_actor(evaluated.lead, *COMMISSIONER_ROLES),
        "supplier": supplier,
        "framework": make_actor(make_framework_team(), *FRAMEWORK_ROLES),
    }
    session.commit()
    return World(keys, people)


def paths(app: Flask, rule: Rule, keys: dict[str, list[object]]) -> Iterator[str]:
    """The rule's addresses with each choice of keys."""
    names = sorted(rule.arguments)
    for chosen in itertools.product(*(keys[name] for name in names)):
        yield app.url_map.bind("localhost").build(rule.endpoint, dict(zip(names, chosen, strict=True)))


def rules(app: Flask, method: str, actor: Actor | None) -> list[Rule]:
    """What this person may ask for; what is public, a stranger asks for. That the rest is closed, test_access holds."""
    found = []
    for rule in app.url_map.iter_rules():
        opened = audience_of(app, rule.endpoint)
        if actor is not None:
            may = opened is SIGNED_IN or (isinstance(opened, tuple) and any(actor.may(one) for one in opened))
        else:
            may = opened in (PUBLIC, SIGNED_WEBHOOK) and rule.endpoint != "static"
        if may and method in (rule.methods or ()) and rule.endpoint not in ENDING:
            found.append(rule)
    return sorted(found, key=str)


def fails(client: FlaskClient, method: str, path: str, **more: object) -> list[str]:
    """What went wrong, if anything did."""
    try:
        status = client.open(path, method=method, **more).status_code  # type: ignore[arg-type]
    except Exception as error:
        return [f"{method} {path[:90]}: {type(error).__name__}: {str(error)[:120]}"]
    return [f"{method} {path[:90]}: {status}"] if status >= 500 and path != "/health" else []


WHO = ("stranger", "commissioner", "evaluating", "supplier", "framework")


@pytest.mark.parametrize("who", WHO)
def test_no_address_is_an_error_of_ours(app: Flask, client: FlaskClient, world: World, who: str) -> None:
    actor = world.people.get(who)
    if actor is not None:
        sign_in(client, actor)
    beyond: dict[str, list[object]] = {
        name: [2**63] if isinstance(kept[0], int) else ["\x00🏠"] for name, kept in world.keys.items()
    }
    wrong = []
    for rule in rules(app, "GET", actor):
        for path in [*paths(app, rule, world.keys), *(paths(app, rule, beyond) if rule.arguments else ())]:
            wrong += fails(client, "GET", path)
        for value in HOSTILE if not rule.arguments else ():
            wrong += fails(client, "GET", f"{rule}?{urlencode(dict.fromkeys(ASKED, value))}")
    assert wrong == []


@pytest.mark.parametrize("who", WHO)
def test_no_form_is_an_error_of_ours(app: Flask, client: FlaskClient, world: World, who: str) -> None:
    actor = world.people.get(who)
    if actor is not None:
        sign_in(client, actor)
    wrong = []
    for rule in rules(app, "POST", actor):
        if who == "evaluating" and rule.endpoint.partition(".")[0] not in ("bids", "evaluation", "awards"):
            continue  # the other commissioner has rows for these
        for path in paths(app, rule, world.keys):
            answer = client.get(path)
            shown = answer.text if answer.status_code == 200 else ""
            fields = set(re.findall(r'name="([^"]+)"', shown)) | {"person", "organisation", "role", "person_id", "then"}
            for value in TYPED:
                wrong += fails(client, "POST", path, data=dict.fromkeys(fields, value))
            # Each choice as it is offered, and what is written too much.
            offered = {
                name: unescape(first) for name, first in re.findall(r'name="([^"]+)"[^>]*value="([^"]+)"', shown)
            }
            for value in ("99999999", "9999999999.99", "12:00"):
                wrong += fails(client, "POST", path, data={**dict.fromkeys(fields, value), **offered})
            wrong += fails(client, "POST", path)
    assert wrong == []
