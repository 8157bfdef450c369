"""Reads of the supply chain: promised against delivered, and the quarters that are not reported yet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from contracts.agreements.models import Agreement, Subcontractor
from contracts.agreements.rules import AgreementStatus
from contracts.mobilisation.models import ChainReport
from contracts.mobilisation.queries.contract import contract_for
from contracts.mobilisation.rules import Share, quarters_over, vcse_share
from marketplace import clock
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db

Quarter = tuple[date, date]


@dataclass(frozen=True)
class ChainRow:
    """A subcontractor with what it did, by the first day of the quarter."""

    subcontractor: Subcontractor
    delivered: dict[date, Decimal]

    @property
    def average(self) -> Decimal | None:
        """Its part of the work over the quarters reported, in percent; None before the first report."""
        if not self.delivered:
            return None
        return sum(self.delivered.values(), Decimal(0)) / len(self.delivered)


@dataclass(frozen=True)
class Chain:
    """The whole chain: its members, and the quarters that are over."""

    rows: list[ChainRow]
    quarters: list[Quarter]
    # Those whose part is not reported yet, with whose parts are asked for.
    to_report: list[tuple[Quarter, list[Subcontractor]]]
    # What reaches voluntary, community and social enterprises, in percent: as promised, and by quarter as delivered.
    vcse_promised: Decimal
    vcse_delivered: dict[date, Decimal]

    @property
    def to_agree(self) -> list[Subcontractor]:
        """The members whose work and share the contract manager has not agreed to."""
        members = (row.subcontractor for row in self.rows)
        return [one for one in members if one.share and one.agreed_at is None and one.left_on is None]


def chain_of(agreement: Agreement, on: date) -> Chain:
    """The contract's supply chain as it stands on a day."""
    members = db.session.scalars(
        select(Subcontractor)
        .where(Subcontractor.agreement_id == agreement.id)
        .order_by(Subcontractor.left_on.is_not(None), Subcontractor.name)
    ).all()
    delivered: dict[int, dict[date, Decimal]] = {one.id: {} for one in members}
    for report in db.session.scalars(
        select(ChainReport).where(ChainReport.subcontractor_id.in_(delivered)).order_by(ChainReport.quarter_begins)
    ):
        delivered[report.subcontractor_id][report.quarter_begins] = report.percent
    quarters = quarters_over(agreement.starts_on, agreement.ends_on, on)
    lead = agreement.supplier.supplier_status
    reported = {first for by_quarter in delivered.values() for first in by_quarter}
    return Chain(
        [ChainRow(one, delivered[one.id]) for one in members],
        quarters,
        quarters_to_report(members, delivered, quarters),
        vcse_share(lead, [Share(one.supplier_status, one.share) for one in members if one.share and not one.left_on]),
        {
            first: vcse_share(
                lead, [Share(one.supplier_status, delivered[one.id].get(first, Decimal(0))) for one in members]
            )
            for first in sorted(reported)
        },
    )


def mark_of(members: Sequence[Subcontractor]) -> str:
    """A mark of what these entries say now: whoever agrees, agrees to what they were shown."""
    said = [[one.id, one.name, one.work, str(one.share), one.supplier_status] for one in members]
    return hashlib.sha256(json.dumps(sorted(said, key=str)).encode()).hexdigest()


def subcontractor_for(actor: Actor, subcontractor_id: int) -> Subcontractor:
    """A member of the chain of a contract that concerns the actor's organisation. Raises NotFound else."""
    found = db.session.get(Subcontractor, subcontractor_id)
    if found is None:
        raise NotFound("There is no such subcontractor.")
    contract_for(actor, found.agreement_id)
    return found


def _reporting(members: Sequence[Subcontractor], quarter: Quarter) -> list[Subcontractor]:
    """Whose part of that quarter is reported: those agreed to with a share, before they left."""
    return [one for one in members if one.share and one.agreed_at and (one.left_on is None or one.left_on > quarter[0])]


def quarters_to_report(
    members: Sequence[Subcontractor], delivered: Mapping[int, Container[date]], quarters: Sequence[Quarter]
) -> list[tuple[Quarter, list[Subcontractor]]]:
    """The quarters that are over and lack somebody's part, earliest first, with whose parts are asked for.

    Quarters that were over before the first member was agreed to are not asked for.
    """
    agreed = min((one.agreed_at for one in members if one.agreed_at), default=None)
    found = []
    for quarter in quarters:
        asked = _reporting(members, quarter)
        if agreed is None or quarter[1] < clock.london(agreed).date():
            continue
        if any(quarter[0] not in delivered[one.id] for one in asked):
            found.append((quarter, asked))
    return found


def quarters_to_remind(
    on: date, *, supplier_id: int | None = None
) -> dict[int, tuple[Agreement, list[tuple[Quarter, list[Subcontractor]]]]]:
    """By contract the quarters of the supply chain that are not reported, of all contracts or of one supplier's."""
    wanted = (
        select(Agreement)
        .where(
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.starts_on < on,
            or_(Agreement.ends_on.is_(None), Agreement.ends_on >= on - timedelta(days=92)),
            Agreement.subcontractors.any(Subcontractor.agreed_at.is_not(None)),
        )
        .options(selectinload(Agreement.subcontractors))
        .order_by(Agreement.id)
    )
    if supplier_id is not None:
        wanted = wanted.where(Agreement.supplier_id == supplier_id)
    agreements = db.session.scalars(wanted).all()
    delivered: dict[int, set[date]] = {member.id: set() for one in agreements for member in one.subcontractors}
    for member, first in db.session.execute(
        select(ChainReport.subcontractor_id, ChainReport.quarter_begins).where(
            ChainReport.subcontractor_id.in_(delivered)
        )
    ):
        delivered[member].add(first)
    found = {}
    for agreement in agreements:
        quarters = quarters_over(agreement.starts_on, agreement.ends_on, on)
        if owed := quarters_to_report(agreement.subcontractors, delivered, quarters):
            found[agreement.id] = (agreement, owed)
    return found
