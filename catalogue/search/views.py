"""Pages of search. What is sought stands in the address, so that a search can be kept and sent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from catalogue.search import queries
from catalogue.search.queries import Sought
from catalogue.search.rules import For
from marketplace import clock
from marketplace.access import PUBLIC, audience
from marketplace.paging import Page

bp = Blueprint("search", __name__, url_prefix="/find")


@bp.get("/")
@audience(PUBLIC)
def find() -> str:
    """Services in force by need, place and group. Open to everybody; only officers see how to refer."""
    given = {name: request.args.get(name, "").strip()[:100] for name in ("need", "words", "place", "who")}
    places, known = queries.gazetteer(), queries.needs()
    match = places.match(given["place"])
    group = next((one for one in For if one.value == given["who"]), None)
    sought = Sought(need=given["need"], words=given["words"], place=match.place, group=group)
    unclear = bool(given["place"]) and match.place is None
    page = (
        Page([], 0, 1)
        if unclear
        else queries.find(
            sought, places=places, known=known, on=clock.today(), number=request.args.get("page", 1, type=int)
        )
    )
    if match.place is not None:
        given["place"] = match.place.full_name

    def url(**changed: Any) -> str:
        """The same search with something changed; what is empty is left out."""
        values: dict[str, Any] = {name: value for name, value in {**given, **changed}.items() if value}
        return url_for("search.find", **values)

    return render_template(
        "catalogue/search/find.html",
        given=given,
        match=match,
        unclear=unclear,
        wider=places.parents(match.place.code) if match.place else [],
        sought=sought,
        need_words=known.words_for(sought.need),
        known=known,
        groups=list(For),
        page=page,
        url=url,
        page_url=lambda number: url(page=number),
    )
