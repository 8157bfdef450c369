"""The words of planning: how a volume is known, what changes it, how a need is met, and which parts a plan has."""

from __future__ import annotations

from enum import StrEnum


class VolumeBasis(StrEnum):
    """How the projected volume is known."""

    CASELOAD = "caseload"
    STATED = "stated"

    @property
    def label(self) -> str:
        """The basis in words."""
        return {
            VolumeBasis.CASELOAD: "Work it out from the caseload of past years",
            VolumeBasis.STATED: "Enter a projection that was worked out elsewhere",
        }[self]


class GrowthKind(StrEnum):
    """What may change the caseload. Police numbers are always asked about (R40)."""

    POLICE = "police"
    SENTENCING = "sentencing"
    POPULATION = "population"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The cause in words."""
        return {
            GrowthKind.POLICE: "Police officer numbers",
            GrowthKind.SENTENCING: "Sentencing and release policy",
            GrowthKind.POPULATION: "Population of the area",
            GrowthKind.OTHER: "Anything else",
        }[self]


class Intensity(StrEnum):
    """How much help a person needs, by which the cost of helping them differs (R82)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def label(self) -> str:
        """The intensity in words."""
        return self.value.capitalize()


class Route(StrEnum):
    """How a need is to be met (R29, R31)."""

    CONTRACT = "contract"
    GRANT = "grant"
    ELSEWHERE = "elsewhere"

    @property
    def label(self) -> str:
        """The route in words."""
        return {
            Route.CONTRACT: "A call-off from the framework, leading to a contract",
            Route.GRANT: "A call-off from the framework, leading to a grant",
            Route.ELSEWHERE: "Another route, outside the framework",
        }[self]


class Evidence(StrEnum):
    """How the needs data stands that a plan rests on, on a day (R48)."""

    NONE = "none"
    AWAITED = "awaited"
    LATE = "late"
    CURRENT = "current"
    OLD = "old"

    @property
    def label(self) -> str:
        """The standing in words."""
        return {
            Evidence.NONE: "No needs data",
            Evidence.AWAITED: "Not published yet",
            Evidence.LATE: "Late",
            Evidence.CURRENT: "Current",
            Evidence.OLD: "Out of date",
        }[self]

    @property
    def needs_reason(self) -> bool:
        """Whether a call-off is published on it only for a reason: on all but data that is published and still good."""
        return self is not Evidence.CURRENT


class Section(StrEnum):
    """A part of a plan: one page each."""

    NEED = "need"
    EVIDENCE = "evidence"
    VOLUME = "volume"
    GROWTH = "growth"
    PRICE = "price"
    MONEY = "money"
    BANDS = "bands"

    @property
    def label(self) -> str:
        """The part in words."""
        return {
            Section.NEED: "The need, where and when",
            Section.EVIDENCE: "Needs data",
            Section.VOLUME: "Past caseload and who is eligible",
            Section.GROWTH: "Forecast growth",
            Section.PRICE: "Unit costs and mix",
            Section.MONEY: "Budget and route",
            Section.BANDS: "Cap or volume bands",
        }[self]
