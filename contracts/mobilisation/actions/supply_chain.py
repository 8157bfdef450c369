"""The supply chain: who does what share, agreed by the contract manager, and what each did in a quarter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select

from contracts.agreements.actions import hold
from contracts.agreements.models import Agreement, Subcontractor
from contracts.agreements.rules import Side
from contracts.mobilisation import letters, queries
from contracts.mobilisation.actions.checks import must_be, must_last
from contracts.mobilisation.models import ChainReport
from marketplace import audit, clock
from marketplace.access import Actor
from marketplace.accounts.rules import SupplierStatus
from marketplace.errors import AlreadyDone, Invalid, Refused, TooLate
from marketplace.extensions import db


def enter_subcontractor(
    agreement: Agreement,
    *,
    name: str,
    work: str,
    share: Decimal,
    status: SupplierStatus,
    actor: Actor,
    now: datetime,
) -> Subcontractor:
    """One more member of the chain, by the supplier; the contract manager is asked to agree.

    Refused: a name that is there, and shares that come to more than 100 % together.
    """
    hold(agreement)
    must_be(Side.SUPPLIER, actor, agreement)
    must_last(agreement, now)
    _must_be_new(agreement, name)
    _must_fit(agreement, share, besides=None)
    member = Subcontractor(agreement_id=agreement.id, name=name, work=work, share=share, supplier_status=status)
    db.session.add(member)
    db.session.flush()
    audit.record("Entered a subcontractor", agreement, actor=actor, now=now, subcontractor=member.id, share=str(share))
    letters.ask_to_agree_chain(agreement, member, now=now)
    return member


def change_subcontractor(
    agreement: Agreement,
    member: Subcontractor,
    *,
    name: str,
    work: str,
    share: Decimal,
    status: SupplierStatus,
    actor: Actor,
    now: datetime,
) -> None:
    """Change what a subcontractor does or its share. Whatever was agreed is to be agreed again."""
    _editing(agreement, member, actor)
    if name != member.name:
        _must_be_new(agreement, name)
    _must_fit(agreement, share, besides=member)
    before = member.share
    member.name, member.work, member.share, member.supplier_status = name, work, share, status
    member.agreed_at = member.agreed_by = None
    db.session.flush()
    audit.record(
        "Changed a subcontractor",
        agreement,
        actor=actor,
        now=now,
        subcontractor=member.id,
        share=str(share),
        share_before=None if before is None else str(before),
    )
    letters.ask_to_agree_chain(agreement, member, now=now)


def leaves(agreement: Agreement, member: Subcontractor, *, actor: Actor, now: datetime) -> None:
    """A subcontractor leaves the chain today. What it did stays on record."""
    _editing(agreement, member, actor)
    member.left_on = clock.london(now).date()
    db.session.flush()
    audit.record("Noted that a subcontractor has left", agreement, actor=actor, now=now, subcontractor=member.id)
    letters.tell_left_chain(agreement, member, now=now)


def agree_chain(agreement: Agreement, *, seen: str, actor: Actor, now: datetime) -> int:
    """The lead's contract manager agrees to the entries under the mark seen (`queries.mark_of`); how many they were.

    Refused when they are not as they were shown any more, because one was agreed, added or changed meanwhile.
    """
    hold(agreement)
    must_be(Side.COMMISSIONER, actor, agreement)
    waiting = queries.chain_of(agreement, clock.london(now).date()).to_agree
    if not waiting:
        raise AlreadyDone("There is no subcontractor to agree to.")
    if queries.mark_of(waiting) != seen:
        raise Refused("The supply chain was changed meanwhile. Look at it again before you agree.")
    for member in waiting:
        member.agreed_at, member.agreed_by = now, actor.person
    db.session.flush()
    audit.record("Agreed the supply chain", agreement, actor=actor, now=now, subcontractors=[one.id for one in waiting])
    return len(waiting)


def report_quarter(
    agreement: Agreement, *, quarter_begins: date, parts: Mapping[int, Decimal], actor: Actor, now: datetime
) -> None:
    """What each subcontractor did of a quarter's work, in percent.

    Refused: more than 100 % together, a quarter that is reported, one that is not over.
    """
    hold(agreement)
    must_be(Side.SUPPLIER, actor, agreement)
    owed = {first: asked for (first, _), asked in queries.chain_of(agreement, clock.london(now).date()).to_report}
    asked = owed.get(quarter_begins)
    if asked is None:
        raise TooLate("This quarter is reported already, or is not over yet.")
    if {one.id for one in asked} != set(parts):
        raise Refused("The supply chain was changed meanwhile. Look at the page again.")
    if any(part < 0 for part in parts.values()) or sum(parts.values(), Decimal(0)) > 100:
        raise Invalid("The parts of a quarter cannot come to more than 100% together")
    there = db.session.scalars(
        select(ChainReport).where(ChainReport.subcontractor_id.in_(parts), ChainReport.quarter_begins == quarter_begins)
    )
    kept = {one.subcontractor_id: one for one in there}
    for key, part in parts.items():
        # Somebody who joined since is added to a quarter whose other parts stand.
        if key in kept:
            kept[key].percent = part
        else:
            db.session.add(
                ChainReport(
                    subcontractor_id=key,
                    quarter_begins=quarter_begins,
                    percent=part,
                    reported_at=now,
                    reported_by=actor.person,
                )
            )
    db.session.flush()
    audit.record(
        "Reported the supply chain’s quarter",
        agreement,
        actor=actor,
        now=now,
        quarter_begins=quarter_begins.isoformat(),
        parts={str(key): str(part) for key, part in parts.items()},
    )
    letters.tell_reported(agreement, now=now)


def _editing(agreement: Agreement, member: Subcontractor, actor: Actor) -> None:
    hold(agreement)
    must_be(Side.SUPPLIER, actor, agreement)
    db.session.refresh(member)
    if member.left_on is not None:
        raise AlreadyDone("This subcontractor has left the supply chain.")


def _must_be_new(agreement: Agreement, name: str) -> None:
    there = db.session.scalar(
        select(Subcontractor.id).where(
            Subcontractor.agreement_id == agreement.id,
            Subcontractor.left_on.is_(None),
            func.lower(Subcontractor.name) == name.lower(),
        )
    )
    if there is not None:
        raise AlreadyDone("A subcontractor of this name is in the supply chain already.", field="name")


def _must_fit(agreement: Agreement, share: Decimal, *, besides: Subcontractor | None) -> None:
    others = select(func.coalesce(func.sum(Subcontractor.share), 0)).where(
        Subcontractor.agreement_id == agreement.id, Subcontractor.left_on.is_(None)
    )
    if besides is not None:
        others = others.where(Subcontractor.id != besides.id)
    rest = Decimal(100) - (db.session.scalar(others) or Decimal(0))
    if share > rest:
        raise Invalid(f"All shares come to 100% at most: {rest:.2f}% is left", field="share")
