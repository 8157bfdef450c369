"""The design system's files without what only gov.uk may use."""

from __future__ import annotations

import pytest

from marketplace.local.assets import our_css


def test_typeface_and_crest_are_taken_out() -> None:
    css = our_css(
        "@font-face{font-family:GDS Transport;src:url(/assets/fonts/a.woff2)}"
        ".a{font-family:GDS Transport,arial,sans-serif}.b{background:url(/assets/images/govuk-crest.svg)}"
        "/*# sourceMappingURL=govuk-frontend.min.css.map */"
    )
    assert css == '.a{font-family:"Helvetica Neue",Helvetica,Arial,sans-serif}.b{background:none}'


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="look at it again"):
        our_css(".new{background:url(/assets/images/crown.svg)}")
