"""The terms of a version: as they were signed, or as they stand."""

from __future__ import annotations

from dataclasses import replace

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import (
    Agreement,
    AgreementVersion,
    LineTerms,
)
from contracts.agreements.rules import (
    GRANT_PAYMENT,
    PAYMENT,
    BandTerm,
    FunderTerm,
    LineTerm,
    OptionTerm,
    Origin,
    Party,
    Terms,
    figures,
    terms_digest,
    terms_from,
)
from contracts.agreements.rules.comparing import Difference, differences
from contracts.agreements.rules.instalments import InstalmentTerm
from marketplace.accounts.models import Organisation


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
        commissioner=_party(version.lead or agreement.commissioner),
        funders=tuple(FunderTerm(funder.organisation.name, funder.percent) for funder in version.funders),
        starts_on=agreement.starts_on,
        ends_on=version.ends_on,
        whole_life_value=version.whole_life_value,
        payment=_payment(agreement),
        specification=agreement.specification,
        equality_commitments=agreement.equality_commitments or "",
        lines=tuple(_line_terms(one) for one in sorted(version.line_terms, key=lambda one: one.line.number)),
        instrument=None if agreement.instrument is Instrument.CONTRACT else agreement.instrument.value,
        version=version.number if version.number > 1 else None,
        in_force_from=version.in_force_from if version.number > 1 else None,
        options=_options(version),
        instalments=_schedule(version),
    )


def what_changes(old: AgreementVersion, new: AgreementVersion) -> list[Difference]:
    """What one version's terms differ in from another's, in words.

    A grant's first version was signed before its instalments were planned: it is compared by what was planned.
    """
    before = terms(old)
    if before.instalments is None:
        before = replace(before, instalments=tuple(one.term for one in old.instalments) or None)
    return differences(before, terms(new))


def _schedule(version: AgreementVersion) -> tuple[InstalmentTerm, ...] | None:
    """The instalments that a varied grant agrees."""
    if version.number == 1 or not _is_grant(version.agreement):
        return None
    return tuple(one.term for one in version.instalments)


def _is_grant(agreement: Agreement) -> bool:
    return agreement.instrument is Instrument.GRANT


def _options(version: AgreementVersion) -> tuple[OptionTerm, ...] | None:
    """The options agreed with this version or before it; none of a version that was dropped."""
    agreed = {
        one.id for one in version.agreement.versions if one.number <= version.number and one.abandoned_at is None
    } | {version.id}
    found = [one for one in version.agreement.extension_options if one.version_id in agreed]
    return tuple(OptionTerm(one.number, one.months, one.decide_by) for one in found) or None


def is_as_signed(version: AgreementVersion) -> bool:
    """Whether what was signed is what everybody signed, and no figure of the version has changed since."""
    signed = terms(version)
    digest = terms_digest(signed)
    return all(one.digest == digest for one in version.signatures) and (
        figures(signed) == figures(_terms_as_they_stand(version))
    )


def _payment(agreement: Agreement) -> str:
    if agreement.origin is not Origin.AWARD:
        return ""
    return GRANT_PAYMENT if _is_grant(agreement) else PAYMENT


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
