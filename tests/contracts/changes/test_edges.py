"""Who may change a contract and from which day to which: each rule at its very edge, on both sides of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from calloffs.plans.rules import Band
from contracts.changes import actions, queries
from contracts.changes.models import Proposal, Variation
from contracts.changes.rules import Ground, ProposalStatus, VariationStatus
from marketplace.access import SYSTEM, Actor, Role
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, Refused, TooLate
from marketplace.extensions import db
from tests.factories.accounts import make_actor, make_commissioner
from tests.factories.agreements import NOW, make_agreement
from tests.factories.changes import APPLIES, Change, make_change
from tests.factories.places import KENT
from tests.factories.referrals import make_service

pytestmark = pytest.mark.usefixtures("session", "clock")
DAY = timedelta(days=1)
# A contract from 1 October 2026 to the last day of September 2029, looked at on a day within it.
ENDS = date(2029, 9, 30)
WITHIN = datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
TODAY = WITHIN.date()


def no(kind: type[Refused], words: str, work: Callable[[], object], field: str | None = None) -> None:
    """The work is refused so, in these words, at this field."""
    with pytest.raises(kind, match=words) as refused:
        work()
    assert refused.value.field == field


def _deliverer(made: Change) -> Actor:
    return make_actor(made.agreement.supplier, Role.SERVICE_MANAGER)


class TestProposals:
    """What a supplier may propose, and who answers it."""

    def _propose(self, made: Change, actor: Actor, *, now: datetime = WITHIN, **changed: date | None) -> Proposal:
        days: dict[str, Any] = {"from_on": now.date(), "ends_on": None, **changed}
        return actions.propose(made.agreement, what="More.", reason="People.", **days, actor=actor, now=now)

    def test_from_which_day_and_of_what(self) -> None:
        made = make_change(funders=1)
        deliverer = _deliverer(made)
        propose = partial(self._propose, made, deliverer)
        no(Invalid, "from today", lambda: propose(from_on=TODAY - DAY), field="from_on")
        no(Invalid, "cannot lie before", lambda: propose(ends_on=TODAY - DAY), field="ends_on")
        last = datetime(2029, 9, 30, 22, 59, tzinfo=UTC)
        no(TooLate, "has ended", lambda: propose(now=last + timedelta(minutes=1)))
        proposal = propose(ends_on=TODAY)
        no(NotAllowed, "at the supplier", lambda: actions.take_proposal_back(proposal, actor=made.manager, now=WITHIN))
        actions.take_proposal_back(proposal, actor=deliverer, now=WITHIN)
        actions.take_proposal_back(propose(now=last), actor=deliverer, now=last)
        listed = make_service().agreement
        there = make_actor(listed.supplier, Role.SERVICE_MANAGER)
        no(Refused, "signed here", lambda: self._propose(Change(listed), there))

    def test_what_is_answered_is_answered_once(self) -> None:
        made = make_change(funders=1)
        deliverer = _deliverer(made)
        declined = self._propose(made, deliverer)
        answer: dict[str, Any] = {"actor": made.manager, "now": WITHIN}
        outsider = make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
        no(NotAllowed, "lead commissioner", lambda: actions.decline(declined, reason="No", actor=outsider, now=WITHIN))
        actions.decline(declined, reason="No.", **answer)
        for again in (actions.take_up, partial(actions.decline, reason="No again.")):
            no(AlreadyDone, "declined", partial(again, declined, **answer))
        assert (declined.status, declined.answer) == (ProposalStatus.DECLINED, "No.")


class TestDrafts:
    """What may be drafted, and what a draft may say."""

    def test_which_contracts_on_which_days(self) -> None:
        made = make_change(funders=1)
        begin = partial(made.draft, now=WITHIN)
        no(Invalid, "from today", lambda: begin(in_force_from=TODAY - DAY), field="in_force_from")
        last = datetime(2029, 9, 30, 22, 59, tzinfo=UTC)
        no(TooLate, "has ended", lambda: made.draft(in_force_from=ENDS + DAY, now=last + timedelta(minutes=1)))
        at_last = made.draft(in_force_from=ENDS, now=last)
        actions.withdraw(at_last, reason="Late.", actor=made.manager, now=last)
        # On the day itself, and again from the very day from which the last change applies.
        agreed = begin(in_force_from=TODAY)
        made.reprice(agreed, now=WITHIN)
        actions.submit(agreed, actor=made.manager, now=WITHIN)
        made.approve(agreed, now=WITHIN)
        for actor in (made.signatory, made.approver):
            made.sign(agreed, actor, now=WITHIN)
        assert begin(in_force_from=TODAY).status is VariationStatus.DRAFT
        no(Refused, "signed here", Change(make_service().agreement).draft)

    def test_each_part_to_its_edge(self) -> None:
        made = make_change()
        draft, at = made.draft(), {"actor": made.manager, "now": NOW + DAY}
        terms = draft.version.line_terms[0]
        dates = partial(actions.set_dates, draft, **at)  # type: ignore[arg-type]
        no(Invalid, "must last", lambda: dates(in_force_from=APPLIES, ends_on=APPLIES - DAY), field="ends_on")
        dates(in_force_from=APPLIES, ends_on=APPLIES)
        # Referrals that ended with the contract end with it still, and can be ended sooner, not later.
        assert terms.referrals_until == APPLIES
        bands = [one.band for one in terms.bands]
        volume = partial(actions.set_volume, draft, terms, **at)  # type: ignore[arg-type]
        no(
            Invalid,
            "end with the contract",
            lambda: volume(bands=bands, planned_band=1, referrals_until=APPLIES + DAY),
            field="referrals_until",
        )
        planned = partial(volume, bands=bands[:1], referrals_until=APPLIES)
        no(Invalid, "planned one", lambda: planned(planned_band=2), field="planned_band")
        no(
            Invalid,
            "Band 1",
            lambda: volume(bands=[Band(1, 9, 8, Decimal(1))], planned_band=1, referrals_until=APPLIES),
        )
        volume(bands=bands, planned_band=1, referrals_until=APPLIES)
        places = partial(actions.set_places, draft, terms, **at)  # type: ignore[arg-type]
        no(Invalid, "at least one", lambda: places(place_codes=[KENT, "E99999999"]), field="place_codes")
        no(Invalid, "at least one", lambda: places(place_codes=[]), field="place_codes")
        places(place_codes=[KENT, KENT])
        lead, other = made.agreement.commissioner_id, made.partner.organisation
        shares = partial(actions.set_shares, draft, **at)  # type: ignore[arg-type]
        no(Invalid, "100%", lambda: shares(shares=[(lead, Decimal(100)), (other, Decimal(0))]), field="lead")
        shares(shares=[(lead, Decimal(100))])
        assert [one.organisation_id for one in draft.version.funders] == [lead]
        with pytest.raises(Invalid, match="funds the contract"):
            actions.set_lead(draft, body_id=other, **at)  # type: ignore[arg-type]

    def test_a_draft_that_waited_past_its_day_is_not_put_to_the_funders(self) -> None:
        made = make_change(funders=1)
        draft = made.draft(in_force_from=TODAY, now=WITHIN)
        made.reprice(draft, now=WITHIN)
        late = partial(actions.submit, draft, actor=made.manager, now=WITHIN + DAY)
        no(Invalid, "from today", late, field="in_force_from")
        actions.submit(draft, actor=made.manager, now=WITHIN)
        for again in (actions.submit, partial(actions.set_dates, in_force_from=TODAY, ends_on=ENDS)):
            no(Refused, "no longer a draft", partial(again, draft, actor=made.manager, now=WITHIN))

    def test_only_the_lead_submits_takes_back_and_withdraws(self) -> None:
        made = make_change(funders=1)
        draft = made.draft()
        made.reprice(draft)
        at, outsider = NOW + DAY, make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
        lead_only: list[Callable[..., object]] = [
            partial(actions.submit, draft, now=at),
            partial(actions.set_dates, draft, in_force_from=APPLIES, ends_on=ENDS, now=at),
            partial(actions.take_back, draft, now=at),
            partial(actions.withdraw, draft, reason="x", now=at),
        ]
        for work in lead_only:
            no(NotAllowed, "lead commissioner", partial(work, actor=outsider))
        no(AlreadyDone, "done already", lambda: actions.take_back(draft, actor=made.manager, now=at))
        actions.submit(draft, actor=made.manager, now=at)
        no(Refused, "as you were shown", lambda: _send_back(draft, made.approver, shown_round=2))
        no(NotAllowed, "bodies that fund", lambda: _send_back(draft, make_actor(make_commissioner(), Role.APPROVER)))
        _send_back(draft, made.approver)
        assert (draft.round, draft.returned_reason, draft.status) == (2, "Too dear.", VariationStatus.DRAFT)
        actions.submit(draft, actor=made.manager, now=at)
        # Why it came back is no longer why it waits.
        assert draft.returned_reason is None


def _send_back(draft: Variation, actor: Actor, shown_round: int = 1) -> None:
    actions.send_back(draft, shown_round=shown_round, reason="Too dear.", actor=actor, now=NOW + DAY)


class TestEndings:
    """On which days a contract may end, and who tends to that."""

    def _end(self, made: Change, last_day: date, ground: Ground = Ground.BREACH, **more: Any) -> Variation:
        values: dict[str, Any] = {"by_notice": True, "actor": made.manager, "now": WITHIN, **more}
        return actions.begin_ending(made.agreement, last_day=last_day, ground=ground, reason="x", **values)

    def test_which_last_days(self) -> None:
        made = make_change(funders=1)
        no(Invalid, "end today at the earliest", lambda: self._end(made, TODAY - DAY), field="last_day")
        no(Invalid, "on that day or sooner", lambda: self._end(made, ENDS), field="last_day")
        before = partial(self._end, made, date(2026, 9, 30), now=NOW)
        no(Invalid, "before what is agreed last", before, field="last_day")
        for day, ground in (
            (TODAY, Ground.BREACH),
            (ENDS - DAY, Ground.BREACH),
            (TODAY + 90 * DAY, Ground.FUNDING),
        ):
            actions.withdraw(self._end(made, day, ground), reason="x", actor=made.manager, now=WITHIN)
        # Both sides together may end it sooner than a notice could.
        sooner = self._end(made, TODAY + 89 * DAY, Ground.FUNDING, by_notice=False)
        actions.withdraw(sooner, reason="x", actor=made.manager, now=WITHIN)
        no(TooLate, "at the earliest", lambda: self._end(made, TODAY + 89 * DAY, Ground.FUNDING))

    def test_a_notice_is_put_to_the_funders_while_it_leaves_enough_time(self) -> None:
        made = make_change(funders=1)
        notice = self._end(made, TODAY + 90 * DAY, Ground.FUNDING)
        no(TooLate, "at the earliest", lambda: actions.submit(notice, actor=made.manager, now=WITHIN + DAY))
        actions.submit(notice, actor=made.manager, now=WITHIN)

    def test_exit_plans_are_of_signed_contracts_with_an_end_and_their_tasks_the_leads(self) -> None:
        unsigned, made = Change(make_agreement()), make_change(funders=1)
        begin = partial(actions.begin_exit, actor=SYSTEM, now=WITHIN)
        no(Refused, "signed contract", lambda: begin(unsigned.agreement))
        outsider = make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
        no(NotAllowed, "lead", lambda: actions.begin_exit(made.agreement, actor=outsider, now=WITHIN))
        task = begin(made.agreement)[0]
        for work in (
            partial(actions.drop_task, task, reason="x"),
            partial(actions.reopen_task, task, reason="x"),
            partial(actions.add_task, made.agreement, title="x", what="x", side=task.side, owner=None, due_on=ENDS),
            partial(actions.change_task, task, title="x", what="x", side=task.side, owner=None, due_on=ENDS),
        ):
            no(NotAllowed, "lead", partial(work, actor=outsider, now=WITHIN))
        at: dict[str, Any] = {"actor": made.manager, "now": WITHIN}
        no(AlreadyDone, "open already", lambda: actions.reopen_task(task, reason="x", **at))
        actions.drop_task(task, reason="Not here.", **at)
        for work in (partial(actions.finish_task, note="x"), partial(actions.drop_task, reason="Twice.")):
            no(Refused, "not needed", partial(work, task, **at))
        assert task.dropped_reason == "Not here."
        chain = next(one for one in queries.exit_tasks(made.agreement) if one.title == "Supply chain")
        rename = partial(actions.change_task, chain, what="x", side=chain.side, owner=None, due_on=ENDS, **at)
        no(Invalid, "of that name", lambda: rename(title="Records"), field="title")


class TestOptions:
    """Options to extend."""

    def test_what_may_be_written_and_by_whom(self) -> None:
        made = Change(make_agreement())
        first = made.agreement.versions[0]
        today = NOW.date()
        add = partial(actions.add_option, first, months=6, decide_by=today, actor=made.manager, now=NOW)
        for months in (0, 61):
            no(Invalid, "1 to 60", lambda months=months: add(months=months), field="months")  # type: ignore[misc]
        no(Invalid, "has passed", lambda: add(decide_by=today - DAY), field="decide_by")
        no(Invalid, "before the contract’s last day", lambda: add(decide_by=ENDS), field="decide_by")
        outsider = make_actor(make_commissioner(), Role.CONTRACT_MANAGER)
        no(NotAllowed, "lead", lambda: add(actor=outsider))
        options = [add(), add(months=1), add(months=60), add(decide_by=ENDS - DAY)]
        assert [one.number for one in options] == [1, 2, 3, 4]
        no(NotAllowed, "lead", lambda: actions.remove_option(options[3], actor=outsider, now=NOW))
        actions.remove_option(options[3], actor=made.manager, now=NOW)
        assert [one.number for one in made.agreement.extension_options] == [1, 2, 3]


class TestStops:
    """Stopping new referrals."""

    def test_from_which_day_to_which(self) -> None:
        made = make_change(funders=1)
        stop = partial(actions.suspend, made.agreement, line=None, reason="x", actor=made.manager, now=WITHIN)
        no(Invalid, "from today", lambda: stop(from_on=TODAY - DAY), field="from_on")
        no(Invalid, "ends before", lambda: stop(from_on=ENDS + DAY), field="from_on")
        stopped = stop(from_on=ENDS)
        lift = partial(actions.lift, stopped, reason="x", actor=made.manager, now=WITHIN)
        no(Invalid, "from today", lambda: lift(on=TODAY - DAY), field="on")
        # Lifted before it began, it never was; from its own day on all the same.
        lift(on=TODAY)
        assert (stopped.lifted_from, stopped.applies_on(ENDS)) == (ENDS, False)
        no(AlreadyDone, "lifted already", lambda: lift(on=TODAY))
        last = datetime(2029, 9, 30, 22, 59, tzinfo=UTC)
        no(TooLate, "has ended", lambda: stop(from_on=ENDS, now=last + timedelta(minutes=1)))
        assert stop(from_on=ENDS, now=last).lifted_at is None


class TestGivingUp:
    """Contracts that one side never signs."""

    def test_two_people_of_the_lead_and_only_what_is_not_signed(self) -> None:
        made, signed = Change(make_agreement()), make_change(funders=1)
        ask = partial(actions.propose_abandoning, reason="x", now=NOW)
        no(Refused, "not yet signed", lambda: ask(signed.agreement, actor=signed.manager))
        both = make_actor(made.agreement.commissioner, Role.CONTRACT_MANAGER, Role.APPROVER)
        asked = ask(made.agreement, actor=both)
        no(AlreadyDone, "asked already", lambda: ask(made.agreement, actor=made.manager))
        elsewhere = make_actor(make_commissioner(), Role.APPROVER)
        for decide in (actions.abandon, partial(actions.keep, reason="x")):
            no(NotAllowed, "lead commissioner’s approver", partial(decide, asked, actor=elsewhere, now=NOW))
            no(NotAllowed, "somebody else", partial(decide, asked, actor=both, now=NOW))
        actions.keep(asked, reason="They will sign.", actor=made.approver, now=NOW)
        for decide in (actions.abandon, partial(actions.keep, reason="Again.")):
            no(AlreadyDone, "decided already", partial(decide, asked, actor=made.approver, now=NOW))
        db.session.flush()
        assert (asked.approved, asked.refused_reason) == (False, "They will sign.")
