"""Signing a contract, and asking for its document once both sides have signed."""

from __future__ import annotations

import hmac
from datetime import datetime

from sqlalchemy import select

from contracts.agreements import letters, queries
from contracts.agreements.models import Agreement, AgreementDocument, Signature
from contracts.agreements.rules import AFTER, AGREEMENT_MOVES, TURN, AgreementStatus, DocumentStatus, Side, terms_digest
from marketplace import audit
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, NotAllowed, Refused
from marketplace.extensions import db

_WORDS = {
    Side.SUPPLIER: "The supplier’s signatory signs first.",
    Side.COMMISSIONER: "It waits for the lead commissioner’s approver to sign.",
}


def sign(agreement: Agreement, *, digest: str, actor: Actor, now: datetime) -> Signature:
    """One side's signature under the terms whose digest the signer was shown.

    The supplier's signatory signs first, then the lead commissioner's approver. Refused out of turn, twice, for
    others, to one person for both sides, and whenever the terms are not those that were shown, or not those that the
    other side signed.
    """
    db.session.execute(select(Agreement.id).where(Agreement.id == agreement.id).with_for_update())
    db.session.refresh(agreement)
    side = queries.side_of(actor, agreement)
    if side is None:
        raise NotAllowed("Only the supplier’s signatory and the lead commissioner’s approver sign this contract.")
    if any(signature.side is side for signature in agreement.signatures):
        raise AlreadyDone("Your side has signed this contract already.")
    if any(signature.person_id == actor.person for signature in agreement.signatures):
        raise NotAllowed("You signed this contract for the other side, so somebody else must sign for this one.")
    turn = TURN.get(agreement.status)
    if turn is not side:
        raise Refused(_WORDS[turn] if turn else "This contract is signed already.")
    present = terms_digest(queries.terms(agreement))
    if not hmac.compare_digest(present, digest):
        raise Refused("The terms are not those that you were shown. Read them again before you sign.")
    if any(not hmac.compare_digest(present, other.digest) for other in agreement.signatures):
        raise Refused("The terms have changed since the other side signed. This contract cannot be signed.")
    signature = Signature(side=side, person_id=actor.person, at=now, digest=present)
    agreement.signatures.append(signature)
    after = AFTER[side]
    if after not in AGREEMENT_MOVES[agreement.status]:
        raise Refused("This contract cannot be signed now.")
    agreement.status = after
    db.session.flush()
    audit.record(f"Signed for the {side}", agreement, actor=actor, now=now, digest=present)
    if after is AgreementStatus.SIGNED:
        want_document(agreement, now=now)
        letters.tell_signed(agreement, now=now)
    else:
        letters.ask_to_sign(agreement, Side.COMMISSIONER, now=now)
    return signature


def want_document(agreement: Agreement, *, now: datetime) -> AgreementDocument:
    """A row that says the contract's PDF is wanted; a job makes it. One waits at a time (a unique index).

    The scheduled job finds it within minutes; the page that asked wakes the job at once.
    """
    document = AgreementDocument(status=DocumentStatus.WAITING, wanted_at=now)
    agreement.documents.append(document)
    db.session.flush()
    return document


def document_made(
    document: AgreementDocument, agreement: Agreement, *, sha256: str, size: int, actor: Actor, now: datetime
) -> None:
    """The PDF is made and kept under its hash."""
    if document.status is not DocumentStatus.WAITING:
        raise AlreadyDone("This document is made already.")
    document.status, document.made_at, document.sha256, document.size = DocumentStatus.MADE, now, sha256, size
    db.session.flush()
    audit.record("Made the contract document", agreement, actor=actor, now=now, sha256=sha256, size=size)
