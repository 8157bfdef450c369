"""The payment provider: Stripe, or our stub of it. One class for both; only the key and the address differ."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import stripe

from marketplace.adapters.payments.client import between, each
from marketplace.adapters.payments.reading import ASKED_FOR, event_from
from marketplace.adapters.payments.receiving import Receiving
from marketplace.adapters.payments.records import PaymentEvent, SignatureRefused
from marketplace.adapters.payments.reversing import Reversing


class Payments(Reversing, Receiving):
    """Invoices to commissioning bodies, passed on to suppliers, and what became of them."""

    def events_since(self, since: datetime) -> Iterator[PaymentEvent]:
        """What happened from this instant on, latest first: makes good webhooks that never came.

        The provider keeps events for 30 days.
        """
        return each(self._api.events.list, event_from, types=list(ASKED_FOR), created=between(since, None))

    def construct_event(self, payload: bytes, signature_header: str | None) -> PaymentEvent:
        """The event in a webhook request. Raises SignatureRefused unless the provider signed it, just now.

        The provider signs what happens to us and what happens to connected accounts with secrets of their own.
        """
        event = self._signed(payload, signature_header)
        try:
            return event_from(event.to_dict())
        except (KeyError, TypeError, ValueError) as error:  # signed, but not in a shape we know
            raise SignatureRefused("This event of the payment provider cannot be read") from error

    def _signed(self, payload: bytes, signature_header: str | None) -> stripe.Event:
        for secret in self._webhook_secrets:
            try:
                return self._client.construct_event(payload, signature_header, secret, self._tolerance)
            except stripe.SignatureVerificationError:
                continue
            except ValueError as error:  # not UTF-8, or signed but not an event
                raise SignatureRefused("This is not an event of the payment provider") from error
        raise SignatureRefused("This is not signed by the payment provider")
