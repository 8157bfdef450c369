"""What a draft change says of a grant: its value, and the instalments that come to it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from calloffs.competitions.rules import Instrument
from contracts.agreements.actions import instalments_now, write_schedule
from contracts.agreements.models import Agreement, AgreementVersion
from contracts.agreements.rules.instalments import InstalmentTerm, left_by_ending, outside, total
from contracts.changes.actions.checks import changed, changing
from contracts.changes.models import Variation
from contracts.changes.rules import ENDS
from marketplace.access import Actor
from marketplace.errors import AlreadyDone, Invalid, Refused
from marketplace.presentation import pounds_exact


def keep_plan(agreement: Agreement) -> None:
    """Before a grant is varied the first time: what was planned under its first version, for the new to be beside."""
    if agreement.instrument is Instrument.GRANT and agreement.latest.number == 1:
        write_schedule(agreement.latest, [one.term for one in instalments_now(agreement)])


def must_be_planned(agreement: Agreement) -> None:
    """Refuse to move the last day alone while a part of the grant has no instalment yet."""
    left = (agreement.whole_life_value or Decimal(0)) - total([one.term for one in agreement.latest.instalments])
    if agreement.instrument is Instrument.GRANT and left:
        raise Refused(f"Plan the instalments of the whole grant first: {pounds_exact(left)} has none yet.")


def set_value(variation: Variation, *, value: Decimal, actor: Actor, now: datetime) -> None:
    """What the whole grant is to be."""
    version = _of_grant(variation, actor)
    if value <= 0:
        raise Invalid("Enter an amount above £0", field="value")
    version.whole_life_value = value
    changed(variation, "value", actor, now)


def set_instalment(
    variation: Variation,
    *,
    number: int | None,
    milestone: str,
    amount: Decimal,
    due_on: date,
    actor: Actor,
    now: datetime,
) -> InstalmentTerm:
    """One instalment of the grant as it is to be: another than was agreed, or (without a number) one more.

    Refused for one that is claimed or accepted, and outside the grant's term as it is to be. Whether they come to the
    grant is asked when the funders are asked to approve, because several are changed one after the other.
    """
    version = _of_grant(variation, actor)
    if not milestone.strip():
        raise Invalid("Say what is to be reached", field="milestone")
    if amount <= 0:
        raise Invalid("Enter an amount above £0", field="amount")
    schedule = {one.number: one.term for one in version.instalments}
    if number is None:
        taken = [*schedule, *(one.number for one in instalments_now(variation.agreement))]
        new = InstalmentTerm(max(taken, default=0) + 1, milestone.strip(), amount, due_on)
        same = {(one.milestone, one.amount, one.due_on) for one in schedule.values()}
        if (new.milestone, new.amount, new.due_on) in same:
            raise AlreadyDone("This instalment is in the draft already.")
    else:
        _must_be_free(variation, number)
        if number not in schedule:
            raise AlreadyDone("This instalment is not in the draft any more.")
        new = InstalmentTerm(number, milestone.strip(), amount, due_on)
    if outside([new], starts_on=variation.agreement.starts_on, ends_on=version.ends_on):
        raise Invalid("Choose a day within the grant’s term", field="due_on")
    schedule[new.number] = new
    write_schedule(version, list(schedule.values()))
    changed(variation, f"instalment {new.number}", actor, now)
    return new


def drop_instalment(variation: Variation, *, number: int, actor: Actor, now: datetime) -> None:
    """One instalment is no part of the grant any more. Refused for one that is claimed or accepted."""
    version = _of_grant(variation, actor)
    _must_be_free(variation, number)
    kept = [one.term for one in version.instalments if one.number != number]
    if len(kept) == len(version.instalments):
        raise AlreadyDone("This instalment is not in the draft any more.")
    write_schedule(version, kept)
    changed(variation, f"instalment {number}", actor, now)


def bring_up_to_date(variation: Variation) -> None:
    """What follows in a grant's draft from what happened meanwhile: what is claimed or accepted is left as it is.

    An early ending leaves beside it what is expected by the last day, and the grant is what those come to.
    """
    agreement, version = variation.agreement, variation.version
    if agreement.instrument is not Instrument.GRANT:
        return
    now = instalments_now(agreement)
    fixed = {one.number: one.term for one in now if one.is_fixed}
    if variation.purpose in ENDS and version.ends_on is not None:
        schedule = left_by_ending([one.term for one in now], fixed=[*fixed], last_day=version.ends_on)
        version.whole_life_value = total(schedule)
    else:
        by_number = {one.number: one.term for one in version.instalments} | fixed
        schedule = tuple(by_number[number] for number in sorted(by_number))
    write_schedule(version, schedule)


def check_schedule(variation: Variation) -> None:
    """Refuse a grant whose instalments lie outside its term, or do not come to its value."""
    agreement, version = variation.agreement, variation.version
    if agreement.instrument is not Instrument.GRANT:
        return
    fixed = {one.number for one in instalments_now(agreement) if one.is_fixed}
    schedule = [one.term for one in version.instalments]
    late = outside(
        [one for one in schedule if one.number not in fixed], starts_on=agreement.starts_on, ends_on=version.ends_on
    )
    if late and variation.purpose not in ENDS:
        raise Refused(f"Instalment {late[0].number} is expected outside the grant’s term. Give it another day.")
    planned, value = total(schedule), version.whole_life_value or Decimal(0)
    if planned < value:
        raise Refused(f"{pounds_exact(value - planned)} of the grant has no instalment. Add one, or change the value.")
    if planned > value:
        raise Refused(f"The instalments come to {pounds_exact(planned - value)} more than the grant.")


def _of_grant(variation: Variation, actor: Actor) -> AgreementVersion:
    version = changing(variation, actor)
    if variation.agreement.instrument is not Instrument.GRANT:
        raise Refused("Only grants are paid by instalments. This is a contract, paid each month.")
    return version


def _must_be_free(variation: Variation, number: int) -> None:
    if any(one.number == number and one.is_fixed for one in instalments_now(variation.agreement)):
        raise Refused(f"Instalment {number} is claimed or accepted, so that it stays as it is.")
