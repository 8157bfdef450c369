"""Reads of referrals. What is sealed is read by `sealed_words` alone, which checks the right to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, ServiceLine, Suspension
from contracts.referrals.models import Referral, ReferralOutcome, Session
from contracts.referrals.rules import OPEN, Attendance, ReferralStatus, still_read_if_ended
from marketplace import clock
from marketplace.access import TABLE, Actor, Permission, Role
from marketplace.accounts.models import Person, RoleGrant
from marketplace.errors import NotFound, Refused
from marketplace.extensions import db
from marketplace.outbox import Letter
from marketplace.paging import PAGE, Page, before, nearest_page

# `Referral.has_lapsed`, for lists; a test holds the two together.
LAPSED = and_(Referral.sent_at.is_(None), Referral.offer_ends_at <= Referral.ended_at)
NOT_YOURS = "There is no such referral, or it is not yours to see."


@dataclass(frozen=True)
class SealedWords:
    """What is sealed about one referral, opened for somebody who may read it and whose look is on record."""

    crn: str
    need: str
    ended_reason: str | None
    # By the session's key.
    notes: Mapping[int, str]


def open_line(line_id: int, on: date) -> ServiceLine:
    """The service line, if it takes referrals on that day. Raises NotFound else; Refused while it is suspended."""
    if not takes_referrals(line_id, on):
        if agreements.is_suspended(line_id, on):
            raise Refused("The commissioner has stopped new referrals to this service for now. Choose another service.")
        raise NotFound("There is no such service, or it does not take referrals now.")
    return agreements.line(line_id)


def takes_referrals(line_id: int, on: date) -> bool:
    """Whether the service line takes referrals on that day."""
    is_open = (
        select(ServiceLine.id).join(ServiceLine.agreement).where(ServiceLine.id == line_id, agreements.is_open(on))
    )
    return db.session.scalar(is_open) is not None


def suppliers_with_somebody(supplier_ids: Sequence[int]) -> set[int]:
    """Which of these suppliers have a service manager here, so that somebody sees what is sent to them."""
    return set(
        db.session.scalars(
            select(RoleGrant.organisation_id)
            .where(RoleGrant.organisation_id.in_(supplier_ids), RoleGrant.role == Role.SERVICE_MANAGER)
            .distinct()
        )
    )


def officers_with_open(agreement_id: int, line_id: int | None) -> Sequence[Person]:
    """The officers who have a referral open, or somebody waiting, on a line of the contract (None: on any)."""
    of_line = [ServiceLine.id == line_id] if line_id is not None else []
    officers = (
        select(Referral.officer_id)
        .join(ServiceLine, Referral.line_id == ServiceLine.id)
        .where(ServiceLine.agreement_id == agreement_id, Referral.status.in_(OPEN), *of_line)
    )
    return db.session.scalars(select(Person).where(Person.id.in_(officers)).order_by(Person.id)).all()


def stopped_key(suspension_id: int) -> str:
    """The key of the letters that tell officers that no new referrals are taken; each person's ends with their own."""
    return f"suspension:{suspension_id}:stopped"


def officers_to_tell_again(suspension: Suspension, on: date) -> Sequence[Person]:
    """The officers who were told of the stop, and have a referral open where nothing else stops referrals on a day."""
    lines = [suspension.line_id] if suspension.line_id else [line.id for line in suspension.agreement.lines]
    free = [line_id for line_id in lines if not agreements.is_suspended(line_id, on)]
    told = select(Letter.person_id).where(Letter.key.startswith(f"{stopped_key(suspension.id)}:"))
    officers = select(Referral.officer_id).where(Referral.line_id.in_(free), Referral.status.in_(OPEN))
    return db.session.scalars(
        select(Person).where(Person.id.in_(officers), Person.id.in_(told)).order_by(Person.id)
    ).all()


def sent_by(actor: Actor) -> ColumnElement[bool]:
    """The officer who sent it, acting for the organisation for which it was sent."""
    if not actor.may(Permission.REFER):
        return false()
    return and_(
        Referral.officer_id == actor.person_id,
        Referral.officer_organisation_id == actor.organisation_id,
        Referral.move_undone_at.is_(None),
    )


def delivered_by(actor: Actor) -> ColumnElement[bool]:
    """The supplier's service managers, and the caseworker to whom it is assigned; once it has been sent.

    After a referral has ended, its supplier reads it for a while, for its own records, and then no more: who does
    not work with a person has no need to know of them. One that came by a move which was undone is nobody's.
    """
    if not (actor.is_supplier and actor.may(Permission.DELIVER)):
        return false()
    of_supplier = and_(
        Referral.sent_at.is_not(None),
        Referral.move_undone_at.is_(None),
        or_(Referral.ended_at.is_(None), Referral.ended_at >= clock.begins(still_read_if_ended(clock.today()))),
        Referral.line.has(ServiceLine.agreement.has(Agreement.supplier_id == actor.organisation_id)),
    )
    if Role.SERVICE_MANAGER in actor.roles:
        return of_supplier
    return and_(of_supplier, Referral.caseworker_id == actor.person_id)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which referrals this actor may see at all: the officer who sent them, and those who deliver them."""
    return or_(sent_by(actor), delivered_by(actor))


def is_officer_of(actor: Actor, referral: Referral) -> bool:
    """Whether this actor sent the referral."""
    return (
        actor.may(Permission.REFER)
        and referral.officer_id == actor.person_id
        and referral.officer_organisation_id == actor.organisation_id
    )


def is_manager_of(actor: Actor, referral: Referral) -> bool:
    """Whether this actor manages the service that the referral was sent to."""
    return (
        actor.is_supplier
        and Role.SERVICE_MANAGER in actor.roles
        and referral.sent_at is not None
        and referral.line.agreement.supplier_id == actor.organisation_id
    )


def referral_for(actor: Actor, referral_id: int, *, lock: bool = False) -> Referral:
    """The referral, if this actor may see it, without what is sealed; else NotFound, as if there were none."""
    asked = select(Referral).where(Referral.id == referral_id, visible_to(actor))
    if lock:
        asked = asked.with_for_update(key_share=True).execution_options(populate_existing=True)
    else:
        asked = asked.options(
            joinedload(Referral.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(Referral.officer),
            joinedload(Referral.caseworker),
            joinedload(Referral.category),
            selectinload(Referral.outcomes),
            selectinload(Referral.sessions),
        )
    found = db.session.scalar(asked)
    if found is None:
        raise NotFound(NOT_YOURS)
    return found


def line_of(actor: Actor, referral_id: int) -> int:
    """The key of the line a referral was made to, if this actor may see the referral; else NotFound."""
    found = db.session.scalar(select(Referral.line_id).where(Referral.id == referral_id, visible_to(actor)))
    if found is None:
        raise NotFound(NOT_YOURS)
    return found


def sealed_words(actor: Actor, referral_id: int) -> SealedWords:
    """What is sealed, for those who may see the referral. Called by `actions.look`, which puts the look on record."""
    row = db.session.execute(
        select(Referral.crn, Referral.need, Referral.ended_reason).where(Referral.id == referral_id, visible_to(actor))
    ).one_or_none()
    if row is None:
        raise NotFound(NOT_YOURS)
    notes = db.session.execute(
        select(Session.id, Session.note).where(Session.referral_id == referral_id, Session.note.is_not(None))
    )
    return SealedWords(row.crn, row.need, row.ended_reason, {row.id: row.note or "" for row in notes})


def outcomes_reached(referral_id: int) -> dict[str, bool]:
    """By outcome, whether it was reached, where the service said so. For those who may see the referral."""
    rows = db.session.execute(
        select(ReferralOutcome.outcome_code, ReferralOutcome.reached).where(
            ReferralOutcome.referral_id == referral_id, ReferralOutcome.reached.is_not(None)
        )
    )
    return {row.outcome_code: bool(row.reached) for row in rows}


def session_for(actor: Actor, session_id: int, *, lock: bool = False) -> Session:
    """A session of a referral that this actor delivers; else NotFound."""
    asked = select(Session).where(Session.id == session_id, Session.referral.has(delivered_by(actor)))
    if lock:
        asked = asked.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = db.session.scalar(asked)
    if found is None:
        raise NotFound("There is no such session, or it is not yours to record.")
    return found


def may_be_recorded(referral: Referral, session: Session) -> bool:
    """Whether what became of a session can still be said: while the referral is accepted, and for what took place
    before it was moved on."""
    if referral.status is ReferralStatus.TRANSFERRED:
        return referral.ended_at is not None and session.starts_at <= referral.ended_at
    return referral.status is ReferralStatus.ACCEPTED


def has_attended(referral: Referral) -> bool:
    """Whether the person has come to a session of this referral, late or not."""
    came = (Attendance.ATTENDED, Attendance.LATE)
    found = select(Session.id).where(Session.referral_id == referral.id, Session.attendance.in_(came)).limit(1)
    return db.session.scalar(found) is not None


def was_worked_on(referral: Referral, by: datetime) -> bool:
    """Whether the person has come to a session, or may have: to one begun by then that is not recorded yet."""
    came = Session.attendance.in_((Attendance.ATTENDED, Attendance.LATE))
    may_have = and_(Session.recorded_at.is_(None), Session.starts_at <= by)
    found = select(Session.id).where(Session.referral_id == referral.id, or_(came, may_have)).limit(1)
    return db.session.scalar(found) is not None


def page_for(
    actor: Actor,
    *,
    status: ReferralStatus | None,
    mine: bool,
    number: int,
    news: bool = False,
    fingerprint: str | None = None,
) -> Page[Referral]:
    """One page of what this actor may see, latest first. `mine`: assigned to this caseworker.

    `news`: only what this officer should look at. `fingerprint`: of one person's case reference only.
    """
    which = [visible_to(actor)]
    if status is not None:
        which.append(Referral.status == status)
    if mine:
        which.append(Referral.caseworker_id == actor.person_id)
    if news:
        which.append(has_news(actor))
    if fingerprint is not None:
        which.append(Referral.crn_fingerprint == fingerprint)
    total = db.session.scalar(select(func.count()).select_from(Referral).where(*which)) or 0
    number = nearest_page(number, total)
    found = db.session.scalars(
        select(Referral)
        .where(*which)
        .order_by(func.coalesce(Referral.sent_at, Referral.joined_at).desc(), Referral.id.desc())
        .limit(PAGE)
        .offset(before(number))
        .options(
            joinedload(Referral.line).joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(Referral.caseworker),
            joinedload(Referral.category),
        )
    ).all()
    return Page(found, total, number)


def caseworkers(supplier_id: int) -> Sequence[Person]:
    """Who at the supplier can be given a referral: its caseworkers and service managers, by name."""
    return _holders(supplier_id, TABLE[Permission.DELIVER])


def service_managers(supplier_id: int) -> Sequence[Person]:
    """Who at the supplier receives new referrals, by name."""
    return _holders(supplier_id, {Role.SERVICE_MANAGER})


def _holders(organisation_id: int, roles: Collection[Role]) -> Sequence[Person]:
    holds = exists().where(
        RoleGrant.person_id == Person.id, RoleGrant.organisation_id == organisation_id, RoleGrant.role.in_(roles)
    )
    return db.session.scalars(select(Person).where(holds).order_by(Person.name, Person.id)).all()


def has_news(actor: Actor) -> ColumnElement[bool]:
    """Which of an officer's referrals were returned, moved, lapsed or had a session missed since they last looked."""
    missed = exists().where(
        Session.referral_id == Referral.id,
        Session.attendance == Attendance.MISSED,
        _not_seen_since(Session.recorded_at),
    )
    return and_(
        sent_by(actor),
        or_(
            and_(
                Referral.status.in_((ReferralStatus.RETURNED, ReferralStatus.TRANSFERRED)),
                _not_seen_since(Referral.ended_at),
            ),
            and_(Referral.status == ReferralStatus.WITHDRAWN, LAPSED, _not_seen_since(Referral.ended_at)),
            and_(Referral.status == ReferralStatus.ACCEPTED, missed),
        ),
    )


def _not_seen_since(moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    return or_(Referral.officer_looked_at.is_(None), Referral.officer_looked_at < moment)
