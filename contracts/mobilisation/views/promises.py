"""Promises: the bid's answer beside rows that can be measured; proposing, agreeing, judging."""

from __future__ import annotations

from flask import render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import actions, queries
from contracts.mobilisation.forms import JudgeForm, PromiseForm, ReasonForm
from contracts.mobilisation.models import Promise
from contracts.mobilisation.rules import Frequency, PromiseKind, PromiseStatus, Verdict, other
from contracts.mobilisation.views import Answer, ask, bp, press
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import AlreadyDone, NotAllowed
from marketplace.spreadsheets import csv_download

MANAGES = (Permission.MANAGE_CONTRACTS, Permission.MANAGE_DELIVERY)


@bp.get("/<int:agreement_id>/promises")
@audience(Permission.SEE_CONTRACTS)
def promises(agreement_id: int) -> str:
    """The contract's promises and what came of them (R8, R9)."""
    actor = acting()
    agreement = queries.contract_for(actor, agreement_id)
    found = queries.promises_of(agreement)
    side = queries.side_of(actor, agreement)
    return render_template(
        "contracts/mobilisation/promises.html",
        agreement=agreement,
        promises=found,
        owed=queries.due_reports(found, agreement.ends_on, clock.today()),
        side=side,
        answers=lambda one: side is not None and one.status is PromiseStatus.PROPOSED and side is other(one.side),
        today=clock.today(),
    )


@bp.get("/<int:agreement_id>/promises.csv")
@audience(Permission.SEE_CONTRACTS)
def promises_csv(agreement_id: int) -> Response:
    """A row for each report, and one for each promise that has none."""
    agreement = queries.contract_for(acting(), agreement_id)
    return csv_download(
        f"promises-{agreement.reference}.csv".replace("/", "-"),
        ["kind", "for_whom", "need", "measure", "target", "frequency", "status", "as_of", "reached", "verdict"],
        (
            [
                one.kind.value,
                one.who,
                one.need,
                one.measure,
                one.target,
                one.frequency.value,
                one.status.value,
                report.due_on if report else None,
                report.reached if report else None,
                report.verdict.value if report and report.verdict else None,
            ]
            for one in queries.promises_of(agreement)
            for report in (*one.reports, *([] if one.reports else [None]))
        ),
    )


@bp.route("/<int:agreement_id>/promises/new", methods=["GET", "POST"])
@audience(*MANAGES)
def new_promise(agreement_id: int) -> Answer:
    """Write a promise as a row, with the bid's own words beside it."""
    actor, form = acting(), PromiseForm()
    agreement = queries.contract_for(actor, agreement_id)
    if queries.side_of(actor, agreement) is None:
        raise NotAllowed("Only those who manage this contract write its promises as rows.")
    return ask(
        form,
        "promise_form",
        lambda: actions.propose_promise(
            agreement,
            actions.Words(
                kind=PromiseKind(form.kind.data),
                who=form.who.data,
                need=form.need.data,
                measure=form.measure.data,
                target=form.target.data,
                frequency=Frequency(form.frequency.data),
                first_due_on=form.first_due_on.data,
            ),
            actor=actor,
            now=clock.now(),
        ),
        to=_to(agreement),
        said="The row is written. The other side has been asked to agree.",
        agreement=agreement,
    )


@bp.post("/promises/<int:promise_id>/agree")
@audience(*MANAGES)
def agree_promise(promise_id: int) -> Response:
    """Agree that this is what was promised."""
    actor = acting()
    promise = queries.promise_for(actor, promise_id)
    return press(
        lambda: actions.agree_promise(promise, actor=actor, now=clock.now()),
        to=_to(promise.agreement),
        said="The promise is agreed, and will be reported on.",
    )


@bp.route("/promises/<int:promise_id>/decline", methods=["GET", "POST"])
@audience(*MANAGES)
def decline_promise(promise_id: int) -> Answer:
    """Say why this is not what was promised."""
    actor, form = acting(), ReasonForm()
    promise = queries.promise_for(actor, promise_id)
    _must_be(other(promise.side), promise)
    return ask(
        form,
        "form",
        lambda: actions.decline_promise(promise, reason=form.reason.data, actor=actor, now=clock.now()),
        to=_to(promise.agreement),
        said="The row is declined, with your reason.",
        heading="Decline the row",
        intro=f"{promise.measure}, for {promise.who}: {promise.target}.",
        button="Decline",
        back=_to(promise.agreement),
        agreement=promise.agreement,
    )


@bp.route("/promises/<int:promise_id>/end", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def end_promise(promise_id: int) -> Answer:
    """Ask for no more reports."""
    actor, form = acting(), ReasonForm()
    promise = queries.promise_for(actor, promise_id)
    _must_be(Side.COMMISSIONER, promise)
    return ask(
        form,
        "form",
        lambda: actions.end_promise(promise, reason=form.reason.data, actor=actor, now=clock.now()),
        to=_to(promise.agreement),
        said="No more reports are asked for.",
        heading="End the promise",
        intro=f"{promise.measure}, for {promise.who}: {promise.target}. What was reported stays.",
        button="End the promise",
        back=_to(promise.agreement),
        agreement=promise.agreement,
    )


@bp.route("/promises/reports/<int:promise_report_id>", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def judge(promise_report_id: int) -> Answer:
    """Say whether the promise was kept."""
    actor, form = acting(), JudgeForm()
    report = queries.report_for(actor, promise_report_id)
    _must_be(Side.COMMISSIONER, report.promise)
    if report.judged_at is not None and not form.is_submitted():
        raise AlreadyDone("Somebody has judged this report already.")
    return ask(
        form,
        "judge",
        lambda: actions.judge(
            report, verdict=Verdict(form.verdict.data), reason=form.reason.data, actor=actor, now=clock.now()
        ),
        to=_to(report.promise.agreement),
        said="The supplier has been told.",
        report=report,
        agreement=report.promise.agreement,
    )


def _must_be(side: Side, promise: Promise) -> None:
    if queries.side_of(acting(), promise.agreement) is not side:
        raise NotAllowed("This is for the other side of the contract.")


def _to(agreement: Agreement) -> str:
    return url_for("mobilisation.promises", agreement_id=agreement.id)
