"""The first page anybody sees, and pages that are not there, with and without JavaScript."""

from __future__ import annotations

import pytest

from tests.journeys.conftest import MakeVisitor, check_axe

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("javascript", [True, False])
def test_the_front_page(visitor: MakeVisitor, javascript: bool) -> None:
    anybody = visitor(javascript=javascript)
    anybody.goto("/")
    if javascript:  # axe is JavaScript itself
        anybody.check()
    assert anybody.page.get_by_role("heading", level=1).is_visible()


def test_a_page_that_is_not_there(visitor: MakeVisitor) -> None:
    anybody = visitor()
    anybody.goto("/nowhere")
    anybody.check()
    assert "Page not found" in (anybody.page.locator("h1").text_content() or "")


def test_a_violation_is_seen(visitor: MakeVisitor) -> None:
    anybody = visitor()
    anybody.goto("/")
    anybody.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    with pytest.raises(AssertionError, match="image-alt"):
        check_axe(anybody.page)
