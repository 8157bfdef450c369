"""What every part of the provider's client stands on: the connection, keys for writing once, and failures as ours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stripe

from marketplace.adapters.payments.records import (
    PaymentsMisconfigured,
    PaymentsNotFound,
    PaymentsRefused,
    PaymentsTemporaryFailure,
)

# The library would otherwise keep a number for this machine in the home folder and send it with every request.
stripe.enable_telemetry = False

CURRENCY = "gbp"
PAGE = 100
# The provider's clock is not ours.
CLOCKS_APART = timedelta(minutes=10)
# How often a write is given another key because the provider only repeats how the first one failed.
OTHER_KEYS = 10

Answer = TypeVar("Answer")


class Client:
    """A connection to the provider."""

    def __init__(
        self,
        *,
        api_key: str,
        webhook_secret: str,
        connect_secret: str = "",
        base_url: str = "",
        timeout: float = 20.0,
        signature_tolerance: int = 300,
    ) -> None:
        """`base_url` is empty for Stripe itself and the stub's address otherwise. Times in seconds.

        What happens to connected accounts is signed with `connect_secret`, or with the same one if that is empty.
        A signature older than `signature_tolerance` is refused, so that a recorded event cannot be played again.
        """
        if signature_tolerance <= 0:
            raise ValueError("Without a tolerance an old event could be played again for ever")
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")} if base_url else None,
            http_client=stripe.RequestsClient(timeout=timeout),
            max_network_retries=0,  # the job that calls us retries, without holding a worker asleep
        )
        self._webhook_secrets = [secret for secret in (webhook_secret, connect_secret) if secret]
        self._tolerance = signature_tolerance

    @property
    def _api(self) -> Any:
        return self._client.v1

    def _once(self, write: Callable[[Any], Answer], key: str) -> Answer:
        """Write, with a key by which the provider does it once.

        Stripe keeps refusals and its own failures (500) for a key as it keeps successes: asked again, it would only
        repeat them for a day, whatever has been mended meanwhile. An answer of that kind is left behind with a key
        after the first. A refusal has done nothing; for what a failure may have done callers have looked before.
        """
        for attempt in range(OTHER_KEYS + 1):
            try:
                return write({"idempotency_key": f"{key}-{attempt}" if attempt else key})
            except stripe.StripeError as error:
                repeated = (error.headers or {}).get("Idempotent-Replayed") == "true"
                if not repeated or attempt == OTHER_KEYS:
                    raise
        raise AssertionError("the last attempt returns or raises")


def each(
    pages: Callable[[Any], Any], read: Callable[[Mapping[str, Any]], Answer], **wanted: object
) -> Iterator[Answer]:
    """Everything in one of the provider's lists, latest first, fetched page by page as it is asked for."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    with our_failures():
        for found in pages({"limit": PAGE, **asked}).auto_paging_iter():
            yield read(found.to_dict())


def between(since: datetime | None, until: datetime | None) -> dict[str, int] | None:
    """The provider's filter for what was made from one instant on and before another."""
    bounds = {"gte": since, "lt": until}
    return {name: int(at.timestamp()) for name, at in bounds.items() if at is not None} or None


def key_for(*parts: str) -> str:
    """An idempotency key that follows from what is asked. Long or odd references are kept short by the hash."""
    return f"{parts[0]}-{hashlib.sha256(chr(31).join(parts).encode()).hexdigest()}"


@contextmanager
def our_failures() -> Iterator[None]:
    """Turns the library's errors into ours: may it be asked again, or not?"""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise PaymentsTemporaryFailure(_words(error), code=error.code, status=error.http_status) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise PaymentsMisconfigured(_words(error), code=error.code, status=error.http_status) from error
    except stripe.StripeError as error:
        status = error.http_status
        if status is None or status >= 500 or status == 409:
            raise PaymentsTemporaryFailure(_words(error), code=error.code, status=status) from error
        kind = PaymentsNotFound if status == 404 else PaymentsRefused
        raise kind(_words(error), code=error.code, status=status) from error


def _words(error: stripe.StripeError) -> str:
    return str(error.user_message or type(error).__name__)
