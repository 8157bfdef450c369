"""People who deliver: the supplier's list, and the counts that commissioners see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from flask import render_template, url_for
from werkzeug.wrappers import Response

from contracts.agreements.models import Agreement
from contracts.agreements.rules import Side
from contracts.mobilisation import actions, queries, rules
from contracts.mobilisation.forms import AccessForm, StaffForm
from contracts.mobilisation.models import StaffMember
from contracts.mobilisation.rules import Clearance, VettingLevel
from contracts.mobilisation.views import Answer, ask, bp, press
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotAllowed
from marketplace.spreadsheets import csv_download

CSV_COLUMNS = (
    *("reference", "role", "level", "applied_on", "cleared_on", "expires_on", "state"),
    *("prison", "access_granted_on", "access_expires_on", "access_state"),
)


@bp.get("/<int:agreement_id>/people")
@audience(Permission.SEE_CONTRACTS)
def people(agreement_id: int) -> str:
    """Who is cleared to deliver: rows for the supplier's managers, counts for everybody else (R131, R150)."""
    actor, today = acting(), clock.today()
    agreement = queries.contract_for(actor, agreement_id)
    staff = queries.staff_of(agreement, today)
    levels, prisons = queries.counts_of(staff, today)
    is_theirs = queries.side_of(actor, agreement) is Side.SUPPLIER
    return render_template(
        "contracts/mobilisation/people.html",
        agreement=agreement,
        staff=staff if is_theirs else (),
        total=len(staff),
        is_theirs=is_theirs,
        levels=levels,
        prisons=prisons,
        clearances=list(Clearance),
        today=today,
        rules=rules,
    )


@bp.get("/<int:agreement_id>/people.csv")
@audience(Permission.SEE_CONTRACTS)
def people_csv(agreement_id: int) -> Response:
    """The same as CSV: a row a person and prison for the supplier's managers, a row a count for everybody else."""
    actor, today = acting(), clock.today()
    agreement = queries.contract_for(actor, agreement_id)
    staff = queries.staff_of(agreement, today)
    name = f"people-{agreement.reference}.csv".replace("/", "-")
    if queries.side_of(actor, agreement) is not Side.SUPPLIER:
        levels, prisons = queries.counts_of(staff, today)
        return csv_download(
            name,
            ["of", "what", "state", "people"],
            (
                [kind, count.what, state.value, count.by_clearance[state]]
                for kind, counts in (("vetting", levels), ("prison", prisons))
                for count in counts
                for state in Clearance
            ),
        )
    return csv_download(
        name,
        CSV_COLUMNS,
        (row for one in staff for row in _rows(one, today)),
    )


def _rows(one: StaffMember, today: date) -> Iterator[Sequence[object]]:
    """A row for each prison, or one without."""
    own = [one.reference, one.role, one.level.value, one.applied_on, one.cleared_on, one.expires_on]
    own.append(one.clearance(today).value)
    for access in one.access:
        yield [*own, access.prison, access.granted_on, access.expires_on, access.standing(today).value]
    if not one.access:
        yield [*own, *[None] * 4]


@bp.route("/<int:agreement_id>/people/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def new_person(agreement_id: int) -> Answer:
    """Enter one more person who delivers."""
    actor, form = acting(), StaffForm()
    agreement = queries.contract_for(actor, agreement_id)
    if queries.side_of(actor, agreement) is not Side.SUPPLIER:
        raise NotAllowed("Only the supplier enters who delivers.")
    return ask(
        form,
        "form",
        lambda: actions.enter_staff(
            agreement,
            reference=form.reference.data,
            role=form.role.data,
            level=VettingLevel(form.level.data),
            dates=form.dates,
            actor=actor,
            now=clock.now(),
        ),
        to=_to(agreement),
        said="The person is entered.",
        heading="Enter somebody who delivers",
        button="Enter",
        back=_to(agreement),
        agreement=agreement,
    )


@bp.route("/people/<int:staff_member_id>", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def person(staff_member_id: int) -> Answer:
    """One person's clearance, to look at and to change; their access to prisons."""
    actor = acting()
    member = queries.staff_member_for(actor, staff_member_id)
    form = StaffForm(obj=member)
    if not form.is_submitted():
        form.level.data, form.given_on.data = member.level.value, member.cleared_on
    return ask(
        form,
        "person",
        lambda: actions.update_staff(
            member,
            reference=form.reference.data,
            role=form.role.data,
            level=VettingLevel(form.level.data),
            dates=form.dates,
            actor=actor,
            now=clock.now(),
        ),
        to=_to(member.agreement),
        said="The change is kept.",
        member=member,
        agreement=member.agreement,
        today=clock.today(),
    )


@bp.post("/people/<int:staff_member_id>/left")
@audience(Permission.MANAGE_DELIVERY)
def left(staff_member_id: int) -> Response:
    """They deliver no more."""
    actor = acting()
    member = queries.staff_member_for(actor, staff_member_id)
    return press(
        lambda: actions.has_left(member, actor=actor, now=clock.now()),
        to=_to(member.agreement),
        said="The person counts no more from today.",
    )


@bp.route("/people/<int:staff_member_id>/access", methods=["GET", "POST"])
@audience(Permission.MANAGE_DELIVERY)
def new_access(staff_member_id: int) -> Answer:
    """Enter access to a prison."""
    actor, form = acting(), AccessForm()
    member = queries.staff_member_for(actor, staff_member_id)
    to = url_for("mobilisation.person", staff_member_id=member.id)
    return ask(
        form,
        "form",
        lambda: actions.enter_access(member, prison=form.prison.data, dates=form.dates, actor=actor, now=clock.now()),
        to=to,
        said="The access is entered.",
        heading=f"Prison access of {member.reference}",
        intro="Entered again for the same prison, it replaces the dates that are there.",
        button="Enter",
        back=to,
        agreement=member.agreement,
    )


@bp.post("/access/<int:access_id>/remove")
@audience(Permission.MANAGE_DELIVERY)
def remove_access(access_id: int) -> Response:
    """Somebody does not go to that prison any more."""
    actor = acting()
    member, access = queries.access_for(actor, access_id)
    return press(
        lambda: actions.remove_access(member, access, actor=actor, now=clock.now()),
        to=url_for("mobilisation.person", staff_member_id=member.id),
        said="The access is removed.",
    )


def _to(agreement: Agreement) -> str:
    return url_for("mobilisation.people", agreement_id=agreement.id)
