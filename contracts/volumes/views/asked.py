"""What addresses of volumes ask for."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request

from contracts.volumes.queries import Narrowed, Order
from contracts.volumes.rules import Standing
from marketplace import clock
from marketplace.framework.queries import categories
from marketplace.places.queries import places_at
from marketplace.places.rules import Level


def day_asked() -> date:
    """The day asked about: today, or a past one."""
    today = clock.today()
    try:
        return max(min(date.fromisoformat(request.args.get("on", "")), today), date(1990, 1, 1))
    except ValueError:
        return today


def narrowed_asked() -> Narrowed:
    """What a list of services is narrowed to and how it is sorted. What is not known narrows nothing."""
    asked = request.args.get
    return Narrowed(
        text=asked("text", "").strip()[:100],
        standing=next((one for one in Standing if one.value == asked("standing")), None),
        category=next((one.code for one in categories() if one.code == asked("category")), ""),
        place=asked("place", "") if asked("place") in {code for code, _ in place_choices()} else "",
        order=next((one for one in Order if one.value == asked("sort")), Order.URGENCY),
    )


def kept(narrowed: Narrowed) -> dict[str, Any]:
    """The same, for the addresses of a list's pages and its file."""
    return {
        "text": narrowed.text or None,
        "standing": narrowed.standing.value if narrowed.standing else None,
        "category": narrowed.category or None,
        "place": narrowed.place or None,
        "sort": narrowed.order.value,
    }


def place_choices() -> list[tuple[str, str]]:
    """(code, name) of every probation region and police force area."""
    return [
        (place.code, f"{place.name} ({level.short})")
        for level in (Level.PROBATION_REGION, Level.POLICE_FORCE_AREA)
        for place in places_at(level)
    ]
