"""Changes to contracts: who takes part, and variations at every stage. Made through the actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from calloffs.plans.rules import Band
from contracts.agreements.models import Agreement
from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.changes import actions
from contracts.changes.models import Proposal, Variation
from marketplace.access import Actor, Role
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.agreements import NOW, make_signed_agreement

APPLIES = date(2027, 1, 1)


@dataclass
class Change:
    """A contract signed by both sides that runs from 1 October 2026, and who may change it."""

    agreement: Agreement

    @cached_property
    def manager(self) -> Actor:
        """The lead's contract manager, who drafts."""
        return make_actor(self.agreement.commissioner, Role.CONTRACT_MANAGER, name="Carys Price")

    @cached_property
    def approver(self) -> Actor:
        """The lead's approver, who also signs."""
        return make_actor(self.agreement.commissioner, Role.APPROVER, name="Bryn Hughes")

    @cached_property
    def partner(self) -> Actor:
        """The approver of the other funder."""
        other = next(
            one.organisation for one in self.agreement.funders if one.organisation_id != self.agreement.commissioner_id
        )
        return make_actor(other, Role.APPROVER, name="Mair Evans")

    @cached_property
    def signatory(self) -> Actor:
        """The supplier's signatory."""
        return make_actor(self.agreement.supplier, Role.SIGNATORY, name="Ama Owusu")

    def draft(self, *, in_force_from: date = APPLIES, now: datetime = NOW + timedelta(days=1)) -> Variation:
        """A draft in which nothing is changed yet."""
        return actions.begin(
            self.agreement, reason="More people come.", in_force_from=in_force_from, actor=self.manager, now=now
        )

    def reprice(self, variation: Variation, factor: int = 2, *, now: datetime = NOW + timedelta(days=1)) -> None:
        """Every price times so much."""
        for agreed in variation.version.line_terms:
            actions.set_volume(
                variation,
                agreed,
                bands=[Band(one.number, one.low, one.high, one.annual_price * factor) for one in agreed.bands],
                planned_band=agreed.planned_band or 1,
                referrals_until=agreed.referrals_until or date.max,
                actor=self.manager,
                now=now,
            )

    def submitted(self, *, now: datetime = NOW + timedelta(days=1), **draft: date) -> Variation:
        """A variation that doubles every price and waits for the funders."""
        variation = self.draft(now=now, **draft)
        self.reprice(variation, now=now)
        actions.submit(variation, actor=self.manager, now=now)
        return variation

    def approve(self, variation: Variation, *, now: datetime = NOW + timedelta(days=2)) -> None:
        """Every funder approves."""
        for actor in (self.approver, self.partner) if len(self.agreement.funders) > 1 else (self.approver,):
            actions.approve(variation, shown_round=variation.round, actor=actor, now=now)

    def sign(self, variation: Variation, actor: Actor, *, now: datetime = NOW + timedelta(days=3)) -> None:
        """Sign the terms as they are."""
        actions.sign(variation, digest=terms_digest(terms(variation.version)), actor=actor, now=now)

    def agreed(self, **draft: date) -> Variation:
        """A variation on which everybody has agreed."""
        variation = self.submitted(**draft)
        self.approve(variation)
        self.sign(variation, self.signatory)
        self.sign(variation, self.approver)
        return variation


def make_change(*, funders: int = 2, **award: object) -> Change:
    """A contract of three years, paid in two parts (60 and 40 %) or by the lead alone."""
    lead = make_commissioner()
    shares = [(lead, "60.00"), (make_commissioner(), "40.00")] if funders == 2 else []
    return Change(make_signed_agreement(lead=lead, funders=shares, **award))


def make_proposal(made: Change) -> Proposal:
    """What the supplier would change, waiting for its answer."""
    return actions.propose(
        made.agreement,
        what="Forty more people a year.",
        reason="We turn people away.",
        from_on=APPLIES,
        actor=make_actor(made.agreement.supplier, Role.SERVICE_MANAGER),
        now=NOW,
    )
