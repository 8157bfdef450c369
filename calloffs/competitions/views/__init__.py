"""Pages of call-offs, by audience: drafting, deciding, the file, the public notices."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("competitions", __name__, url_prefix="/call-offs")

# The pages hang themselves on the blueprint.
from calloffs.competitions.views import deciding, drafting, files, public  # noqa: E402

__all__ = ["bp", "deciding", "drafting", "files", "public"]
