"""Customers: who is asked to pay."""

from __future__ import annotations

import secrets

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params
from marketplace.adapters.payments.stub.books import Books
from marketplace.adapters.payments.stub.store import Body


class Customers(Books):
    """Commissioning bodies, here."""

    def create(self, params: Params) -> Body:
        """A new customer."""
        asking.only(params, "name", "email", "description", "metadata", "phone")
        customer: Body = {
            "id": self._store.new_id("cus"),
            "object": "customer",
            "balance": 0,
            "created": self.now(),
            "currency": None,
            "delinquent": False,
            "description": params.get("description"),
            "email": params.get("email"),
            "invoice_prefix": secrets.token_hex(4).upper(),
            "livemode": False,
            "metadata": asking.metadata(params),
            "name": params.get("name"),
            "next_invoice_sequence": 1,
            "phone": params.get("phone"),
        }
        self._store.put(customer)
        self.tell("customer.created", customer)
        return customer

    def update(self, customer_id: str, params: Params) -> Body:
        """A customer's particulars, changed. Invoices already final keep what they were made out to."""
        asking.only(params, "name", "email", "description", "metadata", "phone")
        customer = self.find("customer", customer_id)
        for name in ("name", "email", "description", "phone"):
            if name in params:
                customer[name] = params[name] or None
        customer["metadata"] = asking.metadata(params, customer["metadata"])
        self._store.put(customer)
        self.tell("customer.updated", customer)
        return customer
