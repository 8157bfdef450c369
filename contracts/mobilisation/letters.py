"""What people are told about what surrounds a contract. One letter for one thing that was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from contracts.agreements.models import Agreement, Subcontractor
from contracts.agreements.rules import Side
from contracts.mobilisation.models import Milestone, MilestoneReport, Promise, PromiseReport
from contracts.mobilisation.rules import other
from marketplace import clock
from marketplace.access import Permission
from marketplace.accounts import letters
from marketplace.accounts.models import Person
from marketplace.accounts.queries import people_with


def managers(agreement: Agreement, side: Side) -> Sequence[Person]:
    """Everybody who manages the contract for a side."""
    if side is Side.SUPPLIER:
        return people_with(agreement.supplier_id, Permission.MANAGE_DELIVERY)
    return people_with(agreement.commissioner_id, Permission.MANAGE_CONTRACTS)


def write_to_side(
    agreement: Agreement, side: Side, *, key: str, subject: str, template: str, now: datetime, **context: Any
) -> None:
    """One letter about the contract to each of those who manage it for a side; the template is named area/letter."""
    letters.write_to(
        managers(agreement, side),
        key=key,
        subject=subject,
        template=f"emails/{template}.txt",
        now=now,
        agreement=agreement,
        **context,
    )


def tell_begun(agreement: Agreement, *, now: datetime) -> None:
    """To both sides: the milestones are there."""
    for side in Side:
        write_to_side(
            agreement,
            side,
            key=f"mobilisation:{agreement.id}:begun",
            subject=f"Contract {agreement.reference}: what must be ready before it begins",
            template="mobilisation/begun",
            now=now,
        )


def tell_done(milestone: Milestone, report: MilestoneReport, *, now: datetime) -> None:
    """To the side that judges it."""
    write_to_side(
        milestone.agreement,
        other(milestone.side),
        key=f"milestone-report:{report.id}:done",
        subject=f"A milestone of {milestone.agreement.reference} is said to be done",
        template="mobilisation/milestone_done",
        now=now,
        milestone=milestone,
    )


def tell_judged(milestone: Milestone, report: MilestoneReport, *, now: datetime) -> None:
    """To its owner."""
    word = "accepted" if report.accepted else "sent back"
    write_to_side(
        milestone.agreement,
        milestone.side,
        key=f"milestone-report:{report.id}:judged",
        subject=f"A milestone of {milestone.agreement.reference} was {word}",
        template="mobilisation/milestone_judged",
        now=now,
        milestone=milestone,
        report=report,
    )


def remind_of_milestones(
    agreement: Agreement, side: Side, milestones: Sequence[Milestone], *, on: date, now: datetime
) -> None:
    """To their owner, once when one of them comes near, and once when one is late."""
    late = [one for one in milestones if one.due_on < on]
    for kind, some in (("late", late), ("soon", [one for one in milestones if one not in late])):
        for one in some:
            write_to_side(
                agreement,
                side,
                key=f"milestone:{one.id}:{one.due_on}:{kind}",
                subject=f"“{one.title}” for {agreement.reference} " + ("is late" if kind == "late" else "is due soon"),
                template="mobilisation/milestone_due",
                now=now,
                milestone=one,
                is_late=kind == "late",
            )


def ask_to_agree_promise(promise: Promise, *, now: datetime) -> None:
    """To the side that did not write it."""
    write_to_side(
        promise.agreement,
        other(promise.side),
        key=f"promise:{promise.id}:proposed",
        subject=f"Agree how a promise of {promise.agreement.reference} will be measured",
        template="mobilisation/promise_proposed",
        now=now,
        promise=promise,
    )


def tell_promise_answered(promise: Promise, *, now: datetime) -> None:
    """To the side that wrote it; that it has ended, to the supplier."""
    side = Side.SUPPLIER if promise.status == "ended" else promise.side
    write_to_side(
        promise.agreement,
        side,
        key=f"promise:{promise.id}:{promise.status}",
        subject=f"A promise of {promise.agreement.reference} is {promise.status}",
        template="mobilisation/promise_answered",
        now=now,
        promise=promise,
    )


def tell_reported(agreement: Agreement, *, now: datetime) -> None:
    """To contract managers: reports are in. One letter a contract and day, however many answers it has."""
    write_to_side(
        agreement,
        Side.COMMISSIONER,
        key=f"mobilisation:{agreement.id}:reported:{clock.london(now).date()}",
        subject=f"The supplier reported on {agreement.reference}",
        template="mobilisation/reported",
        now=now,
    )


def tell_report_judged(report: PromiseReport, *, now: datetime) -> None:
    """To the supplier."""
    write_to_side(
        report.promise.agreement,
        Side.SUPPLIER,
        key=f"promise-report:{report.id}:judged",
        subject=f"Your report on a promise of {report.promise.agreement.reference} was judged",
        template="mobilisation/report_judged",
        now=now,
        report=report,
    )


def ask_to_agree_chain(agreement: Agreement, member: Subcontractor, *, now: datetime) -> None:
    """To contract managers: a subcontractor waits for their agreement."""
    write_to_side(
        agreement,
        Side.COMMISSIONER,
        key=f"subcontractor:{member.id}:{now.isoformat()}",
        subject=f"The supply chain of {agreement.reference} waits for your agreement",
        template="mobilisation/chain",
        now=now,
        member=member,
    )


def tell_left_chain(agreement: Agreement, member: Subcontractor, *, now: datetime) -> None:
    """To contract managers: a subcontractor has left."""
    write_to_side(
        agreement,
        Side.COMMISSIONER,
        key=f"subcontractor:{member.id}:left",
        subject=f"A subcontractor of {agreement.reference} has left the supply chain",
        template="mobilisation/chain",
        now=now,
        member=member,
    )


def remind_of_reports(agreement: Agreement, *, days: Iterable[date], now: datetime) -> None:
    """To the supplier, once for the days (of promises, of quarters) that a report is asked for."""
    for day in sorted(set(days)):
        write_to_side(
            agreement,
            Side.SUPPLIER,
            key=f"mobilisation:{agreement.id}:report:{day}",
            subject=f"Report on {agreement.reference}: one page",
            template="mobilisation/report_due",
            now=now,
        )


def warn_of_expiry(agreement: Agreement, *, days: Iterable[date], now: datetime) -> None:
    """To both sides: a clearance or access ends soon. One letter a day on which some end; nobody is named."""
    for day in sorted(set(days)):
        for side in Side:
            write_to_side(
                agreement,
                side,
                key=f"mobilisation:{agreement.id}:clearance:{day}",
                subject=f"A clearance under {agreement.reference} ends on {day.day} {day:%B %Y}",
                template="mobilisation/clearance",
                now=now,
                day=day,
            )
