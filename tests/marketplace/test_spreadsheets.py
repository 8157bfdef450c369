from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from marketplace.spreadsheets import csv_download, csv_text


def test_a_line_of_names_and_a_line_a_row() -> None:
    text = csv_text(["name", "amount", "on"], [['Sŵn, "Gwent"', Decimal("-1.50"), date(2027, 3, 1)], ["", None, 3]])
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "amount", "on"],
        ['Sŵn, "Gwent"', "-1.50", "2027-03-01"],
        ["", "", "3"],
    ]


@pytest.mark.parametrize("name", ["=1+1", "+44", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1+1"])
def test_no_cell_becomes_a_formula(name: str) -> None:
    assert next(csv.reader(io.StringIO(csv_text([], [[name]]).lstrip("\r\n"), newline=""))) == [f"'{name}"]


def test_a_download_says_that_it_is_utf_8_as_excel_needs() -> None:
    answer = csv_download("names.csv", ["name"], [["Women’s Centre"]])
    assert answer.data == "\ufeffname\r\nWomen’s Centre\r\n".encode()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="names.csv"'
