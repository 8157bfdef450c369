"""Lists as CSV files, safe to open in a spreadsheet, and the lines of one that was written there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from werkzeug.wrappers import Response


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The whole file: a line of column names, then a line a row. None is an empty cell.

    A cell of text that a spreadsheet would take for a formula is led by an apostrophe: names come from people.
    """
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(columns)
    sheet.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_download(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """The file to keep under this name, marked as UTF-8 so that Excel shows “Women’s” as it is written."""
    return Response(
        "\ufeff" + csv_text(columns, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cell(value: object) -> object:
    if isinstance(value, str) and value.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return f"'{value}"
    return value


def lines_in(content: bytes) -> list[str]:
    """A file's lines, each UTF-8 or, where it is not, in the letters Windows spreadsheets write."""
    return [_text(line) for line in content.splitlines(keepends=True)]


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
