"""Files that were kept by their hash, given out again."""

from __future__ import annotations

from flask import current_app
from werkzeug.wrappers import Response

from marketplace.adapters.files import FileDamaged, FileMissing
from marketplace.errors import NotFound, Refused


def pdf_download(name: str, sha256: str | None) -> Response:
    """The PDF kept under this hash, to be saved under this name. Refused: one not made yet, lost, or changed since."""
    if sha256 is None:
        raise NotFound("There is no such document, or it is still being made.")
    try:
        content: bytes = current_app.extensions["files"].read(sha256)
    except FileMissing:
        raise NotFound("The document is not where it was kept. Tell whoever runs this service.") from None
    except FileDamaged:
        raise Refused(
            "The document was changed since it was made, so it is not given out. Tell whoever runs this service."
        ) from None
    return Response(
        content,
        mimetype="application/pdf",
        headers={
            "Content-Disposition": f"attachment; filename={name}.pdf",
            "Cache-Control": "private, no-store",
        },
    )
