"""Pages of agreements: the list, one of them, signing, its document and the terms behind its digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.agreements import actions, queries
from contracts.agreements.forms import SignForm
from contracts.agreements.jobs import make_document
from contracts.agreements.models import Agreement
from contracts.agreements.queries import Filter, Order
from contracts.agreements.rules import (
    AgreementStatus,
    DocumentStatus,
    Origin,
    Standing,
    canonical_terms,
    standing_of,
    terms_digest,
)
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.downloads import pdf_download
from marketplace.errors import Refused
from marketplace.queueing import enqueue
from marketplace.spreadsheets import csv_download
from marketplace.transactions import after_commit, transaction

bp = Blueprint("agreements", __name__, url_prefix="/contracts")

FILTERS = ("text", "status", "origin", "sort")
CSV_COLUMNS = (
    "reference",
    "title",
    "supplier",
    "commissioner",
    "status",
    "categories",
    "places",
    "starts_on",
    "ends_on",
    "whole_life_value",
    "origin",
)

_Member = TypeVar("_Member", bound=StrEnum)


def _chosen(kind: type[_Member], name: str) -> _Member | None:
    value = request.args.get(name, "")
    return kind(value) if value in list(kind) else None


def _filter() -> Filter:
    return Filter(
        text=request.args.get("text", "").replace("\x00", "").strip()[:200],
        standing=_chosen(Standing, "status"),
        origin=_chosen(Origin, "origin"),
        order=_chosen(Order, "sort") or Order.NEWEST,
    )


@bp.get("/")
@audience(Permission.SEE_CONTRACTS)
def index() -> str:
    """The contracts that concern one's organisation."""
    actor, narrowed = acting(), _filter()
    page = queries.agreements(actor, narrowed, number=request.args.get("page", 1, type=int), on=clock.today())
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name in ("text", "status", "origin", "sort")
    }
    return render_template(
        "contracts/agreements/index.html",
        page=page,
        narrowed=narrowed,
        standings=list(Standing),
        origins=list(Origin),
        orders=list(Order),
        standing=_standing,
        today=clock.today(),
        kept=kept,
        to_page=lambda number: url_for("agreements.index", page=number, **kept),
        to_draw=queries.awards_to_draw(clock.now(), organisation_id=actor.organisation)
        if actor.may(Permission.DRAW_CONTRACTS)
        else [],
    )


def _standing(agreement: Agreement) -> Standing:
    return standing_of(agreement.status, starts_on=agreement.starts_on, ends_on=agreement.ends_on, on=clock.today())


@bp.get("/contracts.csv")
@audience(Permission.SEE_CONTRACTS)
def as_csv() -> Response:
    """The same list as a CSV file, values in pounds."""
    rows = (
        [
            one.reference,
            one.title,
            one.supplier.name,
            one.commissioner.name,
            _standing(one).value,
            "; ".join(category.name for line in one.lines for category in line.categories),
            "; ".join(one.places_on(clock.today())),
            one.starts_on.isoformat(),
            one.ends_on.isoformat() if one.ends_on else None,
            one.whole_life_value,
            one.origin.value,
        ]
        for one in queries.every_agreement(acting(), _filter(), on=clock.today())
    )
    return csv_download("contracts.csv", CSV_COLUMNS, rows)


@bp.get("/<int:agreement_id>")
@audience(Permission.SEE_CONTRACTS)
def show(agreement_id: int) -> str:
    """One contract as of a day (today unless asked): terms, who signed, documents, what has happened."""
    actor, on = acting(), _day()
    agreement = queries.agreement_for(actor, agreement_id)
    version = agreement.version_on(on)
    terms = queries.terms(version)
    return render_template(
        "contracts/agreements/show.html",
        agreement=agreement,
        terms=terms,
        digest=terms_digest(terms),
        version=version,
        on=on,
        today=clock.today(),
        standing=_standing(agreement),
        signs_now=_signs_now(agreement),
        manages=agreement.commissioner_id == actor.organisation_id and actor.may(Permission.MANAGE_CONTRACTS),
        chain=[one for one in agreement.subcontractors if one.left_on is None or one.left_on > on],
        events=queries.history(actor, agreement),
        stopped=[one for one in agreement.suspensions if one.applies_on(on)],
    )


def _day() -> date:
    """The day asked for as `on`, like 2027-03-31; today where none is, or no such day."""
    try:
        return date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        return clock.today()


def _signs_now(agreement: Agreement) -> bool:
    side = queries.side_of(acting(), agreement)
    return side is not None and queries.turn_of(agreement) is side


@bp.get("/<int:agreement_id>/terms.json")
@audience(Permission.SEE_CONTRACTS)
def terms(agreement_id: int) -> Response:
    """The very bytes whose SHA-256 both sides signed, so that anyone can check it."""
    agreement = queries.agreement_for(acting(), agreement_id)
    return Response(
        canonical_terms(queries.terms(agreement.version_on(_day()))),
        mimetype="application/json",
        headers={"Content-Disposition": f"attachment; filename={agreement.reference}-terms.json"},
    )


@bp.post("/draw/<int:award_id>")
@audience(Permission.DRAW_CONTRACTS)
def draw(award_id: int) -> Response:
    """Draw the contract of an award now, without waiting for the scheduled job."""
    actor = acting()
    with transaction():
        agreement = actions.draw_agreement(queries.award_to_draw(actor, award_id), actor=actor, now=clock.now())
        key = agreement.id
    flash("The contract is drawn. The supplier has been asked to sign it.", "success")
    return redirect(url_for("agreements.show", agreement_id=key))


@bp.route("/<int:agreement_id>/sign", methods=["GET", "POST"])
@audience(Permission.SIGN_FOR_SUPPLIER, Permission.SIGN_FOR_COMMISSIONER)
def sign(agreement_id: int) -> Response | tuple[str, int]:
    """Read the terms whole, tick, sign."""
    actor = acting()
    agreement = queries.agreement_for(actor, agreement_id)
    form, status = SignForm(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                actions.sign(agreement, digest=form.digest.data or "", actor=actor, now=clock.now())
                waiting = [one.id for one in agreement.documents if one.status is DocumentStatus.WAITING]
                after_commit(lambda: _wake(waiting))
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
            agreement = queries.agreement_for(actor, agreement_id)
        else:
            signed = agreement.status is AgreementStatus.SIGNED
            flash(
                "You have signed. Both sides have now signed the contract; its PDF is being made."
                if signed
                else "You have signed. The commissioner’s approver has been asked to sign.",
                "success",
            )
            return redirect(url_for("agreements.show", agreement_id=agreement_id))
    terms = queries.terms(agreement.versions[0])
    form.digest.data = terms_digest(terms)
    page = render_template(
        "contracts/agreements/sign.html",
        agreement=agreement,
        terms=terms,
        digest=form.digest.data,
        form=form,
        signs_now=_signs_now(agreement),
    )
    return page, status


def _wake(documents: Sequence[int]) -> None:
    for document_id in documents:
        enqueue(make_document, document_id)


@bp.get("/<int:agreement_id>/documents/<int:document_id>")
@audience(Permission.SEE_CONTRACTS)
def document(agreement_id: int, document_id: int) -> Response:
    """The contract as a PDF, its content checked against the hash it was kept under."""
    agreement = queries.agreement_for(acting(), agreement_id)
    found = next((one for one in agreement.documents if one.id == document_id), None)
    return pdf_download(agreement.reference, found.sha256 if found else None)
