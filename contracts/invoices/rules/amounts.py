"""Amounts of invoices: VAT, deductions, what is credited where. To the penny, rounded half up once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from marketplace.money import PENNY, pounds, split


class VatKind(StrEnum):
    """What a supplier has said about VAT on its services. Grants are outside VAT, whatever it is."""

    STANDARD = "standard"
    EXEMPT = "exempt"
    NOT_REGISTERED = "not_registered"

    @property
    def label(self) -> str:
        """The kind in words."""
        return {
            VatKind.STANDARD: "Registered for VAT, standard rate",
            VatKind.EXEMPT: "Registered for VAT, these services are exempt",
            VatKind.NOT_REGISTERED: "Not registered for VAT",
        }[self]

    @property
    def rate(self) -> Decimal:
        """Percent of the net amount (Value Added Tax Act 1994, s. 2: 20 % since 4 January 2011)."""
        return Decimal("20.00") if self is VatKind.STANDARD else Decimal("0.00")


def vat_on(net: Decimal, rate: Decimal) -> Decimal:
    """The VAT of one invoice in pounds: `rate` percent of its whole net amount, rounded half up once."""
    return pounds(net * rate / 100)


def vat_of_credit(net: Decimal, *, invoice_net: Decimal, invoice_vat: Decimal, credited_before: Decimal) -> Decimal:
    """The VAT of a credit note over so much net of an invoice, of which so much was credited before.

    What all credit notes of an invoice give back never differs from its own VAT by a penny: each takes what its net
    brings the VAT credited to, less what was credited before.
    """
    return _vat_to(credited_before + net, invoice_net, invoice_vat) - _vat_to(credited_before, invoice_net, invoice_vat)


def net_within(amount: Decimal, *, invoice_net: Decimal, invoice_vat: Decimal, credited_before: Decimal) -> Decimal:
    """The most that can be credited of an invoice, before VAT, so that it comes to no more than so much with VAT.

    Where no whole penny before VAT comes to exactly that, a penny less.
    """
    net = min(invoice_net - credited_before, pounds(amount * invoice_net / (invoice_net + invoice_vat)) + 2 * PENNY)
    of = {"invoice_net": invoice_net, "invoice_vat": invoice_vat, "credited_before": credited_before}
    while net > 0 and net + vat_of_credit(net, **of) > amount:
        net -= PENNY
    return net


def _vat_to(net: Decimal, invoice_net: Decimal, invoice_vat: Decimal) -> Decimal:
    return pounds(invoice_vat * net / invoice_net)


def poured(amount: Decimal, most: Sequence[Decimal]) -> list[Decimal]:
    """An amount put onto several, as much on each as it can take, in their order.

    So a month takes deductions, the earliest first, until nothing is left to pay, and carries the rest to the next;
    and what a year gives back is credited on its invoices, the latest first. The sum is below `amount` only where all
    of them together are.
    """
    found = []
    for each in most:
        part = min(amount, each)
        found.append(part)
        amount -= part
    return found


def deduction_shares(taken: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """A deduction split by what each funder pays of the month, so that no funder's part is ever below nought."""
    return split(taken, parts)


@dataclass(frozen=True)
class LineAgain:
    """What one line of a second invoice asked for in the first, in pounds before VAT; below nought: takes off."""

    text: str
    amount: Decimal
    service_line_id: int | None = None
