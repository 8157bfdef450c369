"""What officers are told about a service before they refer somebody to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy import select

from contracts.referrals.models import LineNotice
from marketplace.extensions import db


def notices_of(line_ids: Iterable[int], on: date) -> dict[int, list[str]]:
    """The words shown on a day for each of these lines, the latest first; lines without any are left out."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = db.session.execute(
        select(LineNotice.line_id, LineNotice.words)
        .where(LineNotice.line_id.in_(list(line_ids)), LineNotice.ended_at.is_(None), LineNotice.until >= on)
        .order_by(LineNotice.id.desc())
    )
    for line_id, words in rows:
        found[line_id].append(words)
    return dict(found)
