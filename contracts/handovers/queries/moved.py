"""Cases that move one by one: services elsewhere that could take somebody, and what an officer has moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, LineTerms, LineTermsPlace, ServiceLine, ServiceLineCategory
from contracts.referrals.models import Referral
from contracts.referrals.queries import sent_by
from contracts.referrals.rules import UNSENT, ReferralStatus, taken_on_by
from marketplace import clock
from marketplace.access import Actor
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.places.models import Place

# So many services are shown to choose from; more are found by typing a place or a name.
MOST_TO_CHOOSE = 20
_NOT_TAKEN_ON = UNSENT | {ReferralStatus.SENT}


@dataclass(frozen=True)
class MovedCase:
    """One referral of an officer that moved, and the one that goes on."""

    old: Referral
    new: Referral

    @property
    def moved_on(self) -> date:
        """The London day of the move."""
        assert self.old.ended_at is not None  # a constraint of the table
        return clock.london(self.old.ended_at).date()

    @property
    def due_on(self) -> date | None:
        """The last day on which it should be taken on (R92); None while it waits for a place."""
        return None if self.new.sent_at is None else taken_on_by(clock.london(self.new.sent_at).date())

    def is_late(self, on: date) -> bool:
        """Whether that day is over and it is not taken on."""
        return self.due_on is not None and self.due_on < on and self.new.status is ReferralStatus.SENT


def services_elsewhere(referral: Referral, text: str, on: date) -> Sequence[ServiceLine]:
    """Services that take referrals and give the same kind of help, but the present one: by title, the first of them.

    Each word typed stands in the title, the supplier's name or the name of a place served.
    """
    supplier = aliased(Organisation)
    asked = (
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .join(supplier, Agreement.supplier_id == supplier.id)
        .where(
            agreements.is_open(on),
            ServiceLine.id != referral.line_id,
            exists().where(
                ServiceLineCategory.line_id == ServiceLine.id,
                ServiceLineCategory.category_code == referral.category_code,
            ),
        )
        .options(
            contains_eager(ServiceLine.agreement).joinedload(Agreement.supplier),
            *agreements.with_terms(),
        )
    )
    for word in text.split():
        asked = asked.where(
            or_(
                ServiceLine.title.icontains(word, autoescape=True),
                supplier.name.icontains(word, autoescape=True),
                exists().where(
                    LineTerms.line_id == ServiceLine.id,
                    LineTermsPlace.terms_id == LineTerms.id,
                    Place.code == LineTermsPlace.place_code,
                    Place.name.icontains(word, autoescape=True),
                ),
            )
        )
    return db.session.scalars(asked.order_by(ServiceLine.title, ServiceLine.id).limit(MOST_TO_CHOOSE)).unique().all()


def moved_of(actor: Actor, *, text: str, waiting: bool, number: int) -> Page[MovedCase]:
    """One page of the officer's referrals that moved, latest first. `waiting`: those not taken on yet only."""
    asked = _moved(actor, text, waiting)
    total = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    rows = db.session.execute(asked.limit(PAGE).offset(before(number))).unique()
    return Page([MovedCase(row[0], row[1]) for row in rows], total, number)


def every_moved(actor: Actor, *, text: str, waiting: bool) -> Iterator[MovedCase]:
    """All of them: for downloads."""
    return (MovedCase(row[0], row[1]) for row in db.session.execute(_moved(actor, text, waiting)).unique())


def _moved(actor: Actor, text: str, waiting: bool) -> Select[Referral, Referral]:
    new = aliased(Referral)
    asked = (
        select(Referral, new)
        .join(new, new.moved_from_id == Referral.id)
        .where(sent_by(actor), new.move_undone_at.is_(None))
        .options(
            joinedload(Referral.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(new.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
        )
    )
    if waiting:
        asked = asked.where(new.status.in_(_NOT_TAKEN_ON))
    for word in text.split():
        asked = asked.where(
            or_(
                Referral.reference.icontains(word, autoescape=True),
                new.reference.icontains(word, autoescape=True),
                new.line.has(ServiceLine.title.icontains(word, autoescape=True)),
            )
        )
    return asked.order_by(Referral.ended_at.desc(), Referral.id.desc())
