"""One invoice between us and the payment provider's stub, and what both sides do about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import requests

from contracts.invoices import actions as invoices
from contracts.invoices.models import CreditNote, Invoice
from contracts.ledger.queries import balance, unbalanced
from contracts.ledger.rules import Account
from contracts.payments import actions, jobs
from marketplace import clock as clock_module
from marketplace.access import SYSTEM
from marketplace.adapters.payments.records import PaymentInvoice, PaymentRefund
from marketplace.extensions import db
from marketplace.transactions import transaction
from tests.conftest import StandingClock
from tests.contracts.ledger.test_actions import settle as check_ledger
from tests.factories.invoices import finance_of, manager_of
from tests.factories.payments import make_payable
from tests.marketplace.adapters.conftest import Running


class Deal:
    """A contract for £120,000 a year whose October is raised; the provider can have it, and real news come of it."""

    def __init__(self, provider: Running, clock: StandingClock) -> None:
        self.provider, self.clock = provider, clock
        clock.set(datetime.fromtimestamp(int(provider.clock.seconds), UTC))
        self.contract = make_payable(lines=["120000.00"])
        self.supplier, self.manager = finance_of(self.contract.supplier), manager_of(self.contract)
        self.invoice: Invoice
        self.invoice = invoices.raise_invoices(self.contract, actor=SYSTEM, now=clock())[0]

    def approve(self) -> None:
        invoices.approve(self.invoice, actor=self.manager, now=self.clock())
        db.session.commit()

    def send(self) -> Deal:
        self.approve()
        jobs.send_invoices([self.invoice.id])
        return self

    def pay(self, way: str = "card") -> None:
        assert self.invoice.payment_url is not None
        assert requests.post(self.invoice.payment_url, data={"way": way}, timeout=20).ok

    def credit(self, amount: str | None = None) -> CreditNote:
        net = None if amount is None else Decimal(amount)
        with transaction():
            return invoices.credit(
                self.invoice, amount=net, reason="A week too many", actor=self.supplier, now=self.clock()
            )

    def later(self, **by: float) -> None:
        self.clock.move(**(by or {"minutes": 1}))
        self.provider.clock.seconds = self.clock().timestamp()

    def keep(self) -> list[int]:
        """Keep all that the provider has to tell and that is new. Its keys."""
        self.provider.deliver()
        came, self.provider.webhook.came = self.provider.webhook.came, []
        payments = self.provider.payments(signature_tolerance=10**9)
        with transaction():
            kept = [actions.keep_event(*one, payments=payments, now=self.clock()) for one in came]
        return [key for key in kept if key is not None]

    def hear(self, *, order: Callable[[list[int]], list[int]] = lambda keys: keys) -> None:
        """Keep it, and apply it in that order."""
        for key in order(self.keep()):
            jobs.apply_event(key)
        db.session.expire_all()

    def there(self) -> PaymentInvoice:
        return self.provider.payments().invoice(self.invoice.provider_id or "")

    def refunds(self) -> list[PaymentRefund]:
        moment = self.clock()
        return list(
            self.provider.payments().refunds(since=moment - timedelta(days=9), until=moment + timedelta(days=9))
        )

    def credits(self) -> list[tuple[str | None, Decimal]]:
        found = self.provider.payments().credits()
        return [(one.reference, one.amount) for one in found if not one.is_void]

    def owed(self) -> Decimal:
        check_ledger()
        on = clock_module.london(self.clock()).date()
        assert unbalanced(on) == 0
        return balance(Account.OWED, self.invoice.organisation_id, on=on)
