"""Signing a contract, and asking for its document once both sides have signed."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from calloffs.funds import actions as funds
from calloffs.funds.rules import Stage, part_of
from contracts.agreements import letters, queries
from contracts.agreements.actions.granting import apply_schedule
from contracts.agreements.actions.holding import hold
from contracts.agreements.models import Agreement, AgreementDocument, AgreementVersion, Signature
from contracts.agreements.rules import (
    AFTER,
    AGREEMENT_MOVES,
    TURN,
    AgreementStatus,
    DocumentStatus,
    Side,
    canonical_terms,
    terms_digest,
)
from marketplace import audit
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db

_WORDS = {
    Side.SUPPLIER: "The supplier’s signatory signs first.",
    Side.COMMISSIONER: "It waits for the lead commissioner’s approver to sign.",
}
OTHER_SIDE = "You signed this contract for the other side, so somebody else must sign for this one."


def sign(agreement: Agreement, *, digest: str, actor: Actor, now: datetime) -> Signature:
    """One side's signature under the terms whose digest the signer was shown.

    The supplier's signatory signs first, then the lead commissioner's approver. Refused out of turn, twice, for
    others, to one person for both sides, and whenever the terms are not those that were shown, or not those that the
    other side signed.
    """
    hold(agreement)
    side = queries.side_of(actor, agreement)
    if side is None:
        raise NotAllowed("Only the supplier’s signatory and the lead commissioner’s approver sign this contract.")
    version = agreement.versions[0]
    if any(one.side is side for one in version.signatures):
        raise AlreadyDone("Your side has signed this contract already.")
    if any(one.person_id == actor.person for one in version.signatures):
        raise NotAllowed(OTHER_SIDE)
    if agreement.status is AgreementStatus.ABANDONED:
        raise Refused("This contract was abandoned, so that nobody signs it.")
    turn = TURN.get(agreement.status)
    if turn is not side:
        raise Refused(_WORDS[turn] if turn else "This contract is signed already.")
    after = AFTER[side]
    if after not in AGREEMENT_MOVES[agreement.status]:
        raise Refused("This contract cannot be signed now.")
    signature = sign_version(version, side, digest=digest, actor=actor, now=now)
    agreement.status = after
    if after is AgreementStatus.SIGNED:
        agree(version, actor=actor, now=now)
        letters.tell_signed(agreement, now=now)
    else:
        letters.ask_to_sign(agreement, Side.COMMISSIONER, now=now)
    return signature


def sign_version(version: AgreementVersion, side: Side, *, digest: str, actor: Actor, now: datetime) -> Signature:
    """Put one side's signature under a version. The first one keeps the terms as they are signed.

    The caller holds the contract and knows whose turn it is. Refused to one person for both sides, a
    second time, and whenever the terms are not those that were shown, or not those that the other side signed.
    """
    if any(one.side is side for one in version.signatures):
        raise AlreadyDone("Your side has signed already.")
    if any(one.person_id == actor.person for one in version.signatures):
        raise NotAllowed(OTHER_SIDE)
    present = terms_digest(queries.terms(version))
    if not hmac.compare_digest(present, digest):
        raise Refused("The terms are not those that you were shown. Read them again before you sign.")
    if version.signatures and not queries.is_as_signed(version):
        raise Refused("The terms have changed since the other side signed. This contract cannot be signed.")
    if version.signed_terms is None:
        version.signed_terms = canonical_terms(queries.terms(version)).decode()
    agreement = version.agreement
    signature = Signature(
        side=side,
        organisation_id=agreement.supplier_id if side is Side.SUPPLIER else agreement.commissioner_id,
        person_id=actor.person,
        at=now,
        digest=present,
    )
    version.signatures.append(signature)
    db.session.flush()
    audit.record(f"Signed for the {side}", version.agreement, actor=actor, now=now, digest=present)
    return signature


def settle_fund(
    version: AgreementVersion, *, stage: Stage, owed: Mapping[int, Decimal] | None = None, actor: Actor, now: datetime
) -> None:
    """Where a funder pays from a fund: what is set aside becomes what it owes over the whole life.

    `owed` says that in pounds by the key of each body; without it, each owes its share of this version's value.
    """
    value = version.whole_life_value
    if version.agreement.award is None or value is None:
        return
    if owed is None:
        owed = {one.organisation_id: part_of(value, one.percent) for one in version.funders}
    funds.settle(version.agreement.award.competition.reference, owed=owed, stage=stage, actor=actor, now=now)


def agree(version: AgreementVersion, *, owed: Mapping[int, Decimal] | None = None, actor: Actor, now: datetime) -> None:
    """The version is agreed: it applies from its day on, and its document is wanted.

    `owed` is what each body comes to pay over the whole life, in pounds, where versions before it have others pay.
    Refused when it is paid from a fund that has less left than it now takes, and, of a grant, when it would change an
    instalment that is claimed.
    """
    agreement = version.agreement
    settle_fund(version, stage=Stage.AGREED, owed=owed, actor=actor, now=now)
    before = [one for one in agreement.versions if one.agreed_at is not None and one.superseded_on is None]
    for one in before:
        one.superseded_on = version.in_force_from
    db.session.flush()
    apply_schedule(version)
    version.agreed_at = now
    agreement.ends_on, agreement.whole_life_value = version.ends_on, version.whole_life_value
    want_document(version, now=now)


def want_document(version: AgreementVersion, *, now: datetime) -> AgreementDocument:
    """A row that says the version's PDF is wanted; a job makes it. One waits at a time (a unique index).

    The scheduled job finds it within minutes; the page that asked wakes the job at once.
    """
    document = AgreementDocument(status=DocumentStatus.WAITING, wanted_at=now)
    version.documents.append(document)
    db.session.flush()
    return document


def document_made(document: AgreementDocument, *, sha256: str, size: int, actor: Actor, now: datetime) -> None:
    """The PDF is made and kept under its hash."""
    if document.status is not DocumentStatus.WAITING:
        raise AlreadyDone("This document is made already.")
    document.status, document.made_at, document.sha256, document.size = DocumentStatus.MADE, now, sha256, size
    db.session.flush()
    audit.record(
        "Made the contract document", document.version.agreement, actor=actor, now=now, sha256=sha256, size=size
    )
