"""The right to handovers, where a service can go, and which are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, LineTerms, LineTermsPlace, ServiceLine, ServiceLineCategory
from contracts.agreements.rules import AgreementStatus, Side
from contracts.handovers.models import Handover, HandoverCase
from contracts.handovers.rules import DECIDED_IN, HandoverStatus
from contracts.mobilisation.queries import side_of
from marketplace.access import Actor, Permission, Role
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.places.models import Place, PlaceWithin

_NEITHER = "There is no such handover, or it does not concern your organisation."


def _whole(path: Any) -> Any:
    return joinedload(path).options(
        joinedload(ServiceLine.agreement).options(joinedload(Agreement.supplier), joinedload(Agreement.commissioner)),
        selectinload(ServiceLine.categories),
        *agreements.with_terms(),
    )


_OPTIONS = (_whole(Handover.from_line), _whole(Handover.to_line), joinedload(Handover.planner))


def handover_for(actor: Actor, handover_id: int) -> Handover:
    """The handover, if one of its contracts concerns the actor's organisation; a draft is its commissioner's alone."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(select(Handover).where(Handover.id == handover_id, concerns(actor)).options(*_OPTIONS))
    if found is None:
        raise NotFound(_NEITHER)
    return found


def handover(handover_id: int) -> Handover:
    """A handover for the job that runs it."""
    return db.session.scalars(select(Handover).where(Handover.id == handover_id).options(*_OPTIONS)).one()


def concerns(actor: Actor) -> ColumnElement[bool]:
    """Which handovers concern this actor's organisation; until it is fixed, one is known to who leads it alone."""
    theirs = (
        exists()
        .where(ServiceLine.id.in_([Handover.from_line_id, Handover.to_line_id]))
        .where(ServiceLine.agreement_id == Agreement.id, agreements.theirs(actor))
    )
    led = (
        exists()
        .where(ServiceLine.id == Handover.from_line_id)
        .where(ServiceLine.agreement_id == Agreement.id, Agreement.commissioner_id == actor.organisation_id)
    )
    return and_(theirs, or_(Handover.agreed_at.is_not(None), led))


def held(handover_id: int) -> Handover:
    """The handover, held: whatever is done to it, or moved by it, is done one after the other."""
    return db.session.scalars(
        select(Handover)
        .where(Handover.id == handover_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def handovers_of(actor: Actor, agreement: Agreement) -> Sequence[Handover]:
    """The handovers out of and into a contract's services, latest first."""
    lines = [line.id for line in agreement.lines]
    return db.session.scalars(
        select(Handover)
        .where(or_(Handover.from_line_id.in_(lines), Handover.to_line_id.in_(lines)), concerns(actor))
        .options(*_OPTIONS)
        .order_by(Handover.id.desc())
    ).all()


def leads(actor: Actor, handover: Handover) -> bool:
    """Whether this actor manages, for its lead commissioner, the contract that is handed over.

    Both contracts had one lead when it was planned; should either change hands, this one still calls it off.
    """
    return side_of(actor, handover.from_line.agreement) is Side.COMMISSIONER


def leads_both(actor: Actor, one: Agreement, other: Agreement) -> bool:
    """Whether this actor manages both contracts for their lead commissioner."""
    return side_of(actor, one) is Side.COMMISSIONER and side_of(actor, other) is Side.COMMISSIONER


def may_decide(actor: Actor, handover: Handover) -> bool:
    """Whether this actor says which referral goes and which stays: who leads, and who delivers until then."""
    return handover.status in DECIDED_IN and may_see_cases(actor, handover)


def may_see_cases(actor: Actor, handover: Handover) -> bool:
    """Whether this actor sees the cases one by one, by reference: who leads, and who delivers until then."""
    delivers = Role.SERVICE_MANAGER in actor.roles and actor.organisation_id == handover.from_line.agreement.supplier_id
    return leads(actor, handover) or delivers


def next_services(actor: Actor, line: ServiceLine, on: date) -> Sequence[ServiceLine]:
    """The services that this one could be handed over to: of the same commissioner, with a kind of help and a place
    in common, signed, by title."""
    other_category, other_terms, other_place = (
        aliased(ServiceLineCategory),
        aliased(LineTerms),
        aliased(LineTermsPlace),
    )
    around = aliased(PlaceWithin)
    codes = [place.code for place in line.terms_on(on).places]
    return db.session.scalars(
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(
            ServiceLine.id != line.id,
            Agreement.commissioner_id == line.agreement.commissioner_id,
            Agreement.status == AgreementStatus.SIGNED,
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
            exists().where(
                other_category.line_id == ServiceLine.id,
                other_category.category_code.in_([one.code for one in line.categories]),
            ),
            exists().where(
                other_terms.line_id == ServiceLine.id,
                other_place.terms_id == other_terms.id,
                or_(
                    and_(around.inner_code == other_place.place_code, around.outer_code.in_(codes)),
                    and_(around.outer_code == other_place.place_code, around.inner_code.in_(codes)),
                ),
            ),
        )
        .options(joinedload(ServiceLine.agreement).joinedload(Agreement.supplier))
        .order_by(ServiceLine.title, ServiceLine.id)
    ).all()


def places_left_out(handover: Handover) -> Sequence[str]:
    """The places that the old service serves and the new one does not, whole, on the day."""
    old, new = (line.terms_on(handover.day).places for line in (handover.from_line, handover.to_line))
    inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code.in_([one.code for one in new]))
    return db.session.scalars(
        select(Place.name)
        .where(Place.code.in_([one.code for one in old]), Place.code.not_in(inside))
        .order_by(Place.name)
    ).all()


def handover_that_moved(new_referral_id: int) -> Handover | None:
    """The handover by which a referral came, if it was one."""
    return db.session.scalar(
        select(Handover)
        .join(HandoverCase, HandoverCase.handover_id == Handover.id)
        .where(HandoverCase.moved_to_id == new_referral_id)
        .options(*_OPTIONS)
    )


def to_be_run(on: date) -> Sequence[int]:
    """The keys of handovers whose day has come, that are under way, or that are being undone."""
    return db.session.scalars(
        select(Handover.id)
        .where(
            or_(
                and_(Handover.status == HandoverStatus.AGREED, Handover.day <= on),
                Handover.status.in_((HandoverStatus.UNDER_WAY, HandoverStatus.UNDOING)),
            )
        )
        .order_by(Handover.id)
    ).all()
