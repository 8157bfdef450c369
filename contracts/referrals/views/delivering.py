"""What those who deliver a referral do with it: accept or return it, add and record sessions, complete it."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for

from contracts.referrals import actions, forms, queries
from contracts.referrals.rules import AbsenceKind, Attendance, ReferralStatus
from contracts.referrals.views import bp
from contracts.referrals.views.steps import Answer, again, done, with_reason
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import Refused
from marketplace.forms import moment
from marketplace.transactions import transaction


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
            return done(referral_id, "Accepted. The officer and the caseworker are told.")
    return render_template("contracts/referrals/accept.html", referral=again(referral_id), form=form)


@bp.route("/<int:referral_id>/return", methods=["GET", "POST"], endpoint="return")
@audience(Permission.DELIVER)
def give_back(referral_id: int) -> Answer:
    """Return a referral to the officer, with a reason."""
    return with_reason(referral_id, "Return", "Returned. The officer is told")


@bp.route("/<int:referral_id>/complete", methods=["GET", "POST"])
@audience(Permission.DELIVER)
def complete(referral_id: int) -> Answer:
    """Ask once more, then end the referral: the service has done its part."""
    form, status = forms.CompleteForm.of(queries.referral_for(acting(), referral_id)), 200
    if form.validate_on_submit():
        try:
            with transaction():
                actions.complete(referral_id, reached=form.reached.data or [], actor=acting(), now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            return done(referral_id, "Completed. The officer is told.")
    referral = again(referral_id)
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
            return done(referral_id, f"Session {session.number} was added.")
    return render_template("contracts/referrals/offer_session.html", referral=again(referral_id), form=form)


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
            return done(referral_id, "Recorded. The officer is told." if missed else "Recorded.")
    return render_template(
        "contracts/referrals/session.html",
        session=queries.session_for(actor, session_id),
        referral=again(referral_id),
        form=form,
    )
