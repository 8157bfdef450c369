"""That code, ledger, page, PDF and CSV say the same of an invoice, to the penny."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from html import unescape

from contracts.invoices.models import CreditNote, Invoice
from contracts.ledger.queries import balance
from contracts.ledger.rules import Account
from marketplace.extensions import db
from marketplace.presentation import pounds_exact
from tests.conftest import Client
from tests.factories.documents import amount_after, text_of


def says_the_same_everywhere(client: Client, one: Invoice, *, on: date) -> None:
    """Of an invoice that nobody has paid, and of each of its credit notes; `client` is signed in as one who sees it."""
    lines = sum((line.amount for line in one.lines), Decimal(0))
    assert (lines, one.net + one.vat) == (one.net, one.amount)
    assert balance(Account.OWED, one.organisation_id, on=on, item=one.number) == one.amount - one.credited
    page, said = plain(client.get(f"/invoices/{one.id}").text), text_of(one)
    row = row_of(client, "/invoices.csv", one.number)
    for on_page, on_paper, column, figure in (
        ("Before VAT ", "Before VAT ", "net", one.net),
        (f"VAT at {one.vat_rate}% ", f"VAT at {one.vat_rate.normalize():f}% ", "vat", one.vat),
        ("Total ", "To pay ", "amount", one.amount),
    ):
        figures = (amount_after(on_page, page), amount_after(on_paper, said), Decimal(row[column]))
        assert figures == (figure, figure, figure), (one.number, on_paper)
    for line in one.lines:
        for where in (page, said):
            assert f"{line.text} {pounds_exact(line.amount)}" in where
    left = one.amount - one.credited
    assert Decimal(row["left_to_pay"]) == amount_after("Still to pay ", page) == left
    if one.credit_notes:
        assert amount_after("Left to pay after the credit notes ", said) == left
    assert sum((note.amount for note in one.credit_notes), Decimal(0)) == one.credited == Decimal(row["credited"])
    for note in one.credit_notes:
        assert f"{note.number} {pounds_exact(-note.amount)}" in page
        _note_says_the_same(client, note)
    db.session.expire_all()


def _note_says_the_same(client: Client, note: CreditNote) -> None:
    page, said = plain(client.get(f"/credit-notes/{note.id}").text), text_of(note)
    row = row_of(client, "/credit-notes.csv", note.number)
    rate = note.invoice.vat_rate
    for on_page, on_paper, column, figure in (
        ("Before VAT ", "Before VAT ", "net", note.net),
        (f"VAT at {rate}% ", f"VAT at {rate.normalize():f}% ", "vat", note.vat),
        ("Total ", "Credited ", "amount", note.amount),
    ):
        figures = (amount_after(on_page, page), amount_after(on_paper, said), Decimal(row[column]))
        assert figures == (figure, figure, figure), (note.number, on_paper)


def plain(page: str) -> str:
    """What stands on a page, without its marks, its blanks made one."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


def row_of(client: Client, path: str, number: str) -> Mapping[str, str]:
    """The row of this number in a file."""
    rows = csv.DictReader(io.StringIO(client.get(path).text.lstrip("\ufeff")))
    (found,) = [row for row in rows if row["number"] == number]
    return found
