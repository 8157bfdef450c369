"""One contracting process as an OCDS 1.1 release package, with the UK's extension."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from calloffs.awards.models import Award
from calloffs.competitions.models import Competition
from calloffs.competitions.rules import Instrument, QuestionKind, Stage
from catalogue.publishing.queries import Amendment, Process
from catalogue.publishing.rules import LICENCE, PUBLISHER, VERSION, identifier, ocid, without_nothing
from contracts.agreements.models import Agreement
from contracts.agreements.rules import ends_on
from contracts.changes.rules import ENDS
from marketplace import clock
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import SupplierStatus
from marketplace.presentation import date_words, pounds_words

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
            "publishedDate": now.isoformat(timespec="seconds"),
            "publisher": {"name": PUBLISHER},
            "license": LICENCE,
            "releases": [_release(process, now=now)],
        }
    )
    return package


def _release(process: Process, *, now: datetime) -> dict[str, Any]:
    competition, award, agreement = process.competition, process.award, process.agreement
    changed = _last_change(process, now=now)
    tags = ["tender"] + (["award"] if award else []) + (["contract"] if agreement else [])
    tags += ["contractAmendment"] if process.amendments else []
    tags += ["contractTermination"] if agreement and _is_over(agreement, now) else []
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
        "awards": [_award(award, competition, now=now)] if award else [],
        "contracts": [_contract(agreement, award, process.amendments, now=now)] if agreement and award else [],
    }


def _last_change(process: Process, *, now: datetime) -> datetime:
    """When what is published of it last changed, by people or by the clock: another moment is another release."""
    competition, award, agreement = process.competition, process.award, process.agreement
    moments = [competition.published_at, competition.ended_at]
    if award:
        moments += [award.notice_published_at, award.standstill_ends_at]
    if agreement:
        moments += [signature.at for signature in agreement.versions[0].signatures]
        moments += [one.agreed_at for one in process.amendments]
        moments += [_last_moment(agreement.ends_on)] if agreement.ends_on else []
    return max(moment for moment in moments if moment is not None and moment <= now)


def party_id(organisation: Organisation) -> str:
    """What an organisation is called in everything published: by a public register, or by our own number."""
    known = identifier(organisation.company_number, organisation.charity_number)
    return "-".join(known) if known else f"GB-DFM-{organisation.id}"


def _named(organisation: Organisation) -> dict[str, Any]:
    return {"id": party_id(organisation), "name": organisation.name}


def _party(organisation: Organisation, roles: list[str]) -> dict[str, Any]:
    known = identifier(organisation.company_number, organisation.charity_number)
    details = None
    if organisation.supplier_status:
        # A voluntary, community or social enterprise is told by `vcse`; whether it is also small is not asked.
        details = {
            "scale": {SupplierStatus.SME: "sme", SupplierStatus.LARGE: "large"}.get(organisation.supplier_status),
            "vcse": organisation.supplier_status is SupplierStatus.VCSE,
        }
    return {
        **_named(organisation),
        "identifier": {"scheme": known[0], "id": known[1], "legalName": organisation.name} if known else None,
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
    most = competition.most_whole_life_value
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
        "contractPeriod": _contract_period(competition),
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


def _award_status(award: Award, competition: Competition, now: datetime) -> str:
    if competition.stage(now) is Stage.CANCELLED:
        return "cancelled"
    # In standstill the decision can still be questioned: "not yet in force" in the standard's words.
    return "pending" if award.in_standstill(now) else "active"


def _award(award: Award, competition: Competition, *, now: datetime) -> dict[str, Any]:
    notice = award.notice_published_at
    return {
        "id": f"{competition.reference}-award",
        "title": competition.title,
        "status": _award_status(award, competition, now),
        "date": award.approved_at.isoformat() if award.approved_at else None,
        "value": _money(award.whole_life_value),
        "suppliers": [_named(award.supplier)],
        "items": [_item(competition, f"{competition.reference}-award")],
        "contractPeriod": _contract_period(competition),
        "standstillPeriod": {
            "startDate": notice.isoformat() if notice else None,
            "endDate": award.standstill_ends_at.isoformat() if award.standstill_ends_at else None,
        },
        "mainProcurementCategory": "services",
    }


def _is_over(agreement: Agreement, now: datetime) -> bool:
    return agreement.ends_on is not None and agreement.ends_on < clock.london(now).date()


def _contract(agreement: Agreement, award: Award, amendments: Sequence[Amendment], *, now: datetime) -> dict[str, Any]:
    return {
        "id": agreement.reference,
        "awardID": f"{award.competition.reference}-award",
        "title": agreement.title,
        "status": "terminated" if _is_over(agreement, now) else "active",
        "period": {
            "startDate": _first_moment(agreement.starts_on),
            "endDate": _last_moment(agreement.ends_on).isoformat() if agreement.ends_on else None,
        },
        "value": _money(agreement.whole_life_value) if agreement.whole_life_value else None,
        "dateSigned": max(signature.at for signature in agreement.versions[0].signatures).isoformat(),
        "amendments": [_amendment(agreement, one) for one in amendments],
    }


def _amendment(agreement: Agreement, one: Amendment) -> dict[str, Any]:
    """One change as its notice tells it: UK10 for a change, UK11 for an early ending (Procurement Act 2023)."""
    said = [f"Applies from {date_words(one.applies_from)}."]
    if one.new_last_day != one.old_last_day:
        old, new = (date_words(day) or "not fixed" for day in (one.old_last_day, one.new_last_day))
        said.append(f"Last day {new}, before {old}.")
    if one.new_value != one.old_value:
        said.append(f"Whole-life value {pounds_words(one.new_value)}, before {pounds_words(one.old_value)}.")
    notice = "UK11 contract termination" if one.purpose in ENDS else "UK10 contract change"
    if agreement.instrument is Instrument.GRANT:
        # Notices of the Act are for contracts.
        notice = "Grant ended early" if one.purpose in ENDS else "Grant varied"
    return {
        "id": f"{agreement.reference}-{one.number}",
        "date": one.agreed_at.isoformat(),
        "description": " ".join(said),
        "rationale": f"{notice}: {(one.ground or one.purpose).label}",
    }


def _contract_period(competition: Competition) -> dict[str, Any]:
    last = ends_on(competition.starts_on, competition.months)
    return {"startDate": _first_moment(competition.starts_on), "endDate": _last_moment(last).isoformat()}


def _money(amount: Decimal) -> dict[str, Any]:
    """The standard wants a number. Twelve figures fit a float, which is then written as the same twelve figures."""
    return {"amount": float(amount), "currency": "GBP"}


def _first_moment(day: date) -> str:
    """The standard knows moments only: a day begins with its first in London."""
    return clock.begins(day).isoformat()


def _last_moment(day: date) -> datetime:
    """The last second of a day in London."""
    return clock.ends(day) - timedelta(seconds=1)
