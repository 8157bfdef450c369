"""What officers do with referrals: send them, and take them back; and looking at one.

What tells who somebody is or what they need goes into sealed columns and nowhere else: never into the audit trail,
a letter, a log or an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from contracts.agreements.models import ServiceLine
from contracts.referrals import letters, queries, rules
from contracts.referrals.actions import counting, waiting
from contracts.referrals.actions.moving import end, to_be_moved
from contracts.referrals.actions.references import free_reference
from contracts.referrals.models import Referral
from contracts.referrals.queries import SealedWords
from contracts.referrals.rules import UNSENT, Complexity, ReferralStatus
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Full, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.framework.models import DesiredOutcome
from marketplace.vault import vault

LOOKED = "Looked at"


@dataclass(frozen=True, repr=False)
class Need:
    """What an officer writes about one person. Never shown by `repr`, so that no log or trace can hold it."""

    crn: str
    category_code: str
    need: str
    outcome_codes: Sequence[str]
    complexity: Complexity
    rar_days: int | None


def fingerprint(crn: str) -> str:
    """The fingerprint by which the same person is known again without their case reference being stored in clear."""
    return vault().fingerprint(f"crn:{crn}")


def send(line_id: int, written: Need, *, actor: Actor, now: datetime, or_wait: bool = False) -> Referral:
    """Refer a person to a service: takes one of its places in this contract year, and tells the service managers.

    Refused where the service is not open, nobody of the supplier is here to receive it, the person has an open
    referral to it, or it is full; `or_wait` puts the person at the end of the waiting list of a full one instead. The
    line is held while places are counted, so that no two officers get the last one.
    """
    actor.must(Permission.REFER)
    on = clock.london(now).date()
    # Held first: a suspension holds the line too, and once it is in, nobody is sent there.
    counting.hold(line_id)
    line = queries.open_line(line_id, on)
    crn, outcomes = _check(line, written)
    _refuse_unreceived(line)
    mark = fingerprint(crn)
    _refuse_duplicate(line, mark)
    waiting.pass_on(line.id, now=now)
    full = queries.room(line, on) == 0
    if full and not or_wait:
        raise Full(rules.full_words(line.terms_on(on).cap or 0))
    referral = Referral(
        reference=free_reference(),
        line=line,
        officer_id=actor.person,
        officer_organisation_id=actor.organisation,
        crn=crn,
        crn_fingerprint=mark,
        category_code=written.category_code,
        need=written.need,
        complexity=written.complexity,
        rar_days=written.rar_days,
        officer_looked_at=now,
        outcomes=list(outcomes),
    )
    try:
        if full:
            waiting.join(referral, actor=actor, now=now)
        else:
            _take(referral, actor=actor, now=now)
    except IntegrityError as error:
        if "uq_referrals_one_open" not in str(error.orig):
            raise
        # The lock makes this all but impossible; the constraint stands all the same.
        raise AlreadyDone(_duplicate(ReferralStatus.SENT), field="crn") from error
    return referral


def _take(referral: Referral, *, actor: Actor, now: datetime) -> None:
    """Send it to the supplier at once: there is room, and the caller holds the line."""
    referral.status, referral.sent_at = ReferralStatus.SENT, now
    counting.take_place(referral, now=now)
    db.session.add(referral)
    db.session.flush()
    audit.record("Sent to the supplier", referral, actor=actor, now=now, line=referral.line.id)
    letters.sent(referral, now=now)


def withdraw(referral_id: int, *, reason: str, actor: Actor, now: datetime) -> Referral:
    """The officer takes the referral back and the supplier is told.

    Its place is free again, unless the person has attended a session: that work was done, and the place stays used.
    """
    referral = to_be_moved(referral_id, ReferralStatus.WITHDRAWN, actor=actor, counts=True)
    if not queries.is_officer_of(actor, referral):
        raise NotAllowed("Only the officer who sent the referral can withdraw it.")
    if referral.status in UNSENT:
        raise Refused("This referral has not been sent yet. Take the person off the waiting list instead.")
    end(referral, ReferralStatus.WITHDRAWN, reason, now=now)
    if not queries.has_attended(referral):
        counting.give_back(referral, now=now)
    audit.record("Withdrawn by the officer", referral, actor=actor, now=now, freed=referral.released_at is not None)
    letters.withdrawn(referral, now=now)
    db.session.flush()
    waiting.pass_on(referral.line_id, now=now)
    return referral


def look(referral_id: int, *, actor: Actor, now: datetime) -> SealedWords:
    """Open what is sealed about a referral, and put on record that this person looked.

    The officer's look also marks as seen what had happened since their last one.
    """
    words = queries.sealed_words(actor, referral_id)
    referral = queries.referral_for(actor, referral_id)
    audit.record(LOOKED, referral, actor=actor, now=now)
    if queries.is_officer_of(actor, referral):
        referral.officer_looked_at = now
    db.session.flush()
    return words


def _check(line: ServiceLine, written: Need) -> tuple[str, Sequence[DesiredOutcome]]:
    crn = rules.crn(written.crn)
    if crn is None:
        raise Invalid("Enter a case reference number, like X123456", field="crn")
    if written.category_code not in {category.code for category in line.categories}:
        raise Invalid("Choose a kind of help that this service gives.", field="category")
    if not written.need.strip():
        raise Invalid("Enter what the person needs.", field="need")
    if written.rar_days is not None and not 1 <= written.rar_days <= 365:
        raise Invalid("Enter a number of RAR days between 1 and 365, or leave it empty.", field="rar_days")
    outcomes = db.session.scalars(
        select(DesiredOutcome).where(
            DesiredOutcome.code.in_(written.outcome_codes), DesiredOutcome.category_code == written.category_code
        )
    ).all()
    if len(outcomes) != len(set(written.outcome_codes)):
        raise Invalid("Choose outcomes that belong to the kind of help chosen.", field="outcomes")
    return crn, outcomes


def _refuse_unreceived(line: ServiceLine) -> None:
    if not queries.suppliers_with_somebody([line.agreement.supplier_id]):
        raise Refused(
            f"{line.agreement.supplier.name} does not receive referrals here yet, so nobody would see this one. "
            "Refer the way you do today."
        )


def _refuse_duplicate(line: ServiceLine, mark: str) -> None:
    """Asked before the count, so that a person referred twice is told so rather than that the service is full."""
    status = db.session.scalar(
        select(Referral.status).where(
            Referral.line_id == line.id, Referral.crn_fingerprint == mark, Referral.status.in_(rules.OPEN)
        )
    )
    if status is not None:
        raise AlreadyDone(_duplicate(status), field="crn")


def _duplicate(status: ReferralStatus) -> str:
    if status in UNSENT:
        return "You or a colleague have put this person on the waiting list of this service already."
    return (
        "You or a colleague have already referred this person to this service, and that referral is still open. "
        "Withdraw it first if it was a mistake."
    )
