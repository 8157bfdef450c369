"""Grants varied: what may change, what must come to the grant, and what follows when both sides have signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from calloffs.competitions.rules import Instrument
from contracts.agreements.jobs import contract_page
from contracts.agreements.queries import is_as_signed, terms
from contracts.agreements.rules import canonical_terms, figures, terms_from
from contracts.agreements.rules.instalments import InstalmentStatus
from contracts.changes import actions, queries
from contracts.changes.models import Variation
from contracts.changes.rules import Ground, Purpose, VariationStatus
from contracts.invoices import actions as invoices
from marketplace.errors import AlreadyDone, Invalid, Refused
from tests.conftest import StandingClock
from tests.factories.agreements import NOW, make_agreement, sign_as
from tests.factories.changes import APPLIES, make_change
from tests.factories.grants import GrantChange, make_grant

Database = scoped_session[Session]


@pytest.fixture
def grant(session: Database, clock: StandingClock) -> GrantChange:
    return make_grant()


def _plan(grant: GrantChange) -> list[tuple[int, str, str]]:
    return [(one.number, str(one.amount), one.status.value) for one in grant.agreement.instalments]


def _changes(grant: GrantChange, variation: object) -> dict[str, tuple[str, str]]:
    return {one.what: (one.old, one.new) for one in queries.effect(variation).differences}  # type: ignore[arg-type]


def test_a_grant_is_varied_from_draft_to_what_is_paid(grant: GrantChange) -> None:
    grant.accept(1)
    variation = grant.raised()
    fourth = grant.set(variation, None, "5000.00", date(2028, 3, 31), "A second house")
    assert fourth == 4
    grant.set(variation, 2, "34999.99", date(2027, 10, 31), "Twenty-five people have a home")
    assert _changes(grant, variation) == {
        "The grant": ("£120,000.00", "£130,000.00"),
        "Instalment 2": (
            "£39,999.99, expected by 30 September 2027: Twenty people have a home",
            "£34,999.99, expected by 31 October 2027: Twenty-five people have a home",
        ),
        "Instalment 3": (
            "£40,000.00, expected by 30 June 2029: Sixty people have a home",
            "£50,000.00, expected by 30 June 2029: Sixty people have a home",
        ),
        "Instalment 4": ("None", "£5,000.00, expected by 31 March 2028: A second house"),
    }
    # 60 and 40 % of each instalment, to the penny: the contract year from 1 October 2026 has instalment 1 and, before
    # its day moves into the next, instalment 2.
    figures = [
        (one.year_before, one.year_after, one.life_before, one.life_after) for one in queries.effect(variation).priced
    ]
    assert figures == [
        tuple(map(Decimal, ("48000.00", "24000.01", "72000.00", "78000.00"))),
        tuple(map(Decimal, ("32000.00", "16000.00", "48000.00", "52000.00"))),
    ]
    before = _plan(grant)
    actions.submit(variation, actor=grant.manager, now=NOW)
    grant.approve(variation)
    grant.sign(variation, grant.signatory)
    assert _plan(grant) == before
    grant.sign(variation, grant.approver)
    assert _plan(grant) == [
        (1, "40000.01", "accepted"),
        (2, "34999.99", "planned"),
        (3, "50000.00", "planned"),
        (4, "5000.00", "planned"),
    ]
    assert grant.instalment(2).milestone == "Twenty-five people have a home"
    assert grant.instalment(2).due_on == date(2027, 10, 31)
    assert grant.agreement.whole_life_value == Decimal("130000.00")
    assert grant.accept(4)[0].amount == Decimal("3000.00")


def test_what_was_accepted_counts_on_its_day_and_not_on_the_day_it_was_expected(grant: GrantChange) -> None:
    late = datetime(2027, 11, 1, 9, 0, tzinfo=UTC)
    grant.accept(1, now=late)
    variation = grant.draft(in_force_from=date(2028, 1, 1), now=late)
    # The contract year from 1 October 2027 has instalment 1, expected in the year before, and nothing else.
    assert [one.year_before for one in queries.effect(variation).priced] == [Decimal("24000.01"), Decimal("16000.00")]


def test_its_document_shows_the_schedule_and_what_changed(grant: GrantChange) -> None:
    variation = grant.raised()
    grant.agree(variation)
    signed = terms(variation.version)
    assert [one.amount for one in signed.instalments or ()] == list(map(Decimal, ("40000.01", "39999.99", "50000.00")))
    assert terms_from(canonical_terms(signed)) == signed
    assert is_as_signed(variation.version)
    assert figures(signed) != figures(replace(signed, instalments=(signed.instalments or ())[:2]))
    page = contract_page(variation.version)
    assert "Sixty people have a home" in page
    assert "£50,000.00" in page
    assert "£130,000.00" in page


@pytest.mark.parametrize(
    "what",
    [
        "UPDATE version_instalments SET amount = amount + 1 WHERE number = 3 AND version_id = :version",
        "DELETE FROM version_instalments WHERE number = 3 AND version_id = :version",
        "INSERT INTO version_instalments (version_id, agreement_id, number, milestone, amount, due_on) "
        "SELECT version_id, agreement_id, 9, milestone, amount, due_on FROM version_instalments "
        "WHERE number = 3 AND version_id = :version",
    ],
)
def test_an_agreed_schedule_stays(grant: GrantChange, session: Database, what: str) -> None:
    variation = grant.raised()
    grant.agree(variation)
    with pytest.raises(IntegrityError, match="stay as they are"):
        session.execute(text(what), {"version": variation.version_id})


def test_the_first_version_is_signed_without_a_schedule(grant: GrantChange) -> None:
    digest = grant.agreement.signatures[0].digest
    grant.agree(grant.raised())
    first = grant.agreement.versions[0]
    assert b'instalments":' not in canonical_terms(terms(first))
    assert first.signatures[0].digest == digest
    assert is_as_signed(first)


@pytest.mark.parametrize(
    ("value", "last", "words"),
    [
        ("130000.00", "49999.99", r"£0\.01 of the grant has no instalment"),
        ("130000.00", "50000.01", r"come to £0\.01 more than the grant"),
    ],
)
def test_the_instalments_come_to_the_grant(grant: GrantChange, value: str, last: str, words: str) -> None:
    variation = grant.draft()
    actions.set_value(variation, value=Decimal(value), actor=grant.manager, now=NOW)
    grant.set(variation, 3, last)
    with pytest.raises(Refused, match=words):
        actions.submit(variation, actor=grant.manager, now=NOW)


def test_the_database_refuses_a_grant_that_its_instalments_do_not_come_to(
    grant: GrantChange, session: Database
) -> None:
    variation = grant.raised()
    grant.agree(variation)
    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    variation.version.whole_life_value = Decimal("130000.01")
    with pytest.raises(IntegrityError, match="not to its value"):
        session.flush()


def test_what_is_claimed_or_accepted_stays(grant: GrantChange) -> None:
    grant.accept(1)
    grant.claim(2)
    variation = grant.draft()
    for number in (1, 2):
        with pytest.raises(Refused, match=f"Instalment {number} is claimed or accepted"):
            grant.set(variation, number, "1.00")
        with pytest.raises(Refused, match=f"Instalment {number} is claimed or accepted"):
            actions.drop_instalment(variation, number=number, actor=grant.manager, now=NOW)
    actions.drop_instalment(variation, number=3, actor=grant.manager, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.drop_instalment(variation, number=3, actor=grant.manager, now=NOW)
    with pytest.raises(AlreadyDone):
        grant.set(variation, 3, "1.00")
    # Another one is not that one changed.
    assert grant.set(variation, None, "40000.00") == 4


def test_what_is_claimed_while_it_is_drafted_is_left_as_it_was(grant: GrantChange) -> None:
    variation = grant.draft()
    grant.set(variation, 1, "30000.01", date(2026, 12, 1), "The house is open")
    grant.set(variation, 3, "50000.00")
    grant.claim(1)
    with pytest.raises(Refused, match=r"come to £10,000\.00 more"):
        actions.submit(variation, actor=grant.manager, now=NOW)
    grant.set(variation, 3, "40000.00", date(2029, 7, 31))
    actions.submit(variation, actor=grant.manager, now=NOW)
    assert list(_changes(grant, variation)) == ["Instalment 3"]


def test_what_is_claimed_while_it_is_signed_is_not_changed_by_the_last_signature(grant: GrantChange) -> None:
    variation = grant.raised()
    actions.submit(variation, actor=grant.manager, now=NOW)
    grant.approve(variation)
    grant.sign(variation, grant.signatory)
    grant.claim(3)
    with pytest.raises(Refused, match="Instalment 3 is claimed or accepted"):
        grant.sign(variation, grant.approver)
    assert grant.instalment(3).amount == Decimal("40000.00")


def test_a_dropped_instalment_is_gone_and_cannot_be_claimed(grant: GrantChange, session: Database) -> None:
    third = grant.instalment(3)
    variation = grant.draft()
    actions.set_value(variation, value=Decimal("80000.00"), actor=grant.manager, now=NOW)
    actions.drop_instalment(variation, number=3, actor=grant.manager, now=NOW)
    grant.agree(variation)
    assert [one for one, _, _ in _plan(grant)] == [1, 2]
    session.expunge(third)
    with pytest.raises(AlreadyDone, match="planned no more"):
        invoices.claim_instalment(third, evidence="x", actor=grant.deliverer, now=NOW)


@pytest.mark.parametrize(
    ("number", "amount", "due_on", "what", "words"),
    [
        (3, "0.00", date(2029, 6, 30), "x", "above £0"),
        (3, "1.00", date(2029, 6, 30), " ", "what is to be reached"),
        (3, "1.00", date(2026, 9, 30), "x", "within the grant"),
        (3, "1.00", date(2029, 10, 1), "x", "within the grant"),
        (None, "40000.00", date(2029, 6, 30), "Sixty people have a home", "in the draft already"),
    ],
)
def test_what_an_instalment_cannot_be(
    grant: GrantChange, number: int | None, amount: str, due_on: date, what: str, words: str
) -> None:
    variation = grant.draft()
    with pytest.raises(Refused, match=words):
        grant.set(variation, number, amount, due_on, what)


def test_an_instalment_after_an_earlier_last_day_needs_another(grant: GrantChange) -> None:
    variation = grant.draft()
    actions.set_dates(variation, in_force_from=APPLIES, ends_on=date(2029, 6, 29), actor=grant.manager, now=NOW)
    with pytest.raises(Refused, match="Instalment 3 is expected outside"):
        actions.submit(variation, actor=grant.manager, now=NOW)
    grant.set(variation, 3, "40000.00", date(2029, 6, 29))
    grant.agree(variation)
    assert grant.agreement.ends_on == date(2029, 6, 29)


def test_what_is_claimed_may_be_expected_after_an_earlier_last_day(grant: GrantChange) -> None:
    grant.claim(3)
    variation = grant.draft()
    actions.set_dates(variation, in_force_from=APPLIES, ends_on=date(2029, 6, 29), actor=grant.manager, now=NOW)
    grant.agree(variation)
    assert grant.instalment(3).due_on == date(2029, 6, 30)


def test_an_option_of_a_grant_that_is_not_planned_whole_waits_for_that(session: Database, clock: StandingClock) -> None:
    agreement = make_agreement(instrument=Instrument.GRANT, bands=[(0, 40)])
    grant = GrantChange(agreement)
    option = actions.add_option(
        agreement.versions[0], months=6, decide_by=date(2029, 1, 1), actor=grant.manager, now=NOW
    )
    for signer in (grant.signatory, grant.approver):
        sign_as(signer, agreement)
    with pytest.raises(Refused, match=r"Plan the instalments of the whole grant first: £120,000\.00"):
        actions.use_option(option, reason="x", actor=grant.manager, now=NOW)


def test_value_and_prices_are_not_mixed_up(grant: GrantChange) -> None:
    with pytest.raises(Invalid, match="above £0"):
        actions.set_value(grant.draft(), value=Decimal(0), actor=grant.manager, now=NOW)
    grant = make_grant()
    with pytest.raises(Invalid, match="paid by its instalments"):
        grant.reprice(grant.draft(), now=NOW)
    contract = make_change()
    draft = contract.draft()
    for act in (
        lambda: actions.set_value(draft, value=Decimal(1), actor=contract.manager, now=NOW),
        lambda: actions.drop_instalment(draft, number=1, actor=contract.manager, now=NOW),
    ):
        with pytest.raises(Refused, match="Only grants"):
            act()


def test_nobody_plans_alone_what_both_sides_agree(grant: GrantChange) -> None:
    grant = make_grant(planned=False)
    one = invoices.plan_instalment(
        grant.agreement, milestone="x", amount=Decimal(1), due_on=APPLIES, actor=grant.manager, now=NOW
    )
    variation = grant.draft()
    for words in ("A change to this grant is under way", "Both sides have agreed"):
        with pytest.raises(Refused, match=words):
            invoices.plan_instalment(
                grant.agreement, milestone="y", amount=Decimal(1), due_on=APPLIES, actor=grant.manager, now=NOW
            )
        with pytest.raises(Refused, match=words):
            invoices.remove_instalment(one, actor=grant.manager, now=NOW)
        if variation.status is VariationStatus.DRAFT:
            grant.set(variation, None, "119999.00")
            grant.agree(variation)


def test_what_was_planned_after_a_withdrawn_change_is_what_the_next_is_beside(grant: GrantChange) -> None:
    grant = make_grant(planned=False)
    actions.withdraw(grant.draft(), reason="x", actor=grant.manager, now=NOW)
    grant.plan()
    assert _changes(grant, grant.draft()) == {}


def _end(grant: GrantChange, last_day: date, *, by_notice: bool = False) -> Variation:
    return actions.begin_ending(
        grant.agreement,
        last_day=last_day,
        ground=Ground.FUNDING,
        reason="No more money.",
        by_notice=by_notice,
        actor=grant.manager,
        now=NOW,
    )


def test_what_is_expected_on_the_new_last_day_stays(grant: GrantChange) -> None:
    ending = _end(grant, date(2027, 9, 30))
    assert [one.number for one in ending.version.instalments] == [1, 2]


def test_what_is_claimed_while_an_ending_waits_is_kept_when_approval_is_asked_for(grant: GrantChange) -> None:
    ending = _end(grant, date(2027, 9, 29))
    assert ending.version.whole_life_value == Decimal("40000.01")
    grant.claim(2)
    grant.agree(ending)
    assert grant.agreement.whole_life_value == Decimal("80000.00")


def test_a_grant_of_which_nothing_is_due_before_its_end_ends_with_nothing(grant: GrantChange) -> None:
    grant.agree(_end(grant, date(2026, 11, 30)))
    assert (grant.agreement.whole_life_value, _plan(grant)) == (Decimal("0.00"), [])


def test_a_grant_ends_early_with_what_is_claimed_and_what_is_expected_until_then(grant: GrantChange) -> None:
    grant.accept(1)
    grant.claim(3)
    variation = _end(grant, date(2027, 9, 29))
    assert _changes(grant, variation)["Instalment 2"][1] == "None"
    assert variation.version.whole_life_value == Decimal("80000.01")
    grant.agree(variation)
    due = {one.title: one.due_on for one in queries.exit_tasks(grant.agreement)}
    assert (due["Use of the grant reported"], due["Grant accounted for"]) == (date(2027, 10, 29), date(2027, 11, 28))
    assert "Final reconciliation" not in due
    assert _plan(grant) == [(1, "40000.01", "accepted"), (3, "40000.00", "claimed")]
    assert grant.agreement.whole_life_value == Decimal("80000.01")


def test_a_notice_leaves_what_was_claimed_before_it_was_given(grant: GrantChange) -> None:
    variation = _end(grant, date(2027, 1, 31), by_notice=True)
    actions.submit(variation, actor=grant.manager, now=NOW)
    actions.approve(variation, shown_round=1, actor=grant.approver, now=NOW)
    grant.claim(2)
    with pytest.raises(Refused, match="Instalment 2 is claimed or accepted"):
        actions.approve(variation, shown_round=1, actor=grant.partner, now=NOW)


def test_an_option_extends_a_grant_that_is_planned_whole(session: Database, clock: StandingClock) -> None:
    for planned in (False, True):
        grant = make_grant(planned=planned)
        changed = grant.draft()
        if not planned:
            grant.set(changed, None, "120000.00")
        option = actions.add_option(changed.version, months=6, decide_by=date(2029, 1, 1), actor=grant.manager, now=NOW)
        grant.agree(changed)
        variation = actions.use_option(option, reason="It works.", actor=grant.manager, now=NOW + timedelta(days=4))
        assert variation.purpose is Purpose.EXTENSION
        grant.agree(variation, now=NOW + timedelta(days=4))
        assert grant.agreement.ends_on == date(2030, 3, 31)
        assert grant.agreement.whole_life_value == Decimal("120000.00")
        assert {one.status for one in grant.agreement.instalments} == {InstalmentStatus.PLANNED}
