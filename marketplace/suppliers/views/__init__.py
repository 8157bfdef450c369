"""Pages of suppliers: joining the framework, and deciding who joins."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("suppliers", __name__, url_prefix="/framework")

from marketplace.suppliers.views import deciding, joining  # noqa: E402, F401 - they put their pages on the blueprint
