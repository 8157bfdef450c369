from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session

from marketplace.paging import Page, before, nearest_page, page_count
from tests.factories.accounts import sign_in
from tests.factories.competitions import make_plan, make_tender


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (25, 1), (26, 2), (50, 2), (51, 3)])
def test_a_list_has_so_many_pages(total: int, pages: int) -> None:
    assert page_count(total) == pages
    assert Page([], total, 1).pages == pages


@pytest.mark.parametrize(("asked", "given"), [(-1, 1), (0, 1), (1, 1), (3, 3), (4, 3), (10**9, 3)])
def test_a_page_that_does_not_exist_is_the_nearest(asked: int, given: int) -> None:
    assert nearest_page(asked, 51) == given


def test_the_second_page_begins_after_the_first() -> None:
    assert before(1) == 0
    assert before(2) == 25


def test_a_page_beyond_all_lists_is_their_last(client: FlaskClient, session: scoped_session[Session]) -> None:
    tender = make_tender()
    author = tender.author
    for _ in range(26):
        make_plan(tender.lead, author)
    sign_in(client, author)
    for page in ("7", str(10**30)):
        assert "Page 2 of 2" in client.get(f"/plans?page={page}").text
    assert client.get(f"/find/?page={10**30}").status_code == 200
