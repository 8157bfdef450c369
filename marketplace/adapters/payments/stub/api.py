"""Stripe's HTTP: the key, idempotency, lists by page, and the errors, around the ledger."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from marketplace.adapters.payments.stub import asking
from marketplace.adapters.payments.stub.accounts import Accounts
from marketplace.adapters.payments.stub.asking import Params, StripeError
from marketplace.adapters.payments.stub.books import API_VERSION, fingerprint
from marketplace.adapters.payments.stub.credits import Credits
from marketplace.adapters.payments.stub.customers import Customers
from marketplace.adapters.payments.stub.faults import Faults
from marketplace.adapters.payments.stub.invoices import Invoices
from marketplace.adapters.payments.stub.store import Body, Store

KEYS_KEPT = 24 * 3600.0  # seconds: https://docs.stripe.com/api/idempotent_requests
Act = Callable[[Params], Body]


class Api:
    """The /v1 part of the stub."""

    def __init__(
        self, store: Store, invoices: Invoices, accounts: Accounts, faults: Faults, *, api_key: str, public_url: str
    ) -> None:
        self._store, self._invoices, self._accounts, self._faults = store, invoices, accounts, faults
        self._api_key, self._public_url = api_key, public_url
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("api", __name__, url_prefix="/v1")
        routes.before_request(self.check_key)
        invoices, accounts = self._invoices, self._accounts
        customers, credits = Customers(self._store), Credits(self._store, invoices)

        def write(rule: str, act: Callable[..., Body]) -> None:
            def view(**ids: str) -> Response:
                return self._once(lambda params: act(*ids.values(), params))

            routes.add_url_rule(rule, endpoint=f"write {rule}".replace(".", " "), view_func=view, methods=["POST"])

        def read(rule: str, act: Callable[..., Body]) -> None:
            def view(**ids: str) -> Response:
                return self._answered(lambda: act(*ids.values()))

            routes.add_url_rule(rule, endpoint=f"read {rule}".replace(".", " "), view_func=view, methods=["GET"])

        def find(kind: str) -> Callable[..., Body]:
            return lambda id_: invoices.find(kind, id_)

        write("/customers", customers.create)
        write("/customers/<customer>", customers.update)
        write("/accounts", accounts.create)
        write("/account_links", lambda given: accounts.link(given, base=self._base()))
        write("/invoices", invoices.create)
        write("/invoices/<invoice>", invoices.update)
        write("/invoices/<invoice>/add_lines", invoices.add_lines)
        write("/invoices/<invoice>/finalize", lambda id_, given: invoices.finalize(id_, given, base=self._base()))
        write("/invoices/<invoice>/send", lambda id_, given: invoices.send(id_, given, base=self._base()))
        write("/invoices/<invoice>/pay", lambda id_, given: invoices.pay(id_, given, base=self._base()))
        write("/invoices/<invoice>/void", invoices.void)
        write("/invoices/<invoice>/mark_uncollectible", invoices.mark_uncollectible)
        write("/credit_notes", credits.create)
        write("/credit_notes/<note>/void", credits.void)
        write("/refunds", invoices.refund)
        write("/transfers/<transfer>/reversals", invoices.reverse)
        for kind in ("customer", "account", "invoice", "event", "credit_note", "refund", "transfer", "dispute"):
            read(f"/{kind}s/<{kind}>", find(kind))
        read("/customers", lambda: self._list("customer", "email"))
        read("/accounts", lambda: self._list("account"))
        read("/invoices", lambda: self._list("invoice", "customer", "status", "collection_method"))
        read("/invoice_payments", lambda: self._list("invoice_payment", "invoice", "status", "payment"))
        read("/credit_notes", lambda: self._list("credit_note", "customer", "invoice"))
        read("/refunds", lambda: self._list("refund", "charge", "payment_intent"))
        read("/charges", lambda: self._list("charge", "customer", "payment_intent"))
        read("/transfers", lambda: self._list("transfer", "destination"))
        read("/transfers/<transfer>/reversals", lambda id_: self._list("transfer_reversal", transfer=id_))
        read("/disputes", lambda: self._list("dispute", "charge", "payment_intent"))
        read("/events", lambda: self._list("event", "type", "types"))
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
            if (broken := self._faults.broken(request.path)) is not None:
                raise broken
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
        return self._answered(lambda: self._invoices.delete(invoice))

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

    def _list(self, kind: str, *filters: str, **of: str) -> Body:
        params = asking.nested(request.args.items(multi=True))
        asking.only(params, "limit", "starting_after", "ending_before", "created", *filters)
        if kind == "invoice" and "status" in params:
            asking.one_of(params, "status", "", ("draft", "open", "void", "paid", "uncollectible"))
        limit = asking.integer(params, "limit", 10) or 0
        if not 1 <= limit <= 100:
            raise StripeError("Invalid limit: must be between 1 and 100.", param="limit")
        wanted = [*_conditions(kind, {**params, **of}, (*filters, *of)), *_within(params)]
        for name, compares in (("starting_after", "<"), ("ending_before", ">")):
            if name in params:
                place = self._store.place(kind, params[name])
                if place is None:
                    raise StripeError(f"No such {kind}: '{params[name]}'", code="resource_missing", param=name)
                wanted.append((f"place {compares} ?", place))
        up = "ending_before" in params
        found = self._store.listed(kind, wanted, limit=limit + 1, up=up)
        page = found[:limit][::-1] if up else found[:limit]
        return {"object": "list", "data": page, "has_more": len(found) > limit, "url": request.path}


def _conditions(kind: str, params: Params, filters: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    for name in set(filters) & set(params):
        value = params[name]
        if name == "types":
            kinds = list(value.values())
            if len(kinds) > 20:
                raise StripeError("Invalid array: at most 20 types", param="types")
            yield "json_extract(body, '$.type') IN (SELECT value FROM json_each(?))", json.dumps(kinds)
        elif name == "payment":
            asking.only(value, "type", "payment_intent")
            yield "json_extract(body, '$.payment.payment_intent') = ?", asking.required(value, "payment_intent")
        elif name == "type" and value.endswith("*"):
            yield "json_extract(body, '$.type') GLOB ?", value
        else:
            yield f"json_extract(body, '$.{name}') = ?", value
    if kind == "event":
        yield "json_extract(body, '$.account') IS ?", None


def _within(params: Params) -> Iterator[tuple[str, object]]:
    created = params.get("created")
    if created is None:
        return
    bounds = created if isinstance(created, dict) else {"gte": created, "lte": created}
    compares = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
    asking.only(bounds, *compares)
    for name in bounds:
        yield f"json_extract(body, '$.created') {compares[name]} ?", asking.integer(bounds, name) or 0


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
