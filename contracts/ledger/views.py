"""What an organisation owes or is owed: statements, aged debt, and what its payments covered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.ledger import actions, queries
from contracts.ledger.forms import BaseRateForm, DayForm, PeriodForm
from contracts.ledger.rules import ABOVE_BASE, Age, PostingKind, base_rate_day
from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.asking import Answer, ask
from marketplace.errors import NotFound
from marketplace.paging import PAGE, Page, before, nearest_page
from marketplace.presentation import label
from marketplace.spreadsheets import csv_download

bp = Blueprint("ledger", __name__)

STATEMENT_COLUMNS = ("day", "what", "document", "invoice", "funder", "supplier", "change", "owed_after")
DEBT_COLUMNS = (
    *("invoice", "funder", "supplier", "due_on", "age", "owed", "interest_by_law_not_charged"),
    *("base_rate", "base_rate_is_our_default"),
)
RATE_COLUMNS = ("from_day", "percent", "our_default", "entered_on", "corrected_on", "reason")
REMITTANCE_COLUMNS = ("day", "invoice", "charged", "credited", "paid", "taken_back")


def _day(name: str, default: date) -> date:
    """The day asked for, today or before it."""
    try:
        asked = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return default
    return max(min(asked, clock.today()), date(1990, 1, 1))


def _other(actor: Actor) -> int | None:
    """The organisation asked for, if there is an account with it."""
    asked = request.args.get("other", type=int)
    return asked if asked in {one.id for one in queries.others(actor)} else None


def _all(actor: Actor) -> str:
    return "All funders" if actor.is_supplier else "All suppliers"


def _quarter_ago(today: date) -> date:
    """The first day of the month two months before: a statement begins there unless asked otherwise."""
    month = today.year * 12 + today.month - 3
    return date(month // 12, month % 12 + 1, 1)


# Statements


def _period() -> tuple[date, date]:
    today = clock.today()
    last = _day("last", today)
    first = _day("first", _quarter_ago(last))
    return min(first, last), last


@bp.get("/statement")
@audience(Permission.SEE_INVOICES)
def statement() -> str | Response:
    """What was owed before a period, what changed it, and what is owed at the end of its last day."""
    actor = acting()
    first, last = _period()
    others, other_id = queries.others(actor), _other(actor)
    asked = "first-day" in request.args
    form = PeriodForm(request.args) if asked else PeriodForm(data={"first": first, "last": last})
    form.offer(others, words=_all(actor), chosen=other_id)
    if asked and form.validate():
        days = sorted((form.first.data, form.last.data))
        return redirect(url_for("ledger.statement", first=days[0], last=days[1], other=form.other.data or None))
    kept: dict[str, Any] = {"first": first, "last": last, "other": other_id}
    found = queries.statement(
        actor, first=first, last=last, other_id=other_id, page=request.args.get("page", 1, type=int)
    )
    late = queries.debts(actor, on=last, other_id=other_id)
    return render_template(
        "contracts/ledger/statement.html",
        form=form,
        statement=found,
        other=next((one for one in others if one.id == other_id), None),
        kinds=list(PostingKind),
        interest=sum((one.interest for one in late), queries.NOTHING),
        kept=kept,
        to_page=lambda number: url_for("ledger.statement", page=number, **kept),
        today=clock.today(),
        **_rates(late),
    )


@bp.get("/statement.csv")
@audience(Permission.SEE_INVOICES)
def statement_csv() -> Response:
    """The same as a CSV file: the opening balance, every posting, the closing balance, in pounds."""
    actor = acting()
    first, last = _period()
    found = queries.statement(actor, first=first, last=last, other_id=_other(actor))
    rows: list[tuple[object, ...]] = [(first, "Opening balance", *[None] * 5, found.before)]
    rows += [
        (
            *(row.posting.day, label(row.posting.kind), row.posting.document, row.posting.item),
            *(row.posting.funder.name, row.posting.supplier.name, row.change, row.owed),
        )
        for row in found.rows
    ]
    rows.append((last, "Closing balance", *[None] * 5, found.after))
    return csv_download(f"statement-{first}-to-{last}.csv", STATEMENT_COLUMNS, rows)


# Aged debt


@bp.get("/aged-debt")
@audience(Permission.SEE_INVOICES)
def aged_debt() -> str | Response:
    """What is owed at the end of a day by how late it is, and the interest that the law gives."""
    actor = acting()
    on, others, other_id = _day("on", clock.today()), queries.others(actor), _other(actor)
    asked = "on-day" in request.args
    form = DayForm(request.args) if asked else DayForm(data={"on": on})
    form.offer(others, words=_all(actor), chosen=other_id)
    if asked and form.validate():
        return redirect(url_for("ledger.aged_debt", on=form.on.data, other=form.other.data or None))
    found = queries.debts(actor, on=on, other_id=other_id)
    number = nearest_page(request.args.get("page", 1, type=int), len(found))
    kept: dict[str, Any] = {"on": on, "other": other_id}
    return render_template(
        "contracts/ledger/aged_debt.html",
        form=form,
        on=on,
        page=Page(found[before(number) : before(number) + PAGE], len(found), number),
        by_age=queries.by_age(found),
        late=sum((one.owed for one in found if one.age not in (Age.NOT_DUE, Age.TO_COME_BACK)), queries.NOTHING),
        by_other=queries.by_other(actor, found),
        ages=list(Age),
        owed=sum((one.owed for one in found), queries.NOTHING),
        interest=sum((one.interest for one in found), queries.NOTHING),
        kept=kept,
        to_page=lambda to: url_for("ledger.aged_debt", page=to, **kept),
        today=clock.today(),
        **_rates(found),
    )


@bp.get("/aged-debt.csv")
@audience(Permission.SEE_INVOICES)
def aged_debt_csv() -> Response:
    """Every invoice on which something is owed at the end of a day, as a CSV file, in pounds."""
    actor = acting()
    on = _day("on", clock.today())
    found = queries.debts(actor, on=on, other_id=_other(actor))
    return csv_download(
        f"aged-debt-{on}.csv",
        DEBT_COLUMNS,
        (
            (
                *(one.item, one.funder.name, one.supplier.name, one.due_on, one.age.value, one.owed, one.interest),
                *((one.rate.percent, "yes" if one.rate.is_default else "no") if one.rate else (None, None)),
            )
            for one in found
        ),
    )


def _rates(found: Sequence[queries.OpenDebt]) -> dict[str, object]:
    return {"rates": queries.used(one.rate for one in found), "above_base": ABOVE_BASE}


# What payments covered


@bp.get("/remittances")
@audience(Permission.SEE_INVOICES)
def remittances() -> str:
    """Payments by day, each leading to the invoices that it covered."""
    actor = acting()
    other_id = _other(actor)
    return render_template(
        "contracts/ledger/remittances.html",
        page=queries.remittances(actor, other_id=other_id, page=request.args.get("page", 1, type=int)),
        others=queries.others(actor),
        other_id=other_id,
        all_words=_all(actor),
        to_page=lambda number: url_for("ledger.remittances", page=number, other=other_id),
    )


def _remittance(day: str, organisation_id: int) -> tuple[queries.Remittance, list[queries.RemittedItem]]:
    try:
        found = queries.remitted(acting(), day=date.fromisoformat(day), other_id=organisation_id)
    except ValueError:
        found = None
    if found is None:
        raise NotFound("Nothing was paid or taken back on that day, or it is not yours to see.")
    return found


@bp.get("/remittances/<day>/<int:organisation_id>")
@audience(Permission.SEE_INVOICES)
def remittance(day: str, organisation_id: int) -> str:
    """The remittance advice of one day with one organisation: every invoice that its payments covered."""
    paid, items = _remittance(day, organisation_id)
    return render_template("contracts/ledger/remittance.html", paid=paid, items=items, organisation_id=organisation_id)


@bp.get("/remittances/<day>/<int:organisation_id>.csv")
@audience(Permission.SEE_INVOICES)
def remittance_csv(day: str, organisation_id: int) -> Response:
    """The same as a CSV file, in pounds with VAT."""
    paid, items = _remittance(day, organisation_id)
    return csv_download(
        f"remittance-{paid.day}.csv",
        REMITTANCE_COLUMNS,
        ((paid.day, one.item, one.charged, one.credited, one.paid, one.taken_back) for one in items),
    )


# Base rates


@bp.get("/base-rates")
@audience(Permission.KEEP_BASE_RATES, Permission.SEE_INVOICES)
def base_rates() -> str:
    """The Bank of England's base rates, and who entered or corrected them."""
    rates = queries.Rates()
    return render_template(
        "contracts/ledger/base_rates.html",
        page=queries.base_rates(page=request.args.get("page", 1, type=int)),
        today=clock.today(),
        now_in_force=rates.on(clock.today()),
        for_debts=rates.for_debt(clock.today()),
        counts_on=base_rate_day(clock.today()),
        keeps=acting().may(Permission.KEEP_BASE_RATES),
        above_base=ABOVE_BASE,
        to_page=lambda number: url_for("ledger.base_rates", page=number),
    )


@bp.get("/base-rates.csv")
@audience(Permission.KEEP_BASE_RATES, Permission.SEE_INVOICES)
def base_rates_csv() -> Response:
    """The same as a CSV file, in percent a year."""
    return csv_download(
        "base-rates.csv",
        RATE_COLUMNS,
        (
            (
                *(one.from_day, one.percent, "yes" if one.is_default else "no", clock.london(one.entered_at).date()),
                *(clock.london(one.corrected_at).date() if one.corrected_at else None, one.reason),
            )
            for one in queries.every_base_rate()
        ),
    )


@bp.route("/base-rates/enter", methods=["GET", "POST"])
@audience(Permission.KEEP_BASE_RATES)
def enter_base_rate() -> Answer:
    """The framework team enters a rate, or corrects the one that was entered for the same day."""
    form = BaseRateForm()
    standing = queries.base_rate_from(day) if (day := _from_day()) else None
    if standing is not None and not form.is_submitted():
        form.from_day.data, form.percent.data = standing.from_day, standing.percent
    return ask(
        form,
        lambda: actions.enter_base_rate(
            percent=form.percent.data,
            from_day=form.from_day.data,
            reason=form.reason.data or "",
            actor=acting(),
            now=clock.now(),
        ),
        to=url_for("ledger.base_rates"),
        said="The base rate is kept. Interest that is shown follows it.",
        heading="Correct a base rate" if standing else "Enter a base rate",
        intro="The Bank of England’s own, as it published it. Entered for a day that has one, it corrects that one.",
        button="Keep it",
        back=url_for("ledger.base_rates"),
    )


def _from_day() -> date | None:
    try:
        return date.fromisoformat(request.args.get("from", ""))
    except ValueError:
        return None
