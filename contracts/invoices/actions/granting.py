"""Grants: instalments planned, claimed when their milestone is reached, accepted, and invoiced."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import func, select

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, GrantInstalment
from contracts.agreements.rules import AgreementStatus
from contracts.agreements.rules.instalments import INSTALMENT_MOVES, InstalmentStatus
from contracts.changes import queries as changes
from contracts.invoices import letters, queries
from contracts.invoices.actions.making import Part, make_invoice
from contracts.invoices.actions.settling import approve_held
from contracts.invoices.models import Invoice
from contracts.invoices.rules import InvoiceKind, InvoiceStatus, instalment_number
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused
from marketplace.extensions import db
from marketplace.money import split
from marketplace.presentation import date_words, pounds_exact


def plan_instalment(
    agreement: Agreement, *, milestone: str, amount: Decimal, due_on: date, actor: Actor, now: datetime
) -> GrantInstalment:
    """One more instalment of a grant, planned by the lead commissioner: for what, how much, and when it is expected.

    Refused for contracts, for others, outside the grant's days, where all together would be more than the grant, and
    the very same a second time (a button pressed twice).
    """
    actor.must(Permission.MANAGE_CONTRACTS)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("The lead commissioner plans a grant’s instalments.")
    if agreement.instrument is not Instrument.GRANT:
        raise Refused("Only grants are paid by instalments. This is a contract, paid each month.")
    hold_contract(agreement.id)
    _must_not_be_agreed(agreement)
    if not milestone.strip():
        raise Invalid("Say what is to be reached", field="milestone")
    if not agreement.starts_on <= due_on <= (agreement.ends_on or date.max):
        raise Invalid("Choose a day within the grant’s term", field="due_on")
    written: dict[str, object] = {"milestone": milestone.strip(), "amount": amount, "due_on": due_on}
    same = select(GrantInstalment.id).filter_by(agreement_id=agreement.id, **written)
    if db.session.scalar(same.limit(1)) is not None:
        raise AlreadyDone("This instalment is planned already.")
    _within_grant(agreement, amount)
    last = db.session.scalar(
        select(func.max(GrantInstalment.number)).where(GrantInstalment.agreement_id == agreement.id)
    )
    made = GrantInstalment(
        agreement_id=agreement.id,
        number=(last or 0) + 1,
        status=InstalmentStatus.PLANNED,
        **written,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        f"Planned instalment {made.number}, {pounds_exact(amount)}", agreement, actor=actor, now=now, number=made.number
    )
    return made


def _must_not_be_agreed(agreement: Agreement) -> None:
    """Refuse to plan alone what both sides agree: the schedule of a varied grant, or of one that is being varied."""
    if changes.is_being_changed(agreement):
        raise Refused("A change to this grant is under way. Change its instalments there.")
    if changes.is_varied(agreement):
        raise Refused("Both sides have agreed the instalments of this grant. Change the grant to change them.")


def _within_grant(agreement: Agreement, amount: Decimal) -> None:
    if amount <= 0:
        raise Invalid("Enter an amount above £0", field="amount")
    planned = sum((one.amount for one in queries.instalments(agreement.id)), Decimal(0))
    most = agreement.whole_life_value
    if most is not None and planned + amount > most:
        left = pounds_exact(most - planned)
        raise Invalid(
            f"The instalments would come to more than the grant: {left} of it is not planned yet", field="amount"
        )


def remove_instalment(made: GrantInstalment, *, actor: Actor, now: datetime) -> None:
    """An instalment that nobody has claimed yet is planned no more."""
    agreement = _held(made)
    actor.must(Permission.MANAGE_CONTRACTS)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("The lead commissioner plans a grant’s instalments.")
    _must_not_be_agreed(agreement)
    if made.status is not InstalmentStatus.PLANNED:
        raise Refused("This instalment is claimed already.")
    audit.record(f"Removed instalment {made.number}", agreement, actor=actor, now=now)
    db.session.delete(made)
    db.session.flush()


def claim_instalment(made: GrantInstalment, *, evidence: str, actor: Actor, now: datetime) -> None:
    """The supplier says that the milestone is reached, and how that can be seen."""
    agreement = _held(made)
    if not queries.may_claim(actor, agreement):
        raise NotAllowed("The supplier claims an instalment.")
    if agreement.status is not AgreementStatus.SIGNED:
        raise Refused("Instalments are claimed under a signed grant.")
    if InstalmentStatus.CLAIMED not in INSTALMENT_MOVES[made.status]:
        raise AlreadyDone("This instalment is claimed already.")
    if not evidence.strip():
        raise Invalid("Say how it can be seen that the milestone is reached", field="evidence")
    made.status, made.evidence, made.sent_back_reason = InstalmentStatus.CLAIMED, evidence.strip(), None
    made.claimed_at, made.claimed_by = now, actor.person
    db.session.flush()
    audit.record(f"Claimed instalment {made.number}", agreement, actor=actor, now=now)
    letters.claimed(made, agreement, now=now)


def send_back_claim(made: GrantInstalment, *, reason: str, actor: Actor, now: datetime) -> None:
    """The lead commissioner does not see the milestone reached, and says why. It may be claimed again."""
    agreement = _held(made)
    _must_accept(made, agreement, actor)
    if not reason.strip():
        raise Invalid("Say what is missing", field="reason")
    made.status, made.sent_back_reason = InstalmentStatus.PLANNED, reason.strip()
    db.session.flush()
    audit.record(f"Sent back the claim for instalment {made.number}", agreement, actor=actor, now=now)
    letters.claim_sent_back(made, agreement, now=now)


def accept_claim(made: GrantInstalment, *, actor: Actor, now: datetime) -> list[Invoice]:
    """The lead commissioner accepts that the milestone is reached: each funder is invoiced its share.

    That is approval, too: the invoices are sent at once. Refused while the whole grant is suspended.
    """
    agreement = _held(made)
    _must_accept(made, agreement, actor)
    today = clock.london(now).date()
    held = queries.held_since(agreement.id, today)
    if held is not None:
        raise Refused(
            f"The grant has been suspended since {date_words(held)}, and its instalments are held. "
            "This one can be accepted when that is lifted."
        )
    made.status, made.accepted_at, made.accepted_by = InstalmentStatus.ACCEPTED, now, actor.person
    db.session.flush()
    audit.record(f"Accepted instalment {made.number}", agreement, actor=actor, now=now)
    funders = agreement.version_on(today).funders
    places = queries.funder_places(agreement)
    invoices = []
    for funder, amount in zip(funders, split(made.amount, [one.percent for one in funders]), strict=True):
        if not amount:
            continue
        invoice = make_invoice(
            agreement,
            kind=InvoiceKind.INSTALMENT,
            number=instalment_number(agreement.reference, made.number, places[funder.organisation_id]),
            funder_id=funder.organisation_id,
            percent=funder.percent,
            period=(today, today),
            parts=[Part(f"Instalment {made.number}: {made.milestone}", amount)],
            actor=actor,
            now=now,
            instalment_id=made.id,
        )
        if invoice.status is InvoiceStatus.AWAITING_APPROVAL:
            approve_held(invoice, actor=actor, now=now)
        invoices.append(invoice)
    letters.accepted(made, agreement, now=now)
    return invoices


def _held(made: GrantInstalment) -> Agreement:
    hold_contract(made.agreement_id)
    found = db.session.get(GrantInstalment, made.id, populate_existing=True)
    if found is None:
        raise AlreadyDone("This instalment is planned no more.")
    return found.agreement


def _must_accept(made: GrantInstalment, agreement: Agreement, actor: Actor) -> None:
    actor.must(Permission.APPROVE_INVOICES)
    if actor.organisation_id != agreement.commissioner_id:
        raise NotAllowed("A contract manager of the lead commissioner accepts an instalment.")
    if made.status is not InstalmentStatus.CLAIMED:
        raise AlreadyDone("This instalment does not wait to be accepted.")
