"""The stub as one WSGI application, and as a server on loopback."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from marketplace.adapters.payments.stub import pages
from marketplace.adapters.payments.stub.accounts import Accounts
from marketplace.adapters.payments.stub.api import Api
from marketplace.adapters.payments.stub.asking import StripeError
from marketplace.adapters.payments.stub.charges import DEBIT_SECONDS
from marketplace.adapters.payments.stub.delivery import LOOPBACK, Deliverer, Post
from marketplace.adapters.payments.stub.faults import Faults
from marketplace.adapters.payments.stub.invoices import Invoices
from marketplace.adapters.payments.stub.store import Store

SETTINGS: dict[str, tuple[type, Any]] = {
    "delay_seconds": (float, 0.0),
    "copies": (int, 1),
    "order": (str, "created"),
    "lose_next": (int, 0),
    "hold_deliveries": (bool, False),
    "debit_seconds": (float, DEBIT_SECONDS),
}


@dataclass(frozen=True)
class Stub:
    """The application and the parts that a test or a server holds on to."""

    app: Flask
    store: Store
    deliverer: Deliverer
    faults: Faults

    def close(self) -> None:
        """End the background work and let go of the file."""
        self.faults.release()
        self.deliverer.stop()
        self.store.close()


def create_stub(
    *,
    home: Path,
    api_key: str,
    webhook_url: str,
    webhook_secret: str,
    public_url: str = "",
    deliver_in_background: bool = True,
    clock: Callable[[], float] = time.time,
    post: Post | None = None,
) -> Stub:
    """The stub. `home` keeps its memory; `public_url` is how browsers reach it, by default as they asked.

    Without `deliver_in_background` events wait until POST /stub/deliver. An empty `webhook_url` sends none.
    """
    if not api_key or not webhook_secret:
        raise ValueError("The payments stub needs an API key and a webhook secret")
    store = Store(home, clock)
    accounts, faults = Accounts(store), Faults(store)
    invoices = Invoices(store, accounts)
    deliverer = Deliverer(store, url=webhook_url, secret=webhook_secret, post=post, meanwhile=invoices.collect_debits)
    app = Flask(__name__, template_folder="templates", static_folder="static", static_url_path="/look")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    api = Api(store, invoices, accounts, faults, api_key=api_key, public_url=public_url.rstrip("/"))
    app.register_blueprint(api.blueprint())
    app.register_blueprint(pages.blueprint(store, invoices, accounts, deliverer))

    @app.before_request
    def this_machine_only() -> tuple[str, int] | None:
        # A page elsewhere could point its own name at 127.0.0.1 and reach us through somebody's browser.
        if urlsplit(f"//{request.host}").hostname not in LOOPBACK or request.remote_addr not in LOOPBACK:
            return "The payments stub answers this machine only.", 403
        return None

    @app.before_request
    def control_needs_the_key() -> Response | None:
        if request.path.startswith("/stub/") and request.path != "/stub/health":
            return api.check_key()
        return None

    @app.after_request
    def close_up(answer: Response) -> Response:
        # From the page for suppliers' particulars the form leads back to the marketplace.
        targets = f"'self' {g.onwards}" if "onwards" in g else "'self'"
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'self'; form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
        )
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"  # the address of an invoice's page is the key to it
        answer.headers["Cache-Control"] = "no-store"
        if request.method != "GET":
            deliverer.wake()
        return answer

    @app.errorhandler(HTTPException)
    def no_such_thing(error: HTTPException) -> AnyAnswer:
        if request.path.startswith("/v1/"):
            words = f"Unrecognized request URL ({request.method}: {request.path})."
            return jsonify(StripeError(words).body), 404
        return error

    _add_control(app, store, deliverer, faults)
    _add_others(app, store, invoices, accounts)
    if deliver_in_background:
        deliverer.start()
    return Stub(app=app, store=store, deliverer=deliverer, faults=faults)


AnyAnswer = Any


def _add_control(app: Flask, store: Store, deliverer: Deliverer, faults: Faults) -> None:
    """What Stripe does not have: how badly the stub is to behave, settable while it runs."""

    def current() -> dict[str, Any]:
        settings = {name: store.setting(name, default) for name, (_, default) in SETTINGS.items()}
        return {**settings, "faults": store.setting("faults", [])}

    @app.get("/stub/health")
    def health() -> Response:
        return jsonify({"ok": True})

    @app.get("/stub/settings")
    def settings() -> Response:
        return jsonify(current())

    @app.post("/stub/settings")
    def change() -> AnyAnswer:
        wanted = request.get_json()
        try:
            with store.transaction():
                for name, value in wanted.items():
                    if name == "faults":
                        faults.set(value)
                    else:
                        store.set(name, _checked(name, value))
        except ValueError as error:
            return jsonify({"error": str(error)}), 422
        return jsonify(current())

    @app.post("/stub/deliver")
    def deliver() -> Response:
        deliverer.do_what_is_due()
        return jsonify(deliverer.deliver(everything=True))

    @app.post("/stub/release")
    def release() -> Response:
        faults.release()
        return jsonify(current())

    @app.get("/stub/deliveries")
    def deliveries() -> Response:
        return jsonify([dict(row) for row in store.run("SELECT * FROM deliveries ORDER BY place")])


def _add_others(app: Flask, store: Store, invoices: Invoices, accounts: Accounts) -> None:
    """What others than us do at Stripe: banks dispute payments, and Stripe itself looks into accounts."""

    def done(act: Callable[[dict[str, str]], Any]) -> Callable[[], AnyAnswer]:
        def view() -> AnyAnswer:
            try:
                with store.transaction():
                    return jsonify(act(request.get_json()))
            except StripeError as error:
                return jsonify(error.body), error.status

        return view

    for rule, act in (
        ("/stub/dispute", lambda given: invoices.dispute(given["invoice"], given.get("reason", "general"))),
        ("/stub/close-dispute", lambda given: invoices.close_dispute(given["dispute"], given["status"])),
        ("/stub/fail-refund", lambda given: invoices.fail_refund(given["refund"])),
        ("/stub/account", lambda given: accounts.stand(given["account"], given["standing"])),
    ):
        app.add_url_rule(rule, endpoint=rule.removeprefix("/stub/"), view_func=done(act), methods=["POST"])


def _checked(name: str, value: Any) -> Any:
    if name not in SETTINGS:
        raise ValueError(f"There is no setting {name}; there are {', '.join(SETTINGS)} and faults")
    kind = SETTINGS[name][0]
    try:
        right = kind(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be {value!r}") from error
    if name == "order" and right not in ("created", "reversed", "shuffled"):
        raise ValueError("order is created, reversed or shuffled")
    if (name == "copies" and not 1 <= right <= 5) or (
        name in ("delay_seconds", "lose_next", "debit_seconds") and right < 0
    ):
        raise ValueError(f"{name} cannot be {value!r}")
    return right


class _QuietHandler(WSGIRequestHandler):
    """One line of log per request, without the address of an invoice's page, which is the key to it."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = "/invoice/…" if self.path.startswith("/invoice/") else self.path.partition("?")[0]
        logging.getLogger(__name__).info("%s %s %s", self.command, path, code)


def make_loopback_server(app: Flask, port: int) -> BaseWSGIServer:
    """A threaded server on 127.0.0.1; port 0 takes a free one. Raises OSError (or exits) when the port is taken."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)
