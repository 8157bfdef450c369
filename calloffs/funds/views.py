"""Pages of funds: what each holds, what is set aside and what is left."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from calloffs.funds import actions, queries
from calloffs.funds.forms import ChangeFundForm, FundForm
from calloffs.funds.rules import FundKind, Stage
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

bp = Blueprint("funds", __name__, url_prefix="/funds")
COLUMNS = ("call_off", "title", "purpose", "stage", "amount", "changed_on")


@bp.get("")
@audience(Permission.SEE_COMPETITION_FILE)
def index() -> str:
    """The body's funds, and what is left in each."""
    return render_template("calloffs/funds/index.html", funds=queries.funds_of(acting()), today=clock.today())


@bp.route("/new", methods=["GET", "POST"])
@audience(Permission.PLAN)
def new() -> str | Response | tuple[str, int]:
    """Set up a fund."""
    form = FundForm()
    if form.validate_on_submit():
        try:
            with transaction():
                fund = actions.open_fund(
                    name=form.name.data or "",
                    kind=FundKind(form.kind.data),
                    purposes=form.purposes.data or "",
                    amount=form.amount.data,
                    starts_on=form.starts_on.data,
                    ends_on=form.ends_on.data,
                    actor=acting(),
                    now=clock.now(),
                )
                key = fund.id
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The fund is set up. Call-offs can be paid from it now.")
            return redirect(url_for("funds.show", fund_id=key))
    return render_template("calloffs/funds/new.html", form=form), 422 if form.errors else 200


@bp.get("/<int:fund_id>")
@audience(Permission.SEE_COMPETITION_FILE)
def show(fund_id: int) -> str:
    """One fund and all that is set aside from it."""
    return render_template("calloffs/funds/show.html", fund=queries.fund_for(acting(), fund_id), Stage=Stage)


@bp.get("/<int:fund_id>.csv")
@audience(Permission.SEE_COMPETITION_FILE)
def as_csv(fund_id: int) -> Response:
    """What is set aside from the fund as CSV, amounts in pounds."""
    fund = queries.fund_for(acting(), fund_id)
    rows = (
        (one.call_off, one.title, one.purpose, one.stage.value, one.amount, clock.london(one.changed_at).date())
        for one in fund.commitments
    )
    return csv_download(f"fund-{fund.id}.csv", COLUMNS, rows)


@bp.route("/<int:fund_id>/change", methods=["GET", "POST"])
@audience(Permission.PLAN)
def change(fund_id: int) -> str | Response | tuple[str, int]:
    """Put more into a fund, take out what is not set aside, or change what it is for."""
    actor = acting()
    fund = queries.fund_for(actor, fund_id)
    form = ChangeFundForm(obj=fund)
    if form.validate_on_submit():
        try:
            with transaction():
                actions.change_fund(
                    fund,
                    amount=form.amount.data,
                    purposes=form.purposes.data or "",
                    reason=form.reason.data or "",
                    actor=actor,
                    now=clock.now(),
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The fund is changed.")
            return redirect(url_for("funds.show", fund_id=fund_id))
    return render_template("calloffs/funds/change.html", form=form, fund=fund), 422 if form.errors else 200
