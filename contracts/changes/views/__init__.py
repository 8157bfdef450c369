"""Pages of changes: versions and variations, extension, suspension, ending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from marketplace import asking
from marketplace.asking import Answer, press
from marketplace.forms import Form

bp = Blueprint("changes", __name__, url_prefix="/contracts")


def ask(form: Form, template: str, action: Callable[[], str], *, said: str = "", **context: Any) -> Answer:
    """A page with a form: shown; or what it asks for done, and on to where that leads. A refusal stands in it."""
    return asking.ask(form, action, said=said, template=f"contracts/changes/{template}.html", **context)


# The pages hang themselves on the blueprint.
from contracts.changes.views import abandoning, endings, granting, options, parts, proposals, suspensions, variations  # noqa: E402

__all__ = [
    "Answer",
    "abandoning",
    "ask",
    "bp",
    "endings",
    "granting",
    "options",
    "parts",
    "press",
    "proposals",
    "suspensions",
    "variations",
]
