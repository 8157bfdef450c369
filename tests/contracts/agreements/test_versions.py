"""Versions of a contract: which one is in force, what signing keeps, and what agreeing one does to the others."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from calloffs.competitions.rules import Instrument
from contracts.agreements import actions, queries
from contracts.agreements.models import Agreement, AgreementVersion
from contracts.agreements.rules import DocumentStatus, canonical_terms, terms_digest, terms_from
from marketplace.access import SYSTEM
from marketplace.extensions import db
from marketplace.framework.models import Category
from tests.factories.agreements import (
    NOW,
    approver_of,
    make_agreement,
    make_signed_agreement,
    make_terms,
    make_version,
    sign_as,
    signatory_of,
)
from tests.factories.places import DOVER, make_places

pytestmark = pytest.mark.usefixtures("session")

BEGINS, VARIED, AGAIN = date(2026, 10, 1), date(2027, 4, 1), date(2028, 1, 1)


def _varied() -> tuple[Agreement, list[AgreementVersion]]:
    """A contract of three versions, the third agreed before the second came into force, and one more drafted."""
    agreement = make_signed_agreement(starts_on=BEGINS)
    second = make_version(agreement, in_force_from=VARIED, funders=[(agreement.commissioner, Decimal(100))])
    third = make_version(agreement, in_force_from=AGAIN)
    make_version(agreement, in_force_from=AGAIN + timedelta(days=10), agreed_at=None)
    make_places(DOVER)
    for version, price in ((second, 90_000), (third, 95_000)):
        make_terms(version, agreement.lines[0], bands=[(0, 90, Decimal(price))])
    db.session.expire_all()
    return agreement, [agreement.versions[0], second, third]


@pytest.mark.parametrize(
    ("day", "number"),
    [
        (BEGINS, 1),
        (VARIED - timedelta(days=1), 1),
        (VARIED, 2),
        (AGAIN - timedelta(days=1), 2),
        (AGAIN, 3),
        (date(2030, 1, 1), 3),
    ],
)
def test_one_version_is_in_force_on_a_day_by_the_rule_and_by_the_query(day: date, number: int) -> None:
    agreement, versions = _varied()
    found = db.session.scalars(
        select(AgreementVersion).where(AgreementVersion.agreement_id == agreement.id, queries.in_force(day))
    ).all()
    assert found == [versions[number - 1]]
    assert agreement.version_on(day) is versions[number - 1]
    assert agreement.lines[0].terms_on(day).version is versions[number - 1]
    (terms,) = db.session.scalars(queries.terms_in_force(day)).all()
    assert terms is agreement.lines[0].terms_on(day)


def test_before_the_start_the_first_version_is_meant_and_nothing_is_in_force() -> None:
    agreement, versions = _varied()
    before = BEGINS - timedelta(days=1)
    assert agreement.version_on(before) is versions[0]
    assert agreement.latest is versions[2]
    assert not db.session.scalars(select(AgreementVersion).where(queries.in_force(before))).all()


def test_agreeing_supersedes_the_version_before_and_sets_end_and_value() -> None:
    agreement = make_signed_agreement(starts_on=BEGINS)
    drafted = make_version(agreement, in_force_from=VARIED, agreed_at=None)
    drafted.ends_on, drafted.whole_life_value = date(2030, 9, 30), Decimal("410000.00")
    db.session.flush()
    actions.agree(drafted, actor=SYSTEM, now=NOW)
    first = agreement.versions[0]
    assert (first.superseded_on, drafted.superseded_on, drafted.agreed_at) == (VARIED, None, NOW)
    assert (agreement.ends_on, agreement.whole_life_value) == (date(2030, 9, 30), Decimal("410000.00"))
    assert [one.status for one in drafted.documents] == [DocumentStatus.WAITING]


def test_a_contract_has_one_latest_and_one_drafted_version() -> None:
    agreement, _ = _varied()
    with pytest.raises(IntegrityError, match="one_drafted"), db.session.begin_nested():
        make_version(agreement, agreed_at=None)
    with pytest.raises(IntegrityError, match="one_latest"), db.session.begin_nested():
        db.session.execute(update(AgreementVersion).values(superseded_on=None))


def test_what_was_signed_stays_as_signed_when_names_change() -> None:
    agreement = make_agreement()
    before = terms_digest(queries.terms(agreement.versions[0]))
    sign_as(signatory_of(agreement), agreement)
    db.session.get_one(Category, "ACC").name = "Housing"
    agreement.supplier.name = "Harbour Trust Renamed"
    db.session.flush()
    sign_as(approver_of(agreement), agreement)
    version = agreement.versions[0]
    assert [one.digest for one in version.signatures] == [before, before]
    assert "Housing" not in queries.terms(version).lines[0].categories
    assert queries.is_as_signed(version)


def test_a_changed_figure_is_not_as_signed() -> None:
    agreement = make_signed_agreement()
    version = agreement.versions[0]
    assert queries.is_as_signed(version)
    agreement.lines[0].terms[0].bands[1].high += 1
    db.session.flush()
    assert not queries.is_as_signed(version)


def test_terms_come_back_from_their_canonical_form() -> None:
    agreement = make_agreement()
    terms = queries.terms(agreement.versions[0])
    assert terms_from(canonical_terms(terms)) == terms
    assert b"in_force_from" not in canonical_terms(terms)


def test_signed_terms_are_sealed_in_the_table() -> None:
    agreement = make_signed_agreement()
    raw = db.session.execute(
        db.text("SELECT signed_terms FROM agreement_versions WHERE agreement_id = :id"), {"id": agreement.id}
    ).scalar_one()
    assert agreement.title.encode() not in bytes(raw)


def test_a_grant_says_so_in_its_terms_and_how_it_is_paid() -> None:
    grant = make_agreement(instrument=Instrument.GRANT, bands=[(0, 40)])
    terms = queries.terms(grant.versions[0])
    assert (grant.instrument, terms.instrument) == (Instrument.GRANT, "grant")
    assert "instalments" in terms.payment
    assert b"instrument" not in canonical_terms(queries.terms(make_agreement().versions[0]))
