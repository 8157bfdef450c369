"""Reads of variations: the right to them, who must approve, what they change and cost, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from flask import url_for
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import joinedload, selectinload

from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, AgreementFunder, AgreementVersion
from contracts.agreements.rules import Side, contract_year
from contracts.changes.models import Variation, VariationApproval
from contracts.changes.rules import TURN, Difference, Priced, Span, VariationStatus, differences, priced, varied
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.waiting import Waiting


@dataclass(frozen=True)
class Effect:
    """What a variation changes and what that costs, beside the contract as it is agreed now."""

    differences: list[Difference]
    priced: list[Priced]
    year: tuple[date, date]

    @property
    def whole_life_value(self) -> Decimal:
        """What the contract will be worth over its whole life, in pounds, at the planned bands."""
        return sum((one.life_after for one in self.priced), Decimal(0))


def variation_for(actor: Actor, variation_id: int) -> Variation:
    """The variation, if its contract concerns the actor's organisation. A draft is the commissioners' own.

    Raises NotFound else. A body that would only fund the contract from then on concerns it already.
    """
    actor.must(Permission.SEE_CONTRACTS)
    found = db.session.scalar(
        select(Variation)
        .join(Agreement, Variation.agreement_id == Agreement.id)
        .where(Variation.id == variation_id, agreements.theirs(actor))
        .options(
            selectinload(Variation.approvals).joinedload(VariationApproval.person),
            selectinload(Variation.approvals).joinedload(VariationApproval.organisation),
            joinedload(Variation.author),
        )
    )
    hidden = (VariationStatus.DRAFT, VariationStatus.AWAITING_APPROVAL)
    if found is None or (found.status in hidden and actor.is_supplier):
        raise NotFound("There is no such change, or it does not concern your organisation.")
    return found


def variations_of(actor: Actor, agreement: Agreement) -> Sequence[Variation]:
    """The contract's variations, latest first; for the supplier those that have come to it."""
    wanted = select(Variation).where(Variation.agreement_id == agreement.id).order_by(Variation.id.desc())
    if actor.is_supplier:
        wanted = wanted.where(Variation.status.not_in((VariationStatus.DRAFT, VariationStatus.AWAITING_APPROVAL)))
    return db.session.scalars(wanted).all()


def must_approve(variation: Variation) -> list[Organisation]:
    """Every body that funds the contract now or would from then on, each once."""
    found = {
        funder.organisation_id: funder.organisation
        for version in (variation.agreement.latest, variation.version)
        for funder in version.funders
    }
    return list(found.values())


def still_to_approve(variation: Variation) -> list[Organisation]:
    """Those that have not approved it as it stands."""
    done = {one.organisation_id for one in variation.present_approvals if one.approved}
    return [body for body in must_approve(variation) if body.id not in done]


def effect(variation: Variation) -> Effect:
    """What it changes and costs, against the version that it would follow."""
    agreement, new = variation.agreement, variation.version
    old = _before(variation)
    before = _spans(agreement, upto=old)
    after = varied(before, _span(new, new.in_force_from))
    year = contract_year(agreement.starts_on, new.in_force_from)
    return Effect(
        differences(agreements.terms(old), agreements.terms(new)),
        priced(before, after, starts_on=agreement.starts_on, year=year),
        year,
    )


def _before(variation: Variation) -> AgreementVersion:
    agreed = [
        one
        for one in variation.agreement.versions
        if one.agreed_at is not None and one.number < variation.version.number
    ]
    return agreed[-1]


def _spans(agreement: Agreement, *, upto: AgreementVersion) -> list[Span]:
    spans: list[Span] = []
    for version in agreement.versions:
        if version.agreed_at is not None and version.number <= upto.number:
            span = _span(version, version.in_force_from)
            spans = varied(spans, span) if spans else [span]
    return spans


def _span(version: AgreementVersion, first: date) -> Span:
    # A contract without a last day is priced for the year that it is varied in.
    last = version.ends_on or contract_year(version.agreement.starts_on, first + timedelta(days=365))[1]
    return Span(
        first,
        last,
        tuple(one.planned_annual_price or Decimal(0) for one in version.line_terms),
        tuple((funder.organisation.name, funder.percent) for funder in version.funders),
    )


def may_approve(actor: Actor, variation: Variation) -> bool:
    """Whether this person may decide for a funder that has not approved: never the author."""
    return (
        actor.may(Permission.APPROVE_CHANGES)
        and variation.status is VariationStatus.AWAITING_APPROVAL
        and variation.author_id != actor.person_id
        and actor.organisation_id in {body.id for body in still_to_approve(variation)}
    )


def turn_of(variation: Variation) -> Side | None:
    """Whose turn it is to sign."""
    return TURN.get(variation.status)


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Variations that wait for this person's approval or signature, and those sent back to their author."""
    if actor.organisation_id is None:
        return []
    asked = [
        (
            actor.may(Permission.SIGN_FOR_SUPPLIER) and actor.is_supplier,
            (Variation.status == VariationStatus.AWAITING_SUPPLIER, Agreement.supplier_id == actor.organisation_id),
            "Sign the change to",
        ),
        (
            actor.may(Permission.SIGN_FOR_COMMISSIONER),
            (
                Variation.status == VariationStatus.AWAITING_COMMISSIONER,
                Agreement.commissioner_id == actor.organisation_id,
            ),
            "Sign the change to",
        ),
        (
            actor.may(Permission.APPROVE_CHANGES),
            (
                Variation.status == VariationStatus.AWAITING_APPROVAL,
                Variation.author_id != actor.person_id,
                exists().where(
                    AgreementFunder.organisation_id == actor.organisation_id,
                    AgreementFunder.version_id == AgreementVersion.id,
                    AgreementVersion.agreement_id == Agreement.id,
                    or_(
                        AgreementVersion.id == Variation.version_id,
                        (AgreementVersion.agreed_at.is_not(None)) & (AgreementVersion.superseded_on.is_(None)),
                    ),
                ),
                ~exists().where(
                    VariationApproval.variation_id == Variation.id,
                    VariationApproval.round == Variation.round,
                    VariationApproval.organisation_id == actor.organisation_id,
                ),
            ),
            "Approve the change to",
        ),
        (
            actor.may(Permission.MANAGE_CONTRACTS),
            (
                Variation.status == VariationStatus.DRAFT,
                Variation.returned_reason.is_not(None),
                Variation.author_id == actor.person_id,
            ),
            "Sent back: the change to",
        ),
    ]
    found = []
    for may, where, words in asked:
        if not may:
            continue
        rows = db.session.execute(
            select(Variation.id, Agreement.reference)
            .join(Agreement, Variation.agreement_id == Agreement.id)
            .where(*where)
            .order_by(Variation.id)
        )
        found += [Waiting(f"{words} {reference}", url_for("changes.show", variation_id=key)) for key, reference in rows]
    return found
