"""What banks took from the marketplace, taken back from the suppliers that it had been passed on to.

Everything here may run twice: the provider is asked with our own number as the key, and for what it has already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.invoices.actions.making import debt_of
from contracts.invoices.models import Invoice
from contracts.ledger.actions import post
from contracts.ledger.rules import PostingKind, laid_out, returned
from contracts.payments import letters
from contracts.payments.actions.refusals import keep_words, refusal
from contracts.payments.models import Chargeback, Recovery
from contracts.payments.rules import LONGEST_WAIT, RECOVERY_MOVES, RecoveryStatus, wait_after
from marketplace import audit
from marketplace.access import SYSTEM, Actor, Permission
from marketplace.adapters.payments.records import (
    PaymentReversal,
    PaymentsFailed,
    PaymentsRefused,
    PaymentsTemporaryFailure,
    PaymentTransfer,
)
from marketplace.adapters.payments.stripe import Payments
from marketplace.errors import AlreadyDone
from marketplace.extensions import db
from marketplace.presentation import date_words, pounds_exact


def begin_recovery(chargeback: Chargeback, *, now: datetime) -> None:
    """What the bank took, and the supplier holds, is to be returned: once for each payment undone.

    The provider takes it from the marketplace's own balance, so the marketplace has laid it out.
    """
    invoice = chargeback.invoice
    if invoice is None or chargeback.posted_at is None or not chargeback.amount:
        return
    made = db.session.execute(
        insert(Recovery)
        .values(
            chargeback_id=chargeback.id,
            amount=chargeback.amount,
            status=RecoveryStatus.WAITING,
            begun_at=now,
            next_attempt_at=now,
            attempts=0,
        )
        .on_conflict_do_nothing(index_elements=["chargeback_id"])
        .returning(Recovery.id)
    ).scalar()
    if made is None:
        return
    post(
        PostingKind.OUTLAY,
        laid_out(chargeback.amount),
        key=f"outlay:{made}",
        debt=debt_of(invoice),
        document=invoice.number,
        now=now,
    )
    what = f"{pounds_exact(chargeback.amount)} is to come back from the supplier"
    audit.record(what, invoice, actor=SYSTEM, now=now, amount=str(chargeback.amount))


def begin_to_recover(recovery_ids: Sequence[int]) -> list[int]:
    """Note, and commit before anything is asked, that these are on their way; not those in others' hands."""
    free = select(Recovery.id).where(Recovery.id.in_(recovery_ids), Recovery.status == RecoveryStatus.WAITING)
    began = db.session.execute(
        update(Recovery)
        .where(Recovery.id.in_(free.with_for_update(skip_locked=True)))
        .values(attempts=Recovery.attempts + 1)
        .returning(Recovery.id)
    )
    return sorted(key for (key,) in began)


def recover(recovery: Recovery, *, payments: Payments, now: datetime) -> None:
    """Have the provider take the money back from the supplier's account. The caller has locked the row.

    A failure that may pass is tried again, later each time; a refusal is kept where people see it, and tried again
    after the longest wait. Where nothing had been passed on, nothing is to be returned.
    """
    payment = recovery.chargeback.payment
    if recovery.status is not RecoveryStatus.WAITING or payment is None:
        return
    try:
        made = payments.take_back(payment, reference=recovery.reference, amount=recovery.amount)
    except PaymentsTemporaryFailure as failure:
        recovery.next_attempt_at = now + wait_after(recovery.attempts)
        _keep_words(recovery, "The payment provider did not answer.", failure, now=now)
    except PaymentsRefused as failure:
        recovery.next_attempt_at = now + LONGEST_WAIT
        _keep_words(recovery, refusal(failure), failure, now=now)
    else:
        if made is None:
            words = "Nothing had gone on to the supplier"
            _settle(recovery, RecoveryStatus.NOT_PASSED_ON, words, actor=SYSTEM, now=now)
        else:
            _recovered(recovery, made, now=now)
    db.session.flush()


def take_transfer(told: PaymentTransfer, *, now: datetime) -> None:
    """Take over that the provider has taken something back for us; it may tell so before we have committed.

    What was taken back by hand there is none of ours: it is a difference of the books.
    """
    references = [one.reference for one in told.reversals if one.reference]
    ours = {
        one.reference: one.id
        for one in db.session.scalars(
            select(Recovery)
            .join(Recovery.chargeback)
            .where(Chargeback.provider_id.in_([name.removeprefix("recovery-") for name in references]))
        )
    }
    for made in told.reversals:
        if made.reference in ours:
            key = ours[made.reference]
            recovery = db.session.get_one(Recovery, key, with_for_update={"of": Recovery}, populate_existing=True)
            _recovered(recovery, made, now=now)


def recovered_elsewhere(recovery: Recovery, *, on: date, actor: Actor, now: datetime) -> None:
    """The framework team says that a supplier has returned money by another way. Refused for others, and twice."""
    actor.must(Permission.SEE_PAYMENT_DIFFERENCES)
    db.session.refresh(recovery, with_for_update={"of": Recovery})
    if recovery.status is not RecoveryStatus.WAITING:
        raise AlreadyDone("This has been returned already.")
    words = f"{pounds_exact(recovery.amount)} came back from the supplier by another way on {date_words(on)}"
    _settle(recovery, RecoveryStatus.ELSEWHERE, words, actor=actor, now=now)


def _recovered(recovery: Recovery, made: PaymentReversal, *, now: datetime) -> None:
    if RecoveryStatus.RECOVERED not in RECOVERY_MOVES[recovery.status]:
        return
    if made.amount != recovery.amount:
        recovery.next_attempt_at = now + LONGEST_WAIT
        words = f"The payment provider has taken back another amount, {pounds_exact(made.amount)}."
        _keep_words(recovery, words, None, now=now)
        return
    words = f"{pounds_exact(recovery.amount)} was taken back from the supplier’s account"
    _settle(recovery, RecoveryStatus.RECOVERED, words, actor=SYSTEM, now=now, made=made)
    letters.recovered(recovery, _invoice(recovery), now=now)


def _settle(
    recovery: Recovery,
    to: RecoveryStatus,
    words: str,
    *,
    actor: Actor,
    now: datetime,
    made: PaymentReversal | None = None,
) -> None:
    invoice = _invoice(recovery)
    recovery.status, recovery.settled_at, recovery.settled_by = to, now, actor.person_id
    recovery.last_error = None
    if made is not None:
        recovery.provider_id, recovery.transfer = made.id, made.transfer_id
    db.session.flush()
    post(
        PostingKind.RECOVERY,
        returned(recovery.amount),
        key=f"recovery:{recovery.id}",
        debt=debt_of(invoice),
        document=invoice.number,
        now=now,
    )
    audit.record(words, invoice, actor=actor, now=now, amount=str(recovery.amount))


def _keep_words(recovery: Recovery, words: str, failure: PaymentsFailed | None, *, now: datetime) -> None:
    what = f"{pounds_exact(recovery.amount)} has not come back from the supplier yet"
    keep_words(recovery, words, failure, what=what, invoice=_invoice(recovery), now=now)


def _invoice(recovery: Recovery) -> Invoice:
    invoice = recovery.chargeback.invoice
    assert invoice is not None  # it is begun only then
    return invoice
