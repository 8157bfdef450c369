"""Pages of accounts, by audience: everybody, oneself, administrators."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("accounts", __name__)

from marketplace.accounts.views import administering, entering, own  # noqa: E402
from marketplace.accounts.views.sessions import load, stay_signed_in  # noqa: E402
from marketplace.extensions import login_manager  # noqa: E402

login_manager.user_loader(load)
login_manager.session_protection = None  # sessions are rows of ours: they end in the database, not by address
bp.before_app_request(stay_signed_in)

__all__ = ["administering", "bp", "entering", "own"]
