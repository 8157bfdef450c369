"""Pages of administrators: the people of an organisation; for the framework team, organisations without people."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace import clock
from marketplace.access import Permission, Role, acting, audience
from marketplace.accounts import actions, queries
from marketplace.accounts.forms import HandOverForm, InviteForm
from marketplace.accounts.views import bp
from marketplace.errors import NotFound, Refused
from marketplace.forms import Form
from marketplace.transactions import transaction


@bp.get("/organisation/people")
@audience(Permission.ADMINISTER_ORGANISATION)
def people() -> ResponseReturnValue:
    """Who does what for my organisation, and who is invited."""
    actor = acting()
    return render_template(
        "marketplace/accounts/people.html",
        organisation=queries.organisation(actor.organisation),
        people=queries.people_of(actor.organisation),
        invitations=queries.open_invitations(actor.organisation, now=clock.now()),
    )


@bp.route("/organisation/people/invite", methods=["GET", "POST"])
@audience(Permission.ADMINISTER_ORGANISATION)
def invite() -> ResponseReturnValue:
    """Invite somebody, or offer a further role to somebody who is here."""
    actor, form = acting(), InviteForm()
    form.offer(queries.organisation(actor.organisation).kind.roles)
    if form.validate_on_submit():
        try:
            with transaction():
                actions.invite(
                    form.email.data, [Role(role) for role in form.roles.data or []], actor=actor, now=clock.now()
                )
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash(f"We have sent an invitation to {form.email.data}. It works for seven days.", "success")
            return redirect(url_for("accounts.people"))
    return render_template("marketplace/accounts/invite.html", form=form)


@bp.post("/organisation/people/<int:person_id>/remove-role")
@audience(Permission.ADMINISTER_ORGANISATION)
def remove_role(person_id: int) -> ResponseReturnValue:
    """Take a role from somebody, at once."""
    try:
        role = Role(request.form.get("role", ""))
    except ValueError as error:
        raise Refused("There is no such role.") from error
    try:
        with transaction():
            actions.remove_role(person_id, role, actor=acting(), now=clock.now())
    except Refused as refused:
        flash(refused.words, "refused")
    else:
        flash("The role is removed.", "success")
    return redirect(url_for("accounts.people"))


@bp.route("/organisation/people/<int:person_id>/clear-authenticator", methods=["GET", "POST"])
@audience(Permission.ADMINISTER_ORGANISATION)
def clear_second_factor(person_id: int) -> ResponseReturnValue:
    """Ask once more, then take a colleague's lost authenticator app off."""
    actor, form, status = acting(), Form(), 200
    if form.validate_on_submit():
        try:
            with transaction():
                person = actions.clear_second_factor(person_id, actor=actor, now=clock.now())
                name = person.name
        except NotFound:
            raise
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            flash(f"The authenticator app of {name} is cleared, and they are told by email.", "success")
            return redirect(url_for("accounts.people"))
    person = queries.colleague(actor.organisation, person_id)
    page = render_template("marketplace/accounts/clear_second_factor.html", form=form, person=person)
    return page, status


@bp.post("/organisation/invitations/<int:link_id>/withdraw")
@audience(Permission.ADMINISTER_ORGANISATION)
def withdraw_invitation(link_id: int) -> ResponseReturnValue:
    """Make an invitation worthless."""
    with transaction():
        actions.withdraw_invitation(link_id, actor=acting(), now=clock.now())
    flash("The invitation is withdrawn.", "success")
    return redirect(url_for("accounts.people"))


@bp.get("/organisations/without-people")
@audience(Permission.DECIDE_APPLICATIONS)
def unclaimed() -> ResponseReturnValue:
    """Suppliers known only from the live register, for the framework team to hand over."""
    wanted = request.args.get("name", "").strip()
    page = queries.unclaimed(wanted, number=request.args.get("page", 1, type=int))
    return render_template("marketplace/accounts/unclaimed.html", page=page, wanted=wanted)


@bp.route("/organisations/<int:organisation_id>/hand-over", methods=["GET", "POST"])
@audience(Permission.DECIDE_APPLICATIONS)
def hand_over(organisation_id: int) -> ResponseReturnValue:
    """Invite the first person of such a supplier."""
    organisation, form = queries.organisation(organisation_id), HandOverForm()
    if form.validate_on_submit():
        try:
            with transaction():
                actions.hand_over(organisation, form.email.data, actor=acting(), now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
        else:
            flash(f"We have sent an invitation to {form.email.data}. It works for seven days.", "success")
            return redirect(url_for("accounts.unclaimed"))
    return render_template("marketplace/accounts/hand_over.html", form=form, organisation=organisation)
