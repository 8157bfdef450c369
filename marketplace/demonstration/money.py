"""The money of the contracts, month by month: invoiced, approved, paid, disputed, credited, late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from contracts.agreements.models import GrantInstalment
from contracts.agreements.rules import months_after
from contracts.invoices import actions as invoicing
from contracts.invoices import jobs as invoice_jobs
from contracts.invoices.models import Invoice
from contracts.invoices.queries import lines_again
from contracts.invoices.rules import InvoiceKind, InvoiceStatus, VatKind
from contracts.payments.actions import begin_receiving
from contracts.performance import jobs as performance_jobs
from contracts.volumes import jobs as volume_jobs
from marketplace.access import Permission, Role
from marketplace.accounts.queries import actor_for, people_with
from marketplace.demonstration import scenes
from marketplace.demonstration.cast import KITTIWAKE, LODESTAR, PATHWAYS, PCC, REGION, WOMENS_CENTRE, Body
from marketplace.demonstration.changes import contract_of
from marketplace.demonstration.provider import Provider, provider
from marketplace.extensions import db
from marketplace.transactions import transaction

if TYPE_CHECKING:
    from marketplace.demonstration.play import Play

MONTHS = 14
scenes.WOMEN, scenes.WELLBEING, scenes.EMPLOYMENT = (
    scenes.CALL_OFFS[0].title,
    "Emotional wellbeing in Northumbria",
    scenes.CALL_OFFS[1].title,
)
scenes.GRANT = "A voice for women on probation in Northumbria"

# (milestone, amount, days after the start on which it is expected)
INSTALMENTS = (
    ("The panel of twelve women has met and chosen its chair", "15000.00", 40),
    ("Six meetings held, the first report published", "15000.00", 130),
    ("Two changes made to services because of the panel", "15000.00", 250),
    ("Final report, and what becomes of the panel", "15000.00", 350),
)
PART_DISPUTED = "Two workers were not in post for half of the month, as the monthly meeting noted."
PART_ANSWERED = "One post was filled by an agency worker from the 9th; see the workforce return. The other stood empty."
PART_SETTLED = "The rota shows the agency worker from the 9th. The other post stood empty, so its half is not owed."
WHOLE_DISPUTED = "Our share has been 40% of the planned band; this month was asked for twice by our count."
WHOLE_ANSWERED = "It was asked for once: the other is the year’s July invoice, which was paid late."
NO_REPORT = "The report on outcomes that goes with the month has not come."
WRONG_ORDER = "It bore a purchase order that was closed. It is raised again under the new one."
FIRST_CLAIM = "Minutes of the first meeting on the shared drive: twelve women present, the chair chosen by vote."
SECOND_CLAIM = "Six meetings held; the report is with the printer."
SENT_BACK = "The report is not published yet. Claim again once it is, with its address."
CLAIMED_AGAIN = "The report is published on our website and was sent to the regional board."
# What is not paid after so many months: by whom.
LATE = {2: ((scenes.WOMEN, REGION),), 3: ((scenes.WELLBEING, PCC),)}
FOR_ONE_WEEK = "The house was closed for a week after a burst pipe; that week is not charged."
SHORT_HOURS = "Evening sessions did not take place for three weeks, as the contract asks (schedule 2)."


def before(play: Play) -> None:
    """What is settled before the first invoice: accounts with the provider, VAT, purchase orders."""
    # Kittiwake’s finance is still to set up how it is paid, so that its invoices wait.
    for body in (WOMENS_CENTRE, PATHWAYS, LODESTAR):
        clerk = play.who(body, Role.SUPPLIER_FINANCE)
        with play.at(play.today - timedelta(days=450)) as now:
            begin_receiving(clerk.organisation, actor=clerk, now=now)
    for body, kind, number in (
        (KITTIWAKE, VatKind.STANDARD, "GB 999 0000 03"),
        (WOMENS_CENTRE, VatKind.NOT_REGISTERED, ""),
        (PATHWAYS, VatKind.EXEMPT, "GB 999 0000 02"),
        (LODESTAR, VatKind.STANDARD, "GB 999 0000 04"),
    ):
        with play.at(play.today - timedelta(days=440)) as now:
            clerk = play.who(body, Role.SUPPLIER_FINANCE)
            invoicing.state_vat(
                kind=kind, vat_number=number, from_day=play.today - timedelta(days=440), actor=clerk, now=now
            )
    for title, body, order in (
        (scenes.WOMEN, REGION, "4500118201"),
        (scenes.WOMEN, PCC, "NPCC-0417"),
        (scenes.WELLBEING, REGION, "4500117655"),
        (scenes.WELLBEING, PCC, "NPCC-0388"),
    ):
        agreement = contract_of(title)
        with play.at(agreement.starts_on + timedelta(days=3)) as now:
            invoicing.enter_purchase_order(
                agreement,
                number=order,
                from_day=agreement.starts_on,
                actor=play.who(body, Role.COMMISSIONER_FINANCE),
                now=now,
            )
    _plan_grant(play)


def _plan_grant(play: Play) -> None:
    """The instalments of the grant: the first accepted, the second sent back once and claimed again."""
    grant, manager = contract_of(scenes.GRANT), play.who(REGION, Role.CONTRACT_MANAGER)
    with play.at(grant.starts_on + timedelta(days=2)) as now:
        for milestone, amount, days in INSTALMENTS:
            invoicing.plan_instalment(
                grant,
                milestone=milestone,
                amount=Decimal(amount),
                due_on=grant.starts_on + timedelta(days=days),
                actor=manager,
                now=now,
            )


def keep(play: Play) -> None:
    """Each month since the first contract began: raised, approved, sent, and paid, as far as nobody disputes it."""
    with provider() as there:
        for ago in range(MONTHS, 0, -1):
            _Month(play, ago, there).run()
        _pay_grant(play, there)


class _Month:
    """The month that ended so many months ago (1: the last one), and what was done about it in the month after."""

    def __init__(self, play: Play, ago: int, there: Provider | None) -> None:
        self.play, self.ago, self.there = play, ago, there
        first = play.today.replace(day=1)
        self.month, self.after = months_after(first, -ago), months_after(first, 1 - ago)

    def run(self) -> None:
        """All of it, in order of time."""
        if self.ago == 3:
            self._deduct()
        with self._on(3):
            volume_jobs.raise_due_alerts()
            invoice_jobs.raise_due_invoices()
        if self.ago == 5:
            self._raise_again()
        with self._on(6) as now, transaction():
            for invoice in _invoices(InvoiceStatus.AWAITING_APPROVAL):
                if self._approves(invoice):
                    _approve(invoice, now=now)
        self._work(7)
        self._dispute()
        with self._on(12):
            performance_jobs.make_due_scorecards()
        self._work(20)
        self._pay()
        if self.ago == 4:
            self._credit()
        if self.ago == 6:
            self._take_back()

    @contextmanager
    def _on(self, day: int) -> Iterator[datetime]:
        """A day of the month after."""
        with self.play.at(self.after + timedelta(days=day - 1)) as now:
            yield now

    def _approves(self, invoice: Invoice) -> bool:
        """All but last month’s; of that only the one contract’s whose month is looked at first.

        Invoices of a supplier that cannot be paid yet wait the same approved or not: those are looked at together.
        """
        title = invoice.agreement.title
        return title == scenes.WELLBEING or (self.ago > 1 and (title != scenes.ACCOMMODATION or self.ago == 2))

    def _work(self, day: int) -> None:
        with self._on(day):
            if self.there:
                self.there.work()

    def _invoice(self, title: str, body: Body) -> Invoice:
        """The month's invoice for that contract and funder."""
        return db.session.scalars(
            select(Invoice).where(
                Invoice.agreement_id == contract_of(title).id,
                Invoice.organisation_id == self.play.bodies[body.key].id,
                Invoice.month == self.month,
                Invoice.kind == InvoiceKind.MONTH,
                Invoice.sequence == 1,
            )
        ).one()

    def _deduct(self) -> None:
        agreement, manager = contract_of(scenes.EMPLOYMENT), self.play.who(REGION, Role.CONTRACT_MANAGER)
        with self._on(2) as now, transaction():
            amount = Decimal("1500.00")
            invoicing.deduct(
                agreement,
                agreement.lines[0],
                month=self.month,
                amount=amount,
                reason=SHORT_HOURS,
                actor=manager,
                now=now,
            )

    def _raise_again(self) -> None:
        """The supplier credits an invoice under the wrong purchase order, and raises it again."""
        invoice, clerk = self._invoice(scenes.WELLBEING, PCC), self.play.who(PATHWAYS, Role.SUPPLIER_FINANCE)
        with self._on(4) as now, transaction():
            note = invoicing.credit(invoice, amount=None, reason=WRONG_ORDER, actor=clerk, now=now)
            amounts = [line.amount for line in lines_again(note)]
            invoicing.reissue(note, amounts=amounts, po_number="NPCC-0402", actor=clerk, now=now)

    def _dispute(self) -> None:
        """Three months ago a dispute that was upheld in part; last month two that are open, one of them answered."""
        if self.ago not in (1, 3):
            return
        invoice, payer = self._invoice(scenes.WOMEN, PCC), self.play.who(PCC, Role.COMMISSIONER_FINANCE)
        clerk, manager = (
            self.play.who(WOMENS_CENTRE, Role.SUPPLIER_FINANCE),
            self.play.who(REGION, Role.CONTRACT_MANAGER),
        )
        is_part = self.ago == 3
        with self._on(8) as now, transaction():
            amount = Decimal("2000.00") if is_part else None
            reason = PART_DISPUTED if is_part else WHOLE_DISPUTED
            dispute = invoicing.dispute(invoice, amount=amount, reason=reason, actor=payer, now=now)
        with self._on(10) as now, transaction():
            invoicing.answer(dispute, text=PART_ANSWERED if is_part else WHOLE_ANSWERED, actor=clerk, now=now)
        if is_part:
            with self._on(14) as now, transaction():
                invoicing.settle(dispute, upheld=Decimal("1000.00"), words=PART_SETTLED, actor=manager, now=now)
        else:
            payer = self.play.who(REGION, Role.COMMISSIONER_FINANCE)
            with self._on(12) as now, transaction():
                invoice = self._invoice(scenes.WELLBEING, REGION)
                invoicing.dispute(invoice, amount=Decimal("750.00"), reason=NO_REPORT, actor=payer, now=now)

    def _pay(self) -> None:
        """What was sent is paid, but for last month’s and what is late."""
        if self.ago == 1 or self.there is None:
            return
        late = {self._invoice(title, body).id for title, body in LATE.get(self.ago, ())}
        with self._on(22):
            for invoice in _invoices(InvoiceStatus.OPEN):
                if invoice.month == self.month and invoice.id not in late:
                    self.there.pay(invoice)
            self.there.hear()

    def _credit(self) -> None:
        """The supplier credits a week of a month that is paid: that money goes back."""
        clerk = self.play.who(WOMENS_CENTRE, Role.SUPPLIER_FINANCE)
        with self._on(24) as now, transaction():
            invoice = self._invoice(scenes.WOMEN, REGION)
            invoicing.credit(invoice, amount=Decimal("3480.00"), reason=FOR_ONE_WEEK, actor=clerk, now=now)
        self._work(25)

    def _take_back(self) -> None:
        """A bank takes a payment back, so that it is owed again."""
        if self.there is not None:
            with self._on(27):
                self.there.take_back(self._invoice(scenes.WELLBEING, REGION))
                self.there.hear()


def _pay_grant(play: Play, there: Provider | None) -> None:
    """The first instalment is accepted and paid; the second was sent back once, and is claimed again."""
    grant, manager = contract_of(scenes.GRANT), play.who(REGION, Role.CONTRACT_MANAGER)
    deliverer = play.who(WOMENS_CENTRE, Role.SERVICE_MANAGER)
    first, second = db.session.scalars(
        select(GrantInstalment).where(GrantInstalment.agreement_id == grant.id).order_by(GrantInstalment.number)
    ).all()[:2]
    with play.at(grant.starts_on + timedelta(days=38)) as now, transaction():
        invoicing.claim_instalment(first, evidence=FIRST_CLAIM, actor=deliverer, now=now)
    with play.at(grant.starts_on + timedelta(days=44)) as now, transaction():
        invoices = invoicing.accept_claim(first, actor=manager, now=now)
    if there is not None:
        with play.at(grant.starts_on + timedelta(days=45)):
            there.work()
        with play.at(grant.starts_on + timedelta(days=60)):
            for invoice in invoices:
                there.pay(invoice)
            there.hear()
    with play.at(play.today - timedelta(days=9)) as now, transaction():
        invoicing.claim_instalment(second, evidence=SECOND_CLAIM, actor=deliverer, now=now)
    with play.at(play.today - timedelta(days=6)) as now, transaction():
        invoicing.send_back_claim(second, reason=SENT_BACK, actor=manager, now=now)
    with play.at(play.today - timedelta(days=1)) as now, transaction():
        invoicing.claim_instalment(second, evidence=CLAIMED_AGAIN, actor=deliverer, now=now)


def _approve(invoice: Invoice, *, now: datetime) -> None:
    """By a contract manager of the body that leads."""
    body = invoice.agreement.commissioner_id
    manager = next(iter(people_with(body, Permission.APPROVE_INVOICES)), None)
    if manager is not None:
        invoicing.approve(invoice, actor=actor_for(manager.id, body), now=now)


def _invoices(status: InvoiceStatus) -> Sequence[Invoice]:
    return db.session.scalars(select(Invoice).where(Invoice.status == status).order_by(Invoice.id)).all()
