"""Pages of one's own account: who I am, password, second factor, sessions, letters."""

from __future__ import annotations

import pyotp
import segno
from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock, outbox
from marketplace.access import SIGNED_IN, acting, audience
from marketplace.accounts import actions, queries
from marketplace.accounts.forms import ChangePasswordForm, CodeForm, ProveForm
from marketplace.accounts.models import Person
from marketplace.accounts.views import bp
from marketplace.accounts.views.entering import forget_browser
from marketplace.accounts.views.sessions import keep, own_session, signed_in
from marketplace.errors import Refused
from marketplace.extensions import limiter
from marketplace.paging import before, nearest_page, page_count
from marketplace.transactions import transaction

_TRIES = "30 per minute; 300 per hour"
_WRONG_PASSWORD = "This is not your password. After five wrong ones your account is locked for a while."


@bp.get("/account")
@audience(SIGNED_IN)
def account() -> ResponseReturnValue:
    """Who I am, for whom I act, how I sign in."""
    actor = acting()
    return render_template(
        "marketplace/accounts/account.html",
        person=queries.person(actor.person),
        organisations=queries.organisations_of(actor.person),
        sessions=[row for row in queries.open_sessions(actor.person) if row.lasts_at(clock.now())],
        present=signed_in().session_id,
    )


@bp.post("/account/act-for")
@audience(SIGNED_IN)
def act_for() -> ResponseReturnValue:
    """Act for another of my organisations."""
    with transaction():
        entry = actions.act_for(own_session(), request.form.get("organisation", 0, type=int), now=clock.now())
    keep(entry)
    return redirect(url_for("home"))


@bp.post("/account/sign-out-everywhere")
@audience(SIGNED_IN)
def sign_out_everywhere() -> ResponseReturnValue:
    """Sign out in every browser, this one too."""
    with transaction():
        actions.end_sessions(acting().person, now=clock.now())
    forget_browser()
    flash("You have signed out everywhere.", "success")
    return redirect(url_for("accounts.sign_in"))


@bp.route("/account/password", methods=["GET", "POST"])
@audience(SIGNED_IN)
@limiter.limit(_TRIES, methods=["POST"])
def password() -> ResponseReturnValue:
    """Choose another password by proving the old one."""
    form, now, row = ChangePasswordForm(), clock.now(), own_session()
    if form.validate_on_submit():
        with transaction():  # a wrong password is counted, and that must be kept
            proved = actions.check_password(row.person.email, form.old.data, now=now) is not None
        try:
            if not proved:
                raise Refused(_WRONG_PASSWORD, field="old")
            with transaction():
                actions.change_password(own_session(), new=form.password.data, now=now)
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash("Your password is changed. Other browsers are signed out.", "success")
            return redirect(url_for("accounts.account"))
    return render_template("marketplace/accounts/password.html", form=form)


@bp.route("/account/second-factor", methods=["GET", "POST"])
@audience(SIGNED_IN)
@limiter.limit(_TRIES, methods=["POST"])
def second_factor_set_up() -> ResponseReturnValue:
    """Put the key into an authenticator app, and prove it with the first code."""
    form, row = CodeForm(), own_session()
    person = row.person
    if person.totp_confirmed_at is not None:
        return redirect(url_for("accounts.account"))
    if person.totp_secret and form.validate_on_submit():
        try:
            with transaction():
                actions.confirm_second_factor(row, form.code.data, now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            person = own_session().person
        else:
            flash("Your authenticator app is set up. You are asked for a code whenever you sign in.", "success")
            return redirect(url_for("home"))
    return render_template(
        "marketplace/accounts/second_factor_set_up.html",
        form=form,
        key=" ".join(_in_fours(person.totp_secret)) if person.totp_secret else None,
        picture=_picture(person) if person.totp_secret else None,
        compulsory=signed_in().owes_second_factor and not current_app.config["SETTINGS"].is_demonstration,
    )


def _in_fours(key: str) -> list[str]:
    return [key[start : start + 4] for start in range(0, len(key), 4)]


def _picture(person: Person) -> str:
    """The key as a QR code, an image that stands in the page itself: no other address ever sees it."""
    assert person.totp_secret is not None
    uri = pyotp.TOTP(person.totp_secret).provisioning_uri(
        name=person.email, issuer_name="Dynamic Framework Marketplace"
    )
    return str(segno.make(uri, error="m").svg_data_uri(scale=5, border=4, dark="#0b0c0c", light="#ffffff"))


@bp.post("/account/second-factor/start")
@audience(SIGNED_IN)
def second_factor_start() -> ResponseReturnValue:
    """Make the key."""
    with transaction():
        actions.start_second_factor(own_session().person, now=clock.now())
    return redirect(url_for("accounts.second_factor_set_up"))


@bp.route("/account/second-factor/off", methods=["GET", "POST"])
@audience(SIGNED_IN)
@limiter.limit(_TRIES, methods=["POST"])
def second_factor_off() -> ResponseReturnValue:
    """Turn the second factor off, or make room for another app, by proving the password."""
    form = ProveForm()
    if form.validate_on_submit():
        with transaction():
            done = actions.turn_off_second_factor(own_session(), form.password.data, now=clock.now())
        if done:
            flash("Your authenticator app is turned off. You can set up another.", "success")
            return redirect(url_for("accounts.second_factor_set_up"))
        form.show_refusal(Refused(_WRONG_PASSWORD, field="password"))
    staff = bool(acting().roles) and not acting().is_supplier
    return render_template("marketplace/accounts/second_factor_off.html", form=form, staff=staff)


@bp.get("/letters")
@audience(SIGNED_IN)
def letters() -> ResponseReturnValue:
    """The letters sent to me, latest first."""
    found = outbox.letters_to(acting().person)
    number = nearest_page(request.args.get("page", 1, type=int), len(found))
    return render_template(
        "marketplace/accounts/letters.html",
        letters=found[before(number) : before(number + 1)],
        number=number,
        count=page_count(len(found)),
    )


@bp.get("/letters/<int:letter_id>")
@audience(SIGNED_IN)
def letter(letter_id: int) -> ResponseReturnValue:
    """One letter to me. A one-time link in it is not shown again."""
    return render_template("marketplace/accounts/letter.html", letter=queries.letter_for(acting(), letter_id))
