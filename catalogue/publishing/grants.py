"""Signed grants in the 360Giving Data Standard: one record for each funder of each grant, as agreed last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from catalogue.publishing.ocds import party_id
from catalogue.publishing.queries import PublishedGrant
from catalogue.publishing.rules import GRANT_PREFIX, LICENCE, PUBLISHER, without_nothing
from marketplace import clock
from marketplace.accounts.models import Organisation


def grants_package(grants: Sequence[PublishedGrant], *, uri: str, now: datetime) -> dict[str, Any]:
    """All grants. A varied one has the value, days and places that hold now, and the day on which that was agreed."""
    records = [record for one in grants for record in _records(one, uri=uri)]
    package: dict[str, Any] = without_nothing(
        {
            "title": "Grants of the Dynamic Framework Marketplace",
            "identifier": uri,
            "publisher": {"name": PUBLISHER},
            "license": LICENCE,
            "modified": now.isoformat(timespec="seconds"),
            "downloadURL": uri,
        }
    )
    return package | {"grants": records}


def _records(grant: PublishedGrant, *, uri: str) -> list[dict[str, Any]]:
    """A funder a record: what a grant of two funders is worth must not be counted twice."""
    keys = [f"{GRANT_PREFIX}-{grant.agreement.reference}-{place}" for place in range(1, len(grant.shares) + 1)]
    return [_record(grant, place, keys, uri=uri) for place in range(len(keys))]


def _record(grant: PublishedGrant, place: int, keys: Sequence[str], *, uri: str) -> dict[str, Any]:
    agreement = grant.agreement
    funder, amount = grant.shares[place]
    award = agreement.award
    decided = clock.london(award.approved_at).date() if award and award.approved_at else agreement.starts_on
    record: dict[str, Any] = without_nothing(
        {
            "id": keys[place],
            "title": agreement.title,
            "description": agreement.specification,
            "currency": "GBP",
            # The standard wants a number. Twelve figures fit a float, which is then written as the same twelve.
            "amountAwarded": float(amount),
            "awardDate": decided.isoformat(),
            "plannedDates": [
                {
                    "startDate": agreement.starts_on.isoformat(),
                    "endDate": agreement.ends_on.isoformat() if agreement.ends_on else None,
                }
            ],
            "recipientOrganization": [
                _organisation(agreement.supplier)
                | {
                    "companyNumber": agreement.supplier.company_number,
                    "charityNumber": agreement.supplier.charity_number,
                }
            ],
            "fundingOrganization": [_organisation(funder)],
            "beneficiaryLocation": [{"name": name, "geoCode": code} for name, code in grant.places],
            "grantProgramme": [
                {"code": award.competition.reference, "title": award.competition.framework.name} if award else None
            ],
            "relatedActivity": [key for key in keys if key != keys[place]],
            "dateModified": grant.changed_at.isoformat(timespec="seconds"),
            "dataSource": uri,
        }
    )
    return record


def _organisation(organisation: Organisation) -> dict[str, Any]:
    return {"id": party_id(organisation), "name": organisation.name}
