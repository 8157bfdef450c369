"""Which targets apply: those both sides agreed for a month, and the usual ones where they have not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import joinedload

from contracts.agreements.models import Agreement, ServiceLine, ServiceLineCategory
from contracts.agreements.queries import theirs
from contracts.performance.models import MeasureTarget
from contracts.performance.rules import Measure, Target, TargetStatus, usual_targets
from contracts.volumes.queries.reading import among
from marketplace.access import Actor
from marketplace.errors import NotFound
from marketplace.extensions import db


@dataclass(frozen=True)
class Applied:
    """A target that applies in a month; `agreed` is the row in which both sides agreed to it, if they did."""

    target: Target
    agreed: MeasureTarget | None

    @property
    def is_agreed(self) -> bool:
        """Whether both sides agreed to it."""
        return self.agreed is not None


def targets_of(agreement_ids: Sequence[int], month: date) -> dict[int, dict[Measure, Applied]]:
    """By contract, the targets that apply in a month. A measure that both sides dropped is not there."""
    found: dict[int, dict[Measure, Applied]] = {}
    usual = _usual(agreement_ids)
    agreed = _agreed(agreement_ids, month)
    for key in agreement_ids:
        found[key] = {}
        for measure in Measure:
            row = agreed.get((key, measure))
            target = usual[key][measure] if row is None else row.target
            if target is not None:
                found[key][measure] = Applied(target, row)
    return found


def _agreed(agreement_ids: Sequence[int], month: date) -> dict[tuple[int, Measure], MeasureTarget]:
    """The row that began last by then; of two that begin in one month the one that was agreed later."""
    rows = db.session.scalars(
        select(MeasureTarget)
        .where(
            among(MeasureTarget.agreement_id, agreement_ids),
            MeasureTarget.status == TargetStatus.AGREED,
            MeasureTarget.from_month <= month,
        )
        .order_by(
            MeasureTarget.agreement_id,
            MeasureTarget.measure,
            MeasureTarget.from_month.desc(),
            MeasureTarget.answered_at.desc(),
            MeasureTarget.id.desc(),
        )
        .ext(distinct_on(MeasureTarget.agreement_id, MeasureTarget.measure))
    )
    return {(row.agreement_id, row.measure): row for row in rows}


def _usual(agreement_ids: Sequence[int]) -> dict[int, dict[Measure, Target]]:
    codes: defaultdict[int, set[str]] = defaultdict(set)
    rows = db.session.execute(
        select(ServiceLine.agreement_id, ServiceLineCategory.category_code)
        .join(ServiceLine, ServiceLine.id == ServiceLineCategory.line_id)
        .where(among(ServiceLine.agreement_id, agreement_ids))
    )
    for key, code in rows:
        codes[key].add(code)
    return {key: usual_targets(codes[key]) for key in agreement_ids}


def every_target(agreement: Agreement) -> Sequence[MeasureTarget]:
    """Everything ever proposed for a contract, the latest first: its history."""
    return db.session.scalars(
        select(MeasureTarget)
        .where(MeasureTarget.agreement_id == agreement.id)
        .order_by(MeasureTarget.id.desc())
        .options(joinedload(MeasureTarget.proposer), joinedload(MeasureTarget.answerer))
    ).all()


def target_for(actor: Actor, target_id: int) -> MeasureTarget:
    """A target of a contract that concerns the actor. Raises NotFound else."""
    found = db.session.scalar(
        select(MeasureTarget)
        .join(MeasureTarget.agreement)
        .where(MeasureTarget.id == target_id, theirs(actor))
        .options(joinedload(MeasureTarget.agreement))
    )
    if found is None:
        raise NotFound("There is no such target, or it does not concern your organisation.")
    return found
