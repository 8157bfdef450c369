"""One contracting process as an OCDS 1.1 release package, with the UK's extension."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from calloffs.awards.models import Award
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import QuestionKind, Stage
from catalogue.publishing.queries import Process
from catalogue.publishing.rules import LICENCE, PUBLISHER, VERSION, ocid, without_nothing
from contracts.agreements.models import Agreement
from contracts.agreements.rules import AgreementStatus
from marketplace import clock
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import SupplierStatus

_TENDER_STATUS = {
    Stage.OPEN: "active",
    Stage.PAUSED: "active",
    Stage.CLOSED: "active",
    Stage.OPENED: "active",
    Stage.EVALUATED: "active",
    Stage.CANCELLED: "cancelled",
    Stage.FAILED: "unsuccessful",
}


def release_package(process: Process, *, uri: str, now: datetime) -> dict[str, Any]:
    """The package: one release that tells all that is public of the process today."""
    package: dict[str, Any] = without_nothing(
        {
            "uri": uri,
            "version": VERSION,
            "publishedDate": now.isoformat(),
            "publisher": {"name": PUBLISHER},
            "license": LICENCE,
            "releases": [_release(process, now=now)],
        }
    )
    return package


def _release(process: Process, *, now: datetime) -> dict[str, Any]:
    competition, award, agreement = process.competition, process.award, process.agreement
    changed = max(
        moment
        for moment in (
            competition.published_at,
            competition.opened_at,
            award.notice_published_at if award else None,
            *(signature.at for signature in (agreement.signatures if agreement else [])),
        )
        if moment is not None
    )
    tags = ["tender"] + (["award"] if award else []) + (["contract"] if agreement else [])
    return {
        "ocid": ocid(competition.reference),
        "id": f"{competition.reference}-{changed:%Y%m%dT%H%M%SZ}",
        "date": changed.isoformat(),
        "tag": tags,
        "initiationType": "tender",
        "language": "en",
        "parties": _parties(process),
        "buyer": _named(competition.organisation),
        "tender": _tender(process, now=now),
        "awards": [_award(award, competition)] if award else [],
        "contracts": [_contract(agreement, award, now=now)] if agreement and award else [],
    }


def _party_id(organisation: Organisation) -> str:
    if organisation.company_number:
        return f"GB-COH-{organisation.company_number}"
    if organisation.charity_number:
        return f"GB-CHC-{organisation.charity_number}"
    return f"GB-DFM-{organisation.id}"


def _named(organisation: Organisation) -> dict[str, Any]:
    return {"id": _party_id(organisation), "name": organisation.name}


def _party(organisation: Organisation, roles: list[str]) -> dict[str, Any]:
    scheme, _, number = _party_id(organisation).removeprefix("GB-").partition("-")
    details = None
    if organisation.supplier_status:
        # A voluntary, community or social enterprise is told by `vcse`; whether it is also small is not asked.
        details = {
            "scale": {SupplierStatus.SME: "sme", SupplierStatus.LARGE: "large"}.get(organisation.supplier_status),
            "vcse": organisation.supplier_status is SupplierStatus.VCSE,
        }
    return {
        **_named(organisation),
        "identifier": {"scheme": f"GB-{scheme}", "id": number, "legalName": organisation.name},
        "roles": roles,
        "details": details,
    }


def _parties(process: Process) -> list[dict[str, Any]]:
    competition = process.competition
    roles: dict[int, list[str]] = {competition.organisation.id: ["buyer", "procuringEntity"]}
    known = {competition.organisation.id: competition.organisation}
    for funder in competition.funders:
        known[funder.organisation_id] = funder.organisation
        roles.setdefault(funder.organisation_id, []).append("funder")
    if process.award:
        known[process.award.supplier_id] = process.award.supplier
        roles.setdefault(process.award.supplier_id, []).append("supplier")
    return [_party(known[key], list(roles[key])) for key in known]


def _tender(process: Process, *, now: datetime) -> dict[str, Any]:
    competition = process.competition
    most = competition.most_annual_value * competition.months / 12
    scored = [
        f"{question.text} ({question.weight} %)"
        for question in competition.questions
        if question.kind is QuestionKind.SCORED
    ]
    price = [f"Price ({competition.price_weight} %)"] if competition.price_weight else []
    closes = competition.closes_at.isoformat() if competition.closes_at else None
    return {
        "id": competition.reference,
        "title": competition.title,
        "description": competition.specification,
        "status": _TENDER_STATUS.get(competition.stage(now), "complete"),
        "procuringEntity": _named(competition.organisation),
        "items": [_item(competition, competition.reference)],
        "value": _money(most),
        "procurementMethod": "selective",
        "procurementMethodDetails": f"Call-off under the {competition.framework.name}",
        "mainProcurementCategory": "services",
        "awardCriteria": "ratedCriteria",
        "awardCriteriaDetails": "; ".join(scored + price),
        "submissionMethod": ["electronicSubmission"],
        "tenderPeriod": {
            "startDate": competition.published_at.isoformat() if competition.published_at else None,
            "endDate": closes,
        },
        "contractPeriod": {"startDate": _day(competition.starts_on), "durationInMonths": competition.months},
        "numberOfTenderers": process.bids,
    }


def _item(competition: Competition, key: str) -> dict[str, Any]:
    where = ", ".join(place.name for place in competition.places)
    return {
        "id": f"{key}-1",
        "description": f"{competition.category.name} in {where}",
        "classification": {
            "scheme": "GB-DFM-CATEGORY",
            "id": competition.category.code,
            "description": competition.category.name,
        },
        # The places by their official codes (Office for National Statistics; probation regions by letter).
        "additionalClassifications": [
            {"scheme": "GB-GSS", "id": place.code, "description": place.name} for place in competition.places
        ],
    }


def _award(award: Award, competition: Competition) -> dict[str, Any]:
    notice = award.notice_published_at
    return {
        "id": f"{competition.reference}-award",
        "title": competition.title,
        "status": "active",
        "date": award.approved_at.isoformat() if award.approved_at else None,
        "value": _money(award.whole_life_value),
        "suppliers": [_named(award.supplier)],
        "items": [_item(competition, f"{competition.reference}-award")],
        "contractPeriod": {"startDate": _day(competition.starts_on), "durationInMonths": competition.months},
        "standstillPeriod": {
            "startDate": notice.isoformat() if notice else None,
            "endDate": award.standstill_ends_at.isoformat() if award.standstill_ends_at else None,
        },
        "mainProcurementCategory": "services",
    }


def _contract(agreement: Agreement, award: Award, *, now: datetime) -> dict[str, Any]:
    signed = agreement.status is AgreementStatus.SIGNED
    over = agreement.ends_on is not None and agreement.ends_on < clock.london(now).date()
    return {
        "id": agreement.reference,
        "awardID": f"{award.competition.reference}-award",
        "title": agreement.title,
        "status": "terminated" if over else "active" if signed else "pending",
        "period": {
            "startDate": _day(agreement.starts_on),
            "endDate": _day(agreement.ends_on) if agreement.ends_on else None,
        },
        "value": _money(agreement.whole_life_value) if agreement.whole_life_value else None,
        "dateSigned": max(signature.at for signature in agreement.signatures).isoformat() if signed else None,
    }


def _money(amount: Decimal) -> dict[str, Any]:
    return {"amount": float(round(amount, 2)), "currency": "GBP"}


def _day(day: date) -> str:
    """The standard knows moments only: a day is its first moment in London."""
    return clock.from_london(datetime.combine(day, time())).isoformat()
