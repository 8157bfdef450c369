"""PDFs that everyone can read: HTML made into PDF/UA-1 (ISO 14289-1) by WeasyPrint, without the network."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from weasyprint import HTML
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

# A name that no network knows (RFC 2606): only our fetcher below can answer for it.
HOME = "https://documents.invalid"


class PdfRefused(Exception):
    """The page cannot become a document that everyone can read; the words say what it lacks."""


class _OnlyOurFolder(URLFetcher):  # type: ignore[misc]
    """Answers for files under our static folder and data: addresses; refuses all else, and the rendering with it."""

    def __init__(self, folder: Path, prefix: str) -> None:
        super().__init__(allowed_protocols=("data",), fail_on_errors=True)
        self._folder, self._prefix = folder.resolve(), prefix

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:
        """The file behind the address. Raises for everything that is not ours."""
        if url.startswith("data:"):
            return super().fetch(url, headers)
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != HOME or not parts.path.startswith(self._prefix):
            raise PermissionError("Documents use nothing from outside the static folder")
        path = (self._folder / unquote(parts.path.removeprefix(self._prefix))).resolve()
        if not path.is_relative_to(self._folder):
            raise PermissionError("Documents use nothing from outside the static folder")
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})


class PdfRenderer:
    """Makes PDFs of our own pages. `static_folder` is what `/static/…` in the page means."""

    def __init__(self, static_folder: Path, *, static_path: str = "/static/") -> None:
        self._fetcher = _OnlyOurFolder(static_folder, static_path)

    def render(self, html: str) -> bytes:
        """The page as PDF/UA-1; the same page gives the same bytes.

        Refused (PdfRefused) without a language (`<html lang>`) or a title, which PDF/UA-1 7.1 and 7.2 require, and
        when anything that the page asks for is missing or lies outside the static folder.
        """
        try:
            document = HTML(string=html, base_url=f"{HOME}/", url_fetcher=self._fetcher).render(
                pdf_variant="pdf/ua-1", presentational_hints=False
            )
            if not document.metadata.lang:
                raise PdfRefused("The document has no language: <html lang> is missing")
            if not (document.metadata.title or "").strip():
                raise PdfRefused("The document has no title")
            content: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
        except FatalURLFetchingError as error:
            raise PdfRefused(f"{error}: {error.__cause__}") from error
        return content
