"""Taking back from a supplier's account what had been passed on to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from marketplace.adapters.payments.client import between, each, key_for, our_failures
from marketplace.adapters.payments.raising import Raising
from marketplace.adapters.payments.reading import charge_from, reversal_from, transfer_from
from marketplace.adapters.payments.records import PaymentReversal, PaymentsRefused, PaymentTransfer, pence

SHOWN = 10  # reversals that a transfer carries with it


class Reversing(Raising):
    """Transfers to suppliers' accounts, and what is taken back of them."""

    def take_back(self, payment: str, *, reference: str, amount: Decimal) -> PaymentReversal | None:
        """Take so much of a payment back from the account that it was passed on to, once for our reference.

        The provider does so even where the account holds less: it then stands below nought until payments or its bank
        fill it. Refused (PaymentsRefused) where less than that is left of what was passed on. None if nothing was.
        """
        transfer = self.transfer_of(payment)
        if transfer is None:
            return None
        known = (one for one in transfer.reversals if one.reference == reference)
        if (there := next(known, None)) is not None:
            return there
        if transfer.left < amount:
            raise PaymentsRefused(f"only £{transfer.left:,.2f} is left of what was passed on to the supplier.")
        params = {"amount": pence(amount), "metadata": {"reference": reference}}
        with our_failures():
            key = key_for("reversal", reference, str(amount))
            create = self._api.transfers.reversals.create
            return reversal_from(self._once(lambda options: create(transfer.id, params, options), key).to_dict())

    def transfer_of(self, payment: str) -> PaymentTransfer | None:
        """What passed a payment on to a supplier's account, with all its reversals; None if nothing did."""
        charges = each(self._api.charges.list, charge_from, payment_intent=payment)
        key = next((one.transfer for one in charges if one.transfer), None)
        return None if key is None else self.transfer(key)

    def transfer(self, transfer_id: str) -> PaymentTransfer:
        """A transfer as it stands now, with all its reversals."""
        with our_failures():
            return self._whole(transfer_from(self._api.transfers.retrieve(transfer_id).to_dict()))

    def transfers(self, *, since: datetime, until: datetime) -> Iterator[PaymentTransfer]:
        """What was passed on in that time, latest first, each with all its reversals."""
        for one in each(self._api.transfers.list, transfer_from, created=between(since, until)):
            yield self._whole(one)

    def _whole(self, transfer: PaymentTransfer) -> PaymentTransfer:
        if len(transfer.reversals) < SHOWN:
            return transfer
        pages = self._api.transfers.reversals.list
        every = tuple(each(lambda asked: pages(transfer.id, asked), reversal_from))
        return PaymentTransfer(**{**vars(transfer), "reversals": every})
