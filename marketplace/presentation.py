"""How figures, dates and states are written for people: the templates' filters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from flask import Flask
from markupsafe import Markup, escape

from marketplace import clock
from marketplace.access import Permission, current_actor
from marketplace.audit import events_for
from marketplace.navigation import navigation_for


def date_words(day: date | datetime | None) -> str:
    """27 March 2027; a moment is taken on a London clock. Nothing for None."""
    if day is None:
        return ""
    if isinstance(day, datetime):
        day = clock.london(day).date()
    return f"{day.day} {day:%B %Y}"


def moment_words(at: datetime | None) -> str:
    """27 March 2027 at 5:03pm, on a London clock; midday and midnight in words."""
    if at is None:
        return ""
    there = clock.london(at)
    if (there.hour, there.minute) in ((0, 0), (12, 0)):
        return f"{date_words(there)} at {'midday' if there.hour else 'midnight'}"
    minutes = f":{there.minute:02}" if there.minute else ""
    return f"{date_words(there)} at {there.hour % 12 or 12}{minutes}{'pm' if there.hour >= 12 else 'am'}"


def pounds_words(amount: Decimal | None) -> str:
    """£1,250 or £1,250.50: pence only where there are some."""
    if amount is None:
        return "not published"
    sign = "−" if amount < 0 else ""
    figure = f"{abs(amount):,.2f}"
    return f"{sign}£{figure.removesuffix('.00')}"


def pounds_exact(amount: Decimal) -> str:
    """£1,250.00: always to the penny, for invoices and columns."""
    return f"{'−' if amount < 0 else ''}£{abs(amount):,.2f}"


def label(member: StrEnum | str | None) -> str:
    """A code in words."""
    if member is None:
        return ""
    return str(getattr(member, "label", None) or str(member).replace("_", " ").capitalize())


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 bid, 2 bids."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(things: Sequence[str]) -> str:
    """One, two and three."""
    words = list(things)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def paragraphs(text: str | None) -> Markup:
    """Text as typed: empty lines part paragraphs, single line ends are kept."""
    blocks = [block.strip() for block in (text or "").split("\n\n") if block.strip()]
    return Markup("").join(
        Markup('<p class="govuk-body">{}</p>').format(Markup("<br>").join(escape(line) for line in block.split("\n")))
        for block in blocks
    )


def may(permission: str) -> bool:
    """Whether the person asking holds this permission (by its code)."""
    actor = current_actor()
    return actor is not None and actor.may(Permission(permission))


def init_app(app: Flask) -> None:
    """Give the templates their filters and helpers."""
    app.jinja_env.filters.update(
        date_words=date_words,
        moment_words=moment_words,
        pounds=pounds_words,
        pounds_exact=pounds_exact,
        label=label,
        plural=plural,
        listed=listed,
        paragraphs=paragraphs,
    )
    app.jinja_env.globals.update(
        may=may,
        actor=current_actor,
        now=clock.now,
        this_day=clock.today,
        events_for=events_for,
        navigation_for=navigation_for,
    )
