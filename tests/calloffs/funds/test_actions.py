"""Money set aside from a fund along a call-off's way: held, awarded, agreed, released, and never more than there is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from calloffs.competitions import actions as calling
from calloffs.competitions.rules import CompetitionStatus
from calloffs.funds import actions
from calloffs.funds.models import Commitment, Fund
from calloffs.funds.rules import FundKind, Stage
from contracts.agreements.actions import draw_agreement
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound, Refused
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.agreements import NOW, approver_of, make_award, sign_as, signatory_of
from tests.factories.competitions import NEEDS_REASON, Tender, make_tender

WOMEN, WORK = "Women’s wider outcomes", "Into work"


def make_fund(actor: Actor, amount: str = "500000.00", **changed: object) -> Fund:
    values: dict[str, object] = {
        "name": "Regional Outcomes Fund",
        "kind": FundKind.OUTCOMES,
        "purposes": f"{WOMEN}\n{WORK}",
        "amount": Decimal(amount),
        "starts_on": date(2026, 4, 1),
        "ends_on": date(2027, 3, 31),
        **changed,
    }
    return actions.open_fund(**values, actor=actor, now=NOW)  # type: ignore[arg-type]


def _paid_from(made: Tender, fund: Fund) -> None:
    calling.share_funding(
        made.competition,
        shares=[(made.lead.id, Decimal(70)), (made.funder.id, Decimal(30))],
        source=(fund.id, WOMEN),
        actor=made.author,
        now=NOW,
    )


def _publish(made: Tender) -> None:
    calling.submit_for_approval(made.competition, actor=made.author, now=NOW)
    calling.approve_and_publish(made.competition, needs_reason=NEEDS_REASON, actor=made.approver, now=NOW)


@pytest.mark.usefixtures("session")
class TestAlongTheWay:
    """From publishing to the last signature."""

    def test_publishing_holds_the_lead_bodys_part_of_the_most_that_may_be_paid(self) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        fund = make_fund(made.author)
        _paid_from(made, fund)
        assert fund.standing.left == Decimal(500_000)
        _publish(made)
        # £100,000 a year at most, for two years, of which the lead pays 70 %.
        assert (fund.standing.held, fund.standing.left) == (Decimal(140_000), Decimal(360_000))
        (held,) = fund.commitments
        assert (held.call_off, held.purpose, held.stage) == (made.competition.reference, WOMEN, Stage.HELD)

    def test_a_fund_with_too_little_left_stops_the_publishing_and_says_how_much_there_is(self) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        fund = make_fund(made.author, "139999.99")
        _paid_from(made, fund)
        with pytest.raises(Refused, match=r"has £139,999\.99 left, and this would take £140,000\.00 more"):
            _publish(made)

    def test_cancelling_gives_it_back(self) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        fund = make_fund(made.author)
        _paid_from(made, fund)
        _publish(made)
        calling.cancel(made.competition, reason="No money.", actor=made.author, now=NOW)
        assert fund.standing.left == Decimal(500_000)
        assert [one.stage for one in fund.commitments] == [Stage.RELEASED]

    def test_the_award_brings_it_to_what_was_bid_and_the_last_signature_agrees_it(self) -> None:
        lead, council = make_commissioner(), make_commissioner()
        actor = make_actor(lead, Role.COMMERCIAL_PARTNER)
        award = make_award(lead=lead, funders=[(lead, "60.00"), (council, "40.00")])
        fund = make_fund(actor)
        call_off = award.competition.reference
        actions.hold(
            fund.id, call_off=call_off, title="Homes", purpose=WORK, amount=Decimal(200_000), actor=actor, now=NOW
        )
        agreement = draw_agreement(award, actor=SYSTEM, now=NOW)
        assert fund.standing.held == Decimal(180_000)  # 60 % of £300,000
        sign_as(signatory_of(agreement), agreement)
        sign_as(approver_of(agreement), agreement)
        assert (fund.standing.held, fund.standing.agreed) == (Decimal(0), Decimal(180_000))

    def test_a_contract_that_would_take_more_than_is_left_is_not_agreed(self) -> None:
        lead = make_commissioner()
        actor = make_actor(lead, Role.COMMERCIAL_PARTNER)
        award = make_award(lead=lead)
        fund = make_fund(actor, "300000.00")
        call_off = award.competition.reference
        actions.hold(fund.id, call_off=call_off, title="Homes", purpose=WORK, amount=Decimal(1), actor=actor, now=NOW)
        actions.hold(fund.id, call_off="DF-X", title="Work", purpose=WORK, amount=Decimal(1), actor=actor, now=NOW)
        with pytest.raises(Refused, match="left"):
            draw_agreement(award, actor=SYSTEM, now=NOW)


@pytest.mark.usefixtures("session")
class TestTheFundItself:
    """Setting it up and changing it."""

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"amount": Decimal(0)}, "amount"),
            ({"purposes": " \n"}, "purposes"),
            ({"ends_on": date(2026, 3, 31)}, "ends_on"),
        ],
    )
    def test_what_cannot_be_right_is_refused_at_its_field(self, changed: dict[str, object], field: str) -> None:
        actor = make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)
        with pytest.raises(Invalid) as refused:
            make_fund(actor, **changed)
        assert refused.value.field == field

    def test_a_name_is_given_once(self) -> None:
        actor = make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)
        make_fund(actor)
        with pytest.raises(AlreadyDone), db.session.begin_nested():
            make_fund(actor)
        make_fund(make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER))

    def test_it_cannot_hold_less_than_is_set_aside(self) -> None:
        actor = make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)
        fund = make_fund(actor)
        actions.hold(fund.id, call_off="DF-1", title="W", purpose=WORK, amount=Decimal(400), actor=actor, now=NOW)
        with pytest.raises(Invalid, match=r"£400\.00 is set aside already"):
            actions.change_fund(fund, amount=Decimal("399.99"), purposes=WORK, reason="Less.", actor=actor, now=NOW)
        actions.change_fund(fund, amount=Decimal(400), purposes=WORK, reason="Less.", actor=actor, now=NOW)
        assert fund.standing.left == 0
        # Nor less than what is agreed already: that is set aside as firmly.
        actions.settle("DF-1", owed={actor.organisation: Decimal(300)}, stage=Stage.AGREED, actor=actor, now=NOW)
        with pytest.raises(Invalid, match=r"£300\.00 is set aside already"):
            actions.change_fund(fund, amount=Decimal("299.99"), purposes=WORK, reason="Less.", actor=actor, now=NOW)

    def test_what_is_released_takes_nothing_again(self) -> None:
        actor = make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)
        fund = make_fund(actor)
        actions.hold(fund.id, call_off="DF-1", title="W", purpose=WORK, amount=Decimal(400), actor=actor, now=NOW)
        actions.release("DF-1", actor=actor, now=NOW)
        actions.settle("DF-1", owed={actor.organisation: Decimal(300)}, stage=Stage.AGREED, actor=actor, now=NOW)
        assert fund.standing.left == fund.amount
        assert [one.stage for one in fund.commitments] == [Stage.RELEASED]

    def test_a_purpose_that_was_taken_out_of_the_fund_meanwhile_stops_the_publishing(self) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        fund = make_fund(made.author)
        _paid_from(made, fund)
        actions.change_fund(fund, amount=fund.amount, purposes=WORK, reason="Law.", actor=made.author, now=NOW)
        with pytest.raises(Refused, match="is not for “Women’s wider outcomes” any more"):
            _publish(made)

    def test_only_partners_of_the_body_change_it_and_only_its_own_call_offs_are_paid_from_it(self) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        other = make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)
        fund = make_fund(other)
        with pytest.raises(NotAllowed):
            actions.change_fund(fund, amount=Decimal(1), purposes=WORK, reason="x", actor=made.author, now=NOW)
        with pytest.raises(NotAllowed):
            make_fund(make_actor(make_commissioner(), Role.EVALUATOR))
        with pytest.raises(NotFound):
            _paid_from(made, fund)

    def test_a_call_off_names_one_of_the_funds_purposes(self) -> None:
        made = make_tender(CompetitionStatus.DRAFT)
        fund = make_fund(made.author, purposes=WORK)
        with pytest.raises(Invalid, match="purposes"):
            _paid_from(made, fund)


def test_many_at_once_never_take_more_than_there_is(committed_app: Flask) -> None:
    with committed_app.app_context(), transaction():
        actor = make_actor(make_commissioner(), Role.COMMERCIAL_PARTNER)
        make_supplier()
        key = make_fund(actor, "1000.00").id

    def hold(number: int) -> bool:
        with committed_app.app_context():
            try:
                with transaction():
                    actions.hold(
                        key,
                        call_off=f"DF-{number}",
                        title="Work",
                        purpose=WORK,
                        amount=Decimal(100),
                        actor=actor,
                        now=NOW,
                    )
            except Refused:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(hold, range(16))) == 10
    with committed_app.app_context():
        assert db.session.get_one(Fund, key).standing.left == 0
        assert len(db.session.scalars(select(Commitment)).all()) == 10
