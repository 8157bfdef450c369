"""Pages of volumes."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("volumes", __name__, url_prefix="/volumes")
