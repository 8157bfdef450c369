"""What people are told about changes to a contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.agreements.models import Agreement, AgreementFunder, Suspension
from contracts.changes.models import Variation
from contracts.changes.rules import VariationStatus
from marketplace.access import Permission
from marketplace.accounts import letters
from marketplace.accounts.models import Organisation, Person
from marketplace.accounts.queries import people_with


def _write(
    people: Iterable[Person], variation: Variation, what: str, *, subject: str, now: datetime, **more: Any
) -> None:
    letters.write_to(
        people,
        key=f"variation:{variation.id}:{variation.round}:{what}",
        subject=subject,
        template="emails/changes/change.txt",
        now=now,
        variation=variation,
        agreement=variation.agreement,
        what=what,
        **more,
    )


def ask_to_approve(variation: Variation, bodies: Sequence[Organisation], *, now: datetime) -> None:
    """To the approvers of every funder, but not the author."""
    people = [one for body in bodies for one in people_with(body.id, Permission.APPROVE_CHANGES)]
    _write(
        [one for one in people if one.id != variation.author_id],
        variation,
        "approve",
        subject=f"A change to {variation.agreement.reference} waits for your approval",
        now=now,
    )


def ask_to_sign(variation: Variation, *, now: datetime) -> None:
    """To those who may sign for the side whose turn it is."""
    agreement = variation.agreement
    supplier = variation.status is VariationStatus.AWAITING_SUPPLIER
    people = (
        people_with(agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER)
        if supplier
        else people_with(agreement.commissioner_id, Permission.SIGN_FOR_COMMISSIONER)
    )
    _write(
        people,
        variation,
        f"sign:{variation.status}",
        subject=f"A change to {agreement.reference} waits for your signature",
        now=now,
    )


def tell_sent_back(variation: Variation, *, now: datetime) -> None:
    """To its author: a funder does not approve it as it is."""
    _write(
        [variation.author],
        variation,
        "sent_back",
        subject=f"The change to {variation.agreement.reference} was sent back to you",
        now=now,
    )


def tell_withdrawn(variation: Variation, *, was_with_supplier: bool, now: datetime) -> None:
    """To funders' approvers; to the supplier only if it had come to it."""
    agreement = variation.agreement
    people = [
        one for funder in agreement.funders for one in people_with(funder.organisation_id, Permission.APPROVE_CHANGES)
    ]
    if was_with_supplier:
        people += people_with(agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER)
    _write(people, variation, "withdrawn", subject=f"The change to {agreement.reference} is withdrawn", now=now)


def tell_agreed(variation: Variation, *, now: datetime) -> None:
    """To whoever manages or pays the contract, on both sides and at every funder."""
    agreement = variation.agreement
    people = _everybody(agreement, variation.version.funders)
    _write(people, variation, "agreed", subject=f"The change to {agreement.reference} is agreed", now=now)


def _everybody(agreement: Agreement, funders: Sequence[AgreementFunder]) -> Iterable[Person]:
    """Whoever manages or pays the contract, on both sides and at every funder, each once."""
    return {
        one.id: one
        for body, permission in (
            (agreement.supplier_id, Permission.MANAGE_DELIVERY),
            (agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER),
            (agreement.commissioner_id, Permission.MANAGE_CONTRACTS),
            *((funder.organisation_id, Permission.MANAGE_CONTRACTS) for funder in funders),
            *((funder.organisation_id, Permission.PAY_INVOICES) for funder in funders),
        )
        for one in people_with(body, permission)
    }.values()


def tell_suspended(suspension: Suspension, *, now: datetime) -> None:
    """To everybody who manages or pays the contract: from when no new referrals are taken, and what goes on."""
    _tell_of_suspension(suspension, "suspended", "New referrals are stopped under", now=now)


def tell_lifted(suspension: Suspension, *, now: datetime) -> None:
    """To the same: from when referrals are taken again."""
    _tell_of_suspension(suspension, "lifted", "Referrals are taken again under", now=now)


def _tell_of_suspension(suspension: Suspension, what: str, subject: str, *, now: datetime) -> None:
    agreement = suspension.agreement
    letters.write_to(
        _everybody(agreement, agreement.funders),
        key=f"suspension:{suspension.id}:{what}",
        subject=f"{subject} {agreement.reference}",
        template="emails/changes/suspension.txt",
        now=now,
        suspension=suspension,
        agreement=agreement,
        what=what,
    )
