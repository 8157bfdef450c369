"""Instalments of a grant: planned by the lead commissioner, claimed by the supplier, accepted or sent back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flask import render_template, url_for
from werkzeug.wrappers import Response

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, GrantInstalment
from contracts.agreements.rules import AgreementStatus
from contracts.agreements.rules.instalments import InstalmentStatus
from contracts.changes import queries as changes
from contracts.changes.forms import InstalmentForm
from contracts.invoices import actions, queries
from contracts.invoices.forms import ClaimForm, DecideForm
from contracts.invoices.models import InstalmentUse
from contracts.invoices.rules.granting import USE_DAYS, UseStatus, use_due_on
from contracts.invoices.views import bp
from contracts.invoices.views.money import may_manage
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.asking import Answer, ask, press
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound
from marketplace.presentation import date_words, pounds_exact
from marketplace.spreadsheets import csv_download

SEE = (Permission.SEE_INVOICES, Permission.MANAGE_CONTRACTS, Permission.MANAGE_DELIVERY)
CLAIM = (Permission.MANAGE_DELIVERY, Permission.ISSUE_CREDITS)
COLUMNS = (
    *("number", "milestone", "amount", "expected_on", "status", "claimed_on", "evidence", "accepted_on"),
    *("sent_back_because", "invoices", "use", "spent", "owed_back"),
)


def _grant(agreement_id: int) -> Agreement:
    agreement = queries.contract_for(acting(), agreement_id)
    if agreement.instrument is not Instrument.GRANT:
        raise NotFound("This is a contract, paid each month. Only grants have instalments.")
    return agreement


def _to(agreement_id: int) -> str:
    return url_for("invoices.instalments", agreement_id=agreement_id)


def _plans(agreement: Agreement) -> bool:
    actor = acting()
    return actor.may(Permission.MANAGE_CONTRACTS) and actor.organisation_id == agreement.commissioner_id


def _claims(agreement: Agreement) -> bool:
    return queries.may_claim(acting(), agreement)


def _is_signed(agreement: Agreement) -> bool:
    return agreement.status is AgreementStatus.SIGNED


@bp.get("/contracts/<int:agreement_id>/instalments")
@audience(*SEE)
def instalments(agreement_id: int) -> str:
    """A grant's instalments: what each is for, where it stands, what was invoiced for it."""
    actor = acting()
    agreement = _grant(agreement_id)
    found = queries.instalments(agreement.id)
    uses = queries.uses_of(agreement.id)
    accounted = [one for made in uses.values() for one in made if one.status is UseStatus.ACCEPTED]
    is_varied, is_changing = changes.is_varied(agreement), changes.is_being_changed(agreement)
    whole, planned = agreement.whole_life_value, sum((one.amount for one in found), Decimal("0.00"))
    return render_template(
        "contracts/invoices/instalments.html",
        agreement=agreement,
        instalments=found,
        invoices=queries.invoices_of_instalments(actor, agreement.id),
        whole=whole,
        planned=planned,
        accepted=sum((one.amount for one in found if one.status is InstalmentStatus.ACCEPTED), Decimal("0.00")),
        unplanned=None if whole is None else whole - planned,
        plans=_plans(agreement) and not is_varied and not is_changing,
        uses=uses,
        spent=sum((one.spent for one in accounted), Decimal("0.00")),
        owed_back=sum((one.unspent for one in accounted), Decimal("0.00")),
        held=queries.held_since(agreement.id, clock.today()),
        report_by=use_due_on(agreement.ends_on) if agreement.ends_on else None,
        use_days=USE_DAYS,
        is_varied=is_varied,
        is_changing=is_changing,
        claims=_claims(agreement) and _is_signed(agreement),
        decides=may_manage(agreement),
        today=clock.today(),
    )


@bp.get("/contracts/<int:agreement_id>/instalments.csv")
@audience(*SEE)
def instalments_csv(agreement_id: int) -> Response:
    """The same list as a CSV file, amounts in pounds."""
    agreement = _grant(agreement_id)
    invoices, uses = queries.invoices_of_instalments(acting(), agreement.id), queries.uses_of(agreement.id)
    return csv_download(
        f"instalments-{agreement.reference}.csv".replace("/", "-"),
        COLUMNS,
        (
            (
                *(one.number, one.milestone, one.amount, one.due_on, one.status.value),
                clock.london(one.claimed_at).date() if one.claimed_at else None,
                one.evidence,
                clock.london(one.accepted_at).date() if one.accepted_at else None,
                one.sent_back_reason,
                " ".join(invoice.number for invoice in invoices.get(one.id, ())),
                *_use_of(uses.get(one.id, ())),
            )
            for one in queries.instalments(agreement.id)
        ),
    )


def _use_of(reports: Sequence[InstalmentUse]) -> tuple[object, ...]:
    """Where the report of an instalment's use stands, and what it says was spent and not spent."""
    if not reports:
        return (None, None, None)
    return (reports[-1].status.value, reports[-1].spent, reports[-1].unspent)


@bp.route("/contracts/<int:agreement_id>/instalments/new", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def new_instalment(agreement_id: int) -> Answer:
    """Plan one more instalment."""
    actor, form = acting(), InstalmentForm()
    agreement = _grant(agreement_id)
    if not _plans(agreement):
        raise NotAllowed("The lead commissioner plans a grant’s instalments.")
    return ask(
        form,
        lambda: actions.plan_instalment(
            agreement,
            milestone=form.milestone.data,
            amount=form.amount.data,
            due_on=form.due_on.data,
            actor=actor,
            now=clock.now(),
        ),
        to=_to(agreement.id),
        said="The instalment is planned.",
        heading="Plan an instalment",
        intro="It is paid when you accept that its milestone is reached. All instalments together are no more than the "
        "grant.",
        button="Plan it",
        back=_to(agreement.id),
        agreement=agreement,
    )


@bp.post("/instalments/<int:instalment_id>/remove")
@audience(Permission.MANAGE_CONTRACTS)
def remove_instalment(instalment_id: int) -> Response:
    """An instalment that nobody has claimed is planned no more."""
    actor = acting()
    made = queries.instalment_for(actor, instalment_id)
    to = _to(made.agreement_id)
    return press(
        lambda: actions.remove_instalment(made, actor=actor, now=clock.now()),
        to=to,
        said="The instalment is planned no more.",
    )


def _what(made: GrantInstalment) -> str:
    number, amount = made.number, pounds_exact(made.amount)
    return f"Instalment {number}, {amount}, expected by {date_words(made.due_on)}: {made.milestone}"


@bp.route("/instalments/<int:instalment_id>/claim", methods=["GET", "POST"])
@audience(*CLAIM)
def claim_instalment(instalment_id: int) -> Answer:
    """The supplier says that a milestone is reached, and how that can be seen."""
    actor, form = acting(), ClaimForm()
    made = queries.instalment_for(actor, instalment_id)
    agreement = made.agreement
    if not _claims(agreement):
        raise NotAllowed("The supplier claims an instalment.")
    if made.status is not InstalmentStatus.PLANNED:
        raise AlreadyDone("This instalment is claimed already.")
    if not form.is_submitted() and made.sent_back_reason:
        form.evidence.data = made.evidence
    return ask(
        form,
        lambda: actions.claim_instalment(made, evidence=form.evidence.data, actor=actor, now=clock.now()),
        to=_to(agreement.id),
        said="The instalment is claimed. The lead commissioner has been told.",
        template="contracts/invoices/claim.html",
        heading="Claim an instalment",
        intro=_what(made),
        made=made,
        button="Claim it",
        back=_to(agreement.id),
        agreement=agreement,
    )


@bp.route("/instalments/<int:instalment_id>/decide", methods=["GET", "POST"])
@audience(Permission.APPROVE_INVOICES)
def decide_instalment(instalment_id: int) -> Answer:
    """The lead commissioner accepts that a milestone is reached, or says what is missing."""
    actor, form = acting(), DecideForm()
    made = queries.instalment_for(actor, instalment_id)
    agreement = made.agreement
    if not may_manage(agreement):
        raise NotAllowed("A contract manager of the lead commissioner accepts an instalment.")
    if made.status is not InstalmentStatus.CLAIMED:
        raise AlreadyDone("This instalment does not wait to be accepted.")

    def act() -> None:
        if form.verdict.data == "yes":
            actions.accept_claim(made, actor=actor, now=clock.now())
        elif form.reason.data:
            actions.send_back_claim(made, reason=form.reason.data, actor=actor, now=clock.now())
        else:
            raise Invalid("Say what is missing", field="reason")

    return ask(
        form,
        act,
        to=_to(agreement.id),
        said="The instalment is accepted and invoiced." if form.verdict.data == "yes" else "The claim is sent back.",
        template="contracts/invoices/claim.html",
        heading="Is the milestone reached?",
        intro=_what(made),
        made=made,
        button="Decide",
        back=_to(agreement.id),
        agreement=agreement,
    )
