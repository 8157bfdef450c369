"""Options to extend: written into terms before they are signed, used or left by their day."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement, AgreementVersion, ExtensionOption
from contracts.agreements.queries import agreement_for
from contracts.agreements.rules import Side
from contracts.changes import actions, queries
from contracts.changes.forms import OptionForm, ReasonForm
from contracts.changes.views import Answer, ask, bp, press
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Actor, Permission, acting, audience
from marketplace.errors import NotAllowed, Refused


@bp.route("/<int:agreement_id>/options/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def new_option(agreement_id: int) -> Answer:
    """Write an option into the contract as drawn, or into its draft change."""
    actor, form = acting(), OptionForm()
    agreement = agreement_for(actor, agreement_id)
    _must_lead(actor, agreement)
    version = open_version(agreement)
    if version is None:
        raise Refused("Options are agreed before anybody signs. Begin a change to the contract, and add one there.")
    back = _to(agreement)

    def add() -> str:
        actions.add_option(
            version, months=form.months.data, decide_by=form.decide_by.data, actor=actor, now=clock.now()
        )
        return back

    return ask(
        form,
        "form",
        add,
        said="The option stands in the terms. It is agreed when they are signed.",
        agreement=agreement,
        heading="Add an option to extend",
        button="Add the option",
        back=back,
    )


@bp.post("/options/<int:option_id>/remove")
@audience(Permission.MANAGE_CONTRACTS)
def remove_option(option_id: int) -> Response:
    """Take it out again, before anybody has signed."""
    option = _option(option_id)
    to = _to(option.agreement)
    return press(
        lambda: actions.remove_option(option, actor=acting(), now=clock.now()), to=to, said="The option is taken out."
    )


@bp.route("/options/<int:option_id>/use", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def use_option(option_id: int) -> Answer:
    """Decide to use it, with the reason: a change begins."""
    option, form = _option(option_id), ReasonForm()
    del form.round

    def use() -> str:
        variation = actions.use_option(option, reason=form.reason.data, actor=acting(), now=clock.now())
        return url_for("changes.show", variation_id=variation.id)

    return ask(
        form,
        "option",
        use,
        said="Decided. Check what it costs, and ask the funders to approve.",
        agreement=option.agreement,
        option=option,
        heading="Use the option to extend",
        button="Use it",
        back=_to(option.agreement),
    )


@bp.route("/options/<int:option_id>/leave", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def leave_option(option_id: int) -> Answer:
    """Decide not to use it, with the reason."""
    option, form = _option(option_id), ReasonForm()
    del form.round
    back = _to(option.agreement)

    def leave() -> str:
        actions.leave_option(option, reason=form.reason.data, actor=acting(), now=clock.now())
        return back

    return ask(
        form,
        "option",
        leave,
        said="Decided. The supplier and every funder are told.",
        agreement=option.agreement,
        option=option,
        heading="Do not use the option to extend",
        button="Do not use it",
        back=back,
    )


def open_version(agreement: Agreement) -> AgreementVersion | None:
    """The terms that can still be written into, if there are any."""
    return next((one for one in reversed(agreement.versions) if queries.is_open_to_change(one)), None)


def _option(option_id: int) -> ExtensionOption:
    option = queries.option_for(acting(), option_id)
    _must_lead(acting(), option.agreement)
    return option


def _must_lead(actor: Actor, agreement: Agreement) -> None:
    if manages_for(actor, agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner does this.")


def _to(agreement: Agreement) -> str:
    return url_for("changes.ending", agreement_id=agreement.id)
