"""A grant's instalments as a version agrees them. Whoever calls has locked the contract's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, AgreementVersion, GrantInstalment, VersionInstalment
from contracts.agreements.rules.instalments import InstalmentStatus, InstalmentTerm, touched
from marketplace.errors import Refused
from marketplace.extensions import db


def instalments_now(agreement: Agreement) -> Sequence[GrantInstalment]:
    """A grant's instalments, read afresh."""
    return db.session.scalars(
        select(GrantInstalment)
        .where(GrantInstalment.agreement_id == agreement.id)
        .order_by(GrantInstalment.number)
        .execution_options(populate_existing=True)
    ).all()


def write_schedule(version: AgreementVersion, schedule: Sequence[InstalmentTerm]) -> None:
    """The version agrees these instalments and no others."""
    version.instalments.clear()
    db.session.flush()
    version.instalments.extend(VersionInstalment(agreement_id=version.agreement_id, **asdict(one)) for one in schedule)
    db.session.flush()


def must_leave_claims(version: AgreementVersion) -> None:
    """Refuse a schedule that changes or leaves out what is claimed or accepted, perhaps since it was drafted."""
    fixed = [one.term for one in instalments_now(version.agreement) if one.is_fixed]
    broken = touched(fixed, [one.term for one in version.instalments])
    if broken:
        raise Refused(
            f"Instalment {broken[0].number} is claimed or accepted, so that it stays as it is. "
            "Take the change back, and ask for approval again: that instalment is then left as it was."
        )


def apply_schedule(version: AgreementVersion) -> None:
    """The instalments become those of a version that is agreed now: changed, added, and left out."""
    agreement = version.agreement
    if agreement.instrument is not Instrument.GRANT or version.number == 1:
        return
    must_leave_claims(version)
    wanted = {one.number: one for one in version.instalments}
    for made in instalments_now(agreement):
        one = wanted.pop(made.number, None)
        if one is None:
            db.session.delete(made)
        else:
            made.milestone, made.amount, made.due_on = one.milestone, one.amount, one.due_on
    # Gone before others come, and the rest before anything is read again.
    db.session.flush()
    db.session.add_all(
        GrantInstalment(agreement_id=agreement.id, status=InstalmentStatus.PLANNED, **asdict(one.term))
        for one in wanted.values()
    )
    db.session.flush()
    db.session.expire(agreement, ["instalments"])
