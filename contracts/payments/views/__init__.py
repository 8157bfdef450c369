"""Pages of payments, by audience: who sees an invoice, suppliers who want to be paid, the provider itself."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("payments", __name__)

from contracts.payments.views import differences, invoices, moved, receiving, recoveries, webhook  # noqa: E402

__all__ = ["bp", "differences", "invoices", "moved", "receiving", "recoveries", "webhook"]
