from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from contracts.agreements import actions, queries
from contracts.agreements.models import Agreement
from contracts.agreements.queries import Filter, Order
from contracts.agreements.rules import AgreementStatus, Standing, standing_of, terms_digest
from marketplace.access import SYSTEM, Role
from marketplace.extensions import db
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.agreements import (
    NOW,
    PROMISE,
    approver_of,
    make_agreement,
    make_award,
    make_signed_agreement,
    register_file,
    register_row,
    signatory_of,
)
from tests.factories.framework import make_framework
from tests.factories.places import make_all_places

pytestmark = pytest.mark.usefixtures("clock")


def _text(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return re.sub(r"\s+", " ", answer.text)


def test_the_whole_way_from_award_to_pdf_in_the_browser(
    app: Flask, client: FlaskClient, clock: StandingClock, run_jobs: Callable[[], int]
) -> None:
    award = make_award()
    lead = award.competition.organisation
    sign_in(client, make_actor(lead, Role.COMMERCIAL_PARTNER))
    assert "Awards ready to become contracts" in _text(client, "/contracts/")
    drawn = client.post(f"/contracts/draw/{award.id}", follow_redirects=True)
    assert "The contract is drawn" in drawn.text
    agreement = db.session.query(Agreement).one()
    path = f"/contracts/{agreement.id}"
    assert "Read and sign" not in _text(client, path)

    sign_in(client, signatory_of(agreement))
    page = _text(client, f"{path}/sign")
    assert PROMISE.replace("&", "&amp;") in page
    digest = terms_digest(queries.terms(agreement.versions[0]))
    assert digest in page
    untouched = client.post(f"{path}/sign", data={"digest": digest})
    assert "Tick the box" in untouched.text
    signed = client.post(f"{path}/sign", data={"digest": digest, "agreed": "y"}, follow_redirects=True)
    assert "You have signed" in signed.text

    sign_in(client, approver_of(agreement))
    changed = client.post(f"{path}/sign", data={"digest": "0" * 64, "agreed": "y"})
    assert "not those that you were shown" in changed.text
    signed = client.post(f"{path}/sign", data={"digest": digest, "agreed": "y"}, follow_redirects=True)
    assert "The PDF is being made" in signed.text
    run_jobs()
    page = _text(client, path)
    (document,) = agreement.documents
    assert document.sha256 is not None
    assert document.sha256 in page
    answer = client.get(f"{path}/documents/{document.id}")
    assert answer.mimetype == "application/pdf"
    assert hashlib.sha256(answer.data).hexdigest() == document.sha256
    assert hashlib.sha256(client.get(f"{path}/terms.json").data).hexdigest() == digest


def test_other_organisations_find_nothing(client: FlaskClient) -> None:
    agreement = make_signed_agreement()
    for stranger in (
        make_actor(make_supplier(), Role.SIGNATORY),
        make_actor(make_commissioner(), Role.APPROVER),
    ):
        sign_in(client, stranger)
        for path in ("", "/sign", "/terms.json", f"/documents/{agreement.documents[0].id}"):
            _text(client, f"/contracts/{agreement.id}{path}", 404)
        assert agreement.reference not in _text(client, "/contracts/")
        assert agreement.reference not in client.get("/contracts/contracts.csv").text
    sign_in(client, make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER))
    assert client.post(f"/contracts/draw/{make_award().id}").status_code == 404


def test_a_document_that_was_changed_is_not_given_out(app: Flask, client: FlaskClient) -> None:
    from contracts.agreements.jobs import make_document

    agreement = make_signed_agreement(title="To be damaged")
    db.session.commit()
    (document,) = agreement.documents
    sign_in(client, signatory_of(agreement))
    path = f"/contracts/{agreement.id}/documents/{document.id}"
    _text(client, path, 404)
    make_document(document.id)
    db.session.expire_all()
    assert document.sha256
    (kept,) = app.extensions["files"].folder.rglob(document.sha256)
    kept.chmod(0o600)
    kept.write_bytes(b"%PDF other")
    assert "was changed since it was made" in _text(client, path, 409)
    kept.unlink()
    _text(client, path, 404)


def test_the_list_filters_sorts_and_pages(client: FlaskClient) -> None:
    supplier = make_supplier("Long List Trust")
    for number in range(27):
        make_agreement(supplier=supplier, title=f"Lot{number:02}")
    make_signed_agreement(supplier=supplier, title="Begun", starts_on=date(2026, 9, 1), months=1)
    sign_in(client, make_actor(supplier, Role.BID_MANAGER))
    page = _text(client, "/contracts/")
    assert "28 contracts" in page
    assert "Page 1 of 2" in page
    assert page.count('scope="row"') == 25
    assert "Page 2 of 2" in _text(client, "/contracts/?page=99&text=long+list")
    only = _text(client, "/contracts/?text=lot07")
    assert "1 contract." in only
    assert "Lot07" in only
    assert "Begun" in _text(client, "/contracts/?status=in_force&sort=ends")
    assert "No contract matches" in _text(client, "/contracts/?status=ended&sort=nonsense&page=x")
    rows = list(csv.DictReader(io.StringIO(client.get("/contracts/contracts.csv?sort=reference").text)))
    assert len(rows) == 28
    assert rows[0]["whole_life_value"] == "300000.00"
    assert {row["status"] for row in rows} == {"awaiting_signature", "in_force"}


def test_an_empty_list_says_what_comes(client: FlaskClient) -> None:
    sign_in(client, make_actor(make_supplier(), Role.BID_MANAGER))
    assert "drawn by itself from each award" in _text(client, "/contracts/")


@pytest.mark.parametrize("on", [date(2026, 9, 30), date(2026, 10, 1), date(2027, 9, 30), date(2027, 10, 1)])
@pytest.mark.parametrize("status", list(AgreementStatus))
@pytest.mark.usefixtures("session")
def test_the_list_knows_the_same_standing_as_the_rule(on: date, status: AgreementStatus) -> None:
    agreement = make_agreement(starts_on=date(2026, 10, 1), months=12)
    agreement.status = status
    actor = make_actor(agreement.supplier, Role.BID_MANAGER)
    stands = standing_of(status, starts_on=agreement.starts_on, ends_on=agreement.ends_on, on=on)
    found = [one for one in Standing if queries.agreements(actor, Filter(standing=one), number=1, on=on).rows]
    assert found == [stands]


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.usefixtures("session")
def test_every_order_works(order: Order) -> None:
    agreement = make_agreement()
    actor = make_actor(agreement.supplier, Role.BID_MANAGER)
    assert queries.agreements(actor, Filter(order=order), number=1, on=date(2026, 10, 1)).total == 1


def test_a_contract_of_the_register_says_what_is_not_published(client: FlaskClient) -> None:
    make_all_places()
    make_framework()
    wales = make_commissioner("Probation Service – Wales", place_code="D")
    actions.import_register(
        register_file([register_row(title="=1+1 Rooms", subcontractors="SHP")]), actor=SYSTEM, now=NOW
    )
    agreement = db.session.query(Agreement).one()
    sign_in(client, make_actor(wales, Role.REGIONAL_COORDINATOR))
    page = _text(client, f"/contracts/{agreement.id}")
    assert "Not published in the register" in page
    assert "SHP" in page
    assert "Imported from the live register" in page
    assert "Signatures" not in page
    assert "'=1+1 Rooms" in client.get("/contracts/contracts.csv").text
    assert "not published" in _text(client, "/contracts/")
