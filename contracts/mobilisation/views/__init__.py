"""Pages around a contract: readiness, people, promises, supply chain, and the supplier's one-page report."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint

from marketplace.asking import Answer, press
from marketplace.asking import ask as ask_on
from marketplace.forms import Form

bp = Blueprint("mobilisation", __name__, url_prefix="/contracts")


def ask(form: Form, template: str, action: Callable[[], object], *, to: str, said: str, **context: object) -> Answer:
    """A question page of this area, by the name of its template."""
    return ask_on(form, action, to=to, said=said, template=f"contracts/mobilisation/{template}.html", **context)


# The pages hang themselves on the blueprint.
from contracts.mobilisation.views import people, promises, readiness, reporting, supply_chain  # noqa: E402

__all__ = ["Answer", "ask", "bp", "people", "press", "promises", "readiness", "reporting", "supply_chain"]
