"""Who is qualified where: the covering rule."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, scoped_session

from marketplace.accounts.models import Organisation
from marketplace.suppliers import queries
from marketplace.suppliers.rules import QualificationStatus
from tests.factories.accounts import make_supplier
from tests.factories.framework import make_framework
from tests.factories.places import BARNSLEY, DOVER, KENT, KSS_REGION, SOUTH_YORKSHIRE, SURREY, make_places
from tests.factories.suppliers import qualify

Db = scoped_session[Session]


@pytest.fixture
def supplier(session: Db) -> Organisation:
    make_places()
    make_framework()
    return make_supplier("Bridge Street Trust")


@pytest.mark.parametrize(
    ("held", "needed", "covered"),
    [
        ([KENT], [KENT], True),
        ([KSS_REGION], [KSS_REGION], True),
        ([KSS_REGION], [KENT], True),
        ([KSS_REGION], [DOVER], True),
        ([KENT], [DOVER], True),
        ([DOVER], [KENT], False),
        ([KENT], [KSS_REGION], False),
        ([KENT], [SURREY], False),
        ([KENT], [KENT, SURREY], False),
        ([KENT, SURREY], [KENT, SURREY], True),
        ([KSS_REGION], [KENT, SURREY], True),
        ([KSS_REGION, KENT], [DOVER, KENT], True),
        ([KSS_REGION], [KENT, BARNSLEY], False),
        ([KSS_REGION, SOUTH_YORKSHIRE], [DOVER, BARNSLEY], True),
        ([], [KENT], False),
        ([KENT], [], False),
        ([KENT], ["nowhere"], False),
    ],
)
def test_qualified_means_for_every_place_or_one_that_contains_it(
    supplier: Organisation, held: list[str], needed: list[str], covered: bool
) -> None:
    qualify(supplier, "ACC", *held)
    assert (list(queries.qualified_suppliers("ACC", needed)) == [supplier]) is covered
    assert queries.is_qualified(supplier.id, "ACC", needed) is covered


def test_a_place_named_twice_counts_once(supplier: Organisation) -> None:
    qualify(supplier, "ACC", KENT)
    assert queries.qualified_suppliers("ACC", [DOVER, DOVER]) == [supplier]


def test_another_category_does_not_help(supplier: Organisation) -> None:
    qualify(supplier, "ACC", KSS_REGION)
    assert queries.qualified_suppliers("ETE", [KENT]) == []


@pytest.mark.parametrize("status", [one for one in QualificationStatus if one is not QualificationStatus.QUALIFIED])
def test_only_qualified_suppliers_are_qualified(supplier: Organisation, status: QualificationStatus) -> None:
    qualify(supplier, "ACC", KENT, status=status)
    assert not queries.is_qualified(supplier.id, "ACC", [KENT])


def test_the_others_are_left_out_and_the_rest_come_by_name(supplier: Organisation) -> None:
    first = make_supplier("Aspire Together")
    make_supplier("Not qualified at all")
    qualify(supplier, "ACC", KENT)
    qualify(first, "ACC", KSS_REGION)
    assert queries.qualified_suppliers("ACC", [KENT]) == [first, supplier]


def test_the_database_knows_the_states(supplier: Organisation, session: Db) -> None:
    (one,) = qualify(supplier, "ACC", KENT)
    for status in QualificationStatus:
        session.execute(text("UPDATE qualifications SET status = :s WHERE id = :id"), {"s": status, "id": one.id})
