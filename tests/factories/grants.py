"""Grants of £120,000 over three years, their instalments at every stage, and changes to them, by the actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import GrantInstalment
from contracts.agreements.queries import terms
from contracts.agreements.rules import terms_digest
from contracts.changes import actions as changes
from contracts.changes.models import Variation
from contracts.invoices import actions
from contracts.invoices.models import Invoice
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.agreements import NOW, make_signed_agreement
from tests.factories.changes import Change

# Three instalments that come to the grant: number, amount, expected by, milestone.
PLAN = (
    ("40000.01", date(2026, 12, 1), "The house is open"),
    ("39999.99", date(2027, 9, 30), "Twenty people have a home"),
    ("40000.00", date(2029, 6, 30), "Sixty people have a home"),
)


@dataclass
class GrantChange(Change):
    """A grant signed by both sides that runs from 1 October 2026 to 30 September 2029, and who acts for each side."""

    @cached_property
    def deliverer(self) -> Actor:
        """Who delivers at the grant holder, and claims."""
        return make_actor(self.agreement.supplier, Role.SERVICE_MANAGER, name="Mark Dunn")

    def plan(self, *, now: datetime = NOW) -> None:
        """The three instalments."""
        for amount, due_on, milestone in PLAN:
            actions.plan_instalment(
                self.agreement, milestone=milestone, amount=Decimal(amount), due_on=due_on, actor=self.manager, now=now
            )

    def instalment(self, number: int) -> GrantInstalment:
        """One of its instalments."""
        return next(one for one in self.agreement.instalments if one.number == number)

    def claim(self, number: int, *, now: datetime = NOW) -> GrantInstalment:
        """The grant holder claims it."""
        made = self.instalment(number)
        actions.claim_instalment(made, evidence="See the lease.", actor=self.deliverer, now=now)
        return made

    def accept(self, number: int, *, now: datetime = NOW) -> list[Invoice]:
        """It is claimed and accepted."""
        return actions.accept_claim(self.claim(number, now=now), actor=self.manager, now=now)

    def set(
        self,
        variation: Variation,
        number: int | None,
        amount: str,
        due_on: date = date(2029, 6, 30),
        what: str = "Sixty people have a home",
        *,
        now: datetime = NOW,
    ) -> int:
        """One instalment of the draft."""
        return changes.set_instalment(
            variation,
            number=number,
            milestone=what,
            amount=Decimal(amount),
            due_on=due_on,
            actor=self.manager,
            now=now,
        ).number

    def raised(self, *, now: datetime = NOW) -> Variation:
        """A draft that makes the grant £10,000.00 more, by its last instalment."""
        variation = self.draft(now=now)
        changes.set_value(variation, value=Decimal("130000.00"), actor=self.manager, now=now)
        self.set(variation, 3, "50000.00", now=now)
        return variation

    def agree(self, variation: Variation, *, now: datetime = NOW) -> None:
        """Submitted, approved by every funder, signed by both sides."""
        changes.submit(variation, actor=self.manager, now=now)
        self.approve(variation, now=now)
        self.sign(variation, self.signatory, now=now)
        self.sign(variation, self.approver, now=now)

    def digest(self, variation: Variation) -> str:
        """What both sign."""
        return terms_digest(terms(variation.version))


def make_grant(*, funders: int = 2, planned: bool = True, lead: Organisation | None = None) -> GrantChange:
    """A signed grant, paid in two parts (60 and 40 %) or by the lead alone; its instalments planned, or none."""
    lead = lead or make_commissioner()
    shares = [(lead, "60.00"), (make_commissioner(), "40.00")] if funders == 2 else []
    made = GrantChange(make_signed_agreement(lead=lead, funders=shares, bands=[(0, 40)], instrument=Instrument.GRANT))
    if planned:
        made.plan()
    return made
