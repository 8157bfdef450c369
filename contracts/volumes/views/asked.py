"""What addresses of volumes ask for."""

from __future__ import annotations

from datetime import date

from flask import request

from marketplace import clock


def day_asked() -> date:
    """The day asked about: today, or a past one."""
    today = clock.today()
    try:
        return max(min(date.fromisoformat(request.args.get("on", "")), today), date(1990, 1, 1))
    except ValueError:
        return today
