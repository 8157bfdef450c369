"""What surrounds a contract: its managers, milestones, people, promises. Made through the actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from contracts.agreements.models import Agreement, Subcontractor
from contracts.mobilisation import actions, queries
from contracts.mobilisation.models import Milestone, Promise, StaffMember
from contracts.mobilisation.rules import Dates, Frequency, PromiseKind, VettingLevel
from marketplace.access import SYSTEM, Actor, Role
from marketplace.accounts.rules import SupplierStatus
from tests.factories.accounts import make_actor
from tests.factories.agreements import NOW, make_signed_agreement

FIRST_DUE = date(2026, 12, 31)


@dataclass
class Contract:
    """A signed contract and who manages it for either side."""

    agreement: Agreement

    @cached_property
    def manager(self) -> Actor:
        """The lead commissioner's contract manager."""
        return make_actor(self.agreement.commissioner, Role.CONTRACT_MANAGER, name="Carys Price")

    @cached_property
    def deliverer(self) -> Actor:
        """The supplier's service manager."""
        return make_actor(self.agreement.supplier, Role.SERVICE_MANAGER, name="Ravi Patel")

    def begin(self, *, now: datetime = NOW) -> list[Milestone]:
        """Make the usual milestones; both managers are there to be told."""
        _ = self.manager, self.deliverer
        return actions.begin(self.agreement, actor=SYSTEM, now=now)

    def staff(self, reference: str = "AO", *, now: datetime = NOW, **changed: object) -> StaffMember:
        """Somebody cleared who delivers."""
        values: dict[str, object] = {
            "role": "Caseworker",
            "level": VettingLevel.STANDARD,
            "dates": Dates(date(2026, 7, 1), date(2026, 8, 1), date(2028, 8, 1)),
            **changed,
        }
        return actions.enter_staff(
            self.agreement,
            reference=reference,
            actor=self.deliverer,
            now=now,
            **values,  # type: ignore[arg-type]
        )

    def propose(self, *, by: Actor | None = None, now: datetime = NOW, **changed: object) -> Promise:
        """A promise written as a row by the contract manager, unless by somebody else."""
        _ = self.deliverer
        values: dict[str, object] = {
            "kind": PromiseKind.EQUALITY,
            "who": "Carers",
            "need": "Sessions outside working hours.",
            "measure": "Evening sessions held",
            "target": "2 a week",
            "frequency": Frequency.QUARTERLY,
            "first_due_on": FIRST_DUE,
            **changed,
        }
        words = actions.Words(**values)  # type: ignore[arg-type]
        return actions.propose_promise(self.agreement, words, actor=by or self.manager, now=now)

    def promise(self, *, now: datetime = NOW, **changed: object) -> Promise:
        """A promise that both sides agree on."""
        made = self.propose(now=now, **changed)
        actions.agree_promise(made, actor=self.deliverer, now=now)
        return made

    def subcontractor(
        self, name: str = "Open Door", share: str = "20", *, agreed: bool = True, now: datetime = NOW
    ) -> Subcontractor:
        """A member of the supply chain, agreed by the contract manager."""
        _ = self.manager
        made = actions.enter_subcontractor(
            self.agreement,
            name=name,
            work="Mentoring",
            share=Decimal(share),
            status=SupplierStatus.VCSE,
            actor=self.deliverer,
            now=now,
        )
        if agreed:
            seen = queries.mark_of(queries.chain_of(self.agreement, now.date()).to_agree)
            actions.agree_chain(self.agreement, seen=seen, actor=self.manager, now=now)
        return made


def make_contract_to_mobilise(*, starts_in: int = 70, **award: object) -> Contract:
    """A signed contract that begins so many days after the tests' clock."""
    starts_on = NOW.date() + timedelta(days=starts_in)
    return Contract(make_signed_agreement(**{"starts_on": starts_on, **award}))
