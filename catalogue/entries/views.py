"""Pages of entries."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("entries", __name__, url_prefix="/services")
