"""Pages of invoices, by what people come for."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("invoices", __name__)

from contracts.invoices.views import (  # noqa: E402
    crediting,
    deciding,
    deductions,
    disputing,
    documents,
    instalments,
    money,
    parties,
    reading,
    supplements,
    supply_chain,
    using,
    years,
)

__all__ = [
    "bp",
    "crediting",
    "deciding",
    "deductions",
    "disputing",
    "documents",
    "instalments",
    "money",
    "parties",
    "reading",
    "supplements",
    "supply_chain",
    "using",
    "years",
]
