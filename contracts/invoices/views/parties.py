"""How funders and suppliers want to be invoiced and taxed: purchase orders, VAT."""

from __future__ import annotations

from flask import render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.invoices import actions, queries
from contracts.invoices.forms import AddressForm, PurchaseOrderForm, VatForm
from contracts.invoices.rules import VatKind
from contracts.invoices.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import NotAllowed
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.spreadsheets import csv_download


@bp.get("/purchase-orders")
@audience(Permission.PAY_INVOICES, Permission.APPROVE_INVOICES)
def purchase_orders() -> str:
    """The contracts that one's body funds, and the number it wants on each one's invoices; those without one first."""
    missing = request.args.get("show") == "missing"
    found = queries.funded_contracts(acting(), on=clock.today(), without_order=missing)
    number = nearest_page(request.args.get("page", 1, type=int), len(found))
    start = before(number)
    return render_template(
        "contracts/invoices/purchase_orders.html",
        page=Page(found[start : start + PAGE], len(found), number),
        missing=missing,
        to_page=lambda page: url_for("invoices.purchase_orders", page=page, show="missing" if missing else None),
    )


@bp.get("/purchase-orders.csv")
@audience(Permission.PAY_INVOICES, Permission.APPROVE_INVOICES)
def purchase_orders_csv() -> Response:
    """The same list as a CSV file."""
    missing = request.args.get("show") == "missing"
    found = queries.funded_contracts(acting(), on=clock.today(), without_order=missing)
    return csv_download(
        "purchase-orders.csv",
        ("contract", "title", "supplier", "purchase_order", "from"),
        (
            (
                *(one.agreement.reference, one.agreement.title, one.agreement.supplier.name),
                *((one.order.number, one.order.from_day) if one.order else (None, None)),
            )
            for one in found
        ),
    )


@bp.route("/contracts/<int:agreement_id>/purchase-order", methods=["GET", "POST"])
@audience(Permission.PAY_INVOICES, Permission.APPROVE_INVOICES)
def purchase_order(agreement_id: int) -> Answer:
    """A funder gives the number that it wants to read on its invoices, from a day on."""
    actor, form = acting(), PurchaseOrderForm()
    agreement = queries.contract_for(actor, agreement_id)
    if not any(one.organisation_id == actor.organisation for one in agreement.version_on(clock.today()).funders):
        raise NotAllowed("Your organisation does not fund this contract.")
    if not form.is_submitted():
        form.from_day.data = clock.today()
    back = url_for("invoices.money", agreement_id=agreement.id)
    return ask(
        form,
        lambda: actions.enter_purchase_order(
            agreement, number=form.number.data, from_day=form.from_day.data, actor=actor, now=clock.now()
        ),
        to=back,
        said="The purchase order is entered.",
        heading="Your purchase order for this contract",
        button="Enter the purchase order",
        back=back,
        agreement=agreement,
    )


@bp.route("/vat", methods=["GET", "POST"])
@audience(Permission.ISSUE_CREDITS)
def vat() -> Answer:
    """How the supplier stands with VAT, now and before; its finance says so for invoices from a day on."""
    actor, form = acting(), VatForm()
    if not form.is_submitted():
        form.from_day.data = clock.today()
    stated = queries.vat_statuses(actor.organisation)
    return ask(
        form,
        lambda: actions.state_vat(
            kind=VatKind(form.kind.data),
            vat_number=form.vat_number.data or "",
            from_day=form.from_day.data,
            actor=actor,
            now=clock.now(),
        ),
        to=url_for("invoices.vat"),
        said="How you stand with VAT is kept.",
        template="contracts/invoices/vat.html",
        stated=stated,
        in_force=queries.vat_status(actor.organisation, clock.today()),
        standard_rate=VatKind.STANDARD.rate,
    )


@bp.route("/invoice-address", methods=["GET", "POST"])
@audience(Permission.ISSUE_CREDITS, Permission.PAY_INVOICES)
def address() -> Answer:
    """The address that invoices to or from the actor's organisation bear."""
    actor, form = acting(), AddressForm()
    given = queries.invoice_addresses(actor.organisation).get(actor.organisation)
    if not form.is_submitted():
        form.address.data = given
    back = url_for("payments.account") if actor.is_supplier else url_for("invoices.index")
    return ask(
        form,
        lambda: actions.give_address(form.address.data or "", actor=actor, now=clock.now()),
        to=url_for("invoices.address"),
        said="The address is kept. Invoices raised from now on bear it.",
        heading="Your address for invoices",
        intro="A VAT invoice must bear the address of both sides. Invoices that were raised stay as they are.",
        button="Keep the address",
        back=back,
    )
