"""The payment provider's webhook."""

from __future__ import annotations

from flask import current_app, request

from contracts.payments import actions
from contracts.payments.jobs import apply_waiting_events
from contracts.payments.views import bp
from marketplace import clock
from marketplace.access import SIGNED_WEBHOOK, audience
from marketplace.extensions import csrf
from marketplace.queueing import wake
from marketplace.transactions import after_commit, transaction


@bp.post("/webhooks/payments")
@csrf.exempt  # type: ignore[untyped-decorator]
@audience(SIGNED_WEBHOOK)
def webhook() -> tuple[dict[str, str], int]:
    """What the payment provider tells us. Kept first, answered at once, applied by a job."""
    with transaction():
        kept = actions.keep_event(
            request.get_data(),
            request.headers.get("Stripe-Signature"),
            payments=current_app.extensions["payments"],
            now=clock.now(),
        )
        if kept is not None:
            after_commit(lambda: wake(apply_waiting_events, first=True))
    return {"status": "kept" if kept is not None else "known"}, 200
