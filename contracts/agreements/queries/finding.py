"""Which contracts and service lines somebody may see, which are in force, and what comes with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.orm.strategy_options import _AbstractLoad

from calloffs.awards.models import Award
from calloffs.competitions.models import Competition
from contracts.agreements.models import (
    Agreement,
    AgreementFunder,
    AgreementVersion,
    LineTerms,
    LineTermsPlace,
    ServiceLine,
    Signature,
    Suspension,
)
from contracts.agreements.rules import (
    AgreementStatus,
)
from marketplace.access import Actor, Permission, Role
from marketplace.accounts.models import Organisation
from marketplace.audit import AuditEvent, events_for
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.places.models import PlaceWithin


def theirs(actor: Actor) -> ColumnElement[bool]:
    """Which contracts concern this actor's organisation.

    A supplier: its own. A commissioner: those it leads, and those it funds, has funded, or is asked to fund; its
    regional co-ordinator also those that serve a place inside (or around) the place the body serves. What a draft
    names that was never asked, or was dropped, concerns nobody.
    """
    organisation = actor.organisation
    version = aliased(AgreementVersion)
    agreed = or_(version.agreed_at.is_not(None), version.number == 1)
    asked = and_(version.asked_at.is_not(None), version.abandoned_at.is_(None))
    concerns = [
        Agreement.supplier_id == organisation,
        Agreement.commissioner_id == organisation,
        exists().where(
            AgreementFunder.agreement_id == Agreement.id,
            AgreementFunder.organisation_id == organisation,
            AgreementFunder.version_id == version.id,
            or_(agreed, asked),
        ),
    ]
    if Role.REGIONAL_COORDINATOR in actor.roles:
        # Not a condition on each contract but one list of them, made once.
        served = select(Organisation.place_code).where(Organisation.id == organisation).scalar_subquery()
        inside = select(PlaceWithin.inner_code).where(PlaceWithin.outer_code == served)
        around = select(PlaceWithin.outer_code).where(PlaceWithin.inner_code == served)
        concerns.append(
            Agreement.id.in_(
                select(ServiceLine.agreement_id)
                .join(LineTerms, LineTerms.line_id == ServiceLine.id)
                .join(version, version.id == LineTerms.version_id)
                .join(LineTermsPlace, LineTermsPlace.terms_id == LineTerms.id)
                .where(agreed, LineTermsPlace.place_code.in_(inside.union(around)))
            )
        )
    return or_(*concerns)


def agreement_for(actor: Actor, agreement_id: int) -> Agreement:
    """The contract, if it concerns the actor's organisation. Raises NotFound else, as if there were none."""
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(select(Agreement).where(Agreement.id == agreement_id, theirs(actor)).options(*whole()))
    if found is None:
        raise NotFound("There is no such contract, or it does not concern your organisation.")
    return found


# What a change or its giving up went through before it came to the supplier. It is kept with the change; what was
# written before it was, stands with the contract in a trail that is never altered.
_COMMISSIONERS_OWN = frozenset(
    {
        "Began to draft a change",
        "Changed the draft change",
        "Began to end the contract early",
        "Asked the funders to approve the change",
        "Approved the change",
        "Sent the change back",
        "Asked to abandon the contract",
        "Decided not to abandon the contract",
    }
)


def history(actor: Actor, agreement: Agreement) -> list[AuditEvent]:
    """What was done to the contract, latest first; for the supplier without what was the commissioners' own."""
    return [one for one in events_for(agreement) if not (actor.is_supplier and one.what in _COMMISSIONERS_OWN)]


def whole() -> list[ORMOption]:
    """What a contract's page, its terms and its PDF need, fetched at once."""
    return [
        joinedload(Agreement.supplier),
        joinedload(Agreement.commissioner),
        joinedload(Agreement.award).joinedload(Award.competition).joinedload(Competition.framework),
        selectinload(Agreement.lines).selectinload(ServiceLine.categories),
        selectinload(Agreement.lines).options(*with_terms()),
        selectinload(Agreement.versions).options(
            selectinload(AgreementVersion.funders).joinedload(AgreementFunder.organisation),
            selectinload(AgreementVersion.signatures).joinedload(Signature.organisation),
            selectinload(AgreementVersion.documents),
            selectinload(AgreementVersion.instalments),
        ),
        selectinload(Agreement.subcontractors),
        selectinload(Agreement.extension_options),
    ]


def with_terms() -> list[_AbstractLoad]:
    """For queries of service lines: what is agreed about each, in every version. Options of `ServiceLine`."""
    return [
        selectinload(ServiceLine.terms).options(
            joinedload(LineTerms.version),
            selectinload(LineTerms.bands),
            selectinload(LineTerms.places),
        )
    ]


def in_force(on: date) -> ColumnElement[bool]:
    """Whether a version of an agreement applies on a day. Nothing applies before the contract's start."""
    return and_(
        AgreementVersion.agreed_at.is_not(None),
        AgreementVersion.in_force_from <= on,
        or_(AgreementVersion.superseded_on.is_(None), AgreementVersion.superseded_on > on),
    )


def terms_in_force(on: date) -> Select[LineTerms]:
    """What is agreed on a day about any service line, for other queries to narrow or to join."""
    return select(LineTerms).join(LineTerms.version).where(in_force(on))


def line(line_id: int) -> ServiceLine:
    """The service line with its contract, supplier, categories, places and bands. Raises NotFound."""
    found = db.session.scalar(
        select(ServiceLine)
        .where(ServiceLine.id == line_id)
        .options(
            joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            joinedload(ServiceLine.agreement).joinedload(Agreement.commissioner),
            selectinload(ServiceLine.categories),
            *with_terms(),
        )
    )
    if found is None:
        raise NotFound("There is no such service.")
    return found


def is_open(on: date) -> ColumnElement[bool]:
    """Whether a service line (joined to its contract) takes referrals on a day: signed, in its dates, not suspended.

    First and last days count. For queries of other areas that choose among lines themselves.
    """
    return and_(
        Agreement.status == AgreementStatus.SIGNED,
        Agreement.starts_on <= on,
        or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on),
        ServiceLine.referrals_from <= on,
        terms_in_force(on)
        .where(
            LineTerms.line_id == ServiceLine.id,
            or_(LineTerms.referrals_until.is_(None), LineTerms.referrals_until >= on),
        )
        .exists(),
        ~suspensions_on(on).exists(),
    )


def suspended_lines(on: date) -> set[int]:
    """The service lines that take no referrals on a day because they, or their contracts, are suspended: few."""
    return set(db.session.scalars(select(ServiceLine.id).where(suspensions_on(on).exists())))


def suspensions_on(on: date) -> Select[Suspension]:
    """What stops referrals to a service line on a day: its own suspension or its contract's; for queries of lines."""
    return select(Suspension).where(
        _stops(ServiceLine),
        Suspension.from_on <= on,
        or_(Suspension.lifted_from.is_(None), Suspension.lifted_from > on),
    )


def is_suspended(line_id: int, on: date) -> bool:
    """Whether referrals to the service line are stopped on that day."""
    found = select(ServiceLine.id).where(ServiceLine.id == line_id, suspensions_on(on).exists())
    return db.session.scalar(found) is not None


def taken_again_on(line_id: int, since: date) -> date | None:
    """The last day on which referrals to the line were taken again after a suspension that ended after `since`."""
    return db.session.scalar(
        select(func.max(Suspension.lifted_from))
        .join(ServiceLine, _stops(ServiceLine))
        .where(ServiceLine.id == line_id, Suspension.lifted_from > since, Suspension.lifted_from > Suspension.from_on)
    )


def _stops(line: type[ServiceLine]) -> ColumnElement[bool]:
    return and_(
        Suspension.agreement_id == line.agreement_id, or_(Suspension.line_id.is_(None), Suspension.line_id == line.id)
    )


def open_lines(on: date) -> Sequence[ServiceLine]:
    """Every service line that takes referrals on a day, with its contract, supplier, categories and places."""
    return db.session.scalars(
        select(ServiceLine)
        .join(ServiceLine.agreement)
        .where(is_open(on))
        .options(
            joinedload(ServiceLine.agreement).joinedload(Agreement.supplier),
            selectinload(ServiceLine.categories),
            *with_terms(),
        )
        .order_by(ServiceLine.id)
    ).all()
