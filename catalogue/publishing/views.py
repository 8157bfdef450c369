"""Pages of publishing."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("publishing", __name__, url_prefix="/open")
