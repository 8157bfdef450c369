"""What is done about volumes: one action, lists of them, which are due, and who is written to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements.models import Agreement, ServiceLine
from contracts.volumes.models import VolumeAction, VolumeReview
from contracts.volumes.queries.lines import seen_by
from contracts.volumes.rules import ActionKind, ActionStatus
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation, Person, RoleGrant
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.places.models import PlaceWithin


class ActionOrder(StrEnum):
    """How a list of actions may be sorted."""

    FOLLOW_UP = "follow_up"
    NEWEST = "newest"
    TITLE = "title"

    @property
    def label(self) -> str:
        """The order in words."""
        return {ActionOrder.FOLLOW_UP: "Next to be followed up", ActionOrder.NEWEST: "Newest first"}.get(
            self, "Service"
        )


@dataclass(frozen=True)
class ActionFilter:
    """What a list of actions is narrowed to and how it is sorted; whatever is left out narrows nothing."""

    text: str = ""
    status: ActionStatus | None = None
    kind: ActionKind | None = None
    order: ActionOrder = ActionOrder.FOLLOW_UP


def action_for(actor: Actor, action_id: int) -> VolumeAction:
    """The action with its history, if the actor may see its service. Raises NotFound else."""
    found = db.session.scalar(
        _actions(actor)
        .where(VolumeAction.id == action_id)
        .options(
            selectinload(VolumeAction.reviews).joinedload(VolumeReview.person),
            joinedload(VolumeAction.decider),
            joinedload(VolumeAction.notice),
            joinedload(VolumeAction.alert),
        )
    )
    if found is None:
        raise NotFound("There is no such action, or it does not concern your organisation.")
    return found


def actions_of(line_id: int) -> Sequence[VolumeAction]:
    """All that was ever done about one line's volume, the latest first."""
    return db.session.scalars(
        select(VolumeAction)
        .where(VolumeAction.line_id == line_id)
        .order_by(VolumeAction.id.desc())
        .options(joinedload(VolumeAction.owner), selectinload(VolumeAction.reviews))
    ).all()


def actions(actor: Actor, narrowed: ActionFilter, *, number: int) -> Page[VolumeAction]:
    """One page of what is done about services that concern the actor's organisation."""
    asked = _narrowed(actor, narrowed)
    total = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    return Page(db.session.scalars(asked.offset(before(number)).limit(PAGE)).all(), total, number)


def every_action(actor: Actor, narrowed: ActionFilter) -> Iterator[VolumeAction]:
    """All of them, in order: for downloads."""
    yield from db.session.scalars(_narrowed(actor, narrowed).execution_options(yield_per=100))


def _narrowed(actor: Actor, narrowed: ActionFilter) -> Select[VolumeAction]:
    asked = _actions(actor).options(selectinload(VolumeAction.reviews))
    for word in narrowed.text.split():
        asked = asked.where(
            ServiceLine.title.icontains(word, autoescape=True) | Agreement.reference.icontains(word, autoescape=True)
        )
    if narrowed.status is not None:
        asked = asked.where(VolumeAction.status == narrowed.status)
    if narrowed.kind is not None:
        asked = asked.where(VolumeAction.kind == narrowed.kind)
    over = VolumeAction.status != ActionStatus.UNDER_WAY
    first: dict[ActionOrder, tuple[Any, ...]] = {
        ActionOrder.FOLLOW_UP: (over, VolumeAction.follow_up_on),
        ActionOrder.NEWEST: (),
        ActionOrder.TITLE: (ServiceLine.title,),
    }
    return asked.order_by(*first[narrowed.order], VolumeAction.id.desc())


def _actions(actor: Actor) -> Select[VolumeAction]:
    """The actions on services that the actor may see."""
    return (
        select(VolumeAction)
        .join(VolumeAction.line)
        .join(ServiceLine.agreement)
        .where(seen_by(actor))
        .options(
            joinedload(VolumeAction.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(VolumeAction.owner),
        )
    )


def actions_to_follow_up(on: date) -> Sequence[VolumeAction]:
    """Actions whose day has come."""
    return db.session.scalars(
        select(VolumeAction)
        .where(VolumeAction.status == ActionStatus.UNDER_WAY, VolumeAction.follow_up_on <= on)
        .order_by(VolumeAction.id)
        .options(joinedload(VolumeAction.line).joinedload(ServiceLine.agreement), joinedload(VolumeAction.owner))
    ).all()


def letters_wanted() -> Sequence[int]:
    """The keys of actions for which letters to officers are still to be written."""
    return db.session.scalars(
        select(VolumeAction.id)
        .where(
            VolumeAction.letters_wanted_at.is_not(None),
            VolumeAction.letters_written_at.is_(None),
            VolumeAction.status == ActionStatus.UNDER_WAY,
        )
        .order_by(VolumeAction.id)
    ).all()


def officers_around(line: ServiceLine, on: date) -> Sequence[Person]:
    """The officers who refer for a body that serves a place of the service, inside it or around it."""
    codes = [place.code for place in line.terms_on(on).places]
    around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code.in_(codes))
    inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code.in_(codes))
    refers = (
        select(RoleGrant.person_id)
        .join(Organisation, Organisation.id == RoleGrant.organisation_id)
        .where(RoleGrant.role == Role.RESPONSIBLE_OFFICER, Organisation.place_code.in_(around.union(inside)))
    )
    return db.session.scalars(select(Person).where(Person.id.in_(refers)).order_by(Person.id)).all()


def made_known(line_ids: Iterable[int]) -> set[int]:
    """Which of these lines somebody is making known now."""
    return set(
        db.session.scalars(
            select(VolumeAction.line_id).where(
                VolumeAction.line_id.in_(list(line_ids)),
                VolumeAction.kind == ActionKind.MARKET,
                VolumeAction.status == ActionStatus.UNDER_WAY,
            )
        )
    )
