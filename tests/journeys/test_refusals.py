"""The second journey: what the marketplace says no to, met by people in a browser, in plain words, losing nothing.

State up to each refusal is made by factories; the refusal itself is met on the page. Where a page rightly offers no
button, the form is posted all the same, as somebody would who keeps an old window open or means ill.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from calloffs.awards.models import Award
from calloffs.bids import queries as bids
from calloffs.bids.models import Bid, Opening, Receipt
from calloffs.bids.rules import BidStatus
from calloffs.competitions.models import Competition, Invitation
from calloffs.competitions.rules import CompetitionStatus
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceStatus
from contracts.payments.models import PaymentEvent
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace.access import Role
from marketplace.accounts.models import Organisation, Person
from marketplace.adapters.payments.stub.delivery import signature
from marketplace.audit import AuditEvent
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import give_role, make_actor, make_commissioner, make_supplier
from tests.factories.agreements import approver_of, make_agreement, signatory_of
from tests.factories.competitions import CLOSES_AT, NEEDS_REASON, make_tender
from tests.factories.evaluation import make_evaluated, make_recommended
from tests.factories.invoices import make_contract, make_invoice
from tests.factories.places import GREATER_MANCHESTER_REGION, KENT
from tests.factories.referrals import make_officer, make_referral, make_service, make_session
from tests.factories.suppliers import qualify
from tests.journeys.conftest import WEBHOOK, MakeVisitor, Site, settings_of
from tests.journeys.refusing import answer_to, answer_to_forged, answer_to_visit, errors, has_button, status_of, typed
from tests.journeys.walking import Walker

pytestmark = pytest.mark.journey

# Bids


def test_a_late_bid_is_refused_to_the_instant_and_what_was_typed_is_shown_back(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        made = make_tender()
        competition, (first, second) = made.competition.id, [one.id for one in made.competition.questions]
        other = make_supplier("Second Chance Homes")
        qualify(other, "ACC", GREATER_MANCHESTER_REGION)
        newcomer = make_actor(other, Role.BID_MANAGER, name="Nia Newcomer")
        db.session.commit()
    edit = f"/bids/{competition}/edit"
    clock.set(CLOSES_AT - timedelta(minutes=20))
    bea, sid, nia = (Walker(visitor(one)) for one in (made.bidder, made.colleague, newcomer))
    nia.go(f"/bids/{competition}").go(edit)
    words = {f"answer_{first}": "By asking them.", f"answer_{second}": "By knocking on doors."}
    bea.go(edit).fill(**words, price_1="90,000")

    # One microsecond before closing the draft is saved; at the instant of closing it can no longer be submitted.
    clock.set(CLOSES_AT - timedelta(microseconds=1))
    bea.press("Save, check and submit").sees("By knocking on doors.", "Bidding closes on")
    sid.go(edit).fill(**{f"answer_{first}": "Something better.", "price_1": "80,000"})
    clock.set(CLOSES_AT)
    assert answer_to(bea, "Submit the bid") == 409
    assert "This call-off closed on 5 October 2026 at midday" in errors(bea)
    assert "Your bid was not submitted" in errors(bea)
    bea.sees("By knocking on doors.", "Bidding is not open.")
    assert not has_button(bea, "Submit the bid")

    # Nor can anything be saved: neither a change by a colleague, nor a first word by somebody else, a minute late.
    assert answer_to(sid, "Save the draft") == 409
    assert "Your bid was not saved" in errors(sid)
    assert typed(sid, f"answer_{first}") == "Something better."
    assert typed(sid, "price_1") == "80,000"
    nia.fill(**{f"answer_{first}": "We were nearly there.", "price_1": "70000"})
    clock.move(minutes=1)
    assert answer_to(nia, "Save, check and submit") == 409
    assert "This call-off closed on" in errors(nia)
    nia.sees("What you typed is shown below, so that you can copy it.")
    assert typed(nia, f"answer_{first}") == "We were nearly there."
    assert typed(nia, "price_1") == "70000"

    with site.app.app_context():
        (bid,) = db.session.scalars(select(Bid)).all()
        own = bids.own_bid(db.session.get_one(Competition, competition), actor=made.bidder)
        assert own is not None
        assert (bid.organisation_id, bid.status, bid.version) == (made.bidder.organisation, BidStatus.DRAFT, 1)
        assert own.draft.answers[first] == "By asking them."
        assert own.submitted is None
        assert db.session.scalars(select(Receipt)).all() == []
        assert db.session.scalars(select(AuditEvent.what).where(AuditEvent.subject_kind == "bids")).all() == [
            "Began a bid"
        ]


def test_a_supplier_not_qualified_finds_no_invitation_but_the_notice_and_how_to_qualify(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        competition = make_tender().competition.id
        elsewhere, otherwise = make_supplier("Kentish Rooms"), make_supplier("Manchester Skills")
        qualify(elsewhere, "ACC", KENT)
        qualify(otherwise, "ETE", GREATER_MANCHESTER_REGION)
        people = [make_actor(one, Role.BID_MANAGER) for one in (elsewhere, otherwise)]
        db.session.commit()
    for person in people:
        walker = Walker(visitor(person))
        for path in ("/edit", "/submit", "/receipts/1"):
            assert status_of(walker, f"/bids/{competition}{path}") == 404
        assert answer_to_visit(walker, f"/bids/{competition}") == 404
        walker.sees("Page not found", "There is no such call-off, or you are not invited to it.")
        assert answer_to_forged(walker, f"/bids/{competition}/edit", version="0", price_1="1") == 404
        walker.go("/bids").does_not_see("Homes in Manchester")
    walker.go("/call-offs/notices").follow("Homes in Manchester")
    walker.sees("Only suppliers qualified for the category in all of the areas can bid.")
    walker.follow("apply for them").sees("framework")
    stranger = Walker(visitor())
    stranger.go(f"/call-offs/notices/{competition}").sees("Suppliers qualified for this category", "join the framework")
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Invitation)) == 1
        assert db.session.scalar(select(func.count()).select_from(Bid)) == 0
        # Once it qualifies there, the same address opens (R1).
        qualify(db.session.get_one(Organisation, people[0].organisation), "ACC", GREATER_MANCHESTER_REGION)
        db.session.commit()
    Walker(visitor(people[0])).go(f"/bids/{competition}").sees("Homes in Manchester")


def test_bids_stay_sealed_to_an_early_officer_and_to_one_officer_twice(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        made = make_tender()
        competition = made.competition.id
        db.session.commit()
    opening, opened = f"/bids/{competition}/opening", f"/bids/{competition}/opened"
    clock.set(CLOSES_AT - timedelta(seconds=1))
    pat = Walker(visitor(made.partner))
    pat.go(opening).sees("The bids can be opened from then on.")
    assert not has_button(pat, "Turn")
    assert answer_to_forged(pat, opening) == 409
    assert "Bids cannot be opened before 5 October 2026 at midday" in errors(pat)

    clock.set(CLOSES_AT)
    pat.go(opening).press("Turn your key").sees("A different officer must turn theirs.")
    assert not has_button(pat, "Turn")
    assert answer_to_forged(pat, opening) == 409
    assert "You have turned your key. A different officer must turn theirs." in errors(pat)
    assert answer_to_visit(pat, opened) == 403
    pat.sees("The bids are sealed until two different officers open them after closing.")
    with site.app.app_context():
        assert db.session.scalars(select(Opening.person_id)).all() == [made.partner.person]
        assert db.session.get_one(Competition, competition).status is CompetitionStatus.PUBLISHED


# One's own work


def test_nobody_approves_their_own_call_off_nor_an_award_they_marked_or_recommended(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        made = make_tender(CompetitionStatus.AWAITING_APPROVAL)
        waiting = made.competition.id
        evaluated = make_evaluated()
        decided, evaluator = evaluated.competition.id, evaluated.evaluators[0]
        make_recommended(evaluated)
        for actor, body in (
            (made.author, made.lead),
            (evaluated.partner, evaluated.lead),
            (evaluator, evaluated.lead),
        ):
            give_role(db.session.get_one(Person, actor.person), body, Role.APPROVER)
        db.session.commit()
    ann = Walker(visitor(made.author))
    ann.go(f"/call-offs/{waiting}/decide").sees("You wrote this call-off, so somebody else must decide on it.")
    assert not has_button(ann, "Approve")
    assert answer_to_forged(ann, f"/call-offs/{waiting}/approve") == 403
    assert "You wrote this call-off, so somebody else must decide on it." in errors(ann)

    approve = f"/awards/{decided}/approve"
    for actor, why in (
        (evaluator, "You were appointed to the panel, so somebody outside it must decide this award."),
        (evaluated.partner, "You recommended this award, so somebody else must decide it."),
    ):
        walker = Walker(visitor(actor))
        walker.go(approve).sees("who was not on the panel and did not recommend the award must decide it")
        assert not has_button(walker, "Confirm")
        assert answer_to_forged(walker, approve, decision="approve") == 403
        assert why in errors(walker)
    with site.app.app_context():
        assert db.session.get_one(Competition, waiting).status is CompetitionStatus.AWAITING_APPROVAL
        assert db.session.get_one(Competition, decided).status is CompetitionStatus.EVALUATED
        assert db.session.scalars(select(Award.approved_at)).all() == [None]
    approver = Walker(visitor(made.approver)).go(f"/call-offs/{waiting}/decide").fill(needs_reason=NEEDS_REASON)
    approver.press("Approve and publish now").sees("Open")


def test_a_contract_is_signed_in_turn_and_is_not_there_for_others(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        agreement = make_agreement()
        contract, path = agreement.id, f"/contracts/{agreement.id}"
        supplier, approver = signatory_of(agreement), approver_of(agreement)
        stranger = make_actor(make_supplier("Elsewhere Ltd"), Role.SIGNATORY)
        official = make_actor(make_commissioner("Another region"), Role.APPROVER)
        session = make_session(make_referral(make_service(), status=ReferralStatus.ACCEPTED), starts_at=clock())
        appointment, referral = session.id, session.referral_id
        caseworker = make_actor(make_supplier("Kept Apart"), Role.CASEWORKER)
        db.session.commit()
    bryn = Walker(visitor(approver))
    bryn.go(f"{path}/sign").sees("It is not your turn to sign this contract")
    assert not has_button(bryn, "Sign the contract")
    digest = bryn.visitor.page.locator(".dfm-code").inner_text().strip()
    assert answer_to_forged(bryn, f"{path}/sign", digest=digest, agreed="y") == 409
    assert "The supplier’s signatory signs first." in errors(bryn)

    ama = Walker(visitor(supplier))
    ama.go(f"{path}/sign").pick("agreed", "y").press("Sign the contract").sees("You have signed.")
    ama.go(f"{path}/sign")
    assert answer_to_forged(ama, f"{path}/sign", digest=digest, agreed="y") == 409
    assert "Your side has signed this contract already." in errors(ama)
    with site.app.app_context():
        kept = db.session.get_one(Agreement, contract)
        assert kept.status is AgreementStatus.AWAITING_COMMISSIONER
        assert [one.person_id for one in kept.signatures] == [supplier.person]

    for actor in (stranger, official):
        walker = Walker(visitor(actor))
        for each in (f"{path}/sign", f"{path}/terms.json"):
            assert status_of(walker, each) == 404
        assert answer_to_visit(walker, path) == 404
        walker.sees("There is no such contract, or it does not concern your organisation.")
    walker = Walker(visitor(caseworker))
    assert status_of(walker, f"/referrals/{referral}") == 404
    assert answer_to_visit(walker, f"/referrals/sessions/{appointment}") == 404
    walker.sees("Page not found")


# A full contract


def test_a_full_service_is_marked_full_and_a_referral_typed_before_is_refused_with_its_words_kept(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    with site.app.app_context():
        service = make_service(bands=((0, 2),), title="Rooms for Kent")
        make_referral(service)
        officer = make_officer()
        db.session.commit()
    joanna = Walker(visitor(officer))
    joanna.go("/find/").sees("Rooms for Kent", "Room for 1").follow("Refer someone")
    joanna.fill(crn="X123456", need="Sleeps in a car; needs a room.", rar_days="12").pick("complexity", "high")
    joanna.pick("outcomes", "ACC-1").press("Check your answers").sees("Check before you send", "X123456")
    with site.app.app_context():
        make_referral(db.session.merge(service))  # another officer is faster
        db.session.commit()
    assert answer_to(joanna, "Send referral") == 409
    joanna.sees("This service has taken all 2 people it can this contract year.", "What you wrote is kept.")
    joanna.sees("X123456", "Sleeps in a car; needs a room.", "Add to the waiting list").press("Change answers")
    kept = [typed(joanna, name) for name in ("crn", "need", "rar_days")]
    assert kept == ["X123456", "Sleeps in a car; needs a room.", "12"]
    for name, value in (("complexity", "high"), ("outcomes", "ACC-1")):
        assert joanna.visitor.page.locator(f"[name={name}][value='{value}']").is_checked()
    assert "X123456" not in joanna.visitor.page.url + joanna.visitor.page.title()

    joanna.go("/find/").sees("Rooms for Kent", "Full")
    assert joanna.visitor.page.get_by_role("link", name="Refer someone").count() == 0
    joanna.follow("Rooms for Kent").sees("Full", "It has taken everybody it can this contract year.")
    assert joanna.visitor.page.get_by_role("button", name="Refer someone").count() == 0
    with site.app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Referral)) == 2


# From outside


def test_a_webhook_that_the_payment_provider_did_not_sign_just_now_changes_nothing(
    site: Site, visitor: MakeVisitor
) -> None:
    secret, now = settings_of(site).stripe_webhook_secret, int(time.time())
    with site.app.app_context():
        invoice = make_invoice(make_contract(), status=InvoiceStatus.OPEN)
        key, told = invoice.id, paid_in_full(invoice, at=now)
        db.session.commit()
    event = {"id": "evt_forged", "object": "event", "type": "invoice.paid", "created": now, "data": {"object": told}}
    body = json.dumps(event).encode()
    walker = Walker(visitor())
    post = walker.visitor.page.request.post
    forged = {
        "none": None,
        "not a signature": "let me in",
        "another secret": signature(body, "whsec_guessed", now),
        "another body": signature(body + b" ", secret, now),
        "an old time": signature(body, secret, now - 3600),
        "a new time on an old signature": f"t={now}," + signature(body, secret, now - 3600).split(",")[1],
    }
    for what, header in forged.items():
        headers = {"Content-Type": "application/json"} | ({"Stripe-Signature": header} if header else {})
        answer = post(site.url + WEBHOOK, data=body, headers=headers)
        assert answer.status == 400, what
        assert "The signature is not the payment provider’s, or it is too old." in answer.text(), what
        assert "Traceback" not in answer.text(), what
    walker.go("/")
    assert answer_to_forged(walker, WEBHOOK, id="evt_forged") == 400
    walker.sees("The signature is not the payment provider’s, or it is too old.")
    site.run_jobs()
    assert kept(site, key) == ([], InvoiceStatus.OPEN)
    # The very same event, rightly signed, is taken: it was the signature that was refused.
    right = {"Content-Type": "application/json", "Stripe-Signature": signature(body, secret, now)}
    assert post(site.url + WEBHOOK, data=body, headers=right).status == 200
    site.run_jobs()
    assert kept(site, key) == (["evt_forged"], InvoiceStatus.PAID)


def paid_in_full(invoice: Invoice, *, at: int) -> dict[str, object]:
    """The invoice as the provider would tell that it is paid."""
    amount = int(invoice.amount * 100)
    return {
        "id": invoice.provider_id,
        "object": "invoice",
        "status": "paid",
        "currency": "gbp",
        "created": at,
        "total": amount,
        "amount_due": amount,
        "amount_paid": amount,
        "amount_remaining": 0,
        "status_transitions": {"paid_at": at},
    }


def kept(site: Site, invoice: int) -> tuple[list[str], InvoiceStatus]:
    """The events that are kept, and where the invoice stands."""
    with site.app.app_context():
        events = list(db.session.scalars(select(PaymentEvent.provider_id)))
        return events, db.session.get_one(Invoice, invoice).status


def test_a_number_of_the_wrong_form_is_refused_at_its_field_and_a_form_without_its_token_plainly(
    site: Site, visitor: MakeVisitor, clock: StandingClock
) -> None:
    stranger = Walker(visitor())
    given = {
        "organisation_name": "Lanterns CIC",
        "name": "Nia Hughes",
        "email": "nia@example.org",
        "company_number": "12-AB",
        "charity_number": "1099003",
    }
    stranger.go("/sign-up").fill(**given, password="three lanterns in a row").pick("supplier_status", "sme")
    stranger.press("Sign up")
    assert "Enter a real company number, like 01234567" in errors(stranger)
    assert {name: typed(stranger, name) for name in given} == given
    assert stranger.visitor.page.locator("[name=supplier_status][value=sme]").is_checked()
    stranger.visitor.page.locator(".govuk-error-summary a").click()
    assert stranger.visitor.page.evaluate("document.activeElement.name") == "company_number"
    assert people_called(site, "nia@example.org") == 0

    answered = answer_to_forged(stranger, "/sign-up", with_token=False, **given, supplier_status="sme")
    assert answered == 400
    stranger.sees("Try again", "This page was open for a long time, or in another window.")
    assert people_called(site, "nia@example.org") == 0

    stranger.go("/sign-up").fill(**(given | {"company_number": "SC123456"}), password="three lanterns in a row")
    stranger.pick("supplier_status", "sme").press("Sign up")
    assert people_called(site, "nia@example.org") == 1


def people_called(site: Site, email: str) -> int:
    with site.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Person).where(Person.email == email)) or 0
