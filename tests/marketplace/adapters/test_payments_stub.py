"""The stub's HTTP, as Stripe's: keys, idempotency, refusals, lists, the page where an invoice is paid."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
import requests

from marketplace.adapters.payments.records import InvoiceStatus, PaymentInvoice, PaymentLine
from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.payments.stub.asking import nested


@pytest.fixture
def invoice(payments: Payments) -> PaymentInvoice:
    """An open invoice."""
    buyer = payments.ensure_customer(reference="b", name="Kent <PCC>", email="finance@kent.example").id
    lines = [PaymentLine("Planned band, May 2026", Decimal("1234.50"))]
    return payments.raise_invoice(customer_id=buyer, reference="I", lines=lines, description="Contract C9")


def test_brackets_are_unfolded() -> None:
    pairs = [("a", "1"), ("metadata[x]", "2"), ("metadata[y]", "3"), ("expand[0]", "p"), ("expand[]", "q")]
    assert nested(pairs) == {"a": "1", "metadata": {"x": "2", "y": "3"}, "expand": {"0": "p", "1": "q"}}


def test_without_the_key_nothing_is_told(running: Any) -> None:
    assert requests.get(running.url + "/v1/invoices", timeout=5).status_code == 401
    answer = requests.get(running.url + "/v1/invoices", headers={"Authorization": "Bearer no"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert requests.post(running.url + "/stub/settings", json={"copies": 2}, timeout=5).status_code == 401
    assert requests.get(running.url + "/v1/invoices", auth=("sk_test_for_the_tests", ""), timeout=5).ok


def test_another_host_name_is_turned_away(running: Any) -> None:
    answer = running.ask("GET", "/v1/invoices", headers={"Host": "rebound.example"})
    assert answer.status_code == 403


def test_the_same_key_gives_the_same_answer(running: Any) -> None:
    def post(path: str = "/v1/customers", **data: str) -> requests.Response:
        answer: requests.Response = running.ask("POST", path, data=data, headers={"Idempotency-Key": "K"})
        return answer

    first, again = post(name="a"), post(name="a")
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    other = post(name="b")
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    assert "same endpoint" in post("/v1/invoices", name="a").json()["error"]["message"]
    assert len(running.ask("GET", "/v1/customers").json()["data"]) == 1
    running.clock.seconds += 24 * 3600 + 1
    assert post(name="b").ok  # forgotten after a day


def test_a_request_that_failed_its_checks_may_be_mended_under_the_same_key(running: Any) -> None:
    headers = {"Idempotency-Key": "K"}
    assert running.ask("POST", "/v1/customers", data={"nmae": "a"}, headers=dict(headers)).status_code == 400
    assert running.ask("POST", "/v1/customers", data={"name": "a"}, headers=dict(headers)).ok


def test_a_refusal_of_the_business_stands_for_its_key(running: Any, invoice: PaymentInvoice) -> None:
    finalize = f"/v1/invoices/{invoice.id}/finalize"
    first = running.ask("POST", finalize, headers={"Idempotency-Key": "K"})
    again = running.ask("POST", finalize, headers={"Idempotency-Key": "K"})
    assert first.status_code == again.status_code == 400
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_at_the_same_time_is_a_conflict(running: Any) -> None:
    running.behave(faults=[{"kind": "hold", "count": 1}])
    answers: list[requests.Response] = []

    def ask() -> None:
        answers.append(running.ask("POST", "/v1/customers", data={"name": "a"}, headers={"Idempotency-Key": "K"}))

    first = threading.Thread(target=ask)
    first.start()
    assert running.stub.faults.wait_until_held(10)
    ask()
    assert answers[0].status_code == 409
    assert answers[0].json()["error"]["code"] == "idempotency_key_in_use"
    running.ask("POST", "/stub/release")
    first.join()
    assert answers[1].ok


@pytest.mark.parametrize(
    ("path", "data", "status", "code"),
    [
        ("/v1/customers", {"nmae": "x"}, 400, "parameter_unknown"),
        ("/v1/invoices", {}, 400, "parameter_missing"),
        ("/v1/invoices", {"customer": "cus_none"}, 400, "resource_missing"),
        ("/v1/invoices", {"customer": "BUYER", "days_until_due": "soon"}, 400, "parameter_invalid_integer"),
        ("/v1/invoices", {"customer": "BUYER", "collection_method": "send_invoice"}, 400, None),
        ("/v1/invoices/INVOICE/add_lines", {"lines[0][amount]": "1"}, 400, "invoice_not_editable"),
        ("/v1/invoices", {"customer": "BUYER", "on_behalf_of": "acct_none"}, 400, "resource_missing"),
        ("/v1/credit_notes", {"invoice": "INVOICE", "amount": "123451"}, 400, None),
        ("/v1/credit_notes", {"invoice": "INVOICE", "amount": "100", "out_of_band_amount": "1"}, 400, None),
        ("/v1/refunds", {"payment_intent": "pi_none"}, 404, "resource_missing"),
        ("/v1/invoices/in_none/finalize", {}, 404, "resource_missing"),
        ("/v1/nothing", {}, 404, None),
    ],
)
def test_refusals_have_stripes_shape(
    running: Any, invoice: PaymentInvoice, path: str, data: dict[str, str], status: int, code: str | None
) -> None:
    known = {"BUYER": invoice.customer_id, "INVOICE": invoice.id}
    path = path.replace("INVOICE", invoice.id)
    answer = running.ask("POST", path, data={name: known.get(value, value) for name, value in data.items()})
    error = answer.json()["error"]
    assert (answer.status_code, error.get("code"), error["type"]) == (status, code, "invalid_request_error")
    assert error["message"]


def test_settings_that_make_no_sense_are_refused(running: Any) -> None:
    for wrong in ({"copies": 0}, {"order": "odd"}, {"lose_next": "x"}, {"nothing": 1}, {"faults": [{"kind": "odd"}]}):
        assert running.ask("POST", "/stub/settings", json=wrong).status_code == 422


def page(invoice: PaymentInvoice) -> str:
    assert invoice.hosted_url is not None
    return invoice.hosted_url


def test_the_page_says_that_no_money_moves_and_runs_no_script(invoice: PaymentInvoice) -> None:
    answer = requests.get(page(invoice), timeout=5)
    assert "Demonstration payments – no money moves" in answer.text
    assert "£1,234.50" in answer.text
    assert "Kent &lt;PCC&gt;" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("way", ["card", "transfer"])
def test_paying_on_the_page_pays_once(payments: Payments, running: Any, invoice: PaymentInvoice, way: str) -> None:
    for _ in range(2):
        answer = requests.post(page(invoice), data={"way": way}, timeout=5)
        assert (answer.status_code, "This invoice is paid" in answer.text) == (200, True)
    assert payments.invoice(invoice.id).status is InvoiceStatus.PAID
    kinds = [event["type"] for event in running.deliver()]
    assert kinds.count("invoice.paid") == kinds.count("invoice.payment_succeeded") == 1


def test_a_declined_card_pays_nothing(payments: Payments, running: Any, invoice: PaymentInvoice) -> None:
    answer = requests.post(page(invoice), data={"way": "declined"}, timeout=5)
    assert answer.status_code == 402
    assert "was declined" in answer.text
    assert payments.invoice(invoice.id).status is InvoiceStatus.OPEN
    assert running.deliver()[-1]["type"] == "invoice.payment_failed"


def test_no_choice_is_asked_for_again(payments: Payments, invoice: PaymentInvoice) -> None:
    answer = requests.post(page(invoice), timeout=5)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert payments.invoice(invoice.id).status is InvoiceStatus.OPEN


def test_a_void_invoice_cannot_be_paid_on_its_page(payments: Payments, invoice: PaymentInvoice) -> None:
    payments.void(invoice.id, key="v")
    assert "nothing to pay" in requests.post(page(invoice), data={"way": "card"}, timeout=5).text
    assert payments.invoice(invoice.id).status is InvoiceStatus.VOID


def test_the_page_cannot_be_guessed(running: Any, invoice: PaymentInvoice) -> None:
    assert requests.get(f"{running.url}/invoice/{invoice.id}", timeout=5).status_code == 404
