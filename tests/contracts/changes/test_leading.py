from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from flask.testing import FlaskClient

from contracts.agreements.models import Subcontractor
from contracts.agreements.queries import is_as_signed, terms
from contracts.changes import actions, jobs, queries
from contracts.changes.models import Variation
from contracts.mobilisation.queries import side_of
from marketplace.access import Role
from marketplace.errors import Invalid
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, sign_in
from tests.factories.agreements import NOW
from tests.factories.changes import APPLIES, Change, make_change

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)


def _other(made: Change) -> int:
    return next(
        one.organisation_id for one in made.agreement.funders if one.organisation_id != made.agreement.commissioner_id
    )


def _handing_over(made: Change) -> Variation:
    variation = made.draft()
    actions.set_lead(variation, body_id=_other(made), actor=made.manager, now=NOW + DAY)
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    made.approve(variation)
    made.sign(variation, made.signatory)
    made.sign(variation, made.approver)
    return variation


def test_another_funder_leads_from_the_day_that_was_agreed(clock: StandingClock) -> None:
    made = make_change()
    agreement, old, new = made.agreement, made.agreement.commissioner, _other(made)
    variation = _handing_over(made)
    assert [one.what for one in queries.effect(variation).differences] == ["Lead commissioner"]
    assert terms(variation.version).commissioner.name != old.name
    # Agreed for a day to come: until then nothing changes, however often the job runs.
    for on, lead in ((APPLIES - DAY, old.id), (APPLIES, new), (APPLIES + DAY, new)):
        clock.set(datetime.combine(on, time(9), NOW.tzinfo))
        jobs.hand_leads_over()
        assert agreement.commissioner_id == lead
    assert side_of(made.manager, agreement) is None
    manager = make_actor(agreement.commissioner, Role.CONTRACT_MANAGER)
    assert side_of(manager, agreement) == "commissioner"
    # What was signed is what was signed, and the next change begins from there.
    assert all(is_as_signed(one) for one in agreement.versions)
    again = actions.begin(agreement, reason="x", in_force_from=APPLIES + 9 * DAY, actor=manager, now=clock())
    assert queries.effect(again).differences == []


def test_a_change_drafted_before_the_lead_is_handed_over_keeps_it() -> None:
    made = make_change()
    _handing_over(made)
    again = made.draft(in_force_from=APPLIES + 9 * DAY, now=NOW + 4 * DAY)
    assert queries.effect(again).differences == []
    assert again.version.lead_id == _other(made)


def test_signatures_stay_those_of_the_body_that_led_then(client: FlaskClient, clock: StandingClock) -> None:
    made = make_change()
    old, new = made.agreement.commissioner, _other(made)
    variation = _handing_over(made)
    clock.set(datetime.combine(APPLIES, time(9), NOW.tzinfo))
    jobs.hand_leads_over()
    assert made.agreement.commissioner_id == new
    at = f"/contracts/{made.agreement.id}"
    sign_in(client, made.signatory)
    for page in (f"{at}?on=2026-10-01", f"{at}?on=2027-01-01"):
        signatures = client.get(page).text.partition('id="signatures"')[2].partition("</table>")[0]
        assert signatures.count(f">{old.name}<") == 1
        assert made.agreement.commissioner.name not in signatures
    assert f"<li>{old.name}: signed by" in client.get(f"/contracts/changes/{variation.id}").text


def test_who_left_the_supply_chain_is_not_on_the_page(client: FlaskClient) -> None:
    made = make_change()
    made.agreement.subcontractors = [
        Subcontractor(name="Open Door", left_on=NOW.date()),
        Subcontractor(name="Bridge Works"),
    ]
    sign_in(client, made.manager)
    at = f"/contracts/{made.agreement.id}"
    today = client.get(at).text
    assert ("Bridge Works" in today, "Open Door" in today) == (True, False)
    assert "Open Door" in client.get(f"{at}?on={(NOW - DAY).date()}").text


def test_that_another_leads_can_be_taken_back_before_it_does(clock: StandingClock) -> None:
    made = make_change()
    agreement, old, new = made.agreement, made.agreement.commissioner, _other(made)
    _handing_over(made)
    back = made.draft(in_force_from=APPLIES + 9 * DAY, now=NOW + 4 * DAY)
    actions.set_lead(back, body_id=old.id, actor=made.manager, now=NOW + 4 * DAY)
    assert [(one.what, one.new) for one in queries.effect(back).differences] == [("Lead commissioner", old.name)]
    actions.submit(back, actor=made.manager, now=NOW + 4 * DAY)
    made.approve(back, now=NOW + 5 * DAY)
    for actor in (made.signatory, made.approver):
        made.sign(back, actor, now=NOW + 6 * DAY)
    # Whatever is agreed after that keeps it so, whoever leads while it is drafted.
    later = made.draft(in_force_from=APPLIES + 19 * DAY, now=NOW + 7 * DAY)
    assert queries.effect(later).differences == []
    for on, lead in (
        (APPLIES, new),
        (APPLIES + 8 * DAY, new),
        (APPLIES + 9 * DAY, old.id),
        (APPLIES + 20 * DAY, old.id),
    ):
        clock.set(datetime.combine(on, time(9), NOW.tzinfo))
        jobs.hand_leads_over()
        assert agreement.commissioner_id == lead
    assert list(queries.leads_to_hand_over(APPLIES + 20 * DAY)) == []


def test_only_a_funder_leads_and_it_stays_one() -> None:
    made = make_change()
    variation = made.draft()
    with pytest.raises(Invalid):
        actions.set_lead(variation, body_id=make_commissioner().id, actor=made.manager, now=NOW)
    actions.set_lead(variation, body_id=_other(made), actor=made.manager, now=NOW)
    with pytest.raises(Invalid, match="must pay a part"):
        actions.set_shares(
            variation,
            shares=[(made.agreement.commissioner_id, 100)],
            actor=made.manager,
            now=NOW,  # type: ignore[list-item]
        )
    actions.set_lead(variation, body_id=made.agreement.commissioner_id, actor=made.manager, now=NOW)
    assert queries.effect(variation).differences == []


def test_taken_back_the_draft_keeps_who_is_to_lead() -> None:
    made = make_change()
    variation = made.draft()
    actions.set_lead(variation, body_id=_other(made), actor=made.manager, now=NOW + DAY)
    actions.submit(variation, actor=made.manager, now=NOW + DAY)
    made.approve(variation)
    made.sign(variation, made.signatory)
    actions.take_back(variation, actor=made.manager, now=NOW + 3 * DAY)
    assert variation.version.lead_id == _other(made)


def test_on_the_page(client: FlaskClient) -> None:
    made = make_change()
    variation = made.draft()
    sign_in(client, made.manager)
    at = f"/contracts/changes/{variation.id}"
    assert "Who leads the contract" in client.get(at).text
    assert client.post(f"{at}/lead", data={}).status_code == 422
    assert client.post(f"{at}/lead", data={"lead": str(_other(made))}).status_code == 302
    assert "Lead commissioner" in client.get(at).text
