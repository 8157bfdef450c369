"""Pages of performance: a contract's scorecard, its targets, what is done about them; contracts side by side."""

from flask import Blueprint

bp = Blueprint("performance", __name__, url_prefix="/contracts")

# The pages hang themselves on the blueprint.
from contracts.performance.views import comparing, desk, improving, reviewing, scorecard, targets  # noqa: E402

__all__ = ["bp", "comparing", "desk", "improving", "reviewing", "scorecard", "targets"]
