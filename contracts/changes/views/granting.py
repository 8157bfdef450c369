"""The parts of a draft change to a grant: its value, and its instalments."""

from __future__ import annotations

from decimal import Decimal

from flask import render_template, url_for
from werkzeug.wrappers import Response

from calloffs.competitions.rules import Instrument
from contracts.agreements.rules.instalments import InstalmentTerm, total
from contracts.changes import actions
from contracts.changes.forms import InstalmentForm, ValueForm
from contracts.changes.models import Variation
from contracts.changes.views import Answer, bp, press
from contracts.changes.views.parts import draft_of
from contracts.changes.views.variations import part
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.errors import NotFound


@bp.route("/changes/<int:variation_id>/value", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def value(variation_id: int) -> Answer:
    """What the whole grant is to be."""
    variation, form = _of_grant(variation_id), ValueForm()
    if not form.is_submitted():
        form.value.data = variation.version.whole_life_value
    return part(
        form,
        variation,
        lambda: actions.set_value(variation, value=form.value.data, actor=acting(), now=clock.now()),
        heading="Value of the grant",
    )


@bp.get("/changes/<int:variation_id>/instalments")
@audience(Permission.MANAGE_CONTRACTS)
def instalments(variation_id: int) -> str:
    """The instalments as the draft has them: which can still be changed, and what they come to."""
    variation = _of_grant(variation_id)
    fixed = {one.number: one for one in variation.agreement.instalments if one.is_fixed}
    by_number = {one.number: one.term for one in variation.version.instalments}
    by_number |= {number: one.term for number, one in fixed.items()}
    schedule = [by_number[number] for number in sorted(by_number)]
    whole = variation.version.whole_life_value or Decimal(0)
    return render_template(
        "contracts/changes/instalments.html",
        agreement=variation.agreement,
        variation=variation,
        schedule=schedule,
        fixed=fixed,
        whole=whole,
        planned=total(schedule),
    )


@bp.route("/changes/<int:variation_id>/instalments/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def add_instalment(variation_id: int) -> Answer:
    """One more instalment of the grant as it is to be."""
    return _instalment(_of_grant(variation_id), None, heading="Add an instalment", button="Add it")


@bp.route("/changes/<int:variation_id>/instalments/<int:number>", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def change_instalment(variation_id: int, number: int) -> Answer:
    """One instalment, as it is to be."""
    variation = _of_grant(variation_id)
    found = next((one.term for one in variation.version.instalments if one.number == number), None)
    if found is None:
        raise NotFound("The draft has no such instalment.")
    return _instalment(variation, found, heading=f"Change instalment {number}", button="Save")


@bp.post("/changes/<int:variation_id>/instalments/<int:number>/drop")
@audience(Permission.MANAGE_CONTRACTS)
def drop_instalment(variation_id: int, number: int) -> Response:
    """One instalment is no part of the grant any more."""
    variation = _of_grant(variation_id)
    return press(
        lambda: actions.drop_instalment(variation, number=number, actor=acting(), now=clock.now()),
        to=_to(variation),
        said=f"Instalment {number} is taken out of the draft.",
    )


def _instalment(variation: Variation, found: InstalmentTerm | None, *, heading: str, button: str) -> Answer:
    form = InstalmentForm(obj=found)

    def enter() -> None:
        actions.set_instalment(
            variation,
            number=found.number if found else None,
            milestone=form.milestone.data,
            amount=form.amount.data,
            due_on=form.due_on.data,
            actor=acting(),
            now=clock.now(),
        )

    return part(form, variation, enter, heading=heading, button=button, to=_to(variation))


def _of_grant(variation_id: int) -> Variation:
    variation = draft_of(variation_id)
    if variation.agreement.instrument is not Instrument.GRANT:
        raise NotFound("This is a contract, paid each month. Only grants have instalments.")
    return variation


def _to(variation: Variation) -> str:
    return url_for("changes.instalments", variation_id=variation.id)
