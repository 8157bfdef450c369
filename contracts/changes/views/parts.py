"""The parts of a draft change: dates, volume and price, areas, who pays, who leads."""

from __future__ import annotations

from calloffs.competitions.forms import CO_COMMISSIONERS, FundersForm
from calloffs.competitions.rules import Instrument
from contracts.agreements.models import LineTerms
from contracts.agreements.rules import Side
from contracts.changes import actions
from contracts.changes.forms import DatesForm, LeadForm, PlacesForm, VolumeForm
from contracts.changes.models import Variation
from contracts.changes.rules import VariationStatus
from contracts.changes.views import Answer, bp
from contracts.changes.views.variations import part, variation_of
from contracts.mobilisation.queries import side_of as manages_for
from marketplace import clock
from marketplace.access import Permission, acting, audience
from marketplace.accounts import queries as accounts
from marketplace.errors import NotAllowed, NotFound, Refused
from marketplace.places import queries as places


@bp.route("/changes/<int:variation_id>/dates", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def dates(variation_id: int) -> Answer:
    """From when it applies, and the last day."""
    variation = draft_of(variation_id)
    form = DatesForm(obj=variation.version)
    return part(
        form,
        variation,
        lambda: actions.set_dates(
            variation,
            in_force_from=form.in_force_from.data,
            ends_on=form.ends_on.data,
            actor=acting(),
            now=clock.now(),
        ),
        heading="Dates",
    )


@bp.route("/changes/<int:variation_id>/volume/<int:line_id>", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def volume(variation_id: int, line_id: int) -> Answer:
    """One service's bands or cap, and prices."""
    variation = draft_of(variation_id)
    agreed = _terms(variation, line_id)
    is_grant = variation.agreement.instrument is Instrument.GRANT
    form = VolumeForm.for_bands({band.number: band.annual_price if is_grant else None for band in agreed.bands})
    if not form.is_submitted():
        form.planned_band.data, form.referrals_until.data = str(agreed.planned_band), agreed.referrals_until
        for band in agreed.bands:
            form[f"low_{band.number}"].data, form[f"high_{band.number}"].data = band.low, band.high
            if not is_grant:
                form[f"price_{band.number}"].data = band.annual_price
    return part(
        form,
        variation,
        lambda: actions.set_volume(
            variation,
            agreed,
            bands=form.bands(),
            planned_band=int(form.planned_band.data),
            referrals_until=form.referrals_until.data,
            actor=acting(),
            now=clock.now(),
        ),
        template="volume",
        heading=f"{'Volume' if is_grant else 'Volume and price'} of {agreed.line.title}",
    )


@bp.route("/changes/<int:variation_id>/areas/<int:line_id>", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def areas(variation_id: int, line_id: int) -> Answer:
    """Where one service is delivered."""
    variation = draft_of(variation_id)
    agreed = _terms(variation, line_id)
    form = PlacesForm()
    form.place_codes.choices = places.choices()
    if not form.is_submitted():
        form.place_codes.data = [one.code for one in agreed.places]
    return part(
        form,
        variation,
        lambda: actions.set_places(
            variation, agreed, place_codes=form.place_codes.data or [], actor=acting(), now=clock.now()
        ),
        template="areas",
        heading=f"Areas of {agreed.line.title}",
        tree=places.tree(),
    )


@bp.route("/changes/<int:variation_id>/shares", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def shares(variation_id: int) -> Answer:
    """Who pays which part."""
    variation = draft_of(variation_id)
    lead = variation.agreement.commissioner_id
    form = FundersForm()
    del form.source  # from which fund the lead pays its part stays as it was agreed
    others = [(str(one.id), one.name) for one in accounts.commissioners() if one.id != lead]
    for body, _ in form.rows():
        body.choices = [("", "None"), *others]
    if not form.is_submitted():
        of_lead = [one for one in variation.version.funders if one.organisation_id == lead]
        form.lead.data = f"{of_lead[0].percent.normalize():f}" if of_lead else ""
        partners = [one for one in variation.version.funders if one.organisation_id != lead]
        for (body, percent), share in zip(form.rows(), partners[:CO_COMMISSIONERS], strict=False):
            body.data, percent.data = str(share.organisation_id), f"{share.percent.normalize():f}"

    def enter() -> None:
        found = form.shares(lead)
        if found is None:
            raise Refused("Correct the shares below.")
        actions.set_shares(variation, shares=found, actor=acting(), now=clock.now())

    return part(form, variation, enter, template="shares", heading="Who pays which part")


@bp.route("/changes/<int:variation_id>/lead", methods=["GET", "POST"])
@audience(Permission.MANAGE_CONTRACTS)
def lead(variation_id: int) -> Answer:
    """Who leads the contract from then on."""
    variation, form = draft_of(variation_id), LeadForm()
    form.lead.choices = [(str(one.organisation_id), one.organisation.name) for one in variation.version.funders]
    if not form.is_submitted():
        form.lead.data = str(variation.version.lead_id or variation.agreement.commissioner_id)
    return part(
        form,
        variation,
        lambda: actions.set_lead(variation, body_id=int(form.lead.data), actor=acting(), now=clock.now()),
        heading="Who leads the contract",
    )


def draft_of(variation_id: int) -> Variation:
    """The draft, for those who may change it: a page with a form is shown to nobody whose form would be refused."""
    variation = variation_of(variation_id)
    if manages_for(acting(), variation.agreement) is not Side.COMMISSIONER:
        raise NotAllowed("Only the lead commissioner’s contract manager or commercial partner drafts a change.")
    if variation.status is not VariationStatus.DRAFT:
        raise Refused("This change is no longer a draft, so that it cannot be changed here.")
    return variation


def _terms(variation: Variation, line_id: int) -> LineTerms:
    found = next((one for one in variation.version.line_terms if one.line_id == line_id and one.bands), None)
    if found is None:
        raise NotFound("This contract has no such service.")
    return found
