"""The page where a commissioner's finance officer pays an invoice, with pretend money."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    abort,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from marketplace.adapters.payments.records import pounds
from marketplace.adapters.payments.stub.delivery import Deliverer
from marketplace.adapters.payments.stub.ledger import Ledger
from marketplace.adapters.payments.stub.store import Body, Store

WAYS = {
    "card": ("Pretend card that is accepted", "The invoice is paid at once"),
    "declined": ("Pretend card that is declined", "Nothing is paid"),
    "transfer": ("Pretend bank transfer", "The invoice is paid at once; a real transfer takes a day or two"),
}
CHOOSE = "Choose how to pay"
DECLINED = "The pretend card was declined. Nothing was paid. Choose another way to pay"


def blueprint(store: Store, ledger: Ledger, deliverer: Deliverer) -> Blueprint:
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
            if body["status"] in ("open", "uncollectible"):  # a second press of the button finds it paid
                if way in ("card", "transfer"):
                    ledger.paid_on_page(body)
                elif way == "declined":
                    ledger.declined_on_page(body)
                    error = DECLINED
                else:
                    error = CHOOSE
        deliverer.wake()
        if error:
            return Response(_page(body, error=error, chosen=way), status=422 if error == CHOOSE else 402)
        return redirect(url_for("pages.invoice", token=token), code=303)

    def _invoice(token: str) -> Body:
        body = store.invoice_of_page(token)
        if body is None:
            abort(404)
        return body

    def _page(body: Body, *, error: str = "", chosen: str = "") -> str:
        return render_template("invoice.html", invoice=body, ways=WAYS, error=error, chosen=chosen)

    routes.add_app_template_filter(_money, "money")
    routes.add_app_template_filter(_day, "day")
    return routes


def _money(amount: int) -> str:
    return f"{'−' if amount < 0 else ''}£{abs(pounds(amount)):,.2f}"


def _day(seconds: int) -> str:
    at = datetime.fromtimestamp(seconds, tz=UTC).astimezone(ZoneInfo("Europe/London"))
    return f"{at.day} {at:%B %Y}"
