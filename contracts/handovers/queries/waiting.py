"""Who is told of moves, and what waits for whom because of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from flask import url_for
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from contracts.agreements.models import Agreement, ServiceLine
from contracts.handovers.models import Handover, HandoverCase
from contracts.handovers.rules import HandoverStatus, late_if_moved_by
from contracts.referrals.models import Referral
from contracts.referrals.rules import ReferralStatus
from marketplace import clock
from marketplace.access import Actor, Permission, Role
from marketplace.accounts.models import Person
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.waiting import Waiting

_new = aliased(Referral)


def officers_moved(handover: Handover, *, and_undone: bool = False) -> Sequence[tuple[Person, int]]:
    """The officers some of whose referrals were moved by a handover, and how many; or also those moved back since."""
    still = [] if and_undone else [_new.move_undone_at.is_(None)]
    rows = db.session.execute(
        select(Person, func.count())
        .join(_new, _new.officer_id == Person.id)
        .join(HandoverCase, HandoverCase.moved_to_id == _new.id)
        .where(HandoverCase.handover_id == handover.id, *still)
        .group_by(Person.id)
        .order_by(Person.id)
    )
    return [(row[0], row[1]) for row in rows]


def not_taken_on() -> Sequence[tuple[ServiceLine, date, int]]:
    """Service, the day on which they came, and how many of those moved it has not answered yet.

    They came with the move; or, who first waited for a place there, when the officer took it.
    """
    moved_on = func.date(func.timezone("Europe/London", Referral.sent_at))
    rows = db.session.execute(
        select(ServiceLine, moved_on, func.count())
        .join(Referral, Referral.line_id == ServiceLine.id)
        .where(Referral.moved_from_id.is_not(None), Referral.status == ReferralStatus.SENT)
        .group_by(ServiceLine.id, moved_on)
        .order_by(ServiceLine.id, moved_on)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def moved_here(agreement: Agreement, on: date) -> tuple[int, int]:
    """How many people who were moved to a contract's services are not answered yet, and how many of them are late."""
    row = db.session.execute(
        select(func.count(), func.count().filter(Referral.sent_at < clock.ends(late_if_moved_by(on)))).where(
            Referral.moved_from_id.is_not(None),
            Referral.status == ReferralStatus.SENT,
            Referral.line_id.in_([line.id for line in agreement.lines]),
        )
    ).one()
    return row[0], row[1]


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Drafts to fix and runs that are halted, for who planned them; a handover to come, for who delivers until then;
    and how many of those moved are late to be taken on, for both."""
    if actor.organisation_id is None:
        return []
    on = clock.london(now).date()
    from_line, agreement = aliased(ServiceLine), aliased(Agreement)
    open_ones = (
        select(Handover, from_line.title)
        .join(from_line, Handover.from_line_id == from_line.id)
        .join(agreement, from_line.agreement_id == agreement.id)
    )
    found = []
    if actor.may(Permission.MANAGE_CONTRACTS):
        of_theirs = open_ones.where(agreement.commissioner_id == actor.organisation_id)
        drafts = of_theirs.where(Handover.status == HandoverStatus.DRAFT, Handover.planned_by == actor.person_id)
        halted = of_theirs.where(Handover.status == HandoverStatus.UNDER_WAY, Handover.halted.is_not(None))
        found += [_item("Fix or cancel the handover of", *row) for row in db.session.execute(drafts)]
        found += [_item("Nothing moves in the handover of", *row) for row in db.session.execute(halted)]
        found += _late(on, Agreement.commissioner_id == actor.organisation_id, delivers=False)
    if Role.SERVICE_MANAGER in actor.roles:
        coming = open_ones.where(
            agreement.supplier_id == actor.organisation_id, Handover.status == HandoverStatus.AGREED
        )
        found += [_item("Say who stays in the handover of", *row) for row in db.session.execute(coming)]
        found += _late(on, Agreement.supplier_id == actor.organisation_id, delivers=True)
    return found


def _item(words: str, handover: Handover, title: str) -> Waiting:
    return Waiting(f"{words} {title}", url_for("handovers.show", handover_id=handover.id))


def _late(on: date, whose: ColumnElement[bool], *, delivers: bool) -> list[Waiting]:
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, func.count())
        .select_from(Referral)
        .join(Referral.line)
        .join(ServiceLine.agreement)
        .where(
            Referral.moved_from_id.is_not(None),
            Referral.status == ReferralStatus.SENT,
            Referral.sent_at < clock.ends(late_if_moved_by(on)),
            whose,
        )
        .group_by(Agreement.id)
        .order_by(Agreement.id)
    )
    return [
        Waiting(
            f"{plural(count, 'person', 'people')} moved to {reference} should have been taken on by now",
            url_for("referrals.index", status=ReferralStatus.SENT.value)
            if delivers
            else url_for("handovers.index", agreement_id=key),
        )
        for key, reference, count in rows
    ]
