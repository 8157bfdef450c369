"""Reads of agreements: the one query that gives a contract to whom it concerns, lists, lines, and the terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from flask import url_for
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.orm.strategy_options import _AbstractLoad

from calloffs.awards.models import Award
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import CompetitionStatus
from contracts.agreements.models import (
    Agreement,
    AgreementDocument,
    AgreementFunder,
    AgreementVersion,
    LineTerms,
    LineTermsPlace,
    ServiceLine,
)
from contracts.agreements.rules import (
    PAYMENT,
    TURN,
    AgreementStatus,
    BandTerm,
    DocumentStatus,
    FunderTerm,
    LineTerm,
    Origin,
    Party,
    Side,
    Standing,
    Terms,
    figures,
    terms_digest,
    terms_from,
)
from marketplace.access import Actor, Permission, Role
from marketplace.accounts.models import Organisation
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.places.models import PlaceWithin
from marketplace.waiting import Waiting


class Order(StrEnum):
    """How a list of contracts may be sorted."""

    NEWEST = "newest"
    REFERENCE = "reference"
    SUPPLIER = "supplier"
    STARTS = "starts"
    ENDS = "ends"

    @property
    def label(self) -> str:
        """The order in words."""
        return {
            Order.NEWEST: "Newest first",
            Order.REFERENCE: "Reference",
            Order.SUPPLIER: "Supplier",
            Order.STARTS: "Start date",
            Order.ENDS: "End date, soonest first",
        }[self]


@dataclass(frozen=True)
class Filter:
    """What a list of contracts is narrowed to and how it is sorted."""

    text: str = ""
    standing: Standing | None = None
    origin: Origin | None = None
    order: Order = Order.NEWEST


def theirs(actor: Actor) -> ColumnElement[bool]:
    """Which contracts concern this actor's organisation.

    A supplier: its own. A commissioner: those it leads or funds; its regional co-ordinator also those that serve a
    place inside (or around) the place the body serves.
    """
    organisation = actor.organisation
    concerns = [
        Agreement.supplier_id == organisation,
        Agreement.commissioner_id == organisation,
        exists().where(AgreementFunder.agreement_id == Agreement.id, AgreementFunder.organisation_id == organisation),
    ]
    if Role.REGIONAL_COORDINATOR in actor.roles:
        within = aliased(PlaceWithin)
        concerns.append(
            exists().where(
                ServiceLine.agreement_id == Agreement.id,
                LineTerms.line_id == ServiceLine.id,
                LineTermsPlace.terms_id == LineTerms.id,
                Organisation.id == organisation,
                or_(
                    and_(within.inner_code == LineTermsPlace.place_code, within.outer_code == Organisation.place_code),
                    and_(within.outer_code == LineTermsPlace.place_code, within.inner_code == Organisation.place_code),
                ),
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
            selectinload(AgreementVersion.signatures),
            selectinload(AgreementVersion.documents),
        ),
        selectinload(Agreement.subcontractors),
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


def agreements(actor: Actor, narrowed: Filter, *, number: int, on: date) -> Page[Agreement]:
    """One page of the contracts that concern the actor."""
    matching = _matching(actor, narrowed, on)
    total = db.session.scalar(select(func.count()).select_from(matching.order_by(None).subquery())) or 0
    number = nearest_page(number, total)
    rows = db.session.scalars(matching.offset(before(number)).limit(PAGE)).all()
    return Page(rows, total, number)


def every_agreement(actor: Actor, narrowed: Filter, *, on: date) -> Iterator[Agreement]:
    """All contracts that concern the actor, in order, a hundred at a time: for downloads."""
    yield from db.session.scalars(_matching(actor, narrowed, on).execution_options(yield_per=100))


def _matching(actor: Actor, narrowed: Filter, on: date) -> Select[Agreement]:
    actor.must(Permission.SEE_CONTRACTS)
    supplier, commissioner = aliased(Organisation), aliased(Organisation)
    query = (
        select(Agreement)
        .join(supplier, Agreement.supplier_id == supplier.id)
        .join(commissioner, Agreement.commissioner_id == commissioner.id)
        .where(theirs(actor))
        .options(
            joinedload(Agreement.supplier),
            joinedload(Agreement.commissioner),
            selectinload(Agreement.lines).options(*with_terms()),
            selectinload(Agreement.lines).selectinload(ServiceLine.categories),
        )
    )
    for word in narrowed.text.split():
        query = query.where(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (Agreement.reference, Agreement.title, supplier.name, commissioner.name)
                )
            )
        )
    if narrowed.origin is not None:
        query = query.where(Agreement.origin == narrowed.origin)
    if narrowed.standing is not None:
        query = query.where(_standing(narrowed.standing, on))
    keys = {
        Order.NEWEST: (Agreement.id.desc(),),
        Order.REFERENCE: (Agreement.reference,),
        Order.SUPPLIER: (supplier.name, Agreement.reference),
        Order.STARTS: (Agreement.starts_on, Agreement.id),
        Order.ENDS: (Agreement.ends_on.asc().nulls_last(), Agreement.id),
    }
    return query.order_by(*keys[narrowed.order])


def _standing(standing: Standing, on: date) -> ColumnElement[bool]:
    """The rule `standing_of` for lists; a test holds the two together."""
    signed = Agreement.status == AgreementStatus.SIGNED
    return {
        Standing.AWAITING_SIGNATURE: ~signed,
        Standing.NOT_BEGUN: and_(signed, Agreement.starts_on > on),
        Standing.IN_FORCE: and_(
            signed, Agreement.starts_on <= on, or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on)
        ),
        Standing.ENDED: and_(signed, Agreement.starts_on <= on, Agreement.ends_on < on),
    }[standing]


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
    """Whether a service line (joined to its contract) takes referrals on a day: signed, and within its dates.

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


def awards_to_draw(now: datetime, *, organisation_id: int | None = None) -> Sequence[Award]:
    """Awards whose standstill is over and from which no contract is drawn yet, oldest first.

    All of them, or those of competitions that one body leads.
    """
    query = (
        select(Award)
        .join(Award.competition)
        .outerjoin(Agreement, Agreement.award_id == Award.id)
        .where(
            Award.approved_at.is_not(None),
            Award.standstill_ends_at <= now,
            Competition.status == CompetitionStatus.AWARD_DECIDED,
            Agreement.id.is_(None),
        )
        .options(joinedload(Award.competition), joinedload(Award.supplier))
        .order_by(Award.standstill_ends_at, Award.id)
    )
    if organisation_id is not None:
        query = query.where(Competition.organisation_id == organisation_id)
    return db.session.scalars(query).all()


def award_to_draw(actor: Actor, award_id: int) -> Award:
    """The award, if it is of a competition the actor's organisation leads. Raises NotFound else."""
    found = db.session.scalar(
        select(Award)
        .join(Award.competition)
        .where(Award.id == award_id, Competition.organisation_id == actor.organisation)
    )
    if found is None:
        raise NotFound("There is no such award.")
    return found


def waiting_documents() -> Sequence[int]:
    """The keys of documents that wait to be made, oldest first."""
    return db.session.scalars(
        select(AgreementDocument.id)
        .where(AgreementDocument.status == DocumentStatus.WAITING)
        .order_by(AgreementDocument.id)
    ).all()


def terms(version: AgreementVersion) -> Terms:
    """What both sides sign, or have signed: as kept at the first signature; until then as it stands."""
    if version.signed_terms is not None:
        return terms_from(version.signed_terms)
    return _terms_as_they_stand(version)


def _terms_as_they_stand(version: AgreementVersion) -> Terms:
    agreement = version.agreement
    competition = agreement.award.competition if agreement.award else None
    return Terms(
        reference=agreement.reference,
        framework=competition.framework.name if competition else "",
        competition=competition.reference if competition else "",
        title=agreement.title,
        supplier=_party(agreement.supplier),
        commissioner=_party(agreement.commissioner),
        funders=tuple(FunderTerm(funder.organisation.name, funder.percent) for funder in version.funders),
        starts_on=agreement.starts_on,
        ends_on=version.ends_on,
        whole_life_value=version.whole_life_value,
        payment=PAYMENT if agreement.origin is Origin.AWARD else "",
        specification=agreement.specification,
        equality_commitments=agreement.equality_commitments or "",
        lines=tuple(_line_terms(one) for one in sorted(version.line_terms, key=lambda one: one.line.number)),
        version=version.number if version.number > 1 else None,
        in_force_from=version.in_force_from if version.number > 1 else None,
    )


def is_as_signed(version: AgreementVersion) -> bool:
    """Whether what was signed is what everybody signed, and no figure of the version has changed since."""
    signed = terms(version)
    digest = terms_digest(signed)
    return all(one.digest == digest for one in version.signatures) and (
        figures(signed) == figures(_terms_as_they_stand(version))
    )


def _party(organisation: Organisation) -> Party:
    return Party(organisation.name, organisation.company_number, organisation.charity_number)


def _line_terms(agreed: LineTerms) -> LineTerm:
    line = agreed.line
    return LineTerm(
        number=line.number,
        title=line.title,
        categories=tuple(sorted(category.name for category in line.categories)),
        places=tuple(sorted(f"{place.name} ({place.code})" for place in agreed.places)),
        open_to_women=line.open_to_women,
        open_to_men=line.open_to_men,
        minimum_age=line.minimum_age,
        maximum_age=line.maximum_age,
        referrals_from=line.referrals_from,
        referrals_until=agreed.referrals_until,
        volume_kind=agreed.volume_kind.value if agreed.volume_kind else None,
        planned_band=agreed.planned_band,
        bands=tuple(BandTerm(band.number, band.low, band.high, band.annual_price) for band in agreed.bands),
    )


def side_of(actor: Actor, agreement: Agreement) -> Side | None:
    """The side for which this actor may sign this contract; None if for neither."""
    if actor.may(Permission.SIGN_FOR_SUPPLIER) and actor.organisation_id == agreement.supplier_id:
        return Side.SUPPLIER
    if actor.may(Permission.SIGN_FOR_COMMISSIONER) and actor.organisation_id == agreement.commissioner_id:
        return Side.COMMISSIONER
    return None


def turn_of(agreement: Agreement) -> Side | None:
    """Whose turn it is to sign; None once both sides have."""
    return TURN.get(agreement.status)


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Contracts that wait for this person's signature."""
    if actor.organisation_id is None:
        return []
    turns = []
    if actor.may(Permission.SIGN_FOR_SUPPLIER):
        turns.append(
            and_(Agreement.status == AgreementStatus.AWAITING_SUPPLIER, Agreement.supplier_id == actor.organisation_id)
        )
    if actor.may(Permission.SIGN_FOR_COMMISSIONER):
        turns.append(
            and_(
                Agreement.status == AgreementStatus.AWAITING_COMMISSIONER,
                Agreement.commissioner_id == actor.organisation_id,
            )
        )
    if not turns:
        return []
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, Agreement.title).where(or_(*turns)).order_by(Agreement.id)
    ).all()
    return [
        Waiting(f"Sign contract {reference}: {title}", url_for("agreements.sign", agreement_id=agreement_id))
        for agreement_id, reference, title in rows
    ]
