"""How funders and suppliers want to be invoiced and taxed, and what suppliers pay those below them."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from contracts.agreements.actions import hold_contract
from contracts.agreements.models import Agreement, Subcontractor
from contracts.invoices import letters
from contracts.invoices.actions.making import want_document
from contracts.invoices.models import Invoice, InvoiceAddress, PurchaseOrder, SubcontractorPayment, VatStatus
from contracts.invoices.rules import UNSENT, ChainStanding, VatKind, chain_standing, first_of_month
from marketplace import audit, clock
from marketplace.access import Actor, Permission
from marketplace.accounts.models import Organisation
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db

# GB and nine digits, or twelve for a branch; or GD or HA and three for a public body (HMRC, VAT registration numbers).
_VAT_NUMBER = re.compile(r"(GB)?(\d{9}|\d{12}|GD\d{3}|HA\d{3})")


def enter_purchase_order(
    agreement: Agreement, *, number: str, from_day: date, actor: Actor, now: datetime
) -> PurchaseOrder:
    """A funder gives the number that it wants to read on its invoices under this contract from a day on.

    Entered again for the same day it replaces what was entered. Invoices of that day and later which are not sent yet
    and bear none take it up.
    """
    if not (actor.may(Permission.PAY_INVOICES) or actor.may(Permission.APPROVE_INVOICES)):
        raise NotAllowed("Finance and contract managers enter purchase orders.")
    if actor.organisation not in agreement.payers_on(clock.london(now).date()):
        raise NotAllowed("Your organisation does not fund this contract.")
    if not number.strip():
        raise Invalid("Enter the purchase order number", field="number")
    hold_contract(agreement.id)
    values = {"number": number.strip(), "entered_at": now, "entered_by": actor.person}
    key = db.session.execute(
        insert(PurchaseOrder)
        .values(agreement_id=agreement.id, organisation_id=actor.organisation, from_day=from_day, **values)
        .on_conflict_do_update(index_elements=["agreement_id", "organisation_id", "from_day"], set_=values)
        .returning(PurchaseOrder.id)
    ).scalar_one()
    order = db.session.get_one(PurchaseOrder, key, populate_existing=True)
    audit.record(f"Purchase order {order.number} entered", agreement, actor=actor, now=now, from_day=str(from_day))
    begins = clock.begins(from_day)
    taken_up = db.session.scalars(
        update(Invoice)
        .where(
            Invoice.agreement_id == agreement.id,
            Invoice.organisation_id == actor.organisation,
            Invoice.status.in_(UNSENT),
            Invoice.po_number.is_(None),
            Invoice.raised_at >= begins,
        )
        .values(po_number=order.number)
        .returning(Invoice.id)
    ).all()
    for invoice_id in taken_up:
        want_document(invoice_id=invoice_id, now=now)
    return order


# Addresses in the United Kingdom: the last thing in them.
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$", re.IGNORECASE)
ADDRESS_LINES = 6


def give_address(address: str, *, actor: Actor, now: datetime) -> InvoiceAddress:
    """An organisation's finance says what address invoices bear: those raised from now on.

    Refused without a postcode at its end, and with more lines than are printed.
    """
    if not (actor.may(Permission.ISSUE_CREDITS) or actor.may(Permission.PAY_INVOICES)):
        raise NotAllowed("Only finance gives the address for invoices.")
    lines = [" ".join(line.split()) for line in address.splitlines() if line.strip()]
    if not lines:
        raise Invalid("Enter the address", field="address")
    if len(lines) > ADDRESS_LINES or len("\n".join(lines)) > 300:
        raise Invalid(f"Enter the address in {ADDRESS_LINES} lines or fewer, 300 characters in all", field="address")
    if not _POSTCODE.search(lines[-1]):
        raise Invalid("End the address with its postcode, like NE1 7RU", field="address")
    values = {"address": "\n".join(lines), "stated_at": now, "stated_by": actor.person}
    db.session.execute(
        insert(InvoiceAddress)
        .values(organisation_id=actor.organisation, **values)
        .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
    )
    organisation = db.session.get_one(Organisation, actor.organisation)
    audit.record("Address for invoices given", organisation, actor=actor, now=now)
    return db.session.get_one(InvoiceAddress, actor.organisation, populate_existing=True)


def state_vat(*, kind: VatKind, vat_number: str, from_day: date, actor: Actor, now: datetime) -> VatStatus:
    """The supplier's finance says how it stands with VAT, for invoices raised from a day on.

    Refused for a day that is over: invoices raised then stay as they were raised. Nor is a number left out where there
    is one, or given where there is none.
    """
    actor.must(Permission.ISSUE_CREDITS)
    if from_day < clock.london(now).date():
        raise Invalid("Choose today or a later day: invoices that were raised stay as they are", field="from_day")
    number = re.sub(r"[\s.-]", "", vat_number).upper()
    if kind is VatKind.NOT_REGISTERED:
        number = ""
    elif not _VAT_NUMBER.fullmatch(number):
        raise Invalid("Enter the VAT registration number, like GB 123 4567 89", field="vat_number")
    organisation = db.session.get_one(Organisation, actor.organisation)
    values = {"kind": kind, "vat_number": number or None, "stated_at": now, "stated_by": actor.person}
    key = db.session.execute(
        insert(VatStatus)
        .values(organisation_id=organisation.id, from_day=from_day, **values)
        .on_conflict_do_update(index_elements=["organisation_id", "from_day"], set_=values)
        .returning(VatStatus.id)
    ).scalar_one()
    audit.record(f"VAT: {kind.label.lower()}", organisation, actor=actor, now=now, from_day=str(from_day))
    return db.session.get_one(VatStatus, key, populate_existing=True)


def confirm_payment(
    subcontractor: Subcontractor,
    *,
    month: date,
    amount: Decimal,
    invoiced_on: date | None,
    paid_on: date | None,
    actor: Actor,
    now: datetime,
) -> SubcontractorPayment:
    """The supplier confirms what it paid a member of its supply chain for a month, and when; or that nothing was due.

    Refused for others, a second time, for days to come, and for a payment before its invoice.
    """
    agreement = _must_pay(subcontractor, actor)
    if not _is_month_of(agreement, month, now=now):
        raise Invalid("Choose a month of the contract that has begun", field="month")
    _check_days(amount, invoiced_on, paid_on, now=now)
    made = _keep_payment(
        subcontractor, first_of_month(month), amount, invoiced_on, paid_on, reason=None, actor=actor, now=now
    )
    if made is None:
        raise AlreadyDone(f"What was paid to {subcontractor.name} for {month:%B %Y} is confirmed already.")
    audit.record(
        f"Confirmed what was paid to the supply chain for {month:%B %Y}",
        agreement,
        actor=actor,
        now=now,
        subcontractor=subcontractor.id,
        amount=str(amount),
    )
    if _is_late(made):
        letters.chain_paid_late(made, agreement, now=now)
    return made


def correct_payment(
    payment: SubcontractorPayment,
    *,
    amount: Decimal,
    invoiced_on: date | None,
    paid_on: date | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> SubcontractorPayment:
    """The supplier corrects what it confirmed, with the reason; what it said before is kept, and both sides see it.

    Refused for others, of what was corrected already, without a reason, and where nothing is another than before.
    """
    subcontractor = payment.subcontractor
    agreement = _must_pay(subcontractor, actor)
    db.session.refresh(payment, with_for_update={"of": SubcontractorPayment})
    if payment.corrected_at is not None:
        raise AlreadyDone("This has been corrected already. Look at it again.")
    if not reason.strip():
        raise Invalid("Say why you correct it", field="reason")
    _check_days(amount, invoiced_on, paid_on, now=now)
    days = (invoiced_on, paid_on) if amount else (None, None)
    if (amount, *days) == (payment.amount, payment.invoiced_on, payment.paid_on):
        raise Invalid("This is what you confirmed before. Change what was wrong")
    payment.corrected_at = now
    db.session.flush()
    made = _keep_payment(
        subcontractor, payment.month, amount, invoiced_on, paid_on, reason=reason.strip(), actor=actor, now=now
    )
    assert made is not None  # the row before it was locked
    audit.record(
        f"Corrected what was paid to the supply chain for {payment.month:%B %Y}",
        agreement,
        actor=actor,
        now=now,
        subcontractor=subcontractor.id,
        before=str(payment.amount),
        amount=str(amount),
    )
    letters.chain_corrected(made, agreement, now=now)
    if _is_late(made) and not _is_late(payment):
        letters.chain_paid_late(made, agreement, now=now)
    return made


def _must_pay(subcontractor: Subcontractor, actor: Actor) -> Agreement:
    agreement = db.session.get_one(Agreement, subcontractor.agreement_id)
    if not actor.may(Permission.PAY_SUPPLY_CHAIN) or actor.organisation_id != agreement.supplier_id:
        raise NotAllowed("The supplier’s finance confirms payments to its supply chain.")
    return agreement


def _is_month_of(agreement: Agreement, month: date, *, now: datetime) -> bool:
    return first_of_month(agreement.starts_on) <= month and first_of_month(month) <= clock.london(now).date()


def _check_days(amount: Decimal, invoiced_on: date | None, paid_on: date | None, *, now: datetime) -> None:
    if not amount:
        return
    if invoiced_on is None:
        raise Invalid("Enter the day on which their invoice came", field="invoiced_on")
    if paid_on is None:
        raise Invalid("Enter the day on which you paid", field="paid_on")
    if paid_on > clock.london(now).date():
        raise Invalid("The day on which you paid must not be in the future", field="paid_on")
    if paid_on < invoiced_on:
        raise Invalid("The day on which you paid must not be before their invoice came", field="paid_on")


def _keep_payment(
    subcontractor: Subcontractor,
    month: date,
    amount: Decimal,
    invoiced_on: date | None,
    paid_on: date | None,
    *,
    reason: str | None,
    actor: Actor,
    now: datetime,
) -> SubcontractorPayment | None:
    """Keep it; None if one stands for this month."""
    key = db.session.execute(
        insert(SubcontractorPayment)
        .values(
            subcontractor_id=subcontractor.id,
            month=month,
            amount=amount,
            invoiced_on=invoiced_on if amount else None,
            paid_on=paid_on if amount else None,
            confirmed_at=now,
            confirmed_by=actor.person,
            reason=reason,
        )
        .on_conflict_do_nothing(
            index_elements=["subcontractor_id", "month"], index_where=SubcontractorPayment.corrected_at.is_(None)
        )
        .returning(SubcontractorPayment.id)
    ).scalar()
    return None if key is None else db.session.get_one(SubcontractorPayment, key)


def _is_late(made: SubcontractorPayment) -> bool:
    return chain_standing(made.invoiced_on, made.paid_on, is_confirmed=True) is ChainStanding.PAID_LATE
