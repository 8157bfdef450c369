"""The rate card, and regions compared."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.volumes import queries
from contracts.volumes.queries import Group, RateOrder
from contracts.volumes.views import bp
from contracts.volumes.views.asked import narrowed_asked, place_choices
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.framework.queries import categories
from marketplace.spreadsheets import csv_download


@bp.get("/rate-card")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def rate_card() -> str:
    """What each service costs, by area: the nation's for those who see it, else those of one's own contracts."""
    narrowed, order = narrowed_asked(), _order()
    kept: dict[str, Any] = {
        "text": narrowed.text or None,
        "category": narrowed.category or None,
        "place": narrowed.place or None,
        "sort": order.value,
    }
    number = request.args.get("page", 1, type=int)
    return render_template(
        "contracts/volumes/rate_card.html",
        page=queries.rate_card(acting(), narrowed, order, on=clock.today(), number=number),
        narrowed=narrowed,
        order=order,
        orders=list(RateOrder),
        categories=categories(),
        places=place_choices(),
        kept=kept,
        page_url=lambda number: url_for("volumes.rate_card", page=number, **kept),
    )


@bp.get("/rate-card.csv")
@audience(Permission.SEE_VOLUMES, Permission.SEE_NATIONAL_VOLUMES)
def rate_card_csv() -> Response:
    """The same list as CSV, all of it."""
    return csv_download(
        "rate-card.csv",
        (
            *("contract", "service", "supplier", "kinds_of_help", "areas", "from_referrals", "to_referrals"),
            *("planned_referrals_a_year", "planned_price_a_year", "price_of_one_referral"),
        ),
        (
            [
                *(one.line.agreement.reference, one.line.title, one.line.agreement.supplier.name),
                *("; ".join(kind.name for kind in one.line.categories), "; ".join(one.places)),
                *(one.position.lows[0], one.position.cap, one.volume, one.annual, one.unit),
            ]
            for one in queries.every_rate(acting(), narrowed_asked(), _order(), on=clock.today())
        ),
    )


def _order() -> RateOrder:
    return next((one for one in RateOrder if one.value == request.args.get("sort")), RateOrder.TITLE)


@bp.get("/comparison")
@audience(Permission.SEE_NATIONAL_VOLUMES)
def comparison() -> str:
    """What every region offers of a kind of help, to a group of people."""
    category, group = narrowed_asked().category, _group()
    return render_template(
        "contracts/volumes/comparison.html",
        offers=queries.comparison(acting(), category=category, group=group, on=clock.today()),
        category=category,
        categories=categories(),
        group=group,
        groups=list(Group),
    )


@bp.get("/comparison.csv")
@audience(Permission.SEE_NATIONAL_VOLUMES)
def comparison_csv() -> Response:
    """The same figures as CSV."""
    return csv_download(
        "volumes-comparison.csv",
        (
            *("region", "services", "for_women_only", "planned_this_year", "profile_to_date", "referrals_to_date"),
            *("percent_of_profile", "waiting", "average_price_of_one_referral"),
        ),
        (
            [
                *(one.region, one.services, one.women_only, one.planned, one.expected, one.counted),
                *(one.used_percent, one.waiting, one.unit),
            ]
            for one in queries.comparison(
                acting(), category=narrowed_asked().category, group=_group(), on=clock.today()
            )
        ),
    )


def _group() -> Group:
    return next((one for one in Group if one.value == request.args.get("group")), Group.ANYBODY)
