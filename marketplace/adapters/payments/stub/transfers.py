"""What is passed on to suppliers' accounts, and taken back from them.

As https://docs.stripe.com/api/transfer_reversals has it: what was passed on for a payment can be taken back up to its
amount, also where the account holds less.
"""

from __future__ import annotations

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.books import Books
from marketplace.adapters.payments.stub.store import Body


class Transfers(Books):
    """Money on its way to suppliers, and back."""

    def passed_on(self, charge: str, amount: int, account: str) -> str:
        """A payment goes on to the supplier whole; the key of what passed it on."""
        transfer: Body = {
            "id": self._store.new_id("tr"),
            "object": "transfer",
            "amount": amount,
            "amount_reversed": 0,
            "created": self.now(),
            "currency": "gbp",
            "destination": account,
            "livemode": False,
            "metadata": {},
            "reversed": False,
            "reversals": {"object": "list", "data": [], "has_more": False},
            "source_transaction": charge,
        }
        self._store.put(transfer)
        return str(transfer["id"])

    def reverse(self, transfer_id: str, params: Params) -> Body:
        """Take back so much of a transfer, or all that is left of it."""
        asking.only(params, "amount", "description", "metadata", "refund_application_fee")
        transfer = self.find("transfer", transfer_id)
        left = transfer["amount"] - transfer["amount_reversed"]
        amount = asking.integer(params, "amount", left) or 0
        if not 0 < amount <= left:
            words = f"The reversal amount (£{amount / 100:.2f}) is greater than the unreversed amount of the transfer"
            raise StripeError(f"{words} (£{left / 100:.2f}).", param="amount", executed=True)
        return self.take_back(transfer_id, amount, metadata=asking.metadata(params))

    def take_back(
        self, transfer_id: str, amount: int, *, refund: str | None = None, metadata: dict[str, str] | None = None
    ) -> Body:
        """It goes back, for a refund or by itself, however much the account holds."""
        transfer = self.find("transfer", transfer_id)
        reversal: Body = {
            "id": self._store.new_id("trr"),
            "object": "transfer_reversal",
            "amount": amount,
            "created": self.now(),
            "currency": "gbp",
            "metadata": metadata or {},
            "source_refund": refund,
            "transfer": transfer_id,
        }
        self._store.put(reversal)
        transfer["amount_reversed"] += amount
        transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
        every = self._store.those("transfer_reversal", transfer=transfer_id)
        transfer["reversals"] |= {"data": every[:10], "has_more": len(every) > 10}
        self._store.put(transfer)
        self.tell("transfer.reversed", transfer)
        return reversal
