"""What is played: call-offs at every stage and what came of them. Days count from today; all of it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from calloffs.plans.rules import Band
from marketplace.demonstration.cast import KITTIWAKE, LODESTAR, PATHWAYS, PCC, REGION, WOMENS_CENTRE, Body


class Until(IntEnum):
    """How far a call-off is played."""

    DRAFT = 1
    AWAITING_APPROVAL = 2
    OPEN = 3
    CLOSED = 4
    MARKING = 5
    EVALUATED = 6
    STANDSTILL = 7
    CONTRACT = 8


@dataclass(frozen=True)
class CallOff:
    """One call-off. `closes` counts days from today; `bidders` name each one's strength (0 to 5) and price.

    The price is in percent of the most that the commissioner pays.
    """

    title: str
    category: str
    place: str
    until: Until
    closes: int
    bands: tuple[Band, ...]
    bidders: tuple[tuple[Body, int, int], ...] = ()
    funders: tuple[tuple[Body, Decimal], ...] = ((REGION, Decimal(100)),)
    months: int = 36
    # Referrals so far: in percent of the profile to date, or (as a number left) up to so many under the cap.
    of_profile: int = 0
    left_under_cap: int | None = None
    # Whether the region's share comes from its outcomes fund.
    from_fund: bool = False
    # How many months ago the contract began; 0 for those that begin in the future.
    began: int = 0
    # A grant, paid by instalments, rather than a contract.
    grant: bool = False
    # For how many months the contract can be extended.
    option: int = 0
    # The service from which people were moved to this one a month after it began, and how many wait for a place.
    follows: str = ""
    waiting: int = 0


def _cap(most: int, value: str) -> tuple[Band, ...]:
    return (Band(1, 0, most, Decimal(value)),)


_WOMEN = (
    Band(1, 96, 127, Decimal("280000.00")),
    Band(2, 128, 160, Decimal("360000.00")),
    Band(3, 161, 192, Decimal("432000.00")),
    Band(4, 193, 224, Decimal("496000.00")),
)
_WELLBEING = (
    Band(1, 24, 31, Decimal("150000.00")),
    Band(2, 32, 39, Decimal("186000.00")),
    Band(3, 40, 47, Decimal("219000.00")),
    Band(4, 48, 56, Decimal("249000.00")),
)
_NORTHUMBRIA, _CLEVELAND, _DURHAM = "E23000007", "E23000013", "E23000008"

# The services of which more is told than how they came about.
WOMEN, EMPLOYMENT = "Women’s services in Northumbria", "Education, training and employment in the North East"
ACCOMMODATION, HOMES = "Accommodation support in Cleveland", "Homes and support in Cleveland"
WELLBEING, FAMILY = "Emotional wellbeing in Northumbria", "Family and significant others in County Durham"
MENTORING, MENTORS = "Mentoring for young adults in Northumbria", "Young adults’ mentors in Northumbria"
GRANT = "A voice for women on probation in Northumbria"

CALL_OFFS = (
    CallOff(
        WOMEN,
        "WOM",
        _NORTHUMBRIA,
        Until.CONTRACT,
        closes=0,
        bands=_WOMEN,
        bidders=((WOMENS_CENTRE, 4, 92), (LODESTAR, 3, 88)),
        funders=((REGION, Decimal(60)), (PCC, Decimal(40))),
        from_fund=True,
        began=5,
        of_profile=25,
    ),
    CallOff(
        EMPLOYMENT,
        "ETE",
        "A",
        Until.CONTRACT,
        closes=0,
        bands=_cap(108, "260000.00"),
        bidders=((PATHWAYS, 4, 95), (LODESTAR, 4, 99), (KITTIWAKE, 2, 90)),
        began=4,
        of_profile=101,
    ),
    CallOff(
        ACCOMMODATION,
        "ACC",
        _CLEVELAND,
        Until.CONTRACT,
        closes=0,
        bands=_cap(42, "150000.00"),
        bidders=((KITTIWAKE, 4, 94), (LODESTAR, 3, 97)),
        began=6,
        left_under_cap=3,
    ),
    # In its second year: the first is reconciled.
    CallOff(
        WELLBEING,
        "EMO",
        _NORTHUMBRIA,
        Until.CONTRACT,
        closes=0,
        bands=_WELLBEING,
        bidders=((PATHWAYS, 4, 94), (LODESTAR, 3, 90)),
        funders=((REGION, Decimal(70)), (PCC, Decimal(30))),
        months=24,
        began=14,
        of_profile=118,
        option=12,
    ),
    # Over since last month, and the one to which those were moved who were still in service.
    CallOff(
        MENTORING,
        "YAD",
        _NORTHUMBRIA,
        Until.CONTRACT,
        closes=0,
        bands=_cap(24, "48000.00"),
        bidders=((LODESTAR, 3, 93),),
        months=12,
        began=13,
        of_profile=60,
    ),
    CallOff(
        MENTORS,
        "YAD",
        _NORTHUMBRIA,
        Until.CONTRACT,
        closes=0,
        bands=_cap(14, "42000.00"),
        bidders=((PATHWAYS, 4, 96), (LODESTAR, 2, 93)),
        began=2,
        left_under_cap=0,
        follows=MENTORING,
        waiting=4,
    ),
    CallOff(
        GRANT,
        "SUI",
        _NORTHUMBRIA,
        Until.CONTRACT,
        closes=0,
        bands=_cap(30, "60000.00"),
        bidders=((WOMENS_CENTRE, 4, 100),),
        funders=((REGION, Decimal(50)), (PCC, Decimal(50))),
        months=12,
        began=5,
        of_profile=80,
        grant=True,
    ),
    # To which the one in Cleveland is handed over.
    CallOff(
        HOMES,
        "ACC",
        _CLEVELAND,
        Until.CONTRACT,
        closes=-50,
        bands=_cap(50, "180000.00"),
        bidders=((LODESTAR, 4, 94), (KITTIWAKE, 2, 97)),
    ),
    CallOff(
        FAMILY,
        "FAM",
        _DURHAM,
        Until.CONTRACT,
        closes=-45,
        bands=_cap(80, "104000.00"),
        bidders=((PATHWAYS, 4, 96), (LODESTAR, 3, 90)),
    ),
    CallOff(
        "Emotional wellbeing in County Durham",
        "EMO",
        _DURHAM,
        Until.STANDSTILL,
        closes=-24,
        bands=_cap(90, "110000.00"),
        bidders=((PATHWAYS, 5, 96), (LODESTAR, 3, 85)),
    ),
    CallOff(
        "Finance, benefit and debt advice in Northumbria",
        "FBD",
        _NORTHUMBRIA,
        Until.EVALUATED,
        closes=-20,
        bands=_cap(150, "135000.00"),
        bidders=((KITTIWAKE, 3, 92), (LODESTAR, 3, 80)),
    ),
    CallOff(
        "Mentoring for young adults in Cleveland",
        "YAD",
        _CLEVELAND,
        Until.MARKING,
        closes=-9,
        bands=_cap(80, "96000.00"),
        bidders=((PATHWAYS, 4, 93), (LODESTAR, 3, 90)),
    ),
    CallOff(
        "Family and significant others in the North East",
        "FAM",
        "A",
        Until.CLOSED,
        closes=-1,
        bands=_cap(100, "120000.00"),
        bidders=((PATHWAYS, 3, 97), (LODESTAR, 3, 91)),
    ),
    CallOff(
        "Accommodation support in Gateshead",
        "ACC",
        "E08000037",
        Until.OPEN,
        closes=16,
        bands=_cap(45, "98000.00"),
        bidders=((KITTIWAKE, 4, 95),),
    ),
    CallOff(
        "Women’s services in Cleveland",
        "WOM",
        _CLEVELAND,
        Until.OPEN,
        closes=23,
        bands=_cap(70, "140000.00"),
        from_fund=True,
    ),
    CallOff(
        "Social inclusion in Northumbria",
        "SOC",
        _NORTHUMBRIA,
        Until.AWAITING_APPROVAL,
        closes=40,
        bands=_cap(110, "125000.00"),
    ),
    CallOff(
        "Lifestyle and associates in County Durham",
        "LIF",
        _DURHAM,
        Until.DRAFT,
        closes=55,
        bands=_cap(85, "90000.00"),
    ),
)

FUND_PURPOSES = ("Wider outcomes for women", "Settled homes after release")
FUND_AMOUNT = Decimal("1500000.00")

# What each invented supplier asks to be qualified for: categories, in which places.
SOUGHT: tuple[tuple[Body, tuple[str, ...], tuple[str, ...]], ...] = (
    (WOMENS_CENTRE, ("WOM", "SUI"), ("A",)),
    (PATHWAYS, ("ETE", "EMO", "FAM", "YAD", "SOC"), ("A",)),
    (KITTIWAKE, ("ACC", "FBD", "ETE"), ("A",)),
    (LODESTAR, ("ACC", "ETE", "EMO", "FAM", "FBD", "LIF", "SOC", "WOM", "YAD"), ("A", "C")),
)
SQ_ANSWERS = {
    "exclusion-grounds": "no",
    "debarment": "no",
    "delivery-experience": "For eight years we have supported people leaving prison in this area, 400 a year.",
    "lived-experience": "A panel of people with lived experience meets each month and approves every change.",
}

# (category, the most words, weight)
QUESTIONS = (
    ("How will you deliver the service, and how will people come to it and stay with it?", 750, 40),
    ("Who will deliver it, and how will you recruit, train and support them?", 500, 20),
    ("How will you work with probation staff and with other local services?", 500, 20),
)
PRICE_WEIGHT = 20
SPECIFICATION = (
    "People on probation in this area need a service that is near them, begins soon after they are referred and is "
    "given by people who know the area.\n\n"
    "What we set: the outcomes, the volumes, the standards of safeguarding and of information. What we leave to you: "
    "the method. Tell us what you will do and why it works.\n\n"
    "The service begins within 10 working days of each referral. It is open to everybody in its cohort, with help for "
    "those who find reading, travel or language hard."
)
NEEDS_REASON = "The contract that runs now ends before this year’s needs data comes out; the plan uses last year’s."
LEVEL_REASON = "The need and the people who can meet it are found at this level; no smaller area has enough referrals."
ANSWERS = (
    "We meet each person where they are within five working days of the referral, agree with them what they want to "
    "change, and stay with them for as long as the contract allows. Half of our staff have lived experience. Each "
    "person has one named worker throughout.",
    "A service manager and named workers, each with supervision every four weeks. We recruit locally and train "
    "everyone in trauma, safeguarding and the law on data before they see anybody.",
    "A weekly call with the probation office, a shared calendar of appointments and a single point of contact. We "
    "tell the officer of a missed appointment the same day.",
)
PSED_ANSWER = (
    "Women with children: appointments in school hours and a crèche, so that none is missed for want of childcare, "
    "measured by attendance of parents against others. People with learning disabilities: easy-read plans for all who "
    "need one, measured by plans given. People whose first language is not English or Welsh: interpreters at the first "
    "meeting, measured by requests met."
)
NEEDS = (
    "Needs help to find and keep a settled place to live.",
    "Wants to get back to work and needs help with a CV and interviews.",
    "Has few people around them and would gain from a mentor.",
    "Needs support with confidence and daily routine after release.",
)
REASONS = {
    5: "Exceptional: every part answered with evidence, and more than was asked.",
    4: "Good: every part answered, most of it with evidence.",
    3: "Satisfactory: the parts that matter are answered; evidence is thin in places.",
    2: "Limited: parts are missing or only promised.",
    1: "Poor: little of what was asked is answered.",
    0: "Nothing that answers the question.",
}
