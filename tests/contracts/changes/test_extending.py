from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from contracts.agreements.models import ExtensionOption
from contracts.agreements.queries import open_lines, terms
from contracts.agreements.rules import canonical_terms, terms_from
from contracts.changes import actions, jobs, queries
from contracts.changes.models import Variation
from contracts.changes.rules import (
    OPTION_REMINDERS,
    SIGNING_DAYS,
    Ground,
    OptionStanding,
    VariationStatus,
    end_applies_from,
    reminder_due,
)
from marketplace.access import Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, sign_in
from tests.factories.agreements import NOW, approver_of, make_agreement, sign_as, signatory_of
from tests.factories.at_once import at_once
from tests.factories.changes import Change, make_change

pytestmark = pytest.mark.usefixtures("clock")
DAY = timedelta(days=1)
# A contract of three years to 30 September 2029.
DECIDE_BY = date(2029, 3, 31)


def _with_option(*, months: int = 12) -> tuple[Change, ExtensionOption]:
    """Drawn, an option written into it, then signed."""
    agreement = make_agreement()
    made = Change(agreement)
    option = actions.add_option(agreement.versions[0], months=months, decide_by=DECIDE_BY, actor=made.manager, now=NOW)
    sign_as(signatory_of(agreement), agreement)
    sign_as(approver_of(agreement), agreement)
    return made, option


def _use(made: Change, option: ExtensionOption, *, now: datetime = NOW + DAY) -> Variation:
    return actions.use_option(option, reason="It works.", actor=made.manager, now=now)


@pytest.mark.usefixtures("session")
class TestOptions:
    """Agreed with the terms, decided by their day."""

    def test_an_option_is_part_of_what_is_signed(self) -> None:
        made, _ = _with_option()
        version = made.agreement.versions[0]
        signed = terms(version)
        assert [(one.months, one.decide_by) for one in signed.options or ()] == [(12, DECIDE_BY)]
        assert canonical_terms(terms_from(canonical_terms(signed))) == canonical_terms(signed)
        for act in (
            lambda: actions.add_option(version, months=12, decide_by=DECIDE_BY, actor=made.manager, now=NOW),
            lambda: actions.remove_option(made.agreement.extension_options[0], actor=made.manager, now=NOW),
        ):
            with pytest.raises(Refused, match="before anybody signs"):
                act()

    def test_contracts_without_options_keep_their_digest(self) -> None:
        assert b"options" not in canonical_terms(terms(make_agreement().versions[0]))

    def test_used_it_is_a_change_like_every_other_and_the_contract_lasts_longer(self) -> None:
        made, option = _with_option()
        variation = _use(made, option)
        assert queries.option_standing(option, NOW.date()) is OptionStanding.IN_HAND
        assert variation.version.in_force_from == NOW.date() + 31 * DAY
        with pytest.raises(Refused, match="as it was agreed"):
            actions.set_dates(
                variation, in_force_from=DECIDE_BY, ends_on=date(2031, 1, 1), actor=made.manager, now=NOW + DAY
            )
        with pytest.raises(Refused, match="as it was agreed"):
            made.reprice(variation)
        actions.submit(variation, actor=made.manager, now=NOW + DAY)
        made.approve(variation)
        made.sign(variation, made.signatory)
        made.sign(variation, made.approver)
        assert variation.status is VariationStatus.AGREED
        assert made.agreement.ends_on == date(2030, 9, 30)
        # Three years at £100,000, and one more.
        assert made.agreement.whole_life_value == Decimal(400_000)
        assert queries.option_standing(option, date(2029, 10, 1)) is OptionStanding.USED
        (line,) = made.agreement.lines
        assert [line in open_lines(date(year, 9, 30)) for year in (2029, 2030, 2031)] == [True, True, False]
        assert [(one.what, one.new) for one in queries.effect(variation).differences] == [
            ("Last day", "30 September 2030"),
            ("Referrals until", "30 September 2030"),
        ]

    def test_once_agreed_the_contract_can_be_varied_and_ended_before_the_old_last_day(self) -> None:
        made, option = _with_option()
        variation = _use(made, option)
        assert queries.effect(variation).year == (date(2029, 10, 1), date(2030, 9, 30))
        # Asked for later, it is dated anew.
        late = NOW + 60 * DAY
        actions.submit(variation, actor=made.manager, now=late)
        assert variation.version.in_force_from == late.date() + SIGNING_DAYS * DAY
        made.approve(variation, now=late)
        for actor in (made.signatory, made.approver):
            made.sign(variation, actor, now=late + DAY)
        assert made.agreement.ends_on == date(2030, 9, 30)
        change = made.draft(in_force_from=date(2027, 4, 1), now=late + 2 * DAY)
        actions.withdraw(change, reason="No.", actor=made.manager, now=late + 2 * DAY)
        ending = actions.begin_ending(
            made.agreement,
            last_day=date(2029, 3, 31),
            ground=Ground.NOT_NEEDED,
            reason="No.",
            by_notice=False,
            actor=made.manager,
            now=late + 2 * DAY,
        )
        assert ending.version.ends_on == date(2029, 3, 31)

    @pytest.mark.parametrize(
        ("latest", "asked_on", "applies"),
        [
            (date(2026, 10, 1), date(2027, 1, 1), date(2027, 1, 31)),
            (date(2028, 4, 1), date(2027, 1, 1), date(2028, 4, 1)),
            (date(2026, 10, 1), date(2029, 9, 20), date(2029, 10, 1)),
        ],
    )
    def test_from_when_it_applies(self, latest: date, asked_on: date, applies: date) -> None:
        assert (
            end_applies_from(date(2030, 9, 30), before=date(2029, 9, 30), latest=latest, asked_on=asked_on) == applies
        )

    def test_a_decision_is_made_once_by_its_day_by_the_lead(self) -> None:
        made, option = _with_option()
        for actor in (made.signatory, made.approver):
            with pytest.raises(NotAllowed):
                actions.leave_option(option, reason="x", actor=actor, now=NOW)
        late = datetime(2029, 4, 1, 9, tzinfo=NOW.tzinfo)
        assert queries.option_standing(option, late.date()) is OptionStanding.LAPSED
        with pytest.raises(TooLate):
            _use(made, option, now=late)
        variation = _use(made, option)
        with pytest.raises(AlreadyDone):
            actions.leave_option(option, reason="x", actor=made.manager, now=NOW)
        # Given up, the option is open again.
        actions.withdraw(variation, reason="Not so.", actor=made.manager, now=NOW + DAY)
        assert queries.option_standing(option, NOW.date()) is OptionStanding.OPEN
        actions.leave_option(option, reason="Nobody comes.", actor=made.manager, now=NOW + DAY)
        assert queries.option_standing(option, late.date()) is OptionStanding.LEFT
        told = db.session.scalars(select(Letter.email).where(Letter.subject.contains("is not extended"))).all()
        assert told

    def test_what_cannot_be_an_option(self) -> None:
        made = Change(make_agreement())
        version = made.agreement.versions[0]
        for months, day in (
            (0, DECIDE_BY),
            (61, DECIDE_BY),
            (12, date(2026, 9, 6)),
            (12, date(2029, 9, 30)),
        ):
            with pytest.raises(Invalid):
                actions.add_option(version, months=months, decide_by=day, actor=made.manager, now=NOW)
        option = actions.add_option(version, months=12, decide_by=DECIDE_BY, actor=made.manager, now=NOW)
        assert queries.option_standing(option, NOW.date()) is OptionStanding.NOT_AGREED
        with pytest.raises(Refused, match="not agreed"):
            _use(made, option)
        actions.remove_option(option, actor=made.manager, now=NOW)
        assert terms(version).options is None

    def test_one_is_agreed_with_a_change_and_follows_the_draft(self) -> None:
        made = make_change(funders=1)
        variation = made.draft()
        actions.add_option(variation.version, months=6, decide_by=DECIDE_BY, actor=made.manager, now=NOW + DAY)
        assert [one.what for one in queries.effect(variation).differences] == ["Option 1 to extend"]
        actions.submit(variation, actor=made.manager, now=NOW + DAY)
        made.approve(variation)
        made.sign(variation, made.signatory)
        actions.take_back(variation, actor=made.manager, now=NOW + 3 * DAY)
        assert [one.months for one in terms(variation.version).options or ()] == [6]
        actions.withdraw(variation, reason="No.", actor=made.manager, now=NOW + 3 * DAY)
        assert queries.options_of(made.manager, made.agreement) == []
        assert terms(made.draft().version).options is None

    def test_the_lead_is_reminded_three_times_and_it_waits_at_home(self, clock: StandingClock) -> None:
        made, option = _with_option()
        person = made.manager.person
        for left in (91, 90, 89, 30, 10, 7, 0, -1):
            clock.set(datetime.combine(DECIDE_BY - left * DAY, NOW.timetz()))
            jobs.remind()
            texts = [one.text for one in queries.waiting(made.manager, clock()) if "extend" in one.text]
            assert len(texts) == (0 if left in (91, -1) else 1)
        told = select(Letter).where(Letter.subject.contains("whether to extend"), Letter.person_id == person)
        assert len(db.session.scalars(told).all()) == len(OPTION_REMINDERS)
        assert queries.option_standing(option, DECIDE_BY + DAY) is OptionStanding.LAPSED

    @pytest.mark.parametrize(
        ("left", "due"), [(91, None), (90, 90), (31, 90), (30, 30), (8, 30), (7, 7), (0, 7), (-1, None)]
    )
    def test_which_reminder_is_due(self, left: int, due: int | None) -> None:
        assert reminder_due(DECIDE_BY, DECIDE_BY - left * DAY) == due


@pytest.mark.usefixtures("session")
def test_on_the_pages(client: FlaskClient) -> None:
    made = Change(make_agreement())
    agreement = made.agreement
    at = f"/contracts/{agreement.id}"
    sign_in(client, made.manager)
    assert "Add an option to extend" in client.get(f"{at}/ending").text
    typed = {"months": "12", "decide_by-day": "31", "decide_by-month": "3", "decide_by-year": "2029"}
    assert client.post(f"{at}/options/new", data=typed | {"months": "99"}).status_code == 422
    late = client.post(f"{at}/options/new", data=typed | {"decide_by-year": "2035"})
    assert late.status_code == 422
    assert "before the contract’s last day" in late.text
    for _ in range(2):
        assert client.post(f"{at}/options/new", data=typed).status_code == 302
    first, second = agreement.extension_options
    assert client.post(f"/contracts/options/{second.id}/remove").status_code == 302
    sign_as(signatory_of(agreement), agreement)
    sign_as(approver_of(agreement), agreement)
    assert "12 months longer" in client.get(at).text
    page = client.get(f"{at}/ending").text
    assert "To be decided" in page
    assert "None is agreed" not in page
    assert client.get(f"{at}/options/new").status_code == 409
    assert "12 months longer than 30 September 2029" in client.get(f"/contracts/options/{first.id}/leave").text
    assert client.post(f"/contracts/options/{first.id}/use", data={}).status_code == 422
    assert client.post(f"/contracts/options/{first.id}/use", data={"reason": "It works."}).status_code == 302
    assert "Being approved and signed" in client.get(f"{at}/ending").text
    (variation,) = queries.variations_of(made.manager, agreement)
    assert "Extension, as agreed" in client.get(f"{at}/changes").text
    assert "30 September 2030" in client.get(f"/contracts/changes/{variation.id}").text
    sign_in(client, make_actor(agreement.supplier, Role.SERVICE_MANAGER))
    assert client.get(f"{at}/ending").status_code == 200
    assert client.get(f"/contracts/options/{first.id}/use").status_code == 403


def test_ten_decisions_at_once_are_one(committed_app: Flask) -> None:
    with committed_app.app_context():
        made, option = _with_option()
        key, manager = option.id, made.manager
        db.session.commit()

    def decide(number: int) -> object:
        one = db.session.get_one(ExtensionOption, key)
        if number % 2:
            return actions.use_option(one, reason="x", actor=manager, now=NOW).id
        actions.leave_option(one, reason="x", actor=manager, now=NOW)
        return "left"

    answers = at_once(committed_app, 10, decide)
    assert len([one for one in answers if not isinstance(one, Refused)]) == 1
