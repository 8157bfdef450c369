"""Pages by which one comes in: sign-in, sign-up, a forgotten password, an invitation."""

from __future__ import annotations

from flask import abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access import PUBLIC, SIGNED_IN, acting, audience, current_actor
from marketplace.accounts import actions, queries
from marketplace.accounts.forms import (
    AcceptForm,
    CodeForm,
    ForgottenForm,
    JoinForm,
    NewPasswordForm,
    SignInForm,
    SignUpForm,
)
from marketplace.accounts.rules import DEMONSTRATION_PASSWORD, SupplierStatus, local_path, token_hash
from marketplace.accounts.views import bp
from marketplace.accounts.views.sessions import HALF, enter, own_session, signed_in
from marketplace.config import Mode
from marketplace.errors import NotFound, Refused
from marketplace.extensions import limiter, login_manager
from marketplace.transactions import transaction

# One address may stand for a whole office: these stop machines; the lock-out in the database guards each account.
_TRIES = "30 per minute; 300 per hour"
_SENDS = "10 per minute; 60 per hour"
_WRONG = (
    "The email address or the password is wrong. After five wrong passwords an account is locked for a while: "
    "wait a few minutes, or choose a new password."
)


@bp.route("/sign-in", methods=["GET", "POST"])
@audience(PUBLIC)
@limiter.limit(_TRIES, methods=["POST"])
def sign_in() -> ResponseReturnValue:
    """Address and password; in demonstration mode also the list of invented people."""
    onward = local_path(request.args.get("next"))
    if current_actor() is not None:
        return redirect(onward or url_for("home"))
    form, settings, now = SignInForm(), current_app.config["SETTINGS"], clock.now()
    if form.validate_on_submit():
        with transaction():
            person = actions.check_password(
                form.email.data,
                form.password.data,
                now=now,
                invented_people=settings.mode is not Mode.PRODUCTION,
            )
            entry = actions.begin(person, now=now) if person else None
        if entry is not None:
            return enter(entry, onward)
        form.show_refusal(Refused(_WRONG, field="email"))
    people = queries.demonstration_people() if settings.is_demonstration else []
    return render_template(
        "marketplace/accounts/sign_in.html",
        form=form,
        people=people,
        shared_password=DEMONSTRATION_PASSWORD if people else None,
        onward=onward,
    )


@bp.post("/sign-in/demonstration")
@audience(PUBLIC)
def sign_in_as() -> ResponseReturnValue:
    """Sign in as one of the invented people. In demonstration mode only; elsewhere there is no such page."""
    if not current_app.config["SETTINGS"].is_demonstration:
        abort(404)
    now = clock.now()
    person = queries.person(request.form.get("person", 0, type=int))
    if not person.is_demonstration:
        raise NotFound("There is no such person.")
    organisation = request.form.get("organisation", type=int)
    if organisation not in [own.id for own in queries.organisations_of(person.id)]:
        organisation = None
    with transaction():
        if (current := current_actor()) is not None:
            actions.end_sessions(current.person, now=now, only=signed_in().session_id)
        entry = actions.begin(person, now=now, organisation_id=organisation)
    return enter(entry, request.form.get("next"))


@bp.route("/sign-in/code", methods=["GET", "POST"])
@audience(PUBLIC)
@limiter.limit(_TRIES, methods=["POST"])
def second_factor() -> ResponseReturnValue:
    """The code of the authenticator app, after the password."""
    now = clock.now()
    onward = local_path(request.args.get("next"))
    half = actions.half_session(session.get(HALF, ""), now=now)
    if half is None:
        return redirect(url_for("accounts.sign_in", next=onward))
    form = CodeForm()
    if form.validate_on_submit():
        with transaction():
            entry = actions.give_second_factor(half, form.code.data, now=now)
        if entry is not None:
            return enter(entry, onward)
        form.show_refusal(
            Refused(
                "This code is wrong or was used already. Wait for the next one; after five wrong codes, wait a while.",
                field="code",
            )
        )
    return render_template("marketplace/accounts/second_factor.html", form=form)


@bp.post("/sign-out")
@audience(SIGNED_IN)
def sign_out() -> ResponseReturnValue:
    """Sign out in this browser."""
    someone = signed_in()
    with transaction():
        actions.end_sessions(acting().person, now=clock.now(), only=someone.session_id)
    forget_browser()
    flash("You have signed out.", "success")
    return redirect(url_for("accounts.sign_in"))


def forget_browser() -> None:
    """Nothing of the session stays in the browser, nor in the rest of this request."""
    session.clear()
    login_manager._update_request_context_with_user()


@bp.route("/sign-up", methods=["GET", "POST"])
@audience(PUBLIC)
@limiter.limit(_SENDS, methods=["POST"])
def sign_up() -> ResponseReturnValue:
    """A supplier comes with its first person."""
    form, now = SignUpForm(), clock.now()
    if form.validate_on_submit():
        try:
            with transaction():
                person, organisation = actions.sign_up(
                    name=form.name.data,
                    email=form.email.data,
                    password=form.password.data,
                    organisation_name=form.organisation_name.data,
                    supplier_status=SupplierStatus(form.supplier_status.data),
                    company=form.company_number.data,
                    charity=form.charity_number.data,
                    now=now,
                )
                entry = actions.begin(person, now=now, organisation_id=organisation.id)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            answer = enter(entry, None)
            flash("Your organisation has its account. Next, apply to join the framework.", "success")
            return answer
    return render_template("marketplace/accounts/sign_up.html", form=form)


@bp.route("/forgotten-password", methods=["GET", "POST"])
@audience(PUBLIC)
@limiter.limit(_SENDS, methods=["POST"])
def forgotten() -> ResponseReturnValue:
    """Ask for a link. The answer is the same whether or not there is such an account."""
    form = ForgottenForm()
    if form.validate_on_submit():
        with transaction():
            actions.ask_for_reset(form.email.data, now=clock.now())
        flash("If this address has an account, we have sent it a link. The link works for one hour.", "success")
        return redirect(url_for("accounts.sign_in"))
    return render_template("marketplace/accounts/forgotten.html", form=form)


@bp.route("/forgotten-password/<token>", methods=["GET", "POST"])
@audience(PUBLIC)
@limiter.limit(_TRIES, methods=["POST"])
def reset(token: str) -> ResponseReturnValue:
    """Choose a new password by the link."""
    now = clock.now()
    queries.one_time_link("reset", token_hash(token), now=now)
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            with transaction():
                actions.reset_password(token, form.password.data, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            forget_browser()
            flash("Your password is changed, and you are signed out everywhere. Sign in with the new one.", "success")
            return redirect(url_for("accounts.sign_in"))
    return render_template("marketplace/accounts/reset.html", form=form)


@bp.route("/invitations/<token>", methods=["GET", "POST"])
@audience(PUBLIC)
@limiter.limit(_TRIES, methods=["POST"])
def invitation(token: str) -> ResponseReturnValue:
    """Accept an invitation: as who one is, or as somebody new."""
    now, actor = clock.now(), current_actor()
    link = queries.one_time_link("invitation", token_hash(token), now=now)
    existing = queries.person_by_email(link.email)
    if existing is not None and actor is None:
        return redirect(url_for("accounts.sign_in", next=request.path))
    wrong_person = actor is not None and (existing is None or existing.id != actor.person)
    form = AcceptForm() if actor is not None else JoinForm()
    if form.validate_on_submit():
        try:
            with transaction():
                if actor is not None:
                    organisation = actions.accept_invitation(token, queries.person(actor.person), now=now)
                    entry = actions.act_for(own_session(), organisation.id, now=now)
                else:
                    person, organisation = actions.join(
                        token, name=form.name.data, password=form.password.data, now=now
                    )
                    entry = actions.begin(person, now=now, organisation_id=organisation.id)
                words = f"You now act for {organisation.name}."
        except Refused as refused:
            form.show_refusal(refused)
        else:
            answer = enter(entry, None)
            flash(words, "success")
            return answer
    return render_template(
        "marketplace/accounts/invitation.html", form=form, link=link, wrong_person=wrong_person, token=token
    )
