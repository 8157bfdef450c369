"""Question pages and buttons: what is asked for is done, said, and leads on; a refusal stands where it was asked."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template
from werkzeug.wrappers import Response

from marketplace.errors import Refused
from marketplace.forms import Form
from marketplace.transactions import transaction

Answer = str | Response | tuple[str, int]


def ask(
    form: Form,
    action: Callable[[], object],
    *,
    to: str | None = None,
    said: str = "",
    template: str = "layouts/question.html",
    **context: object,
) -> Answer:
    """A page with a form: shown; or what it asks for done, said, and on to another page. A refusal stands in it.

    Without `to`, the action gives the address to go on to: that of what it has made.
    """
    status = 200
    if form.validate_on_submit():
        try:
            with transaction():
                made = action()
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            if said:
                flash(said, "success")
            return redirect(str(made) if to is None else to)
    page = render_template(template, form=form, **context)
    return page, 422 if form.errors and status == 200 else status


def press(action: Callable[[], object], *, to: str, said: str) -> Response:
    """A button without a form: do it, say it, and on to another page."""
    with transaction():
        action()
    flash(said, "success")
    return redirect(to)
