"""What waits for whom on the home page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from flask import url_for
from sqlalchemy import and_, func, or_, select

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, GrantInstalment
from contracts.agreements.rules import AgreementStatus
from contracts.agreements.rules.instalments import InstalmentStatus
from contracts.invoices.models import Dispute, InstalmentUse, Invoice
from contracts.invoices.queries.disputing import disputes_to_answer, disputes_to_settle
from contracts.invoices.queries.finding import LEFT, to_approve
from contracts.invoices.queries.money import funded_contracts
from contracts.invoices.queries.reckoning import invoice_addresses, vat_statuses
from contracts.invoices.queries.supply_chain import chains_to_confirm
from contracts.invoices.queries.years import years_to_approve
from contracts.invoices.rules import ChainStanding, InvoiceStatus, VatKind
from contracts.invoices.rules.granting import UseStatus, use_due_on
from marketplace import clock
from marketplace.access import TABLE, Actor, Permission
from marketplace.accounts.models import RoleGrant
from marketplace.extensions import db
from marketplace.presentation import date_words, plural, pounds_exact
from marketplace.waiting import Waiting

# So many invoices stand on the home page one by one; more are one line, which leads to their list.
LISTED_SINGLY = 5


def waiting(actor: Actor, now: datetime) -> list[Waiting]:
    """What is to be approved, paid, answered, decided, claimed, entered; for administrators, that nobody can."""
    if actor.organisation_id is None:
        return []
    if actor.is_supplier:
        answers = _disputes("Answer", disputes_to_answer(actor)) if actor.may(Permission.ISSUE_CREDITS) else []
        return [
            *_vat_unsaid(actor, now),
            *answers,
            *_to_claim(actor, now),
            *_to_report(actor, now),
            *_to_confirm(actor, now),
        ]
    items = []
    if actor.may(Permission.APPROVE_INVOICES):
        items += _to_approve(actor)
        items += _years(actor)
        items += _disputes("Decide", disputes_to_settle(actor))
        items += _to_accept(actor)
        items += _uses_to_accept(actor)
    if actor.may(Permission.MANAGE_CONTRACTS):
        items += _to_plan(actor)
    if actor.may(Permission.PAY_INVOICES):
        items += _to_pay(actor, now)
        items += _without_order(actor, now)
    if actor.may(Permission.ADMINISTER_ORGANISATION):
        items += _nobody_to(actor, Permission.APPROVE_INVOICES, InvoiceStatus.AWAITING_APPROVAL, "contract manager")
        items += _nobody_to(actor, Permission.PAY_INVOICES, InvoiceStatus.DRAFT, "finance")
    return items


def _vat_unsaid(actor: Actor, now: datetime) -> list[Waiting]:
    """Until a supplier has said how it stands with VAT, none is charged, and that is hard to make good; and a VAT
    invoice without an address is none."""
    if not actor.may(Permission.ISSUE_CREDITS):
        return []
    if stated := vat_statuses(actor.organisation):
        if stated[0].kind is not VatKind.STANDARD or invoice_addresses(actor.organisation):
            return []
        return [Waiting("Give the address that your VAT invoices must bear", url_for("invoices.address"))]
    contract = select(Agreement.id).where(
        Agreement.supplier_id == actor.organisation_id,
        Agreement.status == AgreementStatus.SIGNED,
        Agreement.instrument == Instrument.CONTRACT,
        Agreement.ends_on >= clock.london(now).date(),
    )
    if db.session.scalar(select(contract.exists())) is not True:
        return []
    return [Waiting("Say how you stand with VAT, before invoices are raised for you", url_for("invoices.vat"))]


def _to_approve(actor: Actor) -> list[Waiting]:
    count, amount = db.session.execute(
        select(func.count(), func.sum(LEFT)).select_from(Invoice).join(Invoice.agreement).where(to_approve(actor))
    ).one()
    if not count:
        return []
    return [
        Waiting(
            f"Approve {plural(count, 'invoice')}, {pounds_exact(amount)}",
            url_for("invoices.index", status=InvoiceStatus.AWAITING_APPROVAL.value),
        )
    ]


def _years(actor: Actor) -> list[Waiting]:
    """Contract years that were worked out, the earliest one by one; how many more there are."""
    found = years_to_approve(actor)
    items = [
        Waiting(
            f"Approve the contract year to {date_words(one.last)} of {one.reference}: {_difference(one.difference)}",
            url_for("invoices.reconciliation", agreement_id=one.agreement_id, first=one.first),
        )
        for one in found[:LISTED_SINGLY]
    ]
    rest = found[LISTED_SINGLY:]
    if rest:
        url = url_for("invoices.reconciliation", agreement_id=rest[0].agreement_id, first=rest[0].first)
        items.append(Waiting(f"{plural(len(rest), 'more contract year')} to approve after these", url))
    return items


def _difference(amount: Decimal) -> str:
    if amount < 0:
        return f"{pounds_exact(-amount)} to be given back"
    return f"{pounds_exact(amount)} to pay"


def _disputes(verb: str, found: Sequence[Dispute]) -> list[Waiting]:
    if len(found) > LISTED_SINGLY:
        amount = sum((one.net for one in found), Decimal(0))
        text = f"{verb} {len(found)} disputes of invoices, {pounds_exact(amount)} before VAT"
        return [Waiting(text, url_for("invoices.index", dispute="open"))]
    return [
        Waiting(
            f"{verb} the dispute of invoice {one.invoice.number}, {pounds_exact(one.net)} before VAT",
            url_for("invoices.show_dispute", dispute_id=one.id),
        )
        for one in found
    ]


def _to_pay(actor: Actor, now: datetime) -> list[Waiting]:
    today = clock.london(now).date()
    owed = (Invoice.organisation_id == actor.organisation, Invoice.status == InvoiceStatus.OPEN)
    rows = db.session.execute(
        select(Invoice.id, Invoice.number, LEFT, Invoice.due_on)
        .where(*owed)
        .order_by(Invoice.due_on, Invoice.id)
        .limit(LISTED_SINGLY + 1)
    ).all()
    if len(rows) > LISTED_SINGLY:
        count, amount, first, overdue = db.session.execute(
            select(
                func.count(),
                func.sum(LEFT),
                func.min(Invoice.due_on),
                func.count().filter(Invoice.due_on < today),
            ).where(*owed)
        ).one()
        late = f", of which {plural(overdue, 'is', 'are')} overdue" if overdue else ""
        return [
            Waiting(
                f"{count:,} invoices to pay, {pounds_exact(amount)}{late}",
                url_for("invoices.index", status=InvoiceStatus.OPEN.value),
                due=first,
            )
        ]
    return [
        Waiting(
            f"Pay invoice {number}, {pounds_exact(amount)}{', which is overdue' if due < today else ''}",
            url_for("invoices.show", invoice_id=key),
            due=due,
        )
        for key, number, amount, due in rows
    ]


def _without_order(actor: Actor, now: datetime) -> list[Waiting]:
    """Contracts whose invoices would go out without a purchase order of the funder's."""
    missing = funded_contracts(actor, on=clock.london(now).date(), without_order=True)
    if not missing:
        return []
    if len(missing) == 1:
        one = missing[0].agreement
        url = url_for("invoices.purchase_order", agreement_id=one.id)
        return [Waiting(f"Enter the purchase order of {one.reference}", url)]
    return [
        Waiting(
            f"{len(missing):,} contracts have no purchase order of yours",
            url_for("invoices.purchase_orders", show="missing"),
        )
    ]


def _to_accept(actor: Actor) -> list[Waiting]:
    """Instalments of grants that are claimed."""
    return [
        Waiting(
            f"Accept instalment {made.number} of {reference}, {pounds_exact(made.amount)}, or send it back",
            url_for("invoices.decide_instalment", instalment_id=made.id),
        )
        for made, reference in db.session.execute(
            select(GrantInstalment, Agreement.reference)
            .join(GrantInstalment.agreement)
            .where(Agreement.commissioner_id == actor.organisation, GrantInstalment.status == InstalmentStatus.CLAIMED)
            .order_by(GrantInstalment.claimed_at)
        )
    ]


def _to_plan(actor: Actor) -> list[Waiting]:
    """Signed grants of which a part has no instalment, so that it cannot be paid."""
    planned = func.coalesce(func.sum(GrantInstalment.amount), 0)
    rows = db.session.execute(
        select(Agreement.id, Agreement.reference, func.coalesce(Agreement.whole_life_value, 0) - planned)
        .outerjoin(GrantInstalment, GrantInstalment.agreement_id == Agreement.id)
        .where(
            Agreement.commissioner_id == actor.organisation,
            Agreement.status == AgreementStatus.SIGNED,
            Agreement.instrument == Instrument.GRANT,
        )
        .group_by(Agreement.id)
        .having(Agreement.whole_life_value > planned)
        .order_by(Agreement.reference)
    )
    return [
        Waiting(
            f"Plan the instalments of grant {reference}: {pounds_exact(left)} has none yet",
            url_for("invoices.instalments", agreement_id=key),
        )
        for key, reference, left in rows
    ]


def _to_confirm(actor: Actor, now: datetime) -> list[Waiting]:
    """Payments to the supply chain that are not confirmed, a line for each contract."""
    if not actor.may(Permission.PAY_SUPPLY_CHAIN):
        return []
    return [
        Waiting(
            f"Confirm what you paid to the supply chain of {agreement.reference}: {plural(count, 'month')}",
            url_for("invoices.supply_chain", agreement_id=agreement.id, standing=ChainStanding.TO_CONFIRM.value),
        )
        for agreement, count in chains_to_confirm(actor, today=clock.london(now).date())
    ]


def _to_claim(actor: Actor, now: datetime) -> list[Waiting]:
    """Instalments that were sent back, and those that are expected by now."""
    if not (actor.may(Permission.MANAGE_DELIVERY) or actor.may(Permission.ISSUE_CREDITS)):
        return []
    today = clock.london(now).date()
    rows = db.session.execute(
        select(GrantInstalment, Agreement.reference)
        .join(GrantInstalment.agreement)
        .where(
            Agreement.supplier_id == actor.organisation,
            Agreement.status == AgreementStatus.SIGNED,
            GrantInstalment.status == InstalmentStatus.PLANNED,
            or_(GrantInstalment.sent_back_reason.is_not(None), GrantInstalment.due_on <= today),
        )
        .order_by(GrantInstalment.due_on, GrantInstalment.id)
    )
    return [
        Waiting(
            f"Instalment {made.number} of {reference} was sent back: claim it again"
            if made.sent_back_reason
            else f"Claim instalment {made.number} of {reference} when its milestone is reached",
            url_for("invoices.claim_instalment", instalment_id=made.id),
            due=made.due_on,
        )
        for made, reference in rows
    ]


def _to_report(actor: Actor, now: datetime) -> list[Waiting]:
    """Instalments whose use is asked about; and those that are not reported on when their grant is over."""
    if not (actor.may(Permission.MANAGE_DELIVERY) or actor.may(Permission.ISSUE_CREDITS)):
        return []
    latest = (
        select(InstalmentUse.status)
        .where(InstalmentUse.instalment_id == GrantInstalment.id)
        .order_by(InstalmentUse.id.desc())
        .limit(1)
        .correlate(GrantInstalment)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(GrantInstalment, Agreement, latest)
        .join(GrantInstalment.agreement)
        .where(
            Agreement.supplier_id == actor.organisation,
            GrantInstalment.status == InstalmentStatus.ACCEPTED,
            or_(latest == UseStatus.ASKED, and_(latest.is_(None), Agreement.ends_on < clock.london(now).date())),
        )
        .order_by(Agreement.ends_on, GrantInstalment.id)
    )
    return [
        Waiting(
            f"Answer the question about the use of instalment {made.number} of {agreement.reference}"
            if status is not None
            else f"Report what instalment {made.number} of {agreement.reference} was used for",
            url_for("invoices.report_use", instalment_id=made.id),
            due=use_due_on(agreement.ends_on) if agreement.ends_on else None,
        )
        for made, agreement, status in rows
    ]


def _uses_to_accept(actor: Actor) -> list[Waiting]:
    """Reports of what instalments were used for."""
    return [
        Waiting(
            f"Look at what instalment {made.number} of {reference} was used for, and accept it or ask",
            url_for("invoices.decide_use", use_id=key),
        )
        for key, made, reference in db.session.execute(
            select(InstalmentUse.id, GrantInstalment, Agreement.reference)
            .join(GrantInstalment, GrantInstalment.id == InstalmentUse.instalment_id)
            .join(GrantInstalment.agreement)
            .where(Agreement.commissioner_id == actor.organisation, InstalmentUse.status == UseStatus.SENT)
            .order_by(InstalmentUse.reported_at)
        )
    ]


def _nobody_to(actor: Actor, permission: Permission, status: InvoiceStatus, role: str) -> list[Waiting]:
    holders = select(RoleGrant.id).where(
        RoleGrant.organisation_id == actor.organisation, RoleGrant.role.in_(TABLE[permission])
    )
    # The lead commissioner approves; each funder pays its own.
    whose = Agreement.commissioner_id if permission is Permission.APPROVE_INVOICES else Invoice.organisation_id
    count = db.session.scalar(
        select(func.count())
        .select_from(Invoice)
        .join(Invoice.agreement)
        .where(whose == actor.organisation, Invoice.status == status, ~holders.exists())
    )
    if not count:
        return []
    what = "1 invoice waits" if count == 1 else f"{count} invoices wait"
    return [Waiting(f"Give somebody the {role} role: {what} for them", url_for("accounts.people"))]
