"""Whom a contract concerns when its funders or places change: by what was agreed, and by what is asked of them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest

from contracts.changes import actions, queries
from marketplace.access import Actor, Role
from tests.conftest import Client, StandingClock
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.agreements import NOW
from tests.factories.changes import APPLIES, make_change
from tests.factories.invoices import make_invoice
from tests.factories.places import DOVER, KSS_REGION, make_places

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)
EVERYTHING = (Role.APPROVER, Role.CONTRACT_MANAGER, Role.COMMISSIONER_FINANCE)


def _at(clock: StandingClock, client: Client, actor: Actor, day: timedelta = timedelta(0)) -> None:
    clock.set(datetime.combine(APPLIES + day, time(9), NOW.tzinfo))
    sign_in(client, actor)


def test_a_funder_that_no_longer_pays_keeps_the_contract_and_its_invoices_but_not_its_money_nor_its_drafts(
    client: Client, clock: StandingClock
) -> None:
    made = make_change()
    leaver = next(
        one.organisation for one in made.agreement.funders if one.organisation_id != made.agreement.commissioner_id
    )
    person = make_actor(leaver, *EVERYTHING)
    invoice = make_invoice(made.agreement, funder=made.agreement.funders.index(made.agreement.funders[1]))
    assert invoice.organisation is leaver
    variation = made.draft()
    only = [(made.agreement.commissioner_id, Decimal(100))]
    actions.set_shares(variation, shares=only, actor=made.manager, now=NOW + DAY)
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    made.approve(variation)
    made.sign(variation, made.signatory)
    made.sign(variation, made.approver)
    path = f"/contracts/{made.agreement.id}"

    _at(clock, client, person, -DAY)
    assert f"{path}/money" in client.get(path).text
    assert client.get(f"{path}/money").status_code == 200
    assert f"{path}/money" in client.get(f"/invoices/{invoice.id}").text

    _at(clock, client, person)
    page = client.get(path)
    assert (page.status_code, f"{path}/money" in page.text) == (200, False)
    for part in ("money", "money.csv", "deductions", "purchase-order"):
        assert client.get(f"{path}/{part}").status_code == 404, part
    page = client.get(f"/invoices/{invoice.id}")
    assert (page.status_code, f"{path}/money" in page.text, f'href="{path}"' in page.text) == (200, False, True)
    draft = made.draft(in_force_from=APPLIES + 9 * DAY, now=clock())
    assert queries.variations_of(person, made.agreement) == [variation]
    assert [one.id for one in queries.variations_of(made.approver, made.agreement)] == [draft.id, variation.id]
    assert client.get(f"/contracts/changes/{draft.id}").status_code == 404
    assert client.get(f"/contracts/changes/{variation.id}").status_code == 200


def test_a_body_that_a_draft_names_sees_the_contract_when_it_is_asked_and_no_longer_when_nothing_comes_of_it(
    client: Client,
) -> None:
    made = make_change()
    newcomer = make_commissioner()
    person = make_actor(newcomer, *EVERYTHING)
    variation = made.draft()
    paths = (f"/contracts/{made.agreement.id}", f"/contracts/changes/{variation.id}")
    sign_in(client, person)

    def found() -> list[int]:
        return [client.get(path).status_code for path in paths]

    shares = [(one.organisation_id, one.percent - 10) for one in made.agreement.funders] + [(newcomer.id, Decimal(20))]
    actions.set_shares(variation, shares=shares, actor=made.manager, now=NOW + DAY)
    assert found() == [404, 404]
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    assert found() == [200, 200]
    # It sends it back, and reads on: the next draft is its business too. The money is not before it pays.
    sent = client.post(f"{paths[1]}/send-back", data={"round": "1", "reason": "Too much."}, follow_redirects=True)
    assert sent.status_code == 200
    assert client.get(f"{paths[0]}/money").status_code == 404
    actions.withdraw(variation, reason="No.", actor=made.manager, now=NOW + 2 * DAY)
    assert found() == [404, 404]


def test_a_place_that_a_draft_names_brings_its_co_ordinator_nothing_before_it_is_agreed(client: Client) -> None:
    places = make_places()
    made = make_change()
    made.agreement.lines[0].terms[0].places = []
    sign_in(client, make_actor(make_commissioner(place_code=KSS_REGION), Role.REGIONAL_COORDINATOR))
    path = f"/contracts/{made.agreement.id}"
    variation = made.draft()
    actions.set_places(
        variation,
        variation.version.line_terms[0],
        place_codes=[places[DOVER].code],
        actor=made.manager,
        now=NOW + DAY,
    )
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    made.approve(variation)
    made.sign(variation, made.signatory)
    assert client.get(path).status_code == 404
    made.sign(variation, made.approver)
    assert client.get(path).status_code == 200
