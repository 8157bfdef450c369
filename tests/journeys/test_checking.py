"""Looking at a page waits for the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from tests.journeys.conftest import Site, Visitor, serving

pytestmark = pytest.mark.journey
BEGINNING = "<!doctype html><html lang='en'><head><title>Slow</title></head>"
ENDING = "<body><main><h1>Whole</h1></main></body></html>"


def test_a_page_that_arrives_in_parts_is_looked_at_whole(browser: Browser) -> None:
    slow, never = Flask("slow"), Event()

    @slow.get("/")
    def first() -> str:
        return f"{BEGINNING}<body><main><h1>First</h1><a href='/slow'>Next</a></main></body></html>"

    @slow.get("/slow")
    def second() -> Iterator[str]:
        yield " "  # the page has begun, and there is nothing of it yet
        never.wait(0.5)
        yield BEGINNING + ENDING

    server = make_server("127.0.0.1", 0, slow, threaded=True)
    with serving(server):
        page = browser.new_page()
        visitor = Visitor(page, Site(f"http://127.0.0.1:{server.server_port}", slow, ""), "01-stranger", "checking")
        visitor.goto("/").get_by_role("link", name="Next").click()
        visitor.check()
        assert page.get_by_role("heading").inner_text() == "Whole"
        page.close()
