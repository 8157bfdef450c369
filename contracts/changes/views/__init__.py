"""Pages of changes: versions and variations, extension, suspension, ending."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template
from werkzeug.wrappers import Response

from marketplace.errors import Refused
from marketplace.forms import Form
from marketplace.transactions import transaction

bp = Blueprint("changes", __name__, url_prefix="/contracts")

Answer = str | Response | tuple[str, int]


def ask(form: Form, template: str, action: Callable[[], str], *, said: str = "", **context: object) -> Answer:
    """A page with a form: shown; or what it asks for done, and on to where that leads. A refusal stands in it."""
    status = 200
    if form.validate_on_submit():
        try:
            with transaction():
                to = action()
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            if said:
                flash(said, "success")
            return redirect(to)
    page = render_template(f"contracts/changes/{template}.html", form=form, **context)
    return page, 422 if form.errors and status == 200 else status


def press(action: Callable[[], object], *, to: str, said: str) -> Response:
    """A button without a form: do it, say it, and on to another page."""
    with transaction():
        action()
    flash(said, "success")
    return redirect(to)


# The pages hang themselves on the blueprint.
from contracts.changes.views import abandoning, endings, options, parts, proposals, suspensions, variations  # noqa: E402

__all__ = ["abandoning", "bp", "endings", "options", "parts", "proposals", "suspensions", "variations"]
