"""Stripe's HTTP: the key, idempotency, lists by page, and the errors, around the ledger."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.faults import Faults
from marketplace.adapters.payments.stub.ledger import API_VERSION, Ledger, fingerprint
from marketplace.adapters.payments.stub.store import Body, Store

KEYS_KEPT = 24 * 3600.0  # seconds: https://docs.stripe.com/api/idempotent_requests
Act = Callable[[Params], Body]


class Api:
    """The /v1 part of the stub."""

    def __init__(self, store: Store, ledger: Ledger, faults: Faults, *, api_key: str, public_url: str) -> None:
        self._store, self._ledger, self._faults = store, ledger, faults
        self._api_key, self._public_url = api_key, public_url
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("api", __name__, url_prefix="/v1")
        routes.before_request(self.check_key)
        ledger = self._ledger

        def write(rule: str, act: Callable[..., Body]) -> None:
            def view(**ids: str) -> Response:
                return self._once(lambda params: act(*ids.values(), params))

            routes.add_url_rule(rule, endpoint=f"write {rule}".replace(".", " "), view_func=view, methods=["POST"])

        def read(rule: str, act: Callable[..., Body]) -> None:
            def view(**ids: str) -> Response:
                return self._answered(lambda: act(*ids.values()))

            routes.add_url_rule(rule, endpoint=f"read {rule}".replace(".", " "), view_func=view, methods=["GET"])

        write("/customers", ledger.create_customer)
        write("/customers/<customer>", ledger.update_customer)
        write("/invoices", ledger.create_invoice)
        write("/invoiceitems", ledger.create_item)
        write("/invoices/<invoice>", ledger.update_invoice)
        write("/invoices/<invoice>/finalize", lambda id_, given: ledger.finalize(id_, given, base=self._base()))
        write("/invoices/<invoice>/send", lambda id_, given: ledger.send(id_, given, base=self._base()))
        write("/invoices/<invoice>/pay", lambda id_, given: ledger.pay(id_, given, base=self._base()))
        write("/invoices/<invoice>/void", ledger.void)
        write("/invoices/<invoice>/mark_uncollectible", ledger.mark_uncollectible)
        read("/customers/<customer>", ledger.customer)
        read("/invoices/<invoice>", lambda id_: ledger.invoice(id_, "invoice"))
        read("/events/<event>", self._event)
        read("/customers", lambda: self._list("customer", "email"))
        read("/invoices", lambda: self._list("invoice", "customer", "status", "collection_method"))
        read("/invoiceitems", lambda: self._list("invoiceitem", "customer", "invoice"))
        read("/events", lambda: self._list("event", "type"))
        routes.add_url_rule("/invoices/<invoice>", endpoint="delete", view_func=self._delete, methods=["DELETE"])
        return routes

    def check_key(self) -> Response | None:
        """Refuses a request without our key, as a bearer or as the user of basic authentication."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given).decode().partition(":")[0]
            except ValueError:
                given = ""
        if not given:
            return _answer(401, _error("You did not provide an API key."))
        if not hmac.compare_digest(given.encode(), self._api_key.encode()):
            return _answer(401, _error(f"Invalid API Key provided: {'*' * 8}{given[-4:]}"))
        return None

    def _base(self) -> str:
        return self._public_url or request.host_url.rstrip("/")

    # Writing, once for one idempotency key

    def _once(self, act: Act) -> Response:
        if (refused := self._faults.before(request.path)) is not None:
            return _answer(*refused)
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return self._answered(lambda: act(asking.nested(request.form.items(multi=True))))
        with self._lock:
            if key in self._under_way:
                words = "There is currently another in-progress request using this Idempotent Key (that probably means"
                words += " you submitted twice, and the other request is still going through). Please try again later."
                return _answer(409, _error(words, kind="idempotency_error", code="idempotency_key_in_use"))
            self._under_way.add(key)
        try:
            self._faults.hold(request.path)
            answer = self._kept_or_made(key, act)
        finally:
            with self._lock:
                self._under_way.discard(key)
        return self._faults.after(request.path, answer)

    def _kept_or_made(self, key: str, act: Act) -> Response:
        try:
            params = asking.nested(request.form.items(multi=True))
        except StripeError as error:
            return _answer(error.status, error.body)
        wanted = fingerprint(request.method, request.path, params)
        kept = self._store.run("SELECT * FROM answers WHERE key = ? AND made > ?", key, self._store.clock() - KEYS_KEPT)
        if kept:
            return self._replayed(key, dict(kept[0]), wanted)
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            with self._store.transaction():
                body = act(params)
                self._keep(key, wanted, 200, body, request_id)
            status = 200
        except StripeError as error:
            status, body = error.status, error.body
            if error.executed:  # the work is undone, but the refusal stands for this key
                with self._store.transaction():
                    self._keep(key, wanted, status, body, request_id)
        return _answer(status, body, {"Idempotency-Key": key}, request_id)

    def _replayed(self, key: str, kept: Mapping[str, Any], wanted: str) -> Response:
        if kept["path"] != request.path:
            same = f"for the same endpoint they were first used for ('{kept['path']}' vs '{request.path}')"
        elif kept["fingerprint"] != wanted:
            same = "with the same parameters they were first used with"
        else:
            headers = {"Idempotency-Key": key, "Idempotent-Replayed": "true", "Original-Request": kept["request"]}
            return _answer(kept["status"], json.loads(kept["body"]), headers)
        words = f"Keys for idempotent requests can only be used {same}. Try using a key other than '{key}' if you meant"
        return _answer(400, _error(f"{words} to execute a different request.", kind="idempotency_error"))

    def _keep(self, key: str, wanted: str, status: int, body: Body, request_id: str) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO answers (key, fingerprint, path, status, body, request, made)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(key, wanted, request.path, status, json.dumps(body), request_id, self._store.clock()),
        )

    def _delete(self, invoice: str) -> Response:
        return self._answered(lambda: self._ledger.delete_invoice(invoice))

    def _answered(self, act: Callable[[], Body]) -> Response:
        if request.method != "POST" and (refused := self._faults.before(request.path)) is not None:
            return _answer(*refused)
        try:
            with self._store.transaction():
                body = act()
        except StripeError as error:
            return _answer(error.status, error.body)
        return self._faults.after(request.path, _answer(200, body))

    # Reading

    def _event(self, event_id: str) -> Body:
        found = self._store.get("event", event_id)
        if found is None:
            raise StripeError(f"No such event: '{event_id}'", status=404, code="resource_missing", param="id")
        return found

    def _list(self, kind: str, *filters: str) -> Body:
        params = asking.nested(request.args.items(multi=True))
        asking.only(params, "limit", "starting_after", "ending_before", "created", *filters)
        if kind == "invoice" and "status" in params:
            asking.one_of(params, "status", "", ("draft", "open", "void", "paid", "uncollectible"))
        limit = asking.integer(params, "limit", 10) or 0
        if not 1 <= limit <= 100:
            raise StripeError("Invalid limit: must be between 1 and 100.", param="limit")
        found = [body for body in self._store.every(kind) if _matches(body, params, filters)]
        for name in ("starting_after", "ending_before"):
            if name in params:
                places = [place for place, body in enumerate(found) if body["id"] == params[name]]
                if not places:
                    raise StripeError(f"No such {kind}: '{params[name]}'", code="resource_missing", param=name)
                found = found[places[0] + 1 :] if name == "starting_after" else found[: places[0]]
        page = found[-limit:] if "ending_before" in params else found[:limit]
        return {"object": "list", "data": page, "has_more": len(found) > limit, "url": request.path}


def _matches(body: Body, params: Params, filters: tuple[str, ...]) -> bool:
    for name in filters:
        wanted = params.get(name)
        if wanted is None:
            continue
        if name == "type" and wanted.endswith("*"):
            if not body["type"].startswith(wanted[:-1]):
                return False
        elif body[name] != wanted:
            return False
    created = params.get("created")
    if created is None:
        return True
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}
    at = body["created"] if "created" in body else body["date"]
    checks = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
    asking.only(bounds, *checks)
    return all(checks[name](at, asking.integer(bounds, name) or 0) for name in bounds)


def _error(message: str, kind: str = "invalid_request_error", code: str | None = None) -> Body:
    return StripeError(message, kind=kind, code=code).body


def _answer(
    status: int, body: Body, headers: Mapping[str, str] | None = None, request_id: str | None = None
) -> Response:
    answer = Response(json.dumps(body, indent=2), status=status, mimetype="application/json")
    answer.headers["Request-Id"] = request_id or f"req_{secrets.token_hex(7)}"
    answer.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
    answer.headers.update(headers or {})
    return answer
