"""Reads of referrals. What is sealed is read by `sealed_words` alone, which checks the right to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import url_for
from sqlalchemy import BigInteger, ColumnElement, DateTime, and_, column, exists, false, func, or_, select, values
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import contract_year
from contracts.referrals.models import Referral, Session
from contracts.referrals.rules import COUNTING, OPEN, Attendance, ReferralStatus
from marketplace import clock
from marketplace.access import TABLE, Actor, Permission, Role
from marketplace.accounts.models import Person, RoleGrant
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.presentation import plural
from marketplace.waiting import Waiting

# So many sessions or referrals are named one by one on the home page; more are counted in one line.
NAMED = 5


@dataclass(frozen=True)
class SealedWords:
    """What is sealed about one referral, opened for somebody who may read it and whose look is on record."""

    crn: str
    need: str
    ended_reason: str | None
    # By the session's key.
    notes: Mapping[int, str]


def open_line(line_id: int, on: date) -> ServiceLine:
    """The service line, if it takes referrals on that day. Raises NotFound else."""
    is_open = (
        select(ServiceLine.id).join(ServiceLine.agreement).where(ServiceLine.id == line_id, agreements.is_open(on))
    )
    if db.session.scalar(is_open) is None:
        raise NotFound("There is no such service, or it does not take referrals now.")
    return agreements.line(line_id)


def starts(day: date) -> datetime:
    """The instant at which a day begins in London."""
    return clock.from_london(datetime.combine(day, time()))


def counted(line_id: int, first_day: date, last_day: date) -> int:
    """How many referrals sent in first_day..last_day (London days, both included) take a place on the line."""
    return counted_by_line({line_id: (first_day, last_day)})[line_id]


def counted_by_line(windows: Mapping[int, tuple[date, date]]) -> dict[int, int]:
    """For each line the referrals that take a place in its own window of days. One query for all."""
    found = dict.fromkeys(windows, 0)
    if windows:
        asked = values(
            column("line_id", BigInteger),
            column("since", DateTime(timezone=True)),
            column("until", DateTime(timezone=True)),
            name="asked",
        ).data([(line, starts(first), starts(last + timedelta(days=1))) for line, (first, last) in windows.items()])
        rows = db.session.execute(
            select(asked.c.line_id, func.count())
            .join(
                Referral,
                and_(
                    Referral.line_id == asked.c.line_id,
                    Referral.status.in_(COUNTING),
                    Referral.sent_at >= asked.c.since,
                    Referral.sent_at < asked.c.until,
                ),
            )
            .group_by(asked.c.line_id)
        )
        found.update((line, count) for line, count in rows)
    return found


def counted_by_day(line_id: int, first_day: date, last_day: date) -> dict[date, int]:
    """The referrals that take a place on the line, by the London day on which they were sent."""
    day = func.date(func.timezone("Europe/London", Referral.sent_at))
    rows = db.session.execute(
        select(day, func.count())
        .where(
            Referral.line_id == line_id,
            Referral.status.in_(COUNTING),
            Referral.sent_at >= starts(first_day),
            Referral.sent_at < starts(last_day + timedelta(days=1)),
        )
        .group_by(day)
    )
    return {row[0]: row[1] for row in rows}


def room(line: ServiceLine, on: date) -> int | None:
    """How many more people the line takes in the contract year of that day; None where no cap is recorded."""
    cap = line.terms_on(on).cap
    if cap is None:
        return None
    first, last = contract_year(line.agreement.starts_on, on)
    return max(cap - counted(line.id, first, last), 0)


def suppliers_with_somebody(supplier_ids: Sequence[int]) -> set[int]:
    """Which of these suppliers have a service manager here, so that somebody sees what is sent to them."""
    return set(
        db.session.scalars(
            select(RoleGrant.organisation_id)
            .where(RoleGrant.organisation_id.in_(supplier_ids), RoleGrant.role == Role.SERVICE_MANAGER)
            .distinct()
        )
    )


def _sent_by(actor: Actor) -> ColumnElement[bool]:
    """The officer who sent it, acting for the organisation for which it was sent."""
    if not actor.may(Permission.REFER):
        return false()
    return and_(Referral.officer_id == actor.person_id, Referral.officer_organisation_id == actor.organisation_id)


def _delivered_by(actor: Actor) -> ColumnElement[bool]:
    """The supplier's service managers, and the caseworker to whom it is assigned."""
    if not (actor.is_supplier and actor.may(Permission.DELIVER)):
        return false()
    of_supplier = Referral.line.has(ServiceLine.agreement.has(Agreement.supplier_id == actor.organisation_id))
    if Role.SERVICE_MANAGER in actor.roles:
        return of_supplier
    return and_(of_supplier, Referral.caseworker_id == actor.person_id)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Which referrals this actor may see at all: the officer who sent them, and those who deliver them."""
    return or_(_sent_by(actor), _delivered_by(actor))


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
        raise NotFound("There is no such referral, or it is not yours to see.")
    return found


def sealed_words(actor: Actor, referral_id: int) -> SealedWords:
    """What is sealed, for those who may see the referral. Called by `actions.look`, which puts the look on record."""
    row = db.session.execute(
        select(Referral.crn, Referral.need, Referral.ended_reason).where(Referral.id == referral_id, visible_to(actor))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such referral, or it is not yours to see.")
    notes = db.session.execute(
        select(Session.id, Session.note).where(Session.referral_id == referral_id, Session.note.is_not(None))
    )
    return SealedWords(row.crn, row.need, row.ended_reason, {row.id: row.note or "" for row in notes})


def session_for(actor: Actor, session_id: int, *, lock: bool = False) -> Session:
    """A session of a referral that this actor delivers; else NotFound."""
    asked = select(Session).where(Session.id == session_id, Session.referral.has(_delivered_by(actor)))
    if lock:
        asked = asked.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = db.session.scalar(asked)
    if found is None:
        raise NotFound("There is no such session, or it is not yours to record.")
    return found


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
        which.append(_has_news(actor))
    if fingerprint is not None:
        which.append(Referral.crn_fingerprint == fingerprint)
    total = db.session.scalar(select(func.count()).select_from(Referral).where(*which)) or 0
    number = nearest_page(number, total)
    found = db.session.scalars(
        select(Referral)
        .where(*which)
        .order_by(Referral.sent_at.desc(), Referral.id.desc())
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


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """What waits: new referrals for service managers, sessions to record for caseworkers, news for officers."""
    if not actor.may(Permission.SEE_REFERRALS):
        return []
    if actor.is_supplier:
        return _new_referrals(actor) + _sessions_to_record(actor, now)
    return _news_for_officer(actor)


def _new_referrals(actor: Actor) -> list[Waiting]:
    if Role.SERVICE_MANAGER not in actor.roles:
        return []
    count = db.session.scalar(
        select(func.count()).select_from(Referral).where(_delivered_by(actor), Referral.status == ReferralStatus.SENT)
    )
    if not count:
        return []
    words = f"{plural(count, 'new referral')} to accept or return"
    return [Waiting(words, url_for("referrals.index", status=ReferralStatus.SENT.value))]


def _sessions_to_record(actor: Actor, now: datetime) -> list[Waiting]:
    rows = db.session.execute(
        select(Session.id, Session.number, Session.starts_at, Referral.reference)
        .join(Session.referral)
        .where(
            Referral.caseworker_id == actor.person_id,
            _delivered_by(actor),
            Referral.status.in_(OPEN),
            Session.recorded_at.is_(None),
            Session.starts_at <= now,
        )
        .order_by(Session.starts_at)
    ).all()
    if len(rows) > NAMED:
        words = f"{len(rows):,} sessions to record"
        return [Waiting(words, url_for("referrals.index", mine="yes"), due=rows[0].starts_at)]
    return [
        Waiting(
            f"Record whether session {row.number} of {row.reference} was attended",
            url_for("referrals.session", session_id=row.id),
            due=row.starts_at,
        )
        for row in rows
    ]


def _has_news(actor: Actor) -> ColumnElement[bool]:
    """Which of an officer's referrals were returned, or had a session missed, since the officer last looked."""
    missed = exists().where(
        Session.referral_id == Referral.id,
        Session.attendance == Attendance.MISSED,
        _not_seen_since(Session.recorded_at),
    )
    return and_(
        _sent_by(actor),
        or_(
            and_(Referral.status == ReferralStatus.RETURNED, _not_seen_since(Referral.ended_at)),
            and_(Referral.status == ReferralStatus.ACCEPTED, missed),
        ),
    )


def _not_seen_since(moment: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    return or_(Referral.officer_looked_at.is_(None), Referral.officer_looked_at < moment)


def _news_for_officer(actor: Actor) -> list[Waiting]:
    rows = db.session.execute(
        select(Referral.id, Referral.reference, Referral.status).where(_has_news(actor)).order_by(Referral.id)
    ).all()
    if len(rows) > NAMED:
        words = f"{len(rows):,} referrals returned or with a session missed"
        return [Waiting(words, url_for("referrals.index", news="yes"))]
    return [
        Waiting(
            f"{row.reference} was returned by the supplier"
            if row.status is ReferralStatus.RETURNED
            else f"A session of {row.reference} was missed",
            url_for("referrals.show", referral_id=row.id),
        )
        for row in rows
    ]
