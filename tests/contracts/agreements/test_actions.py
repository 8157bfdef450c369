from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from calloffs.awards.models import Award
from calloffs.competitions.rules import CompetitionStatus
from contracts.agreements import actions, jobs, queries
from contracts.agreements.models import Agreement, AgreementDocument, AgreementVersion
from contracts.agreements.rules import AgreementStatus, DocumentStatus, Side, terms_digest
from marketplace.access import SYSTEM, Role
from marketplace.accounts.models import Person
from marketplace.accounts.queries import as_actor
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.factories.accounts import give_role, make_actor, make_commissioner, make_supplier
from tests.factories.agreements import (
    NOW,
    PROMISE,
    STANDSTILL_ENDS,
    approver_of,
    make_agreement,
    make_award,
    make_signed_agreement,
    sign_as,
    signatory_of,
)
from tests.factories.places import DOVER, KENT, make_places

pytestmark = pytest.mark.usefixtures("session")


def _letters(key: str) -> set[str]:
    return set(db.session.scalars(select(Letter.email).where(Letter.key.startswith(key))))


def test_nothing_is_typed_again_when_a_contract_is_drawn() -> None:
    lead, council = make_commissioner("Kent region"), make_commissioner("Dover council")
    award = make_award(
        lead=lead, funders=[(lead, "60.00"), (council, "40.00")], places=[KENT, DOVER], title="Rooms in Kent"
    )
    drawn = actions.draw_agreement(award, actor=SYSTEM, now=NOW)
    assert drawn.reference == "C-2026-0001"
    assert drawn.status is AgreementStatus.AWAITING_SUPPLIER
    assert (drawn.supplier, drawn.commissioner) == (award.supplier, lead)
    assert (drawn.title, drawn.specification) == ("Rooms in Kent", award.competition.specification)
    assert (drawn.starts_on, drawn.ends_on) == (date(2026, 10, 1), date(2029, 9, 30))
    assert drawn.whole_life_value == Decimal("300000.00")
    assert [(one.organisation, one.percent) for one in drawn.funders] == [
        (lead, Decimal("60.00")),
        (council, Decimal("40.00")),
    ]
    assert drawn.equality_commitments == PROMISE
    (line,) = drawn.lines
    (agreed,) = line.terms
    assert [category.code for category in line.categories] == ["ACC"]
    assert {place.code for place in agreed.places} == {KENT, DOVER}
    assert (line.open_to_women, line.open_to_men, line.minimum_age) == (True, True, 18)
    assert (line.referrals_from, agreed.referrals_until) == (drawn.starts_on, drawn.ends_on)
    assert agreed.planned_band == 2
    # The prices are the winner's, not the most that was offered.
    assert [(band.low, band.high, band.annual_price) for band in agreed.bands] == [
        (60, 80, Decimal(80_000)),
        (81, 100, Decimal(100_000)),
        (101, 120, Decimal(120_000)),
        (121, 140, Decimal(140_000)),
    ]


def test_the_winners_promises_are_sealed_in_the_table() -> None:
    agreement = make_agreement()
    raw = db.session.scalar(text("SELECT equality_commitments FROM agreements WHERE id = :id"), {"id": agreement.id})
    assert raw is not None
    assert PROMISE.encode() not in bytes(raw)


@pytest.mark.parametrize(
    ("open_to_women", "open_to_men", "minimum_age", "maximum_age", "words"),
    [
        (True, True, 18, 25, "Women and men aged 18 to 25"),
        (True, False, 18, None, "Women aged 18 and over"),
        (False, True, 21, 64, "Men aged 21 to 64"),
    ],
)
def test_a_contract_is_for_whom_the_call_off_asked(
    open_to_women: bool, open_to_men: bool, minimum_age: int, maximum_age: int | None, words: str
) -> None:
    asked = (open_to_women, open_to_men, minimum_age, maximum_age)
    award = make_award()
    one = award.competition
    one.open_to_women, one.open_to_men, one.minimum_age, one.maximum_age = asked
    agreement = actions.draw_agreement(award, actor=SYSTEM, now=NOW)
    (line,) = agreement.lines
    assert (line.open_to_women, line.open_to_men, line.minimum_age, line.maximum_age) == asked
    (signed,) = queries.terms(agreement.versions[0]).lines
    assert (signed.open_to_women, signed.open_to_men, signed.minimum_age, signed.maximum_age) == asked
    assert words in jobs.contract_page(agreement.versions[0])


def test_references_count_up_within_the_year() -> None:
    awards = [make_award() for _ in range(3)]
    drawn = [actions.draw_agreement(award, actor=SYSTEM, now=NOW) for award in awards[:2]]
    new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC) + timedelta(hours=1)
    drawn.append(actions.draw_agreement(awards[2], actor=SYSTEM, now=new_year))
    assert [one.reference for one in drawn] == ["C-2026-0001", "C-2026-0002", "C-2027-0001"]


def test_no_contract_before_standstill_ends() -> None:
    award = make_award()
    with pytest.raises(Refused, match="Standstill runs until 4 September 2026 at 11:59pm"):
        actions.draw_agreement(award, actor=SYSTEM, now=STANDSTILL_ENDS - timedelta(seconds=1))
    assert actions.draw_agreement(award, actor=SYSTEM, now=STANDSTILL_ENDS).id


def test_no_contract_of_a_cancelled_competition() -> None:
    award = make_award()
    competition = award.competition
    competition.status, competition.ended_at, competition.ended_reason = CompetitionStatus.CANCELLED, NOW, "No money."
    with pytest.raises(Refused, match="cancelled"):
        actions.draw_agreement(award, actor=SYSTEM, now=NOW)
    assert award not in queries.awards_to_draw(NOW)


def test_one_contract_an_award() -> None:
    award = make_award()
    actions.draw_agreement(award, actor=SYSTEM, now=NOW)
    with pytest.raises(AlreadyDone, match="C-2026-0001"):
        actions.draw_agreement(award, actor=SYSTEM, now=NOW)


@pytest.mark.parametrize("role", [Role.COMMERCIAL_PARTNER, Role.CONTRACT_MANAGER])
def test_people_of_the_lead_body_may_draw(role: Role) -> None:
    award = make_award()
    drawn = actions.draw_agreement(award, actor=make_actor(award.competition.organisation, role), now=NOW)
    assert drawn.equality_commitments == PROMISE


def test_others_may_not_draw() -> None:
    award = make_award()
    with pytest.raises(NotAllowed):
        actions.draw_agreement(award, actor=make_actor(award.competition.organisation, Role.APPROVER), now=NOW)
    with pytest.raises(NotAllowed, match="leads the competition"):
        actions.draw_agreement(award, actor=make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER), now=NOW)


def test_the_scheduled_job_draws_what_is_due_once_and_asks_for_the_signature(clock: StandingClock) -> None:
    due, early = make_award(), make_award(standstill_ends_at=NOW + timedelta(days=1))
    signer = make_actor(due.supplier, Role.SIGNATORY)
    broken = make_award()
    broken.prices.pop()
    db.session.commit()
    jobs.draw_due_agreements()
    jobs.draw_due_agreements()
    drawn = db.session.scalars(select(Agreement)).all()
    assert [one.award_id for one in drawn] == [due.id]
    assert early.id not in [one.award_id for one in drawn]
    assert len(_letters(f"agreement:{drawn[0].id}:sign:supplier")) == 1
    assert events_for(drawn[0])[0].what == "Drew the contract from the award"
    assert signer.person


def test_the_supplier_signs_first_then_the_approver_each_with_digest_and_time() -> None:
    agreement = make_agreement()
    signatory, approver = signatory_of(agreement), approver_of(agreement)
    with pytest.raises(Refused, match="supplier’s signatory signs first"):
        sign_as(approver, agreement)
    sign_as(signatory, agreement)
    assert agreement.status is AgreementStatus.AWAITING_COMMISSIONER
    assert len(_letters(f"agreement:{agreement.id}:sign:commissioner")) == 1
    assert not agreement.documents
    sign_as(approver, agreement, now=NOW + timedelta(hours=2))
    assert agreement.status is AgreementStatus.SIGNED
    digest = terms_digest(queries.terms(agreement.versions[0]))
    assert [(one.side, one.person_id, one.at, one.digest) for one in agreement.signatures] == [
        (Side.SUPPLIER, signatory.person, NOW, digest),
        (Side.COMMISSIONER, approver.person, NOW + timedelta(hours=2), digest),
    ]
    assert [one.status for one in agreement.documents] == [DocumentStatus.WAITING]
    assert len(_letters(f"agreement:{agreement.id}:signed")) == 2


def test_nobody_signs_twice() -> None:
    agreement = make_signed_agreement()
    with pytest.raises(AlreadyDone):
        sign_as(signatory_of(agreement), agreement)
    with pytest.raises(AlreadyDone):
        sign_as(approver_of(agreement), agreement)


def test_only_the_two_parties_signers_sign() -> None:
    lead, council = make_commissioner(), make_commissioner()
    agreement = make_agreement(lead=lead, funders=[(lead, "50.00"), (council, "50.00")])
    for stranger in (
        make_actor(make_supplier(), Role.SIGNATORY),
        make_actor(agreement.supplier, Role.BID_MANAGER),
        make_actor(lead, Role.COMMERCIAL_PARTNER),
        make_actor(council, Role.APPROVER),
        make_actor(agreement.supplier, Role.APPROVER),
    ):
        with pytest.raises(NotAllowed):
            sign_as(stranger, agreement)


def test_terms_that_are_not_those_shown_are_not_signed() -> None:
    agreement = make_agreement()
    shown = terms_digest(queries.terms(agreement.versions[0]))
    db.session.execute(update(AgreementVersion).values(whole_life_value=Decimal("1.00")))
    with pytest.raises(Refused, match="not those that you were shown"):
        actions.sign(agreement, digest=shown, actor=signatory_of(agreement), now=NOW)


def test_terms_changed_since_the_other_side_signed_are_not_signed() -> None:
    agreement = make_agreement()
    sign_as(signatory_of(agreement), agreement)
    agreement.specification += " And more."
    db.session.flush()
    with pytest.raises(Refused, match="changed since the other side signed"):
        sign_as(approver_of(agreement), agreement)


def test_the_document_is_made_once_however_often_the_job_runs(app: Flask) -> None:
    agreement = make_signed_agreement()
    db.session.commit()
    (document,) = agreement.documents
    jobs.make_document(document.id)
    first = document.sha256
    jobs.make_document(document.id)
    jobs.make_waiting_documents()
    db.session.expire_all()
    assert [(one.status, one.sha256) for one in agreement.documents] == [(DocumentStatus.MADE, first)]
    assert first is not None
    content = app.extensions["files"].read(first)
    assert content.startswith(b"%PDF")
    assert len(content) == document.size
    assert [one.what for one in events_for(agreement)].count("Made the contract document") == 1


def test_a_job_killed_on_the_way_is_made_good_with_the_same_file(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    agreement = make_signed_agreement()
    db.session.commit()
    (document,) = agreement.documents

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(actions, "document_made", killed)
        with pytest.raises(KeyboardInterrupt):
            jobs.make_document(document.id)
    before = {path.name for path in app.extensions["files"].folder.rglob("*") if path.is_file()}
    jobs.make_waiting_documents()
    db.session.expire_all()
    after = {path.name for path in app.extensions["files"].folder.rglob("*") if path.is_file()}
    assert document.sha256 in before
    assert before == after


def test_no_document_says_that_people_signed_what_they_did_not() -> None:
    agreement = make_signed_agreement()
    agreement.specification += " And more."
    db.session.commit()
    jobs.make_waiting_documents()
    db.session.expire_all()
    assert [one.status for one in agreement.documents] == [DocumentStatus.WAITING]


def test_only_one_document_waits() -> None:
    agreement = make_signed_agreement()
    with pytest.raises(IntegrityError):
        actions.want_document(agreement.latest, now=NOW)


def test_contracts_concern_their_parties_funders_and_the_regions_coordinator() -> None:
    lead = make_commissioner("Kent region", place_code=None)
    council = make_commissioner("Council")
    agreement = make_agreement(lead=lead, funders=[(lead, "50.00"), (council, "50.00")], places=[DOVER])
    make_places()
    region, elsewhere = make_commissioner(place_code="K"), make_commissioner(place_code="D")
    for actor in (
        make_actor(agreement.supplier, Role.BID_MANAGER),
        make_actor(lead, Role.CONTRACT_MANAGER),
        make_actor(council, Role.COMMISSIONER_FINANCE),
        make_actor(region, Role.REGIONAL_COORDINATOR),
    ):
        assert queries.agreement_for(actor, agreement.id) is agreement
    for actor in (
        make_actor(make_supplier(), Role.BID_MANAGER),
        make_actor(region, Role.CONTRACT_MANAGER),
        make_actor(elsewhere, Role.REGIONAL_COORDINATOR),
    ):
        with pytest.raises(NotFound):
            queries.agreement_for(actor, agreement.id)
    with pytest.raises(NotAllowed):
        queries.agreement_for(make_actor(lead, Role.RESPONSIBLE_OFFICER), agreement.id)


def test_lines_are_open_when_signed_and_within_their_dates() -> None:
    agreement = make_agreement()
    (line,) = agreement.lines
    assert line not in queries.open_lines(date(2026, 10, 1))
    agreement.status = AgreementStatus.SIGNED
    actions.agree(agreement.versions[0], actor=SYSTEM, now=NOW)
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2029, 9, 30), date(2029, 10, 1)]
    assert [line in queries.open_lines(day) for day in days] == [False, True, True, False]


def test_signing_waits_for_those_whose_turn_it_is(app: Flask) -> None:
    agreement = make_agreement()
    signatory, approver = signatory_of(agreement), approver_of(agreement)
    with app.test_request_context():
        assert len(queries.waiting(signatory, NOW)) == 1
        assert not queries.waiting(approver, NOW)
        sign_as(signatory, agreement)
        assert not queries.waiting(signatory, NOW)
        assert [item.text for item in queries.waiting(approver, NOW)] == [
            f"Sign contract {agreement.reference}: {agreement.title}"
        ]


def test_drawn_at_once_each_contract_has_its_own_reference(committed_app: Flask) -> None:
    with committed_app.app_context(), transaction():
        ids = [make_award().id for _ in range(4)]
    barrier, errors = Barrier(8), []

    def draw(award_id: int) -> None:
        with committed_app.app_context():
            award = db.session.get_one(Award, award_id)
            barrier.wait()
            try:
                with transaction():
                    actions.draw_agreement(award, actor=SYSTEM, now=NOW)
            except AlreadyDone as refused:
                errors.append(refused)

    threads = [Thread(target=draw, args=(award_id,)) for award_id in ids * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with committed_app.app_context():
        references = db.session.scalars(select(Agreement.reference).order_by(Agreement.reference)).all()
        assert references == [f"C-2026-{number:04}" for number in range(1, 5)]
        assert db.session.scalar(select(func.count()).select_from(AgreementDocument)) == 0
    assert len(errors) == 4


def test_nobody_signs_for_both_sides() -> None:
    agreement = make_agreement()
    signer = signatory_of(agreement)
    person = db.session.get_one(Person, signer.person)
    give_role(person, agreement.commissioner, Role.APPROVER)
    sign_as(signer, agreement)
    with pytest.raises(NotAllowed, match="for the other side"):
        sign_as(as_actor(person, agreement.commissioner, [Role.APPROVER]), agreement)
    sign_as(approver_of(agreement), agreement)
