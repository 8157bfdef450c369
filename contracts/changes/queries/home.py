"""What changes and endings of contracts wait for whom."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import url_for
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import contains_eager

from contracts.agreements.models import Agreement, AgreementFunder, AgreementVersion
from contracts.agreements.rules import TURN as UNSIGNED
from contracts.agreements.rules import Side
from contracts.changes.models import Abandonment, ExitTask, Proposal, Variation, VariationApproval
from contracts.changes.queries.exits import OWED
from contracts.changes.queries.options import options_to_decide
from contracts.changes.rules import OPTION_REMINDERS, ProposalStatus, VariationStatus
from contracts.mobilisation.queries import managed
from marketplace import clock
from marketplace.access import Actor, Permission
from marketplace.extensions import db
from marketplace.presentation import plural
from marketplace.waiting import Waiting


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """Changes that wait for this person's approval, signature or correction; tasks of endings that are near or late."""
    if actor.organisation_id is None:
        return []
    return _abandonments(actor) + _variations(actor) + _proposals(actor) + _options(actor, now) + _exits(actor, now)


def _variations(actor: Actor) -> list[Waiting]:
    """Variations that wait for this person's approval or signature, and those sent back to their author."""
    asked = [
        (
            actor.may(Permission.SIGN_FOR_SUPPLIER) and actor.is_supplier,
            (Variation.status == VariationStatus.AWAITING_SUPPLIER, Agreement.supplier_id == actor.organisation_id),
            "Sign the change to",
        ),
        (
            actor.may(Permission.SIGN_FOR_COMMISSIONER),
            (
                Variation.status == VariationStatus.AWAITING_COMMISSIONER,
                Agreement.commissioner_id == actor.organisation_id,
            ),
            "Sign the change to",
        ),
        (
            actor.may(Permission.APPROVE_CHANGES),
            (
                Variation.status == VariationStatus.AWAITING_APPROVAL,
                Variation.author_id != actor.person_id,
                exists().where(
                    AgreementFunder.organisation_id == actor.organisation_id,
                    AgreementFunder.version_id == AgreementVersion.id,
                    AgreementVersion.agreement_id == Agreement.id,
                    or_(
                        AgreementVersion.id == Variation.version_id,
                        (AgreementVersion.agreed_at.is_not(None)) & (AgreementVersion.superseded_on.is_(None)),
                    ),
                ),
                ~exists().where(
                    VariationApproval.variation_id == Variation.id,
                    VariationApproval.round == Variation.round,
                    VariationApproval.organisation_id == actor.organisation_id,
                ),
            ),
            "Approve the change to",
        ),
        (
            actor.may(Permission.MANAGE_CONTRACTS),
            (
                Variation.status == VariationStatus.DRAFT,
                Variation.returned_reason.is_not(None),
                Variation.author_id == actor.person_id,
            ),
            "Sent back: the change to",
        ),
    ]
    found = []
    for may, where, words in asked:
        if not may:
            continue
        rows = db.session.execute(
            select(Variation.id, Agreement.reference)
            .join(Agreement, Variation.agreement_id == Agreement.id)
            .where(*where)
            .order_by(Variation.id)
        )
        found += [Waiting(f"{words} {reference}", url_for("changes.show", variation_id=key)) for key, reference in rows]
    return found


def _abandonments(actor: Actor) -> list[Waiting]:
    if not actor.may(Permission.APPROVE_CHANGES):
        return []
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference)
        .join(Abandonment, Abandonment.agreement_id == Agreement.id)
        .where(
            Agreement.commissioner_id == actor.organisation,
            Abandonment.decided_at.is_(None),
            Abandonment.proposed_by != actor.person_id,
            Agreement.status.in_(UNSIGNED),
        )
        .order_by(Abandonment.id)
    )
    return [
        Waiting(f"Decide whether {reference} is abandoned", url_for("changes.abandonment", agreement_id=key))
        for key, reference in rows
    ]


def _proposals(actor: Actor) -> list[Waiting]:
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference)
        .join(Proposal, Proposal.agreement_id == Agreement.id)
        .where(Proposal.status == ProposalStatus.SENT, managed(actor, Side.COMMISSIONER))
        .order_by(Proposal.id)
    )
    return [
        Waiting(f"Answer the supplier’s proposal to change {reference}", url_for("changes.index", agreement_id=key))
        for key, reference in rows
    ]


def _options(actor: Actor, now: datetime) -> list[Waiting]:
    if not actor.may(Permission.MANAGE_CONTRACTS):
        return []
    on = clock.london(now).date()
    soon = options_to_decide(on, on + timedelta(days=max(OPTION_REMINDERS)), commissioner_id=actor.organisation)
    return [
        Waiting(
            f"Decide whether to extend {one.agreement.reference} by {plural(one.months, 'month')}",
            url_for("changes.ending", agreement_id=one.agreement_id),
            due=one.decide_by,
        )
        for one in soon
    ]


def _exits(actor: Actor, now: datetime) -> list[Waiting]:
    """Contracts whose ending asks something of this person's side soon, or asked for it already."""
    on = clock.london(now).date()
    found: list[Waiting] = []
    for side in Side:
        tasks = db.session.scalars(
            select(ExitTask)
            .join(ExitTask.agreement)
            .where(
                ExitTask.side == side,
                ExitTask.done_at.is_(None),
                ExitTask.dropped_reason.is_(None),
                Agreement.ends_on.is_not(None),
                managed(actor, side),
            )
            .options(contains_eager(ExitTask.agreement))
            .order_by(ExitTask.agreement_id, ExitTask.id)
        ).all()
        owed: dict[Agreement, list[ExitTask]] = {}
        for task in tasks:
            if task.standing(on) in OWED:
                owed.setdefault(task.agreement, []).append(task)
        found += [
            Waiting(
                f"The ending of {agreement.reference}: {plural(len(due), 'task')} to do",
                url_for("changes.ending", agreement_id=agreement.id),
                due=min(one.due_on for one in due),
            )
            for agreement, due in owed.items()
        ]
    return found
