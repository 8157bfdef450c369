"""Service lines that take referrals, referrals and sessions. Rows are made directly, without the actions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from calloffs.competitions.rules import Instrument
from contracts.agreements.models import Agreement, ServiceLine
from contracts.agreements.rules import AgreementStatus, Origin
from contracts.referrals.actions import Need, counting, fingerprint
from contracts.referrals.models import Referral, Session
from contracts.referrals.rules import UNSENT, Complexity, ReferralStatus
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.framework.models import Category
from tests.factories.accounts import LONG_AGO, make_actor, make_commissioner, make_supplier
from tests.factories.agreements import make_terms, make_version
from tests.factories.framework import make_framework
from tests.factories.places import KENT, make_places

STARTED = date(2026, 4, 1)
SENT = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)
OFFER_LASTS = timedelta(days=7)
FOUR_BANDS = ((60, 80), (81, 100), (101, 120), (121, 140))
_numbers = itertools.count(1)


def make_service(
    *,
    bands: Sequence[tuple[int, int]] = ((0, 120),),
    planned_band: int | None = None,
    categories: Sequence[str] = ("ACC",),
    places: Sequence[str] = (KENT,),
    supplier: Organisation | None = None,
    commissioner: Organisation | None = None,
    funders: Sequence[Organisation] = (),
    status: AgreementStatus = AgreementStatus.SIGNED,
    starts_on: date = STARTED,
    ends_on: date | None = None,
    with_manager: bool = True,
    title: str | None = None,
    **line: object,
) -> ServiceLine:
    """A service line of a signed contract, open to everybody from its start, with somebody to receive referrals."""
    number = next(_numbers)
    if db.session.get(Category, categories[0]) is None:
        make_framework()
    there = make_places(*places)
    supplier = supplier or make_supplier(f"Supplier of {number}")
    if with_manager:
        make_actor(supplier, Role.SERVICE_MANAGER)
    commissioner = commissioner or make_commissioner()
    title = title or f"Service {number}"
    agreement = Agreement(
        reference=f"C-T-{number:04}",
        origin=Origin.REGISTER,
        instrument=Instrument.CONTRACT,
        status=status,
        supplier=supplier,
        commissioner=commissioner,
        title=title,
        specification="Help, as agreed.",
        starts_on=starts_on,
        ends_on=ends_on,
        created_at=LONG_AGO,
    )
    values: dict[str, object] = {
        "open_to_women": True,
        "open_to_men": True,
        "minimum_age": 18,
        "referrals_from": starts_on,
        **line,
    }
    until = values.pop("referrals_until", None)
    made = ServiceLine(
        agreement=agreement,
        number=1,
        title=title,
        categories=[db.session.get_one(Category, code) for code in categories],
        **values,
    )
    db.session.add(made)
    make_terms(
        make_version(
            agreement,
            funders=[(one, Decimal(100) / len(funders)) for one in funders],
            agreed_at=LONG_AGO if status is AgreementStatus.SIGNED else None,
        ),
        made,
        bands=[(low, high, Decimal(1000 * high)) for low, high in bands],
        planned_band=planned_band,
        places=[there[code] for code in places],
        referrals_until=until,  # type: ignore[arg-type]
    )
    return made


def make_officer() -> Actor:
    """A Responsible Officer of a probation region."""
    return make_actor(make_commissioner(), Role.RESPONSIBLE_OFFICER)


def make_need(crn: str = "X123456", **changed: object) -> Need:
    """What an officer writes."""
    values: dict[str, object] = {
        "crn": crn,
        "category_code": "ACC",
        "need": "Sleeps in a car; needs a room.",
        "outcome_codes": ["ACC-1"],
        "complexity": Complexity.MEDIUM,
        "rar_days": 10,
        **changed,
    }
    return Need(**values)  # type: ignore[arg-type]


def make_referral(
    line: ServiceLine,
    *,
    officer: Actor | None = None,
    status: ReferralStatus = ReferralStatus.SENT,
    caseworker: Actor | None = None,
    sent_at: datetime = SENT,
    crn: str | None = None,
) -> Referral:
    """A referral in whatever state; it has taken its place, and given it back if it was returned or withdrawn.

    One that waits joined the waiting list at `sent_at`; one that is offered a place was so a minute later.
    """
    officer = officer or make_officer()
    number = next(_numbers)
    crn = crn or f"Z{number:06}"
    accepted = status in (ReferralStatus.ACCEPTED, ReferralStatus.COMPLETED)
    moved = status is ReferralStatus.TRANSFERRED
    unsent, offered = status in UNSENT, status is ReferralStatus.OFFERED
    if accepted and caseworker is None:
        caseworker = make_actor(line.agreement.supplier, Role.CASEWORKER)
    made = Referral(
        reference=f"R-T{number:06}",
        line=line,
        officer_id=officer.person,
        officer_organisation_id=officer.organisation,
        status=status,
        crn=crn,
        crn_fingerprint=fingerprint(crn),
        category_code=line.categories[0].code,
        need="A need.",
        complexity=Complexity.LOW,
        joined_at=sent_at if unsent else None,
        offered_at=sent_at + timedelta(minutes=1) if offered else None,
        offer_ends_at=sent_at + OFFER_LASTS if offered else None,
        sent_at=None if unsent else sent_at,
        accepted_at=sent_at if accepted else None,
        caseworker_id=caseworker.person if caseworker else None,
        officer_looked_at=sent_at,
        ended_at=sent_at if moved or status is ReferralStatus.COMPLETED else None,
    )
    if status is not ReferralStatus.WAITING:
        counting.take_place(made, now=sent_at)
    if status in (ReferralStatus.RETURNED, ReferralStatus.WITHDRAWN):
        counting.give_back(made, now=sent_at)
    if status is ReferralStatus.COMPLETED:
        counting.see_through(made)
    db.session.add(made)
    db.session.flush()
    return made


def make_referrals(line: ServiceLine, count: int, *, sent_at: datetime = SENT) -> None:
    """So many referrals by one officer."""
    officer = make_officer()
    for _ in range(count):
        make_referral(line, officer=officer, sent_at=sent_at)


def make_session(referral: Referral, *, starts_at: datetime, number: int = 1) -> Session:
    """An appointment not recorded yet."""
    made = Session(referral_id=referral.id, number=number, starts_at=starts_at, entered_at=starts_at)
    db.session.add(made)
    db.session.flush()
    return made
