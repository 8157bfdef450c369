from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.changes import actions, queries
from contracts.changes.models import Variation
from contracts.changes.rules import VariationStatus
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.agreements import NOW, make_agreement
from tests.factories.changes import APPLIES, Change, make_change
from tests.factories.places import GREATER_MANCHESTER_REGION, make_places

Database = scoped_session[Session]
pytestmark = pytest.mark.usefixtures("session", "clock")
LATER = NOW + timedelta(days=4)


def _letters(subject: str) -> set[str]:
    return set(db.session.scalars(select(Letter.email).where(Letter.subject.contains(subject))))


def test_from_a_draft_to_the_contract_as_of_any_day() -> None:
    made = make_change()
    before = made.agreement.latest.line_terms[0].planned_annual_price
    assert before == Decimal(100_000)
    variation = made.agreed()
    agreement = made.agreement
    assert variation.status is VariationStatus.AGREED
    (line,) = agreement.lines
    assert line.terms_on(APPLIES - timedelta(days=1)).planned_annual_price == before
    assert line.terms_on(APPLIES).planned_annual_price == 2 * before
    assert [one.superseded_on for one in agreement.versions] == [APPLIES, None]
    # Three payments of £8,333.34, then what is left of a year of £200,000 after three of £16,666.67, and two years.
    assert agreement.whole_life_value == agreement.latest.whole_life_value == Decimal("575000.01")
    assert [one.person.name for one in variation.version.signatures] == ["Ama Owusu", "Bryn Hughes"]
    assert {one.digest for one in variation.version.signatures} == {terms_digest(terms(variation.version))}
    assert [one.status for one in variation.version.documents] == ["waiting"]
    assert _letters("is agreed")
    # What was agreed can be varied again, not before it begins.
    with pytest.raises(Invalid, match="agreed already"):
        made.draft(in_force_from=APPLIES - timedelta(days=1))
    assert made.draft(in_force_from=APPLIES).version.number == 3


def test_who_may_draft_and_what_can_be_varied() -> None:
    made = make_change()
    outsider = make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
    for actor in (made.approver, made.signatory, outsider):
        with pytest.raises(NotAllowed):
            actions.begin(made.agreement, reason="x", in_force_from=APPLIES, actor=actor, now=NOW)
    unsigned = Change(make_agreement())
    with pytest.raises(Refused, match="both sides have signed"):
        unsigned.draft()
    for day in (date(2026, 9, 7), date(2026, 9, 30)):
        with pytest.raises(Invalid):
            made.draft(in_force_from=day)
    with pytest.raises(Invalid, match="must last"):
        made.draft(in_force_from=date(2029, 10, 1))
    with pytest.raises(TooLate):
        made.draft(in_force_from=date(2029, 10, 1), now=NOW.replace(year=2029, month=10))
    made.draft()
    with pytest.raises(AlreadyDone, match="under way"):
        made.draft()


def test_each_part_is_checked_and_nothing_changed_is_nothing_to_approve() -> None:
    made = make_change()
    variation = made.draft()
    (agreed,) = variation.version.line_terms
    at = {"actor": made.manager, "now": NOW}
    with pytest.raises(Refused, match="Nothing is changed"):
        actions.submit(variation, **at)  # type: ignore[arg-type]
    lead = made.agreement.commissioner_id
    with pytest.raises(Invalid, match="100%"):
        actions.set_shares(variation, shares=[(lead, Decimal("99.99"))], **at)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="once"):
        actions.set_shares(variation, shares=[(lead, Decimal(50)), (lead, Decimal(50))], **at)  # type: ignore[arg-type]
    bands = [one.band for one in agreed.bands]
    with pytest.raises(Invalid):
        actions.set_volume(
            variation,
            agreed,
            bands=[bands[0], replace(bands[2])],
            planned_band=1,
            referrals_until=date(2029, 9, 30),
            **at,  # type: ignore[arg-type]
        )
    with pytest.raises(Invalid, match="end with the contract"):
        actions.set_volume(
            variation,
            agreed,
            bands=bands,
            planned_band=1,
            referrals_until=date(2029, 10, 1),
            **at,  # type: ignore[arg-type]
        )
    with pytest.raises(Invalid, match="at least one area"):
        actions.set_places(variation, agreed, place_codes=["no such"], **at)  # type: ignore[arg-type]


def test_dates_areas_shares_and_parties_are_told_old_beside_new() -> None:
    made = make_change()
    make_places(GREATER_MANCHESTER_REGION)
    variation = made.draft()
    (agreed,) = variation.version.line_terms
    at = {"actor": made.manager, "now": NOW}
    joins = make_commissioner("The fund that joins")
    lead = made.agreement.commissioner_id
    actions.set_dates(variation, in_force_from=APPLIES, ends_on=date(2030, 9, 30), **at)  # type: ignore[arg-type]
    actions.set_places(variation, agreed, place_codes=[GREATER_MANCHESTER_REGION], **at)  # type: ignore[arg-type]
    actions.set_shares(variation, shares=[(lead, Decimal(75)), (joins.id, Decimal(25))], **at)  # type: ignore[arg-type]
    found = {one.what: (one.old, one.new) for one in queries.effect(variation).differences}
    assert found["Last day"] == ("30 September 2029", "30 September 2030")
    assert found["Referrals until"] == ("30 September 2029", "30 September 2030")
    assert found["Share of The fund that joins"] == ("Nothing", "25%")
    assert "Kent" in found["Where"][0]
    actions.submit(variation, **at)  # type: ignore[arg-type]
    # Everybody who pays now or would pay then is asked.
    assert {one.id for one in queries.must_approve(variation)} == {lead, joins.id, made.partner.organisation_id}
    assert variation.version.whole_life_value == Decimal("400000.00")


def test_every_funder_approves_before_anybody_signs() -> None:
    made = make_change()
    _ = made.signatory, made.partner, made.approver
    variation = made.submitted()
    assert _letters("waits for your approval")
    with pytest.raises(NotFound):
        queries.variation_for(made.signatory, variation.id)
    with pytest.raises(Refused):
        made.sign(variation, made.signatory)
    with pytest.raises(NotAllowed):
        actions.approve(variation, shown_round=1, actor=made.manager, now=NOW)
    stranger = make_actor(make_commissioner(), Role.APPROVER)
    with pytest.raises(NotAllowed):
        actions.approve(variation, shown_round=1, actor=stranger, now=NOW)
    actions.approve(variation, shown_round=1, actor=made.approver, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.approve(variation, shown_round=1, actor=made.approver, now=NOW)
    assert variation.status is VariationStatus.AWAITING_APPROVAL
    actions.approve(variation, shown_round=1, actor=made.partner, now=NOW)
    assert variation.status is VariationStatus.AWAITING_SUPPLIER
    assert queries.variation_for(made.signatory, variation.id) is variation
    with pytest.raises(Refused, match="does not wait"):
        made.sign(variation, made.approver)


def test_the_author_never_approves_in_any_role() -> None:
    made = make_change()
    variation = made.submitted()
    both = replace(made.manager, roles=frozenset({Role.APPROVER, Role.CONTRACT_MANAGER}))
    with pytest.raises(NotAllowed, match="somebody else"):
        actions.approve(variation, shown_round=1, actor=both, now=NOW)


def test_sent_back_it_is_approved_anew_by_all() -> None:
    made = make_change()
    variation = made.submitted()
    actions.approve(variation, shown_round=1, actor=made.approver, now=NOW)
    actions.send_back(variation, shown_round=1, reason="Too much.", actor=made.partner, now=NOW)
    assert (variation.status, variation.returned_reason) == (VariationStatus.DRAFT, "Too much.")
    assert len(queries.waiting(made.manager, NOW)) == 1
    actions.submit(variation, actor=made.manager, now=NOW)
    # Whoever still has the old page open approves nothing.
    with pytest.raises(Refused, match="as you were shown"):
        actions.approve(variation, shown_round=1, actor=made.approver, now=NOW)
    assert len(queries.still_to_approve(variation)) == 2


def test_signed_too_late_it_is_taken_back_dated_anew_and_signed_anew() -> None:
    made = make_change()
    variation = made.submitted()
    made.approve(variation)
    made.sign(variation, made.signatory)
    after = NOW.replace(year=2027, month=1, day=2)
    with pytest.raises(TooLate, match="has passed"):
        made.sign(variation, made.approver, now=after)
    first = variation.version
    actions.take_back(variation, actor=made.manager, now=after)
    assert variation.version.number == first.number + 1
    assert (first.abandoned_at, len(first.signatures), variation.version.signatures) == (after, 1, [])
    day = date(2027, 2, 1)
    last = variation.version.ends_on or day
    actions.set_dates(variation, in_force_from=day, ends_on=last, actor=made.manager, now=after)
    actions.submit(variation, actor=made.manager, now=after)
    assert len(queries.still_to_approve(variation)) == 2
    made.approve(variation, now=after)
    for actor in (made.signatory, made.approver):
        made.sign(variation, actor, now=after)
    assert made.agreement.version_on(date(2027, 1, 31)).number == 1
    assert made.agreement.version_on(day) is variation.version


def test_it_may_be_signed_on_the_very_day() -> None:
    made = make_change(funders=1)
    variation = made.submitted()
    made.approve(variation)
    that_day = NOW.replace(year=2027, month=1, day=1)
    made.sign(variation, made.signatory, now=that_day)
    made.sign(variation, made.approver, now=that_day)
    assert variation.status is VariationStatus.AGREED


def test_other_terms_than_were_shown_and_one_person_for_both_sides_are_refused() -> None:
    made = make_change()
    variation = made.submitted()
    made.approve(variation)
    with pytest.raises(Refused, match="not those that you were shown"):
        actions.sign(variation, digest="0" * 64, actor=made.signatory, now=LATER)
    made.sign(variation, made.signatory)
    with pytest.raises(AlreadyDone):
        made.sign(variation, made.signatory)
    both = replace(made.approver, person_id=made.signatory.person_id)
    with pytest.raises(NotAllowed):
        made.sign(variation, both)


def test_withdrawn_it_never_applies_and_the_next_can_begin() -> None:
    made = make_change()
    variation = made.submitted()
    made.approve(variation)
    with pytest.raises(NotAllowed):
        actions.withdraw(variation, reason="No.", actor=made.partner, now=LATER)
    actions.withdraw(variation, reason="No money.", actor=made.manager, now=LATER)
    with pytest.raises(AlreadyDone):
        actions.withdraw(variation, reason="No money.", actor=made.manager, now=LATER)
    with pytest.raises(Refused):
        made.sign(variation, made.signatory)
    assert made.agreement.version_on(APPLIES).number == 1
    assert _letters("is withdrawn")
    assert made.draft().id != variation.id
    assert db.session.scalars(select(Variation.status).order_by(Variation.id)).all() == ["withdrawn", "draft"]
