"""Pages of referrals. No address, title or message here tells who somebody is."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from contracts.referrals import actions, forms, queries
from contracts.referrals.models import Referral
from contracts.referrals.rules import (
    REFERRAL_MOVES,
    AbsenceKind,
    Attendance,
    Complexity,
    ReferralStatus,
    calls_for_oversight,
)
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.audit import events_for
from marketplace.errors import Full, Refused
from marketplace.forms import Form, moment
from marketplace.framework.queries import outcomes
from marketplace.paging import Page
from marketplace.transactions import transaction

bp = Blueprint("referrals", __name__, url_prefix="/referrals")

Answer = str | Response | tuple[str, int]


@bp.get("/")
@audience(Permission.SEE_REFERRALS)
def index() -> str:
    """The referrals this person sent or delivers, latest first."""
    actor = acting()
    status = next((one for one in ReferralStatus if one.value == request.args.get("status")), None)
    mine = request.args.get("mine") == "yes"
    news = request.args.get("news") == "yes"
    page = queries.page_for(actor, status=status, mine=mine, news=news, number=request.args.get("page", 1, type=int))
    return _index(page, forms.FindForm(), status=status, mine=mine, news=news)


@bp.post("/find")
@audience(Permission.SEE_REFERRALS)
def find() -> str:
    """The referrals of one person, among those that the asker may see."""
    form = forms.FindForm()
    if not form.validate_on_submit():
        return _index(queries.page_for(acting(), status=None, mine=False, number=1), form)
    mark = actions.fingerprint(str(form.crn.data))
    return _index(queries.page_for(acting(), status=None, mine=False, number=1, fingerprint=mark), form, found=True)


def _index(
    page: Page[Referral],
    form: forms.FindForm,
    *,
    status: ReferralStatus | None = None,
    mine: bool = False,
    news: bool = False,
    found: bool = False,
) -> str:
    kept: dict[str, Any] = {
        "status": status.value if status else None,
        "mine": "yes" if mine else None,
        "news": "yes" if news else None,
    }
    return render_template(
        "contracts/referrals/index.html",
        page=page,
        form=form,
        statuses=list(ReferralStatus),
        status=status,
        mine=mine,
        news=news,
        found=found,
        page_url=lambda number: url_for("referrals.index", page=number, **kept),
    )


@bp.route("/new/<int:line_id>", methods=["GET", "POST"])
@audience(Permission.REFER)
def new(line_id: int) -> Answer:
    """Refer somebody: write, check, send. What is typed travels in the body of the requests only."""
    actor, now = acting(), clock.now()
    on = clock.london(now).date()
    line = queries.open_line(line_id, on)
    known = [one for category in line.categories for one in outcomes(category.code)]
    form = forms.ReferralForm.for_line(line, known)
    step = request.form.get("step", "")
    refused_as = 200
    if request.method == "POST" and step != "change" and form.validate():
        if step != "send":
            return render_template(
                "contracts/referrals/check.html", line=line, answers=form, known={one.code: one for one in known}
            )
        try:
            with transaction():
                referral = actions.send(line_id, _need(form), actor=actor, now=now)
        except Refused as refused:
            form.show_refusal(refused)
            refused_as = refused.status if isinstance(refused, Full) else 200
            line = queries.open_line(line_id, on)
        else:
            flash(f"Referral {referral.reference} was sent. You will hear when it is accepted.", "success")
            return redirect(url_for("referrals.show", referral_id=referral.id))
    html = render_template(
        "contracts/referrals/new.html",
        line=line,
        form=form,
        room=queries.room(line, on),
        crn_hint=forms.CRN_HINT,
    )
    return html, refused_as


def _need(form: forms.ReferralForm) -> actions.Need:
    days: Any = form.rar_days.data
    return actions.Need(
        crn=str(form.crn.data),
        category_code=form.category.data,
        need=str(form.need.data),
        outcome_codes=form.outcomes.data or [],
        complexity=Complexity(form.complexity.data),
        rar_days=days,
    )


@bp.get("/<int:referral_id>")
@audience(Permission.SEE_REFERRALS)
def show(referral_id: int) -> str:
    """One referral with all about it. The look is on record before anything is shown."""
    actor, now = acting(), clock.now()
    with transaction():
        words = actions.look(referral_id, actor=actor, now=now)
    referral = queries.referral_for(actor, referral_id)
    events = events_for(referral)
    is_officer = queries.is_officer_of(actor, referral)
    return render_template(
        "contracts/referrals/show.html",
        referral=referral,
        words=words,
        is_officer=is_officer,
        is_manager=queries.is_manager_of(actor, referral),
        moves=REFERRAL_MOVES[referral.status],
        Status=ReferralStatus,
        missed=[one for one in referral.sessions if one.attendance is Attendance.MISSED],
        oversight=calls_for_oversight(one.absence for one in referral.sessions),
        done=[event for event in events if event.what != actions.LOOKED],
        looks=[event for event in events if event.what == actions.LOOKED],
    )


@bp.route("/<int:referral_id>/accept", methods=["GET", "POST"])
@audience(Permission.DELIVER)
def accept(referral_id: int) -> Answer:
    """Take a referral on and give it to a caseworker."""
    actor = acting()
    referral = queries.referral_for(actor, referral_id)
    form = forms.AcceptForm.among(queries.caseworkers(referral.line.agreement.supplier_id))
    if form.validate_on_submit():
        try:
            with transaction():
                actions.accept(referral_id, caseworker_id=int(form.caseworker.data), actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return _done(referral_id, "Accepted. The officer and the caseworker are told.")
    return render_template("contracts/referrals/accept.html", referral=_again(referral_id), form=form)


@bp.route("/<int:referral_id>/return", methods=["GET", "POST"], endpoint="return")
@audience(Permission.DELIVER)
def give_back(referral_id: int) -> Answer:
    """Return a referral to the officer, with a reason."""
    return _with_reason(referral_id, "Return", "Returned. The officer is told")


@bp.route("/<int:referral_id>/withdraw", methods=["GET", "POST"])
@audience(Permission.REFER)
def withdraw(referral_id: int) -> Answer:
    """Take back a referral one has sent, with a reason."""
    return _with_reason(referral_id, "Withdraw", "Withdrawn. The supplier is told")


def _with_reason(referral_id: int, verb: str, words: str) -> Answer:
    actor = acting()
    queries.referral_for(actor, referral_id)
    form = forms.ReasonForm()
    action = actions.return_to_officer if verb == "Return" else actions.withdraw
    if form.validate_on_submit():
        try:
            with transaction():
                ended = action(referral_id, reason=str(form.reason.data), actor=actor, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return _done(referral_id, f"{words}, and the place is free again." if ended.released_at else f"{words}.")
    referral = _again(referral_id)
    attended = queries.has_attended(referral)
    return render_template(
        "contracts/referrals/reason.html", referral=referral, form=form, verb=verb, attended=attended
    )


@bp.route("/<int:referral_id>/complete", methods=["GET", "POST"])
@audience(Permission.DELIVER)
def complete(referral_id: int) -> Answer:
    """Ask once more, then end the referral: the service has done its part."""
    queries.referral_for(acting(), referral_id)
    form, status = Form(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                actions.complete(referral_id, actor=acting(), now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            return _done(referral_id, "Completed. The officer is told.")
    referral = _again(referral_id)
    if referral.status is not ReferralStatus.ACCEPTED and not form.is_submitted():
        return redirect(url_for("referrals.show", referral_id=referral_id))
    return render_template("contracts/referrals/complete.html", referral=referral, form=form), status


@bp.route("/<int:referral_id>/sessions/new", methods=["GET", "POST"])
@audience(Permission.DELIVER)
def offer_session(referral_id: int) -> Answer:
    """Add a session, to come or just past."""
    actor = acting()
    queries.referral_for(actor, referral_id)
    form = forms.SessionForm()
    if form.validate_on_submit():
        at: Any = form.at.data
        try:
            with transaction():
                session = actions.offer_session(
                    referral_id, starts_at=moment(form.day.data, at), actor=actor, now=clock.now()
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            return _done(referral_id, f"Session {session.number} was added.")
    return render_template("contracts/referrals/offer_session.html", referral=_again(referral_id), form=form)


@bp.route("/sessions/<int:session_id>", methods=["GET", "POST"])
@audience(Permission.DELIVER)
def session(session_id: int) -> Answer:
    """Record whether the person came."""
    actor, now = acting(), clock.now()
    one = queries.session_for(actor, session_id)
    referral_id = one.referral_id
    form = forms.RecordForm()
    if form.validate_on_submit():
        absence = form.absence.data
        try:
            with transaction():
                actions.record_session(
                    session_id,
                    attendance=Attendance(form.attendance.data),
                    absence=AbsenceKind(absence) if absence else None,
                    note=form.note.data or "",
                    actor=actor,
                    now=now,
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            missed = form.attendance.data == Attendance.MISSED.value
            return _done(referral_id, "Recorded. The officer is told." if missed else "Recorded.")
    return render_template(
        "contracts/referrals/session.html",
        session=queries.session_for(actor, session_id),
        referral=_again(referral_id),
        form=form,
    )


def _again(referral_id: int) -> Referral:
    """The referral as it is now, after a refusal has undone the transaction."""
    return queries.referral_for(acting(), referral_id)


def _done(referral_id: int, words: str) -> Response:
    flash(words, "success")
    return redirect(url_for("referrals.show", referral_id=referral_id))
