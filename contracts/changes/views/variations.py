"""Pages of changes: the versions of a contract, one variation on its way, and its parts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from calloffs.competitions.forms import CO_COMMISSIONERS, FundersForm
from calloffs.competitions.rules import Instrument
from contracts.agreements.models import LineTerms
from contracts.agreements.queries import agreement_for, side_of, terms
from contracts.agreements.rules import Origin, Side, terms_digest
from contracts.changes import actions, queries
from contracts.changes.forms import DatesForm, LeadForm, NewForm, PlacesForm, ReasonForm, SignForm, VolumeForm
from contracts.changes.models import Variation
from contracts.changes.rules import ENDS, TURN, VARIATION_MOVES, VariationStatus
from contracts.changes.views import Answer, ask, bp, press
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts import queries as accounts
from marketplace.errors import NotAllowed, NotFound, Refused
from marketplace.forms import Form
from marketplace.places import queries as places
from marketplace.spreadsheets import csv_download
from marketplace.transactions import transaction
CSV_COLUMNS = (
    "version",
    "purpose",
    "status",
    "drafted_at",
    "agreed_at",
    "in_force_from",
    "reason",
    "whole_life_before",
    "whole_life_after",
    "what_changes",
    "old",
    "new",
)


@bp.get("/<int:agreement_id>/changes")
@audience(Permission.SEE_CONTRACTS)
def index(agreement_id: int) -> str:
    """Every version of the contract, and the changes on their way."""
    actor = acting()
    agreement = agreement_for(actor, agreement_id)
    variations = queries.variations_of(actor, agreement)
    return render_template(
        "contracts/changes/index.html",
        agreement=agreement,
        variations=variations,
        may_begin=manages_for(actor, agreement) is Side.COMMISSIONER
        and not any(VARIATION_MOVES[one.status] for one in variations),
        current=agreement.version_on(clock.today()),
        proposals=queries.proposals_of(agreement),
        may_propose=manages_for(actor, agreement) is Side.SUPPLIER and agreement.origin is Origin.AWARD,
        suspensions=queries.suspensions_of(agreement),
        leads=manages_for(actor, agreement) is Side.COMMISSIONER,
        today=clock.today(),
    )


@bp.get("/<int:agreement_id>/changes.csv")
@audience(Permission.SEE_CONTRACTS)
def as_csv(agreement_id: int) -> Response:
    """The changes, a row for each thing that one changes; amounts in pounds."""
    actor = acting()
    agreement = agreement_for(actor, agreement_id)
    rows = []
    for one in queries.variations_of(actor, agreement):
        effect = queries.effect(one)
        before = sum((part.life_before for part in effect.priced), Decimal(0))
        rows += [
            [
                one.version.number,
                one.purpose.value,
                one.status.value,
                one.created_at.isoformat(),
                one.version.agreed_at.isoformat() if one.version.agreed_at else None,
                one.version.in_force_from,
                one.reason,
                before,
                effect.whole_life_value,
                part.what,
                part.old,
                part.new,
            ]
            for part in effect.differences
        ]
    return csv_download(f"changes-{agreement.reference}.csv".replace("/", "-"), CSV_COLUMNS, rows)


@bp.route("/<int:agreement_id>/changes/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def new(agreement_id: int) -> Answer:
    """Draft a change."""
    actor, form = acting(), NewForm()
    agreement = agreement_for(actor, agreement_id)
    if manages_for(actor, agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner drafts a change.")

    def begin() -> str:
        variation = actions.begin(
            agreement, reason=form.reason.data, in_force_from=form.in_force_from.data, actor=actor, now=clock.now()
        )
        return _to(variation)

    return ask(
        form,
        "form",
        begin,
        agreement=agreement,
        heading=f"Change the {'grant' if agreement.instrument is Instrument.GRANT else 'contract'}",
        button="Begin the draft",
        back=url_for("changes.index", agreement_id=agreement.id),
    )


@bp.get("/changes/<int:variation_id>")
@audience(Permission.SEE_CONTRACTS)
def show(variation_id: int) -> str:
    """One change: old beside new, its price for each funder, who has approved and signed, and what comes next."""
    return _show(variation_of(variation_id), SignForm())


def _show(variation: Variation, form: Form) -> str:
    actor = acting()
    agreement = variation.agreement
    turn = queries.turn_of(variation)
    leads = manages_for(actor, agreement) is Side.COMMISSIONER
    shown = terms(variation.version)
    digest = terms_digest(shown)
    if isinstance(form, SignForm):
        form.digest.data = digest
    return render_template(
        "contracts/changes/show.html",
        agreement=agreement,
        variation=variation,
        version=variation.version,
        effect=queries.effect(variation),
        approvers=queries.must_approve(variation),
        terms=shown,
        digest=digest,
        form=form,
        may_edit=leads and variation.status is VariationStatus.DRAFT,
        ends=variation.purpose in ENDS,
        may_take_back=leads and VariationStatus.DRAFT in VARIATION_MOVES[variation.status],
        may_withdraw=leads and VariationStatus.WITHDRAWN in VARIATION_MOVES[variation.status],
        may_approve=queries.may_approve(actor, variation),
        may_sign=turn is not None and side_of(actor, agreement) is turn,
        is_late=variation.status in TURN and variation.version.in_force_from < clock.today(),
    )


@bp.post("/changes/<int:variation_id>/submit")
@audience(Permission.MANAGE_CONTRACTS)
def submit(variation_id: int) -> Response:
    """Ask every funder to approve."""
    variation = variation_of(variation_id)
    return _press(
        variation,
        lambda: actions.submit(variation, actor=acting(), now=clock.now()),
        "Every funder’s approver has been asked.",
    )


@bp.post("/changes/<int:variation_id>/approve")
@audience(Permission.APPROVE_CHANGES)
def approve(variation_id: int) -> Response:
    """Approve it as shown."""
    variation = variation_of(variation_id)
    shown = request.form.get("round", 0, type=int)
    return _press(
        variation,
        lambda: actions.approve(variation, shown_round=shown, actor=acting(), now=clock.now()),
        "You have approved it.",
    )


@bp.route("/changes/<int:variation_id>/send-back", methods=["GET", "POST"])
@audience(Permission.APPROVE_CHANGES)
def send_back(variation_id: int) -> Answer:
    """Do not approve it, with the reason."""
    variation, form = variation_of(variation_id), ReasonForm()
    if not form.is_submitted():
        form.round.data = str(variation.round)
    shown = str(form.round.data or "")
    return part(
        form,
        variation,
        lambda: actions.send_back(
            variation,
            shown_round=int(shown) if shown.isdecimal() and len(shown) < 9 else 0,
            reason=form.reason.data,
            actor=acting(),
            now=clock.now(),
        ),
        heading="Send the change back",
        button="Send back",
    )


@bp.post("/changes/<int:variation_id>/take-back")
@audience(Permission.MANAGE_CONTRACTS)
def take_back(variation_id: int) -> Response:
    """Back into draft."""
    variation = variation_of(variation_id)
    return _press(
        variation,
        lambda: actions.take_back(variation, actor=acting(), now=clock.now()),
        "The change is a draft again. Approvals and signatures are given anew.",
    )


@bp.route("/changes/<int:variation_id>/withdraw", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def withdraw(variation_id: int) -> Answer:
    """Give it up, with the reason."""
    variation, form = variation_of(variation_id), ReasonForm()
    return part(
        form,
        variation,
        lambda: actions.withdraw(variation, reason=form.reason.data, actor=acting(), now=clock.now()),
        heading="Withdraw the change",
        button="Withdraw",
    )


@bp.post("/changes/<int:variation_id>/sign")
@audience(Permission.SIGN_FOR_SUPPLIER, Permission.SIGN_FOR_COMMISSIONER)
def sign(variation_id: int) -> Answer:
    """Tick and sign, under the terms as shown."""
    variation, form = variation_of(variation_id), SignForm()
    if form.validate_on_submit():
        try:
            with transaction():
                actions.sign(variation, digest=form.digest.data or "", actor=acting(), now=clock.now())
        except Refused as refused:
            form.show_refusal(refused)
            return _show(variation_of(variation_id), form), refused.status
        flash("You have signed the change.", "success")
        return redirect(_to(variation))
    return _show(variation, form), 422


def variation_of(variation_id: int) -> Variation:
    """The change, for those whom it concerns."""
    return queries.variation_for(acting(), variation_id)


def part(
    form: Form,
    variation: Variation,
    action: Callable[[], object],
    *,
    heading: str,
    template: str = "form",
    button: str = "Save and continue",
    to: str | None = None,
    **context: object,
) -> Answer:
    """A page with a form about one change, and back to it, or to the page of it that led here."""
    back = to or _to(variation)

    def done() -> str:
        action()
        return back

    return ask(
        form,
        template,
        done,
        said="",
        agreement=variation.agreement,
        heading=heading,
        button=button,
        back=back,
        **context,
    )


def _press(variation: Variation, action: Callable[[], object], said: str) -> Response:
    return press(action, to=_to(variation), said=said)


def _to(variation: Variation) -> str:
    return url_for("changes.show", variation_id=variation.id)
