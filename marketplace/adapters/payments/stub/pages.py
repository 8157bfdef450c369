"""The pages: where a commissioner pays an invoice with pretend money, and a supplier gives pretend particulars."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from marketplace.adapters.payments.records import pounds
from marketplace.adapters.payments.stub.accounts import Accounts
from marketplace.adapters.payments.stub.delivery import Deliverer
from marketplace.adapters.payments.stub.invoices import Invoices
from marketplace.adapters.payments.stub.store import Body, Store

WAYS = {
    "card": ("Pretend card that is accepted", "The invoice is paid at once"),
    "declined": ("Pretend card that is declined", "Nothing is paid"),
    "transfer": ("Pretend bank transfer", "The invoice is paid at once; a real transfer takes a day or two"),
    "debit": ("Pretend direct debit", "The invoice is paid in a minute; a real one takes three to five days"),
    "returned": ("Pretend direct debit that the bank returns", "In a minute it turns out that nothing is paid"),
}
CHOOSE = "Choose how to pay"
DECLINED = "The pretend card was declined. Nothing was paid. Choose another way to pay"
ENDS = {
    "complete": ("Everything is there", "Your organisation can be paid at once"),
    "checking": ("Everything is there, and is still being checked", "A real check takes minutes to days"),
    "document": ("A document is still missing", "Your organisation cannot be paid until it is sent"),
    "rejected": ("The provider turns your organisation away", "It cannot be paid this way"),
}
CHOOSE_END = "Choose what you have given"


def blueprint(store: Store, invoices: Invoices, accounts: Accounts, deliverer: Deliverer) -> Blueprint:
    """The routes."""
    routes = Blueprint("pages", __name__)

    @routes.get("/invoice/<token>")
    def invoice(token: str) -> str:
        return _page(_invoice(token))

    @routes.post("/invoice/<token>")
    def pay(token: str) -> AnyResponse:
        way = request.form.get("way", "")
        error = ""
        with store.transaction():
            body = _invoice(token)
            if body["status"] in ("open", "uncollectible") and not invoices.debit_of(body):  # not pressed twice
                if way in ("card", "transfer"):
                    invoices.paid_on_page(body, way)
                elif way in ("debit", "returned"):
                    invoices.debit_on_page(body, returned=way == "returned")
                elif way == "declined":
                    invoices.declined_on_page(body, "card")
                    error = DECLINED
                else:
                    error = CHOOSE
        deliverer.wake()
        if error:
            return Response(_page(body, error=error, chosen=way), status=422 if error == CHOOSE else 402)
        return redirect(url_for("pages.invoice", token=token), code=303)

    @routes.get("/setup/<token>")
    def setup(token: str) -> AnyResponse | str:
        with store.transaction():
            visit = accounts.opened(token)
            if visit is None:
                abort(404)
            if not visit[1]:  # opened before, or too late: Stripe sends people back for another link
                return redirect(visit[0]["refresh_url"], code=303)
        return _setup(visit[0])

    @routes.post("/setup/<token>")
    def set_up(token: str) -> AnyResponse:
        end = request.form.get("end", "")
        with store.transaction():
            visit = store.recall(f"link {token}")
            if visit is None or not visit["opened"]:
                abort(404)
            if end not in (*ENDS, "later"):
                return Response(_setup(visit, error=CHOOSE_END), status=422)
            if end != "later":
                accounts.stand(visit["account"], end)
        deliverer.wake()
        _lets_go(visit)
        return redirect(visit["return_url"], code=303)

    def _setup(visit: Body, error: str = "") -> str:
        _lets_go(visit)
        account = accounts.find("account", visit["account"])
        return render_template("setup.html", account=account, ends=ENDS, error=error)

    def _lets_go(visit: Body) -> None:
        back = urlsplit(visit["return_url"])
        g.onwards = f"{back.scheme}://{back.netloc}"

    def _invoice(token: str) -> Body:
        body = store.invoice_of_page(token)
        if body is None:
            abort(404)
        return body

    def _page(body: Body, *, error: str = "", chosen: str = "") -> str:
        more = invoices.shown(body)
        more["debit"] = invoices.debit_of(body)
        return render_template("invoice.html", invoice=body, ways=WAYS, error=error, chosen=chosen, **more)

    routes.add_app_template_filter(_money, "money")
    routes.add_app_template_filter(_day, "day")
    return routes


def _money(amount: int) -> str:
    return f"{'−' if amount < 0 else ''}£{abs(pounds(amount)):,.2f}"


def _day(seconds: int) -> str:
    at = datetime.fromtimestamp(seconds, tz=UTC).astimezone(ZoneInfo("Europe/London"))
    return f"{at.day} {at:%B %Y}"
