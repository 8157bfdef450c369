"""The design system's built CSS and JavaScript, made ours: no crown, no crest, no GDS Transport.

This is not a gov.uk domain, so neither the typeface nor the royal arms may be used. Nothing of it is committed:
set-up fetches the npm package (pinned by hash) and this puts the two files it needs into static/vendor.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PACKAGE = CHECKOUT / "node_modules" / "govuk-frontend" / "dist" / "govuk"
TARGET = CHECKOUT / "static" / "vendor"
FONTS = '"Helvetica Neue",Helvetica,Arial,sans-serif'

_SOURCE_MAP = re.compile(r"/[/*][#@] sourceMappingURL=.*?(\*/|$)", re.MULTILINE)
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
_FONT_FAMILY = re.compile(r'"?GDS Transport"?,\s*arial,\s*sans-serif', re.IGNORECASE)
_CREST = re.compile(r"url\([^)]*crest[^)]*\)")


def our_css(css: str) -> str:
    """The design system's CSS with our typefaces and without the crest. Refuses what it does not know."""
    css = _SOURCE_MAP.sub("", css)
    css = _FONT_FACE.sub("", css)
    css = _FONT_FAMILY.sub(FONTS, css)
    css = _CREST.sub("none", css)
    for left in ("GDS Transport", "url(/"):
        if left in css:
            raise ValueError(f"{left!r} is still in the design system's CSS: it has changed, look at it again")
    return css


def build() -> None:
    """Put the built files where the pages look for them."""
    TARGET.mkdir(parents=True, exist_ok=True)
    css = (PACKAGE / "govuk-frontend.min.css").read_text()
    (TARGET / "govuk-frontend.min.css").write_text(our_css(css))
    js = (PACKAGE / "govuk-frontend.min.js").read_text()
    (TARGET / "govuk-frontend.min.js").write_text(_SOURCE_MAP.sub("", js))


if __name__ == "__main__":
    try:
        build()
    except (OSError, ValueError) as error:
        sys.exit(f"The design system's files could not be built: {error}")
