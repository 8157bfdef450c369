"""Reads of variations: the right to them, who must approve, what they change and cost, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from flask import url_for
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import joinedload, selectinload

from calloffs.competitions.rules import Instrument
from contracts.agreements import queries as agreements
from contracts.agreements.models import Agreement, AgreementFunder, AgreementVersion
from contracts.agreements.rules import Side, contract_year
from contracts.agreements.rules.comparing import Difference
from contracts.changes.models import Variation, VariationApproval
from contracts.changes.rules import (
    OPEN,
    TURN,
    Payer,
    Priced,
    Purpose,
    Span,
    VariationStatus,
    grant_priced,
    granted,
    priced,
    varied,
)
from marketplace import clock
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
        return sum(self.owed.values(), Decimal(0))

    @property
    def owed(self) -> dict[int, Decimal]:
        """What each body will pay over the whole life, by its key: those that pay no more, what they owed till then."""
        return {one.payer.id: one.life_after for one in self.priced}


def variation_for(actor: Actor, variation_id: int) -> Variation:
    """The variation, if its contract concerns the actor's organisation. A draft is its commissioners' own.

    Raises NotFound else. A body that would only fund the contract from then on concerns it once it is asked.
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
    if found is None or not is_shown_to(actor, found):
        raise NotFound("There is no such change, or it does not concern your organisation.")
    return found


def variations_of(actor: Actor, agreement: Agreement) -> Sequence[Variation]:
    """The contract's variations, latest first; for all but those who decide them those that came to the supplier."""
    found = db.session.scalars(
        select(Variation).where(Variation.agreement_id == agreement.id).order_by(Variation.id.desc())
    )
    return [one for one in found if is_shown_to(actor, one)]


def is_shown_to(actor: Actor, variation: Variation) -> bool:
    """Whether somebody whom the contract concerns sees this change.

    Until it comes to the supplier it is shown to whoever leads the contract, pays for it or would pay: not to bodies
    that have paid for it once, or whose place it serves.
    """
    deciding = {variation.agreement.commissioner_id, *(body.id for body in must_approve(variation))}
    return not variation.is_with_commissioner or actor.organisation_id in deciding


def is_being_changed(agreement: Agreement) -> bool:
    """Whether a change to the contract is under way."""
    found = select(Variation.id).where(Variation.agreement_id == agreement.id, Variation.status.in_(OPEN))
    return db.session.scalar(found) is not None


def is_varied(agreement: Agreement) -> bool:
    """Whether both sides have agreed other terms than the first, perhaps for a day to come."""
    found = select(AgreementVersion.id).where(
        AgreementVersion.agreement_id == agreement.id,
        AgreementVersion.number > 1,
        AgreementVersion.agreed_at.is_not(None),
    )
    return db.session.scalar(found.limit(1)) is not None


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
    # What an extension costs begins after the old last day.
    first = new.in_force_from
    if variation.purpose is Purpose.EXTENSION and old.ends_on is not None:
        first = old.ends_on + timedelta(days=1)
    year = contract_year(agreement.starts_on, first)
    prices = (
        grant_priced((before, _parts(old)), (after, _parts(new)), year=year)
        if agreement.instrument is Instrument.GRANT
        else priced(before, after, starts_on=agreement.starts_on, year=year)
    )
    return Effect(agreements.what_changes(old, new), prices, year)


def _parts(version: AgreementVersion) -> list[tuple[date, Decimal]]:
    """A grant's instalments by the day on which they were accepted or are expected; what has none yet, by its last."""
    agreement = version.agreement
    accepted = {
        one.number: clock.london(one.accepted_at).date() for one in agreement.instalments if one.accepted_at is not None
    }
    found = [
        (max(accepted.get(one.number, one.due_on), agreement.starts_on), one.amount) for one in version.instalments
    ]
    left = (version.whole_life_value or Decimal(0)) - sum((amount for _, amount in found), Decimal(0))
    return [*found, (version.ends_on or date.max, left)] if left > 0 else found


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
    # A grant is priced by its instalments.
    priced_lines = [] if version.agreement.instrument is Instrument.GRANT else version.line_terms
    return Span(
        first,
        last,
        tuple(one.planned_annual_price or Decimal(0) for one in priced_lines),
        tuple(
            (Payer(funder.organisation_id, funder.organisation.name), funder.percent) for funder in version.funders
        ),
    )


def granted_by(agreement: Agreement) -> list[tuple[Organisation, Decimal]]:
    """What a grant is worth to each funder as agreed last, in pounds: by its share on the day of each instalment."""
    latest = agreement.latest
    spans = _spans(agreement, upto=latest)
    by_payer = granted(spans, _parts(latest), first=date.min, last=date.max)
    bodies = {
        one.organisation_id: one.organisation
        for version in agreement.versions
        if version.agreed_at is not None
        for one in version.funders
    }
    return [(bodies[payer.id], amount) for payer, amount in by_payer.items()]


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


def lead_on(agreement: Agreement, on: date) -> int:
    """Which body leads the contract on a day: as agreed last by then, or as it does."""
    named = [
        one.lead_id
        for one in agreement.versions
        if one.agreed_at is not None and one.in_force_from <= on and one.lead_id is not None
    ]
    return named[-1] if named else agreement.commissioner_id


def leads_to_hand_over(on: date) -> Sequence[int]:
    """Contracts that another body than now is to lead on a day, by what is in force on it."""
    return db.session.scalars(
        select(Agreement.id)
        .join(AgreementVersion, AgreementVersion.agreement_id == Agreement.id)
        .where(
            agreements.in_force(on),
            AgreementVersion.lead_id.is_not(None),
            AgreementVersion.lead_id != Agreement.commissioner_id,
        )
        .distinct()
        .order_by(Agreement.id)
    ).all()
