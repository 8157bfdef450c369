"""Pages of invoices, by what people come for."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("invoices", __name__)

from contracts.invoices.views import (  # noqa: E402
    crediting,
    deciding,
    disputing,
    documents,
    money,
    reading,
    years,
)

__all__ = [
    "bp",
    "crediting",
    "deciding",
    "disputing",
    "documents",
    "money",
    "reading",
    "years",
]
