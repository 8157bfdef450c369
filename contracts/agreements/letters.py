"""What people are told about contracts: whose turn it is to sign, and that both have signed."""

from __future__ import annotations

from datetime import datetime

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from marketplace.access import Permission
from marketplace.accounts import letters
from marketplace.accounts.queries import people_with

_MAY_SIGN = {Side.SUPPLIER: Permission.SIGN_FOR_SUPPLIER, Side.COMMISSIONER: Permission.SIGN_FOR_COMMISSIONER}


def ask_to_sign(agreement: Agreement, side: Side, *, now: datetime) -> None:
    """To everybody who may sign for the side whose turn it is."""
    signs, other = agreement.supplier, agreement.commissioner
    if side is Side.COMMISSIONER:
        signs, other = other, signs
    letters.write_to(
        people_with(signs.id, _MAY_SIGN[side]),
        key=f"agreement:{agreement.id}:sign:{side}",
        subject=f"Contract {agreement.reference} waits for your signature",
        template="emails/agreements/sign.txt",
        now=now,
        agreement=agreement,
        other=other,
        is_second=side is Side.COMMISSIONER,
    )


def tell_signed(agreement: Agreement, *, now: datetime) -> None:
    """To those who sign for either side, and to contract managers of every body that funds it."""
    told = [
        person
        for organisation_id, permission in (
            (agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER),
            (agreement.commissioner_id, Permission.SIGN_FOR_COMMISSIONER),
            (agreement.commissioner_id, Permission.DRAW_CONTRACTS),
            *((funder.organisation_id, Permission.DRAW_CONTRACTS) for funder in agreement.funders),
        )
        for person in people_with(organisation_id, permission)
    ]
    letters.write_to(
        told,
        key=f"agreement:{agreement.id}:signed",
        subject=f"Contract {agreement.reference} is signed by both sides",
        template="emails/agreements/signed.txt",
        now=now,
        agreement=agreement,
    )
