"""Pages of entries."""

from __future__ import annotations

from flask import Blueprint, render_template

from catalogue.entries import queries
from marketplace import clock
from marketplace.access import PUBLIC, audience
from marketplace.framework.queries import outcomes

bp = Blueprint("entries", __name__, url_prefix="/services")


@bp.get("/<int:line_id>")
@audience(PUBLIC)
def show(line_id: int) -> str:
    """One service in force, as its contract has it."""
    entry = queries.entry(line_id, on=clock.today())
    codes = {category.code for category in entry.line.categories}
    return render_template(
        "catalogue/entries/show.html",
        entry=entry,
        outcomes=[one for one in outcomes() if one.category_code in codes],
    )
