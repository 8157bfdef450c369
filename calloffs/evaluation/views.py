"""Pages of evaluation: the panel, declarations, marking alone, agreeing marks, the report."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from calloffs.bids.queries import opened_bids
from calloffs.competitions.queries import competition_for
from calloffs.competitions.rules import HOW_SCORES_ARE_MADE
from calloffs.evaluation import actions, queries
from calloffs.evaluation.actions import MarkEntry
from calloffs.evaluation.forms import AppointForm, DeclareForm, MarkingForm, marking_form
from calloffs.evaluation.queries import BidResult, Results
from calloffs.evaluation.rules import MARK_WORDS, is_gate, mark_words, what_moderation_waits_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.presentation import plural
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction

bp = Blueprint("evaluation", __name__, url_prefix="/evaluation")

CSV_COLUMNS = ("Call-off", "Bidder", "Rank", "What", "Weight", "Mark or price (£)", "Score", "Exact score", "Reason")


@bp.get("/<int:competition_id>/panel")
@audience(Permission.SEE_COMPETITION_FILE)
def panel(competition_id: int) -> str:
    """The panel: who is on it and how far they have come; appointing."""
    return _panel_page(competition_id, AppointForm())


@bp.post("/<int:competition_id>/panel")
@audience(Permission.MODERATE)
def appoint(competition_id: int) -> str | Response:
    """Put somebody on the panel."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    form = AppointForm()
    form.person_id.choices = _candidate_choices(competition_id)
    if form.validate():
        try:
            with transaction():
                actions.appoint(competition, person_id=int(form.person_id.data), actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("Appointed to the panel, and told by email.", "success")
            return redirect(url_for(".panel", competition_id=competition_id))
    return _panel_page(competition_id, form)


@bp.post("/<int:competition_id>/panel/<int:person_id>/release")
@audience(Permission.MODERATE)
def release(competition_id: int, person_id: int) -> Response:
    """Take off the panel somebody who has not declared."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    with transaction():
        actions.release(competition, person_id=person_id, actor=actor, now=clock.now())
    flash("Taken off the panel.", "success")
    return redirect(url_for(".panel", competition_id=competition_id))


def _candidate_choices(competition_id: int) -> list[tuple[str, str]]:
    found = queries.candidates(competition_for(acting(), competition_id))
    return [("", "Choose an evaluator"), *((str(person.id), f"{person.name}, {body}") for person, body in found)]


def _panel_page(competition_id: int, form: AppointForm) -> str:
    actor = acting()
    competition = competition_for(actor, competition_id)
    members = queries.panel(competition)
    leads = actor.may(Permission.MODERATE) and actor.organisation == competition.organisation_id
    may_appoint = leads and competition.status in actions.PANEL_MAY_CHANGE and not queries.agreed_marks(competition)
    form.person_id.choices = _candidate_choices(competition_id) if may_appoint else [("", "Choose an evaluator")]
    return render_template(
        "calloffs/evaluation/panel.html",
        competition=competition,
        members=members,
        waits_for=what_moderation_waits_for([member.seat for member in members]),
        may_appoint=may_appoint,
        leads=leads,
        is_on_panel=any(member.person_id == actor.person for member in members) and actor.may(Permission.EVALUATE),
        may_report=actor.may(Permission.MODERATE) or actor.may(Permission.APPROVE_AWARD),
        form=form,
    )


@bp.get("/<int:competition_id>/declare")
@audience(Permission.EVALUATE)
def declare(competition_id: int) -> str:
    """Declare interests before seeing anything."""
    return _declare_page(competition_id, DeclareForm())


@bp.post("/<int:competition_id>/declare")
@audience(Permission.EVALUATE)
def make_declaration(competition_id: int) -> str | Response:
    """Keep the declaration."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    form = DeclareForm()
    if form.validate():
        has_conflict = form.answer.data == "yes"
        try:
            with transaction():
                actions.declare(
                    competition, has_conflict=has_conflict, details=form.details.data or "", actor=actor, now=now
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            if has_conflict:
                flash("Thank you. You do not see or mark these bids; the commercial partner can see why.", "success")
                return redirect(url_for(".declare", competition_id=competition_id))
            flash("Thank you. You can mark the bids now.", "success")
            return redirect(url_for(".mark", competition_id=competition_id))
    return _declare_page(competition_id, form)


def _declare_page(competition_id: int, form: DeclareForm) -> str:
    actor = acting()
    competition = competition_for(actor, competition_id)
    seat = queries.seat_of(competition, actor=actor)
    bidders = queries.bidders(competition, actor=actor) if competition.opened_at else []
    return render_template(
        "calloffs/evaluation/declare.html", competition=competition, seat=seat, bidders=bidders, form=form
    )


@bp.get("/<int:competition_id>/mark")
@audience(Permission.EVALUATE)
def mark(competition_id: int) -> str | Response:
    """The bids to mark, with how far one's own marks have come."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    seat = queries.seat_of(competition, actor=actor)
    if seat.declared_at is None:
        return redirect(url_for(".declare", competition_id=competition_id))
    bids = queries.bids_to_mark(competition, actor=actor)
    own = queries.own_marks(competition, actor=actor)
    return render_template(
        "calloffs/evaluation/mark.html",
        competition=competition,
        seat=seat,
        bids=[(opened.bid, sum(bid == opened.bid.id for bid, _ in own)) for opened in bids],
        missing=len(bids) * len(competition.questions) - len(own),
    )


@bp.get("/<int:competition_id>/mark/<int:bid_id>")
@audience(Permission.EVALUATE)
def mark_bid(competition_id: int, bid_id: int) -> str:
    """One bid's answers and one's own marks of them."""
    return _mark_page(competition_id, bid_id, _own_form(competition_id, bid_id))


@bp.post("/<int:competition_id>/mark/<int:bid_id>")
@audience(Permission.EVALUATE)
def save_marks(competition_id: int, bid_id: int) -> str | Response:
    """Keep one's own marks of one bid, as far as they have come."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    form = _own_form(competition_id, bid_id)
    if form.validate():
        try:
            with transaction():
                actions.save_marks(competition, bid_id=bid_id, entries=_entries(form), actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            marked = sum(bid == bid_id for bid, _ in queries.own_marks(competition, actor=actor))
            answers = plural(len(competition.questions), "answer")
            flash(f"Your marks are saved: {marked} of {answers} marked.", "success")
            return redirect(url_for(".mark", competition_id=competition_id))
    return _mark_page(competition_id, bid_id, form)


def _own_form(competition_id: int, bid_id: int) -> MarkingForm:
    actor = acting()
    competition = competition_for(actor, competition_id)
    kept = queries.own_marks(competition, actor=actor)
    own = {question: (row.mark, row.reason) for (bid, question), row in kept.items() if bid == bid_id}
    return marking_form(competition.questions, own, reason_label="Your reason")


def _entries(form: MarkingForm) -> dict[int, MarkEntry]:
    return {question.id: MarkEntry(*form.entered(question)) for question in form.questions}


def _mark_page(competition_id: int, bid_id: int, form: MarkingForm) -> str:
    actor = acting()
    competition = competition_for(actor, competition_id)
    seat = queries.seat_of(competition, actor=actor)
    opened = queries.one_of(queries.bids_to_mark(competition, actor=actor), bid_id)
    own = queries.own_marks(competition, actor=actor)
    return render_template(
        "calloffs/evaluation/mark_bid.html",
        competition=competition,
        seat=seat,
        opened=opened,
        marks={question: row for (bid, question), row in own.items() if bid == bid_id},
        scale=MARK_WORDS,
        form=form,
    )


@bp.post("/<int:competition_id>/finish")
@audience(Permission.EVALUATE)
def finish(competition_id: int) -> Response:
    """Say that one has finished: one's marks are locked."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    with transaction():
        actions.finish(competition, actor=actor, now=clock.now())
    flash("Thank you. Your marks are locked. The panel meets once everyone has finished.", "success")
    return redirect(url_for(".mark", competition_id=competition_id))


@bp.get("/<int:competition_id>/moderate")
@audience(Permission.MODERATE)
def moderate(competition_id: int) -> str:
    """Which bids still need agreed marks; ending the evaluation."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    marks = queries.all_marks(competition, actor=actor)
    agreed = queries.agreed_marks(competition)
    bids = opened_bids(competition, actor=actor)
    return render_template(
        "calloffs/evaluation/moderate.html",
        competition=competition,
        bids=[
            (
                opened.bid,
                sum(bid == opened.bid.id for bid, _ in agreed),
                sum(bid == opened.bid.id and len({row.mark for row in rows}) > 1 for (bid, _), rows in marks.items()),
            )
            for opened in bids
        ],
        missing=len(bids) * len(competition.questions) - len(agreed),
    )


@bp.get("/<int:competition_id>/moderate/<int:bid_id>")
@audience(Permission.MODERATE)
def moderate_bid(competition_id: int, bid_id: int) -> str:
    """One bid: everybody's marks side by side, and the agreed ones."""
    return _moderate_page(competition_id, bid_id, _agreed_form(competition_id, bid_id))


@bp.post("/<int:competition_id>/moderate/<int:bid_id>")
@audience(Permission.MODERATE)
def agree(competition_id: int, bid_id: int) -> str | Response:
    """Record the agreed marks of one bid."""
    actor, now = acting(), clock.now()
    competition = competition_for(actor, competition_id)
    form = _agreed_form(competition_id, bid_id)
    if form.validate():
        try:
            with transaction():
                actions.agree(competition, bid_id=bid_id, entries=_entries(form), actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("The agreed marks are saved.", "success")
            return redirect(url_for(".moderate", competition_id=competition_id))
    return _moderate_page(competition_id, bid_id, form)


def _agreed_form(competition_id: int, bid_id: int) -> MarkingForm:
    competition = competition_for(acting(), competition_id)
    kept = queries.agreed_marks(competition)
    of_bid = {question: (row.mark, row.reason) for (bid, question), row in kept.items() if bid == bid_id}
    return marking_form(competition.questions, of_bid, reason_label="Reason the bidder will read")


def _moderate_page(competition_id: int, bid_id: int, form: MarkingForm) -> str:
    actor = acting()
    competition = competition_for(actor, competition_id)
    marks = queries.all_marks(competition, actor=actor)
    opened = queries.one_of(opened_bids(competition, actor=actor), bid_id)
    return render_template(
        "calloffs/evaluation/moderate_bid.html",
        competition=competition,
        opened=opened,
        marks={question: rows for (bid, question), rows in marks.items() if bid == bid_id},
        scale=MARK_WORDS,
        form=form,
    )


@bp.post("/<int:competition_id>/conclude")
@audience(Permission.MODERATE)
def conclude(competition_id: int) -> Response:
    """End the evaluation: the ranking is made."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    with transaction():
        actions.conclude(competition, actor=actor, now=clock.now())
    flash("The evaluation has ended. The ranking is below.", "success")
    return redirect(url_for(".report", competition_id=competition_id))


@bp.get("/<int:competition_id>/report")
@audience(Permission.MODERATE, Permission.APPROVE_AWARD)
def report(competition_id: int) -> str:
    """The ranking, with every figure it is made of."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    return render_template(
        "calloffs/evaluation/report.html",
        competition=competition,
        results=queries.results(competition, actor=actor),
        members=queries.panel(competition),
        how=HOW_SCORES_ARE_MADE,
        scale=MARK_WORDS,
    )


@bp.get("/<int:competition_id>/report.csv")
@audience(Permission.MODERATE, Permission.APPROVE_AWARD)
def report_csv(competition_id: int) -> Response:
    """The same figures for a spreadsheet."""
    actor = acting()
    competition = competition_for(actor, competition_id)
    rows = _rows_of(queries.results(competition, actor=actor))
    return csv_download(f"evaluation-{competition.reference}.csv", CSV_COLUMNS, rows)


Row = list[str]


def _rows_of(results: Results) -> Iterator[Row]:
    """A row for each bid and question, for its price, and for its total."""
    for result in results.all:
        yield from _rows_of_one(results, result)


def _rows_of_one(results: Results, result: BidResult) -> Iterator[Row]:
    competition, standing = results.competition, result.standing
    rank = "" if standing.rank is None else str(standing.rank)
    begin = [competition.reference, result.supplier_name, rank]
    for question in competition.questions:
        gate = is_gate(question.kind)
        mark = result.marks[question.id]
        yield [
            *begin,
            f"Question {question.position}: {question.kind.label}" if gate else f"Question {question.position}",
            "" if gate else str(question.weight),
            mark_words(mark.mark, is_gate=True) if gate else str(mark.mark),
            "" if gate else str(result.question_score(question.id)),
            "" if gate else str(standing.question_scores[question.id]),
            mark.reason,
        ]
    quality_weight = str(100 - competition.price_weight)
    yield [*begin, "Quality", quality_weight, "", str(result.quality), str(standing.quality), ""]
    price = "" if result.price_score is None else str(result.price_score)
    exact = "" if standing.price_score is None else str(standing.price_score)
    yield [*begin, "Whole-life price", str(competition.price_weight), str(result.whole_life), price, exact, ""]
    total = "" if result.total is None else str(result.total)
    exact = "" if standing.total is None else str(standing.total)
    yield [*begin, "Total", "100", "", total, exact, "" if result.passes else "Failed a pass or fail question"]
