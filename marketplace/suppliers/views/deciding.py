"""The framework team decides who joins, for which categories and where."""

from __future__ import annotations

from contextlib import suppress

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.suppliers import actions, queries
from marketplace.suppliers.forms import area_field, category_field, decision_form, decisions_of, judged_of
from marketplace.suppliers.rules import ApplicationStatus, Verdict
from marketplace.suppliers.views import bp
from marketplace.transactions import transaction

SHOWN = (
    ApplicationStatus.SUBMITTED,
    ApplicationStatus.ADMITTED,
    ApplicationStatus.DECLINED,
    ApplicationStatus.WITHDRAWN,
)
ALL = "all"


@bp.get("/decisions")
@audience(Permission.DECIDE_APPLICATIONS)
def decide_list() -> str:
    """Applications by status: first those that wait, the longest waiting at the top."""
    asked = request.args.get("status", ApplicationStatus.SUBMITTED.value)
    status: ApplicationStatus | None = None if asked == ALL else ApplicationStatus.SUBMITTED
    with suppress(ValueError):
        status = ApplicationStatus(asked)
    number = request.args.get("page", 1, type=int)
    found = queries.applications(status, number=number)
    return render_template(
        "marketplace/suppliers/decide_list.html",
        found=found,
        status=status,
        shown=SHOWN,
        page_url=lambda page: url_for(".decide_list", status=status or ALL, page=page),
    )


@bp.route("/decisions/<int:application_id>", methods=["GET", "POST"])
@audience(Permission.DECIDE_APPLICATIONS)
def decide(application_id: int) -> str | Response:
    """One application: its answers with their verdicts, and the decision for each category and area."""
    actor, now = acting(), clock.now()
    found = queries.application_for(actor, application_id)
    waits = found.status is ApplicationStatus.SUBMITTED
    answers = queries.answered(found)
    wanted = queries.wanted_of(found)
    to_judge = [one.question for one in answers if waits and one.verdict is Verdict.TO_JUDGE]
    form = decision_form(wanted, to_judge)()
    if form.is_submitted() and not waits:
        flash("This application can no longer be decided. See below what has become of it.", "notice")
        return redirect(url_for(".decide", application_id=application_id))
    if form.validate_on_submit():
        try:
            with transaction():
                actions.decide_application(
                    found,
                    decisions_of(form, wanted),
                    judged=judged_of(form, to_judge),
                    note=form.note.data or "",
                    actor=actor,
                    now=now,
                )
                done = f"{found.organisation.name}: {found.status.value}. We have written to the supplier."
        except Refused as refused:
            form.show_refusal(refused)
            found = queries.application_for(actor, application_id)
            answers, wanted = queries.answered(found), queries.wanted_of(found)
        else:
            flash(done, "success")
            return redirect(url_for(".decide_list"))
    return render_template(
        "marketplace/suppliers/decide.html",
        form=form,
        application=found,
        waits=waits,
        answered=answers,
        failed=[one for one in answers if one.verdict is Verdict.FAILED],
        wanted=wanted,
        cohorts=queries.cohorts_of(found.organisation_id),
        decider=queries.decider(found),
        category_field=category_field,
        area_field=area_field,
    )
