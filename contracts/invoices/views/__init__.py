"""Pages of invoices, by what people come for."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("invoices", __name__)

from contracts.invoices.views import (  # noqa: E402
    deciding,
    disputing,
    money,
    reading,
    years,
)

__all__ = [
    "bp",
    "deciding",
    "disputing",
    "money",
    "reading",
    "years",
]
