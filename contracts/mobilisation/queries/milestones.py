"""Reads of milestones: those of a contract, and how ready the contracts of a body are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from contracts.agreements.models import Agreement, AgreementVersion
from contracts.agreements.queries import theirs
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.mobilisation.models import Milestone, MilestoneReport, Mobilisation, StaffMember
from contracts.mobilisation.rules import (
    LISTED_DAYS_AFTER_START,
    SETTLED,
    SOON_WORKING_DAYS,
    TO_DO,
    MilestoneStatus,
    Readiness,
    Tally,
    missing,
    readiness,
)
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.working_days import add_working_days


@dataclass(frozen=True)
class Ready:
    """How ready one contract is on a day."""

    agreement: Agreement
    tally: Tally
    readiness: Readiness
    missing: tuple[str, ...]


def milestones_of(agreement: Agreement) -> Sequence[Milestone]:
    """The contract's milestones by their day, those not needed last."""
    return db.session.scalars(
        select(Milestone)
        .where(Milestone.agreement_id == agreement.id)
        .options(selectinload(Milestone.reports))
        .order_by(Milestone.status == MilestoneStatus.DROPPED, Milestone.due_on, Milestone.id)
    ).all()


def milestone_for(actor: Actor, milestone_id: int) -> Milestone:
    """The milestone, if its contract concerns the actor's organisation. Raises NotFound else."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(Milestone)
        .join(Milestone.agreement)
        .where(Milestone.id == milestone_id, theirs(actor))
        .options(
            joinedload(Milestone.agreement).joinedload(Agreement.supplier),
            joinedload(Milestone.agreement).joinedload(Agreement.commissioner),
            selectinload(Milestone.reports).joinedload(MilestoneReport.person),
            selectinload(Milestone.reports).joinedload(MilestoneReport.judge),
        )
    )
    if found is None:
        raise NotFound("There is no such milestone.")
    return found


def is_begun(agreement: Agreement) -> bool:
    """Whether the usual milestones were made for this contract."""
    return db.session.get(Mobilisation, agreement.id) is not None


def contracts_to_mobilise(on: date) -> Sequence[int]:
    """Signed contracts that get ready and have no milestones yet, those that have begun before that among them."""
    return db.session.scalars(
        select(Agreement.id)
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
            _not_begun_to_mobilise(on),
        )
        .order_by(Agreement.id)
    ).all()


def _not_begun_to_mobilise(on: date) -> ColumnElement[bool]:
    """Contracts drawn from an award, without milestones, that are to come or begun lately, or were late to be signed.

    Whatever began long ago and was signed in time is at work, and gets ready no more.
    """
    first = AgreementVersion.number == 1
    signed_on = func.date(func.timezone("Europe/London", AgreementVersion.agreed_at))
    late = exists().where(
        AgreementVersion.agreement_id == Agreement.id,
        first,
        or_(AgreementVersion.agreed_at.is_(None), signed_on >= Agreement.starts_on),
    )
    return and_(
        Agreement.origin == Origin.AWARD,
        or_(Agreement.starts_on > on - timedelta(days=LISTED_DAYS_AFTER_START), late),
        ~exists().where(Mobilisation.agreement_id == Agreement.id),
    )


def milestones_to_remind(on: date) -> Sequence[Milestone]:
    """What its owner has still to do within five working days, or should have done by now, of signed contracts."""
    return db.session.scalars(
        select(Milestone)
        .join(Milestone.agreement)
        .where(
            Milestone.status.in_(TO_DO),
            Milestone.due_on <= add_working_days(on, 5),
            Agreement.status == AgreementStatus.SIGNED,
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
        )
        .options(joinedload(Milestone.agreement))
        .order_by(Milestone.agreement_id, Milestone.due_on, Milestone.id)
    ).all()


def readiness_of(agreement: Agreement, on: date) -> Ready:
    """How ready this contract is."""
    return _ready(Agreement.id == agreement.id, on)[0]


def ready_contracts(
    actor: Actor, *, on: date, text: str = "", standing: Readiness | None = None, number: int = 1
) -> Page[Ready]:
    """One page of the contracts that get ready, the gravest first, then by their start."""
    found = every_ready(actor, on=on, text=text, standing=standing)
    number = nearest_page(number, len(found))
    return Page(found[before(number) : before(number) + PAGE], len(found), number)


def every_ready(actor: Actor, *, on: date, text: str = "", standing: Readiness | None = None) -> list[Ready]:
    """All of them: contracts to come, those begun lately, those begun before that are not ready yet, and those that
    nobody has begun to get ready though they have begun, because they were signed late or are not signed yet.

    A body has some hundred at most: they are counted in one query and judged by the one rule, `rules.readiness`.
    """
    actor.must(Permission.SEE_CONTRACTS)
    begun = exists().where(Mobilisation.agreement_id == Agreement.id)
    one = aliased(Milestone)
    unsettled = exists().where(one.agreement_id == Agreement.id, one.status.not_in(SETTLED))
    wanted = and_(
        theirs(actor),
        Agreement.status != AgreementStatus.ABANDONED,
        or_(
            _not_begun_to_mobilise(on),
            and_(begun, or_(Agreement.starts_on > on - timedelta(days=LISTED_DAYS_AFTER_START), unsettled)),
        ),
        or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
    )
    for word in text.split():
        named = select(Organisation.id).where(Organisation.name.icontains(word, autoescape=True))
        wanted = and_(
            wanted,
            or_(
                Agreement.reference.icontains(word, autoescape=True),
                Agreement.title.icontains(word, autoescape=True),
                Agreement.supplier_id.in_(named),
                Agreement.commissioner_id.in_(named),
            ),
        )
    order = list(Readiness)
    found = [one for one in _ready(wanted, on) if standing is None or one.readiness is standing]
    return sorted(found, key=lambda one: (order.index(one.readiness), one.agreement.starts_on, one.agreement.id))


def _ready(wanted: ColumnElement[bool], on: date) -> list[Ready]:
    soon = add_working_days(on, SOON_WORKING_DAYS)
    to_do, ahead = Milestone.status.in_(TO_DO), Milestone.due_on >= on
    milestones = (
        select(
            Milestone.agreement_id,
            func.count().filter(Milestone.status != MilestoneStatus.DROPPED).label("milestones"),
            func.count().filter(Milestone.status.not_in(SETTLED)).label("open"),
            func.count().filter(to_do, Milestone.due_on < on).label("late"),
            func.count().filter(to_do, ahead, Milestone.due_on <= soon).label("soon"),
            func.count().filter(Milestone.status == MilestoneStatus.SENT_BACK, ahead).label("sent_back"),
            func.count().filter(Milestone.status == MilestoneStatus.DONE).label("unjudged"),
        )
        .join(Milestone.agreement)
        .where(wanted)
        .group_by(Milestone.agreement_id)
        .subquery()
    )
    cleared = and_(StaffMember.cleared_on <= on, or_(StaffMember.expires_on.is_(None), StaffMember.expires_on >= on))
    staff = (
        select(
            StaffMember.agreement_id,
            func.count().label("staff"),
            func.count(case((cleared, 1))).label("cleared"),
        )
        .join(StaffMember.agreement)
        .where(wanted, or_(StaffMember.left_on.is_(None), StaffMember.left_on > on))
        .group_by(StaffMember.agreement_id)
        .subquery()
    )
    names = ("milestones", "open", "late", "soon", "sent_back", "unjudged")
    rows = db.session.execute(
        select(
            Agreement,
            *(func.coalesce(milestones.c[name], 0) for name in names),
            func.coalesce(staff.c.staff, 0),
            func.coalesce(staff.c.cleared, 0),
        )
        .outerjoin(milestones, milestones.c.agreement_id == Agreement.id)
        .outerjoin(staff, staff.c.agreement_id == Agreement.id)
        .where(wanted)
        .options(joinedload(Agreement.supplier), joinedload(Agreement.commissioner))
    ).all()
    found = []
    for agreement, *counts in rows:
        tally = Tally(agreement.starts_on, agreement.status is AgreementStatus.SIGNED, *counts)
        found.append(Ready(agreement, tally, readiness(tally, on), missing(tally, on)))
    return found
