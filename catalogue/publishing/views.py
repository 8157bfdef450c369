"""The public register of awards, as pages, CSV and OCDS."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from catalogue.publishing import ocds, queries
from catalogue.publishing import register as sheet
from catalogue.publishing.grants import grants_package
from catalogue.publishing.queries import Choice, Sort
from catalogue.publishing.rules import COLUMNS, PLAN_COLUMNS, ocid
from marketplace import clock
from marketplace.access import PUBLIC, audience
from marketplace.accounts.rules import SupplierStatus
from marketplace.framework import queries as framework
from marketplace.places import queries as places

bp = Blueprint("publishing", __name__)


def _choice() -> Choice:
    status, sort = request.args.get("status", ""), request.args.get("sort", "")
    return Choice(
        category_code=request.args.get("category") or None,
        place_code=request.args.get("place") or None,
        supplier_status=SupplierStatus(status) if status in list(SupplierStatus) else None,
        sort=Sort(sort) if sort in list(Sort) else Sort.LATEST,
    )


def _kept() -> dict[str, str]:
    return {key: value for key in ("category", "place", "status", "sort") if (value := request.args.get(key))}


@bp.get("/awards")
@audience(PUBLIC)
def register() -> str:
    """Who won what, where, for how much."""
    return render_template(
        "catalogue/publishing/register.html",
        page=queries.register(_choice(), page=request.args.get("page", 1, type=int)),
        choice=_choice(),
        kept=_kept(),
        categories=framework.categories(),
        places=places.choices(),
        statuses=list(SupplierStatus),
        sorts=list(Sort),
    )


@bp.get("/awards.csv")
@audience(PUBLIC)
def register_csv() -> Response:
    """The register, or what was chosen of it, as a CSV file."""
    return _open_csv("awards.csv", sheet.register_csv(queries.whole_register(_choice())))


@bp.get("/awards/<reference>")
@audience(PUBLIC)
def award(reference: str) -> str:
    """The notice of one award."""
    process = queries.process(reference)
    return render_template("catalogue/publishing/award.html", process=process, ocid=ocid(reference))


@bp.get("/open-data")
@audience(PUBLIC)
def open_data() -> str:
    """What is published as data, and how to get it."""
    return render_template("catalogue/publishing/open_data.html", columns=COLUMNS, plan_columns=PLAN_COLUMNS)


@bp.get("/open-data/plans.csv")
@audience(PUBLIC)
def plans_csv() -> Response:
    """Volumes, calculated costs, budgets and gaps of published call-offs, year by year (R45)."""
    return _open_csv("plans.csv", sheet.plans_csv(queries.planned()))


@bp.get("/open-data/assumptions.csv")
@audience(PUBLIC)
def assumptions_csv() -> Response:
    """What was assumed for them, with sources."""
    return _open_csv("assumptions.csv", sheet.assumptions_csv(queries.planned()))


@bp.get("/open-data/grants.json")
@audience(PUBLIC)
def grants() -> Response:
    """Every signed grant, in the 360Giving Data Standard."""
    uri = url_for("publishing.grants", _external=True)
    return _open_json(grants_package(queries.published_grants(), uri=uri, now=clock.now()))


@bp.get("/open-data/ocds.json")
@audience(PUBLIC)
def processes() -> Response:
    """Every contracting process that is or was public, with the address of its release package."""
    found = [
        {
            "reference": reference,
            "ocid": ocid(reference),
            "uri": url_for("publishing.release_package", reference=reference, _external=True),
        }
        for reference in queries.published_references()
    ]
    return _open_json({"processes": found})


@bp.get("/open-data/ocds/<reference>.json")
@audience(PUBLIC)
def release_package(reference: str) -> Response:
    """One contracting process as an OCDS release package."""
    uri = url_for("publishing.release_package", reference=reference, _external=True)
    package = ocds.release_package(queries.process(reference), uri=uri, now=clock.now())
    return _open_json(package)


def _open_csv(name: str, body: str) -> Response:
    """A file that other people's pages may read too."""
    return Response(
        body,
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}", "Access-Control-Allow-Origin": "*"},
    )


def _open_json(body: dict[str, Any]) -> Response:
    """JSON that other people's pages may read too."""
    return Response(
        json.dumps(body, ensure_ascii=False, indent=1),
        mimetype="application/json",
        headers={"Access-Control-Allow-Origin": "*"},
    )
