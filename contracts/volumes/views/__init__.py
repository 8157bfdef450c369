"""Pages of volumes: where every service stands against what was planned, and what is done about it."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("volumes", __name__, url_prefix="/volumes")

# The pages hang themselves on the blueprint.
from contracts.volumes.views import acting, alerts, boards, lines, offers, seasons  # noqa: E402

__all__ = ["acting", "alerts", "boards", "bp", "lines", "offers", "seasons"]
