"""PDFs that everyone can read, made without the network."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest

from marketplace.adapters.pdf import PdfRefused, PdfRenderer

PAGE = """<!DOCTYPE html><html lang="en-GB"><head><title>Contract C9</title>
<link rel="stylesheet" href="/static/pdf.css?v=1"></head><body><h1>Contract C9</h1><p>Between us</p>
<table><thead><tr><th scope="col">Year</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>MORE</body></html>"""


@pytest.fixture
def renderer(tmp_path: Path) -> PdfRenderer:
    """A renderer whose static folder has one stylesheet, with a secret beside the folder."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "pdf.css").write_text("h1 { color: #20225a } @page { size: A4 }")
    (tmp_path / "secret.css").write_text("p { color: red }")
    return PdfRenderer(tmp_path / "static")


def opened(content: bytes) -> bytes:
    """The PDF with its compressed streams unpacked."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            parts.append(stream)
    return b"\n".join(parts)


def test_a_pdf_declares_pdf_ua_with_language_title_and_structure(renderer: PdfRenderer) -> None:
    content = renderer.render(PAGE)
    assert content.startswith(b"%PDF-1.7")
    inside = opened(content)
    assert re.search(rb"pdfuaid:part=\"1\"", inside)
    assert re.search(rb"/Lang\s*\(en-GB\)", inside)
    assert re.search(rb"/Title\s*\(Contract C9\)", inside)
    assert b"/StructTreeRoot" in inside
    assert re.search(rb"/Marked true", inside)
    assert b"/DisplayDocTitle true" in inside
    for tag in (b"/H1", b"/Table", b"/TH"):
        assert tag in inside


def test_the_same_page_gives_the_same_bytes(renderer: PdfRenderer) -> None:
    assert renderer.render(PAGE) == renderer.render(PAGE)


@pytest.mark.parametrize("lacking", [' lang="en-GB"', "Contract C9</title>"])
def test_without_language_or_title_there_is_no_document(renderer: PdfRenderer, lacking: str) -> None:
    page = PAGE.replace(lacking, "" if "lang" in lacking else "</title>")
    with pytest.raises(PdfRefused, match="has no"):
        renderer.render(page)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/x.png",
        "http://127.0.0.1:9/x.png",
        "file:///etc/passwd",
        "/static/../secret.css",
        "/static/%2e%2e/secret.css",
        "/elsewhere/x.png",
        "/static/none.png",
    ],
)
def test_nothing_is_fetched_from_outside_the_static_folder(renderer: PdfRenderer, address: str) -> None:
    for more in (f'<img alt="x" src="{address}">', f'<link rel="stylesheet" href="{address}">'):
        with pytest.raises(PdfRefused, match="Error fetching"):
            renderer.render(PAGE.replace("MORE", more))
