"""What people are told about changes to a contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from contracts.agreements.models import Agreement, AgreementFunder, ExtensionOption, Suspension
from contracts.agreements.rules import Side
from contracts.changes.models import Abandonment, ExitTask, Proposal, Variation
from contracts.changes.rules import ENDS, VariationStatus
from contracts.mobilisation.letters import managers, write_to_side
from marketplace.access import Permission
from marketplace.accounts import letters
from marketplace.accounts.models import Organisation, Person
from marketplace.accounts.queries import people_with
from marketplace.presentation import date_words


def _write(
    people: Iterable[Person], variation: Variation, what: str, *, subject: str, now: datetime, **more: Any
) -> None:
    letters.write_to(
        people,
        key=f"variation:{variation.id}:{variation.round}:{what}",
        subject=subject,
        template="emails/changes/change.txt",
        now=now,
        variation=variation,
        agreement=variation.agreement,
        what=what,
        **more,
    )


def _called(variation: Variation) -> str:
    return "The early ending of" if variation.purpose in ENDS else "The change to"


def ask_to_approve(variation: Variation, bodies: Sequence[Organisation], *, now: datetime) -> None:
    """To the approvers of every funder, but not the author."""
    people = [one for body in bodies for one in people_with(body.id, Permission.APPROVE_CHANGES)]
    _write(
        [one for one in people if one.id != variation.author_id],
        variation,
        "approve",
        subject=f"{_called(variation)} {variation.agreement.reference} waits for your approval",
        now=now,
    )


def ask_to_sign(variation: Variation, *, now: datetime) -> None:
    """To those who may sign for the side whose turn it is."""
    agreement = variation.agreement
    supplier = variation.status is VariationStatus.AWAITING_SUPPLIER
    people = (
        people_with(agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER)
        if supplier
        else people_with(agreement.commissioner_id, Permission.SIGN_FOR_COMMISSIONER)
    )
    _write(
        people,
        variation,
        f"sign:{variation.status}",
        subject=f"{_called(variation)} {agreement.reference} waits for your signature",
        now=now,
    )


def tell_sent_back(variation: Variation, *, now: datetime) -> None:
    """To its author: a funder does not approve it as it is."""
    _write(
        [variation.author],
        variation,
        "sent_back",
        subject=f"{_called(variation)} {variation.agreement.reference} was sent back to you",
        now=now,
    )


def tell_withdrawn(variation: Variation, *, was_with_supplier: bool, now: datetime) -> None:
    """To funders' approvers; to the supplier only if it had come to it."""
    agreement = variation.agreement
    people = [
        one for funder in agreement.funders for one in people_with(funder.organisation_id, Permission.APPROVE_CHANGES)
    ]
    if was_with_supplier:
        people += people_with(agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER)
    _write(people, variation, "withdrawn", subject=f"{_called(variation)} {agreement.reference} is withdrawn", now=now)


def tell_agreed(variation: Variation, *, now: datetime) -> None:
    """To whoever manages or pays the contract, on both sides and at every funder."""
    agreement = variation.agreement
    people = _everybody(agreement, variation.version.funders)
    subject = f"The change to {agreement.reference} is agreed"
    if variation.purpose in ENDS:
        subject = f"{agreement.reference} ends early, on {date_words(variation.version.ends_on)}"
    _write(people, variation, "agreed", subject=subject, now=now)


def _everybody(agreement: Agreement, funders: Sequence[AgreementFunder]) -> Iterable[Person]:
    """Whoever manages or pays the contract, on both sides and at every funder."""
    return [
        one
        for body, permission in (
            (agreement.supplier_id, Permission.MANAGE_DELIVERY),
            (agreement.supplier_id, Permission.SIGN_FOR_SUPPLIER),
            (agreement.commissioner_id, Permission.MANAGE_CONTRACTS),
            *((funder.organisation_id, Permission.MANAGE_CONTRACTS) for funder in funders),
            *((funder.organisation_id, Permission.PAY_INVOICES) for funder in funders),
        )
        for one in people_with(body, permission)
    ]


def ask_to_abandon(asked: Abandonment, *, now: datetime) -> None:
    """To the lead's approvers, but not to who asks."""
    approvers = people_with(asked.agreement.commissioner_id, Permission.APPROVE_CHANGES)
    people = [one for one in approvers if one.id != asked.proposed_by]
    subject = f"Decide whether {asked.agreement.reference} is abandoned"
    _tell_of_abandonment(people, asked, "ask", subject, now=now)


def tell_kept(asked: Abandonment, *, now: datetime) -> None:
    """To who asked: the approver does not agree."""
    _tell_of_abandonment([asked.proposer], asked, "kept", f"{asked.agreement.reference} is not abandoned", now=now)


def tell_abandoned(asked: Abandonment, *, now: datetime) -> None:
    """To everybody who would have managed or paid the contract, on both sides."""
    people = _everybody(asked.agreement, asked.agreement.funders)
    _tell_of_abandonment(people, asked, "abandoned", f"{asked.agreement.reference} is abandoned", now=now)


def _tell_of_abandonment(
    people: Iterable[Person], asked: Abandonment, what: str, subject: str, *, now: datetime
) -> None:
    letters.write_to(
        people,
        key=f"abandonment:{asked.id}:{what}",
        subject=subject,
        template="emails/changes/abandonment.txt",
        now=now,
        asked=asked,
        agreement=asked.agreement,
        what=what,
    )


def tell_proposed(proposal: Proposal, *, now: datetime) -> None:
    """To those who manage the contract for its lead: the supplier proposes a change."""
    agreement = proposal.agreement
    people = people_with(agreement.commissioner_id, Permission.MANAGE_CONTRACTS)
    subject = f"{agreement.supplier.name} proposes a change to {agreement.reference}"
    _tell_of_proposal(people, proposal, "proposed", subject, now=now)


def tell_answered(proposal: Proposal, *, now: datetime) -> None:
    """To who proposed it: a change is drafted from it, or it is declined."""
    subject = f"Your proposal to change {proposal.agreement.reference} is {proposal.status.label.lower()}"
    _tell_of_proposal([proposal.author], proposal, proposal.status.value, subject, now=now)


def _tell_of_proposal(people: Iterable[Person], proposal: Proposal, what: str, subject: str, *, now: datetime) -> None:
    letters.write_to(
        people,
        key=f"proposal:{proposal.id}:{what}",
        subject=subject,
        template="emails/changes/proposal.txt",
        now=now,
        proposal=proposal,
        agreement=proposal.agreement,
        what=what,
    )


def tell_exit_begun(agreement: Agreement, *, now: datetime) -> None:
    """To those who manage the contract on either side: what its ending asks of them."""
    for side in Side:
        _tell_of_exit(agreement, side, "begun", "What is to be done before it ends", now=now)


def remind_of_exit(task: ExitTask, *, is_late: bool, now: datetime) -> None:
    """To those who manage the contract for the side whose task it is: once when it comes near, once when it is late."""
    what = f"{task.id}:{task.due_on}:{'late' if is_late else 'soon'}"
    subject = f"“{task.title}” is {'late' if is_late else 'due soon'}"
    _tell_of_exit(task.agreement, task.side, what, subject, now=now, task=task)


def _tell_of_exit(agreement: Agreement, side: Side, what: str, subject: str, *, now: datetime, **more: Any) -> None:
    write_to_side(
        agreement,
        side,
        key=f"exit:{agreement.id}:{what}",
        subject=f"{subject}: {agreement.reference}",
        template="changes/exit",
        now=now,
        what=what,
        **more,
    )


def remind_of_option(option: ExtensionOption, *, days: int, now: datetime) -> None:
    """To those who manage the contract for its lead: an option must be decided. Once for each reminder."""
    agreement = option.agreement
    _tell_of_option(
        managers(agreement, Side.COMMISSIONER),
        option,
        f"decide:{option.decide_by}:{days}",
        f"Decide by {date_words(option.decide_by)} whether to extend {agreement.reference}",
        now=now,
    )


def tell_option_left(option: ExtensionOption, *, now: datetime) -> None:
    """To everybody who manages or pays the contract: it is not extended."""
    agreement = option.agreement
    people = _everybody(agreement, agreement.funders)
    _tell_of_option(people, option, "left", f"{agreement.reference} is not extended", now=now)


def _tell_of_option(
    people: Iterable[Person], option: ExtensionOption, what: str, subject: str, *, now: datetime
) -> None:
    letters.write_to(
        people,
        key=f"option:{option.id}:{what}",
        subject=subject,
        template="emails/changes/option.txt",
        now=now,
        option=option,
        agreement=option.agreement,
        what=what,
    )


def tell_suspended(suspension: Suspension, *, now: datetime) -> None:
    """To everybody who manages or pays the contract: from when no new referrals are taken, and what goes on."""
    _tell_of_suspension(suspension, "suspended", "New referrals are stopped under", now=now)


def tell_lifted(suspension: Suspension, *, now: datetime) -> None:
    """To the same: from when referrals are taken again."""
    _tell_of_suspension(suspension, "lifted", "Referrals are taken again under", now=now)


def _tell_of_suspension(suspension: Suspension, what: str, subject: str, *, now: datetime) -> None:
    agreement = suspension.agreement
    letters.write_to(
        _everybody(agreement, agreement.funders),
        key=f"suspension:{suspension.id}:{what}",
        subject=f"{subject} {agreement.reference}",
        template="emails/changes/suspension.txt",
        now=now,
        suspension=suspension,
        agreement=agreement,
        what=what,
    )
