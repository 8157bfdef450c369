"""Pages of bids."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("bids", __name__, url_prefix="/bids")
