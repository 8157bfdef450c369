"""Where the provider's books differ from ours: the list, its CSV, and one with its note."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.payments import actions, queries
from contracts.payments.forms import NoteForm
from contracts.payments.rules import DifferenceKind
from contracts.payments.views import bp
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

COLUMNS = ("kind", "about", "ours", "theirs", "first_seen", "last_seen", "settled", "note")


def _filter() -> queries.Filter:
    kind = request.args.get("kind", "")
    chosen = DifferenceKind(kind) if kind in list(DifferenceKind) else None
    return queries.Filter(kind=chosen, settled=request.args.get("settled") == "y")


@bp.get("/payments/differences")
@audience(Permission.SEE_PAYMENT_DIFFERENCES)
def differences() -> str:
    """The differences that stand, or all."""
    chosen = _filter()
    return render_template(
        "contracts/payments/differences.html",
        page=queries.differences(chosen, page=request.args.get("page", 1, type=int)),
        chosen=chosen,
        kinds=list(DifferenceKind),
        last=queries.last_comparison(),
    )


@bp.get("/payments/differences.csv")
@audience(Permission.SEE_PAYMENT_DIFFERENCES)
def differences_csv() -> Response:
    """The same list as a CSV file."""
    return csv_download(
        "payment-differences.csv",
        COLUMNS,
        (
            (
                one.kind.value,
                one.subject,
                one.ours,
                one.theirs,
                clock.london(one.first_seen_at).date(),
                clock.london(one.last_seen_at).date(),
                clock.london(one.settled_at).date() if one.settled_at else None,
                one.note,
            )
            for one in queries.every_difference(_filter())
        ),
    )


@bp.route("/payments/differences/<int:difference_id>", methods=["GET", "POST"])
@audience(Permission.SEE_PAYMENT_DIFFERENCES)
def difference(difference_id: int) -> str | Response | tuple[str, int]:
    """One difference: what each side says, and what somebody found out about it."""
    found = queries.difference(difference_id)
    form = NoteForm(note=found.note)
    if form.validate_on_submit():
        try:
            with transaction():
                actions.note_difference(found, form.note.data, actor=acting(), now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The note is kept.")
            return redirect(url_for("payments.difference", difference_id=difference_id), code=303)
    page = render_template("contracts/payments/difference.html", found=found, form=form)
    return page, 422 if form.errors else 200
