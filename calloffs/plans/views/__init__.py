"""Pages of plans: working on one, looking at them, and reference figures."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("plans", __name__, url_prefix="/plans")

from calloffs.plans.views import drafting, reference, showing  # noqa: E402

__all__ = ["bp", "drafting", "reference", "showing"]
