"""The supply chain: who was promised what part, and what each has done (R61)."""

from __future__ import annotations

from typing import Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import actions, queries
from contracts.mobilisation.forms import AgreeForm, SubcontractorForm
from contracts.mobilisation.views import Answer, ask, bp, press
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts.rules import SupplierStatus
from marketplace.errors import NotAllowed
from marketplace.spreadsheets import csv_download

CSV_COLUMNS = (
    *("subcontractor", "work", "status", "promised_percent", "agreed_at", "left_on"),
    *("quarter_begins", "delivered_percent"),
)


@bp.get("/<int:agreement_id>/supply-chain")
@audience(Permission.SEE_CONTRACTS)
def supply_chain(agreement_id: int) -> str:
    """The chain as promised, beside what each member did in the quarters that are over."""
    actor = acting()
    agreement = queries.contract_for(actor, agreement_id)
    chain = queries.chain_of(agreement, clock.today())
    return render_template(
        "contracts/mobilisation/supply_chain.html",
        agreement=agreement,
        chain=chain,
        mark=queries.mark_of(chain.to_agree),
        side=queries.side_of(actor, agreement),
    )


@bp.get("/<int:agreement_id>/supply-chain.csv")
@audience(Permission.SEE_CONTRACTS)
def supply_chain_csv(agreement_id: int) -> Response:
    """A row for each member and each quarter that it was reported for."""
    agreement = queries.contract_for(acting(), agreement_id)
    chain = queries.chain_of(agreement, clock.today())
    return csv_download(
        f"supply-chain-{agreement.reference}.csv".replace("/", "-"),
        CSV_COLUMNS,
        (
            [
                member.name,
                member.work,
                member.supplier_status.value if member.supplier_status else None,
                member.share,
                member.agreed_at.isoformat() if member.agreed_at else None,
                member.left_on,
                first,
                part,
            ]
            for row in chain.rows
            for member in [row.subcontractor]
            for first, part in (*row.delivered.items(), *([] if row.delivered else [(None, None)]))
        ),
    )


@bp.route("/<int:agreement_id>/supply-chain/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def new_subcontractor(agreement_id: int) -> Answer:
    """Enter a member of the chain."""
    actor, form = acting(), SubcontractorForm()
    agreement = queries.contract_for(actor, agreement_id)
    _must_be_supplier(agreement)
    return ask(
        form,
        "form",
        lambda: actions.enter_subcontractor(agreement, **_typed(form), actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The subcontractor is entered. The contract manager has been asked to agree.",
        heading="Enter a subcontractor",
        button="Enter",
        back=_to(agreement),
        agreement=agreement,
    )


@bp.route("/supply-chain/<int:subcontractor_id>", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def change_subcontractor(subcontractor_id: int) -> Answer:
    """Change a member of the chain."""
    actor = acting()
    member = queries.subcontractor_for(actor, subcontractor_id)
    agreement = queries.contract_for(actor, member.agreement_id)
    _must_be_supplier(agreement)
    form = SubcontractorForm(obj=member)
    if not form.is_submitted():
        form.status.data = member.supplier_status.value if member.supplier_status else None
    return ask(
        form,
        "form",
        lambda: actions.change_subcontractor(agreement, member, **_typed(form), actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The change is kept. The contract manager has been asked to agree.",
        heading="Change a subcontractor",
        intro="Whatever was agreed is to be agreed again.",
        button="Save",
        back=_to(agreement),
        agreement=agreement,
    )


@bp.post("/supply-chain/<int:subcontractor_id>/left")
@audience(Permission.MANAGE_DELIVERY)
def subcontractor_left(subcontractor_id: int) -> Response:
    """It leaves the chain today."""
    actor = acting()
    member = queries.subcontractor_for(actor, subcontractor_id)
    agreement = queries.contract_for(actor, member.agreement_id)
    return press(
        lambda: actions.leaves(agreement, member, actor=actor, now=clock.now()),
        to=_to(agreement),
        said="It has left the supply chain from today.",
    )


@bp.post("/<int:agreement_id>/supply-chain/agree")
@audience(Permission.MANAGE_CONTRACTS)
def agree_chain(agreement_id: int) -> Response:
    """Agree to the entries shown."""
    actor, form = acting(), AgreeForm()
    agreement = queries.contract_for(actor, agreement_id)
    return press(
        lambda: actions.agree_chain(agreement, seen=form.mark.data or "", actor=actor, now=clock.now()),
        to=_to(agreement),
        said="The supply chain is agreed.",
    )


def _typed(form: SubcontractorForm) -> dict[str, Any]:
    return {
        "name": form.name.data,
        "work": form.work.data,
        "share": form.share.data,
        "status": SupplierStatus(form.status.data),
    }


def _must_be_supplier(agreement: Agreement) -> None:
    if queries.side_of(acting(), agreement) is not Side.SUPPLIER:
        raise NotAllowed("Only the supplier enters its supply chain.")


def _to(agreement: Agreement) -> str:
    return url_for("mobilisation.supply_chain", agreement_id=agreement.id)
