"""Pages of invoices, by what people come for."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("invoices", __name__)

from contracts.invoices.views import deciding, money, reading, years  # noqa: E402

__all__ = ["bp", "deciding", "money", "reading", "years"]
