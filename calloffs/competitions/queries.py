"""Call-offs: which rows a person may see, the public notices, and what waits."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from flask import url_for
from flask_sqlalchemy.pagination import Pagination
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import joinedload, selectinload

from calloffs.competitions import rules
from calloffs.competitions.models import Competition, CompetitionPlace, FunderShare, Invitation
from calloffs.competitions.rules import CompetitionStatus, Stage
from marketplace import clock
from marketplace.access import TABLE, Actor, Permission
from marketplace.accounts.models import Person, RoleGrant
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import paginate
from marketplace.places.models import PlaceWithin
from marketplace.waiting import Waiting


def competition_for(actor: Actor, competition_id: int) -> Competition:
    """The call-off, for its lead body and for the bodies that fund it with it (who may only read it)."""
    return _one(
        _whole().where(
            Competition.id == competition_id, or_(_led_by(actor.organisation), _funded_by(actor.organisation))
        )
    )


def own_competition(actor: Actor, competition_id: int) -> Competition:
    """The call-off, for its lead body only: whoever means to change something about it."""
    return _one(_whole().where(Competition.id == competition_id, _led_by(actor.organisation)))


def draft_from_plan(actor: Actor, plan_id: int) -> Competition:
    """The draft that this person has begun from a plan."""
    return _one(
        _whole().where(
            Competition.plan_id == plan_id,
            Competition.author_id == actor.person,
            Competition.status == CompetitionStatus.DRAFT,
            _led_by(actor.organisation),
        )
    )


def public_competition(competition_id: int) -> Competition:
    """The call-off as anyone may see it: from its publication on, whatever became of it."""
    return _one(_whole().where(Competition.id == competition_id, Competition.published_at.is_not(None)))


def competitions_of(actor: Actor, *, stage: Stage | None, now: datetime, page: int = 1) -> Pagination:
    """The call-offs that the body acted for leads or funds, latest first, perhaps at one stage."""
    wanted = _listed().where(or_(_led_by(actor.organisation), _funded_by(actor.organisation)))
    if stage is not None:
        wanted = wanted.where(at_stage(stage, now))
    return paginate(wanted.order_by(Competition.id.desc()), page)


def notices(
    *, now: datetime, stage: Stage = Stage.OPEN, category_code: str | None, place_code: str | None, page: int = 1
) -> Pagination:
    """Published call-offs at a stage, soonest deadline first.

    An area finds call-offs inside it and those that cover it.
    """
    wanted = _listed().where(Competition.published_at.is_not(None), at_stage(stage, now))
    if category_code:
        wanted = wanted.where(Competition.category_code == category_code)
    if place_code:
        wanted = wanted.where(
            exists()
            .where(CompetitionPlace.competition_id == Competition.id)
            .where(
                or_(
                    and_(PlaceWithin.inner_code == CompetitionPlace.place_code, PlaceWithin.outer_code == place_code),
                    and_(PlaceWithin.outer_code == CompetitionPlace.place_code, PlaceWithin.inner_code == place_code),
                )
            )
        )
    return paginate(wanted.order_by(Competition.closes_at, Competition.id), page)


def at_stage(stage: Stage, now: datetime) -> ColumnElement[bool]:
    """`rules.stage_of` as a condition, for lists that are cut into pages; a test holds the two together."""
    status, closes, ends = Competition.status, Competition.closes_at, Competition.standstill_ends_at
    published, decided = status == CompetitionStatus.PUBLISHED, status == CompetitionStatus.AWARD_DECIDED
    conditions: dict[Stage, ColumnElement[bool]] = {
        Stage.OPEN: and_(published, closes > now),
        Stage.CLOSED: and_(published, closes <= now),
        Stage.STANDSTILL: and_(decided, or_(ends.is_(None), ends > now)),
        Stage.AWARDED: and_(decided, ends <= now),
    }
    return conditions[stage] if stage in conditions else status == CompetitionStatus(stage.value)


def open_ids(now: datetime) -> Sequence[int]:
    """The keys of all call-offs that take bids at this moment."""
    return db.session.scalars(select(Competition.id).where(at_stage(Stage.OPEN, now)).order_by(Competition.id)).all()


def invitation(competition_id: int, organisation_id: int) -> Invitation | None:
    """The supplier's invitation to this call-off, if it has one."""
    return db.session.scalar(
        select(Invitation).where(
            Invitation.competition_id == competition_id, Invitation.organisation_id == organisation_id
        )
    )


def invited(competition_id: int) -> Sequence[Invitation]:
    """Everyone invited, by name."""
    return sorted(
        db.session.scalars(
            select(Invitation)
            .where(Invitation.competition_id == competition_id)
            .options(joinedload(Invitation.organisation))
        ),
        key=lambda one: one.organisation.name,
    )


def people_of(organisation_ids: Collection[int], permission: Permission) -> Sequence[Person]:
    """Everyone who holds the permission for any of these organisations, in one query."""
    if not organisation_ids:
        return []
    granted = exists().where(
        RoleGrant.person_id == Person.id,
        RoleGrant.organisation_id.in_(organisation_ids),
        RoleGrant.role.in_(TABLE[permission]),
    )
    return db.session.scalars(select(Person).where(granted).order_by(Person.id)).all()


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Approvals that wait for this person, and drafts that this person began."""
    mine: list[ColumnElement[bool]] = []
    if actor.may(Permission.APPROVE_COMPETITION):
        mine.append(
            and_(
                Competition.status == CompetitionStatus.AWAITING_APPROVAL,
                Competition.author_id != actor.person,
            )
        )
    if actor.may(Permission.DRAFT_COMPETITION):
        mine.append(and_(Competition.status == CompetitionStatus.DRAFT, Competition.author_id == actor.person))
    if not mine:
        return []
    found = db.session.scalars(select(Competition).where(_led_by(actor.organisation), or_(*mine)).limit(50))
    items = []
    for one in found:
        if one.status is CompetitionStatus.AWAITING_APPROVAL:
            url = url_for("competitions.decide", competition_id=one.id)
            items.append(Waiting(f"Approve the call-off “{one.title}”, or send it back", url, one.closes_at))
        else:
            words = "Change the call-off that was sent back" if one.returned_reason else "Finish the draft call-off"
            items.append(Waiting(f"{words}: “{one.title}”", url_for("competitions.draft", competition_id=one.id)))
    return items


def warnings(competition: Competition, *, qualified: int, now: datetime) -> list[str]:
    """What the author and the approver should think about before it is published: of the plan it started from, if it
    rests on needs data that is not published or old, or its budget is under the calculated cost (R45, R48); and of
    itself. `qualified`: how many suppliers can bid today.
    """
    planned = competition.plan_version
    return [
        *(planned.warnings(clock.london(now).date()) if planned else [rules.WITHOUT_PLAN]),
        *rules.warnings(competition.requirement, qualified=qualified, now=now),
    ]


def _led_by(organisation_id: int) -> ColumnElement[bool]:
    return Competition.organisation_id == organisation_id


def _funded_by(organisation_id: int) -> ColumnElement[bool]:
    return and_(
        exists().where(FunderShare.competition_id == Competition.id, FunderShare.organisation_id == organisation_id),
        # A draft is its author's; co-commissioners are shown what goes to approval.
        Competition.status != CompetitionStatus.DRAFT,
    )


def _listed() -> Select[Competition]:
    return select(Competition).options(
        joinedload(Competition.category), joinedload(Competition.organisation), selectinload(Competition.places)
    )


def _whole() -> Select[Competition]:
    return _listed().options(
        joinedload(Competition.framework),
        joinedload(Competition.author),
        joinedload(Competition.approver),
        selectinload(Competition.bands),
        selectinload(Competition.questions),
        selectinload(Competition.funders).joinedload(FunderShare.organisation),
    )


def _one(wanted: Select[Competition]) -> Competition:
    found = db.session.scalar(wanted)
    if found is None:
        raise NotFound("There is no such call-off, or it is not yours to see.")
    return found
