"""Suppliers as connected accounts of the provider: whom invoices are paid to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from marketplace.adapters.payments.client import CLOCKS_APART, Client, between, each, key_for, our_failures
from marketplace.adapters.payments.reading import account_from
from marketplace.adapters.payments.records import SupplierAccount


class Receiving(Client):
    """Accounts that money is sent on to."""

    def open_account(
        self, *, reference: str, name: str, email: str, asked_since: datetime, invented: bool = False
    ) -> SupplierAccount:
        """An account for this supplier, once for our reference, which was made at `asked_since`. Keep its id.

        The provider collects what the law makes it ask (who owns the organisation, where its bank is); none of that
        passes through us. We bear its fees and what an account owes (`losses`), as platforms do whose charges are
        passed on. `invented` marks the demonstration's suppliers, whom our stub lets be paid at once.
        """
        known = (one for one in self.accounts(since=asked_since - CLOCKS_APART) if one.reference == reference)
        if (there := next(known, None)) is not None:
            return there
        params: dict[str, Any] = {
            "country": "GB",
            "email": email,
            "business_profile": {"name": name},
            "capabilities": {"transfers": {"requested": True}, "card_payments": {"requested": True}},
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "express"},
            },
            "metadata": {"reference": reference, **({"demonstration": "yes"} if invented else {})},
        }
        with our_failures():
            key = key_for("account", reference)
            return account_from(self._once(lambda options: self._api.accounts.create(params, options), key).to_dict())

    def account(self, account_id: str) -> SupplierAccount:
        """The account as it stands now."""
        with our_failures():
            return account_from(self._api.accounts.retrieve(account_id).to_dict())

    def accounts(self, *, since: datetime | None = None) -> Iterator[SupplierAccount]:
        """All accounts, latest first."""
        return each(self._api.accounts.list, account_from, created=between(since, None))

    def onboarding_page(self, account_id: str, *, back: str, again: str) -> str:
        """The address of the provider's page where the supplier gives its details. It opens once, within minutes.

        From there people come `back`; who opens it too late is sent to `again`, which asks for another.
        """
        params = {"account": account_id, "return_url": back, "refresh_url": again, "type": "account_onboarding"}
        with our_failures():
            return str(self._api.account_links.create(params).url)
