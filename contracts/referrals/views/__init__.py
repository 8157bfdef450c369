"""Pages of referrals: lists, referring, waiting, delivering. No address, title or message tells who somebody is."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("referrals", __name__, url_prefix="/referrals")

# The pages hang themselves on the blueprint.
from contracts.referrals.views import delivering, lists, referring, sharing, waiting  # noqa: E402

__all__ = ["bp", "delivering", "lists", "referring", "sharing", "waiting"]
