"""How contracts run: who delivers, what was promised, who else works on them, and how well it goes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from contracts.agreements.rules import Side, months_after
from contracts.invoices import actions as invoicing
from contracts.mobilisation import actions as mobilising
from contracts.mobilisation import queries as mobilisation
from contracts.mobilisation.rules import Dates, Frequency, PromiseKind, VettingLevel
from contracts.mobilisation.rules import Verdict as Judged
from contracts.performance import actions as performing
from contracts.performance.models import Scorecard
from contracts.performance.rules import Measure, Point, ReviewRating, Target, Verdict
from contracts.volumes import actions as acting
from contracts.volumes.actions import Decision
from contracts.volumes.rules import ActionKind
from contracts.volumes.rules import Verdict as Found
from marketplace.access import Role
from marketplace.accounts.rules import SupplierStatus
from marketplace.demonstration import scenes
from marketplace.demonstration.cast import PATHWAYS, REGION, WOMENS_CENTRE
from marketplace.demonstration.changes import contract_of
from marketplace.extensions import db
from marketplace.transactions import transaction

if TYPE_CHECKING:
    from marketplace.demonstration.play import Play

# Who delivers: (reference, role, level, cleared so many days before the start, ends so many days from today).
STAFF = (
    ("EY-01", "Women’s worker", VettingLevel.ENHANCED_1, 30, 700),
    ("HB-02", "Women’s worker", VettingLevel.ENHANCED_1, 26, 41),
    ("RD-03", "Peer mentor", VettingLevel.STANDARD, 12, 500),
    ("SK-04", "Counsellor", VettingLevel.ENHANCED_2, None, None),
)
PRISON = "HMP & YOI Low Newton"
# The supply chain: (name, work, share in percent, status).
CHAIN = (
    ("Tyne Kitchen Collective", "Cooking and eating together, and work experience", "12.00", SupplierStatus.VCSE),
    ("Coble Counselling", "Counselling after violence", "9.50", SupplierStatus.SME),
)
WIDER = "Show who drops out by group, and say what is done about it."
THIN = "Three of four peer mentors’ notes say that somebody came and nothing of what was done."
COMMENT = "Two workers left in the month. Both posts are filled, and first sessions are offered within a week again."
REVIEWED = "First sessions were late while two posts stood empty. Agreed: a weekly list until all are in time."
WEEKLY = "Send the list of people who wait for a first session each Monday, until nobody has waited over ten days."
SLOTS = "Ask the two probation offices for a room on Thursday evenings, so that sessions can be offered after work."
SLOTS_FOUND = "Both offices offer a room on Thursdays from 4 to 8pm; the calendar is shared with the supplier."
MADE_KNOWN = "A page for officers in each office, and ten minutes at their team meetings."
SOME_MORE = "Two teams refer now, and four more people came. The teams on the coast are next."
SLOWED = "Two or three places are left until the next contract. Officers refer those with nowhere to sleep first."
SLOW_WORDS = "Few places are left this year. Refer people with nowhere to sleep first; ask us about others."
SEASON = (10, 10, 11, 10, 10, 10, 9, 6, 11, 11, 10, 6)


def run(play: Play) -> None:
    """All that goes on beside referrals, before the first month is over."""
    _staff(play)
    _promises(play)
    _chain(play)
    _targets(play)


def _staff(play: Play) -> None:
    """Who delivers for women: all but one cleared, one clearance near its end, two with access to a prison."""
    contract, deliverer = contract_of(scenes.WOMEN), play.who(WOMENS_CENTRE, Role.SERVICE_MANAGER)
    for number, (reference, role, level, before, ends) in enumerate(STAFF):
        with play.at(contract.starts_on - timedelta(days=8)) as now:
            given = contract.starts_on - timedelta(days=before) if before else None
            dates = Dates(
                contract.starts_on - timedelta(days=50),
                given,
                play.today + timedelta(days=ends) if ends else None,
            )
            member = mobilising.enter_staff(
                contract, reference=reference, role=role, level=level, dates=dates, actor=deliverer, now=now
            )
            if number < 2:
                access = Dates(contract.starts_on - timedelta(days=40), given if number else None, None)
                mobilising.enter_access(member, prison=PRISON, dates=access, actor=deliverer, now=now)


def _promises(play: Play) -> None:
    """Two promises that are reported on, one of them judged, and one that waits to be agreed."""
    contract = contract_of(scenes.WOMEN)
    manager, deliverer = play.who(REGION, Role.CONTRACT_MANAGER), play.who(WOMENS_CENTRE, Role.SERVICE_MANAGER)
    first = months_after(contract.starts_on, 3)
    rows = (
        mobilising.Words(
            PromiseKind.EQUALITY,
            "Women with children",
            "Appointments in school hours and a crèche",
            "Appointments missed for want of childcare, of all missed",
            "Under 5%",
            Frequency.QUARTERLY,
            first,
        ),
        mobilising.Words(
            PromiseKind.SOCIAL_VALUE,
            "Women with convictions",
            "Paid work",
            "Women with convictions employed on the contract for six months or longer",
            "Two in the first year",
            Frequency.YEARLY,
            months_after(contract.starts_on, 12),
        ),
    )
    with play.at(contract.starts_on - timedelta(days=10)) as now:
        made = [mobilising.propose_promise(contract, words, actor=deliverer, now=now) for words in rows]
    with play.at(contract.starts_on - timedelta(days=6)) as now:
        for promise in made:
            mobilising.agree_promise(promise, actor=manager, now=now)
    with play.at(first + timedelta(days=5)) as now:
        report = mobilising.report_on_promise(
            made[0],
            due_on=first,
            reached="1 of 14 (7%)",
            words="One appointment fell on a training day of the crèche; both are planned together now.",
            actor=deliverer,
            now=now,
        )
    with play.at(first + timedelta(days=9)) as now:
        reason = "Just over. What was changed should do."
        mobilising.judge(report, verdict=Judged.PARTLY, reason=reason, actor=manager, now=now)
    words = mobilising.Words(
        PromiseKind.EQUALITY,
        "Women whose first language is not English",
        "An interpreter at the first meeting",
        "Requests for an interpreter that were met",
        "All",
        Frequency.QUARTERLY,
        months_after(contract.starts_on, 9),
    )
    with play.at(play.today - timedelta(days=5)) as now:
        mobilising.propose_promise(contract, words, actor=manager, now=now)


def _chain(play: Play) -> None:
    """Who else works for women, what each did of the first quarter, and what they were paid."""
    contract = contract_of(scenes.WOMEN)
    manager, deliverer = play.who(REGION, Role.CONTRACT_MANAGER), play.who(WOMENS_CENTRE, Role.SERVICE_MANAGER)
    clerk = play.who(WOMENS_CENTRE, Role.SUPPLIER_FINANCE)
    with play.at(contract.starts_on - timedelta(days=9)) as now:
        members = [
            mobilising.enter_subcontractor(
                contract, name=name, work=work, share=Decimal(share), status=status, actor=deliverer, now=now
            )
            for name, work, share, status in CHAIN
        ]
    with play.at(contract.starts_on - timedelta(days=5)) as now:
        waiting = mobilisation.chain_of(contract, contract.starts_on).to_agree
        mobilising.agree_chain(contract, seen=mobilisation.mark_of(waiting), actor=manager, now=now)
    quarter = contract.starts_on
    with play.at(months_after(quarter, 3) + timedelta(days=8)) as now:
        parts = {members[0].id: Decimal("10.50"), members[1].id: Decimal("6.00")}
        mobilising.report_quarter(contract, quarter_begins=quarter, parts=parts, actor=deliverer, now=now)
    for number in range(3):
        month = months_after(contract.starts_on, number)
        invoiced = months_after(month, 1) + timedelta(days=4)
        for member, days in zip(members, (18, 22 if number != 1 else 39), strict=True):
            with play.at(invoiced + timedelta(days=40)) as now:
                invoicing.confirm_payment(
                    member,
                    month=month,
                    amount=Decimal("2310.00") if member is members[0] else Decimal("1640.00"),
                    invoiced_on=invoiced,
                    paid_on=invoiced + timedelta(days=days),
                    actor=clerk,
                    now=now,
                )


def _targets(play: Play) -> None:
    """The usual targets are agreed for two contracts before they begin; for one of them another is proposed now."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    for title, supplier in ((scenes.WOMEN, WOMENS_CENTRE), (scenes.WELLBEING, PATHWAYS)):
        contract, other = contract_of(title), play.who(supplier, Role.SERVICE_MANAGER)
        with play.at(contract.starts_on - timedelta(days=9)) as now:
            made = performing.propose_usual(contract, actor=manager, now=now)
        with play.at(contract.starts_on - timedelta(days=4)) as now:
            performing.agree_all(contract, seen=[one.id for one in made], actor=other, now=now)
    with play.at(play.today - timedelta(days=2)) as now:
        performing.propose(
            contract_of(scenes.WELLBEING),
            Measure.ATTENDED,
            Target(65, 10),
            from_month=months_after(play.today.replace(day=1), 1),
            why="People come from further away since the second office closed.",
            actor=play.who(PATHWAYS, Role.SERVICE_MANAGER),
            now=now,
        )


def look_back(play: Play) -> None:
    """What both sides make of the last months: reviews, actions, a quality review, and what is done about volumes."""
    _scorecards(play)
    _quality(play)
    _volumes(play)


def _scorecards(play: Play) -> None:
    manager, deliverer = play.who(REGION, Role.CONTRACT_MANAGER), play.who(PATHWAYS, Role.SERVICE_MANAGER)
    cards = db.session.scalars(
        select(Scorecard)
        .where(Scorecard.agreement_id == contract_of(scenes.WELLBEING).id)
        .order_by(Scorecard.month.desc())
    ).all()
    with play.at(play.today - timedelta(days=14)) as now, transaction():
        performing.comment(cards[1], words=COMMENT, actor=deliverer, now=now)
    with play.at(play.today - timedelta(days=11)) as now, transaction():
        performing.review(cards[1], words=REVIEWED, actor=manager, now=now)
        for what, side, days in ((WEEKLY, Side.SUPPLIER, 4), (SLOTS, Side.COMMISSIONER, 9)):
            due_on = play.today - timedelta(days=days)
            made = performing.resolve(cards[1], what=what, side=side, due_on=due_on, actor=manager, now=now)
    with play.at(play.today - timedelta(days=8)) as now, transaction():
        performing.say_done(made, shown=SLOTS_FOUND, actor=manager, now=now)
        performing.close(made, actor=manager, now=now)
    with play.at(play.today - timedelta(days=3)) as now, transaction():
        performing.chase(contract_of(scenes.MENTORS).lines[0], actor=manager, now=now)


def _quality(play: Play) -> None:
    """A review that is finished, and one that is under way."""
    manager = play.who(REGION, Role.CONTRACT_MANAGER)
    with play.at(play.today - timedelta(days=40)) as now, transaction():
        review = performing.begin_review(contract_of(scenes.WELLBEING), actor=manager, now=now)
    with play.at(play.today - timedelta(days=34)) as now, transaction():
        points = dict.fromkeys(Point, (Verdict.MET, ""))
        points |= {
            Point.EQUALITY: (Verdict.NOT_MET, WIDER),
            Point.VOICE: (Verdict.PARTLY, "Asked, but not yet acted on."),
        }
        drawn = {one.position: (Verdict.MET if one.position % 4 else Verdict.PARTLY, "") for one in review.referrals}
        performing.keep_review(review, points, drawn, actor=manager, now=now)
        performing.finish_review(
            review,
            rating=ReviewRating.SOUND,
            reasons="The method is sound and used. Who drops out is not looked at by group.",
            next_on=play.today + timedelta(days=330),
            actor=manager,
            now=now,
        )
    with play.at(play.today - timedelta(days=2)) as now, transaction():
        review = performing.begin_review(contract_of(scenes.WOMEN), actor=manager, now=now)
        performing.keep_review(review, {Point.METHOD: (Verdict.PARTLY, THIN)}, {}, actor=manager, now=now)


def _volumes(play: Play) -> None:
    """What is done about services: one is made known and looked at again, one will be changed."""
    manager, coordinator = play.who(REGION, Role.CONTRACT_MANAGER), play.who(REGION, Role.REGIONAL_COORDINATOR)
    women, homes = contract_of(scenes.WOMEN).lines[0], contract_of(scenes.ACCOMMODATION).lines[0]
    known = Decision(ActionKind.MARKET, MADE_KNOWN, coordinator.person, play.today - timedelta(days=5))
    with play.at(play.today - timedelta(days=35)) as now, transaction():
        action = acting.decide(women.id, known, actor=coordinator, now=now)
    with play.at(play.today - timedelta(days=5)) as now, transaction():
        acting.follow_up(
            action.id,
            due_on=known.follow_up_on,
            verdict=Found.GOES_ON,
            words=SOME_MORE,
            next_on=play.today + timedelta(days=25),
            actor=coordinator,
            now=now,
        )
    slow = Decision(
        ActionKind.SLOW,
        SLOWED,
        manager.person,
        play.today + timedelta(days=12),
        message=SLOW_WORDS,
        message_until=play.today + timedelta(days=40),
    )
    with play.at(play.today - timedelta(days=3)) as now, transaction():
        acting.decide(homes.id, slow, actor=manager, now=now)
    with play.at(play.today - timedelta(days=60)) as now, transaction():
        line = contract_of(scenes.EMPLOYMENT).lines[0]
        acting.set_season(
            line.id,
            SEASON,
            from_day=play.today - timedelta(days=60),
            reason="Fewer come in August and December, when courses pause.",
            actor=manager,
            now=now,
        )
