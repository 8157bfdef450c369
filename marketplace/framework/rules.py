"""The framework: procurement regimes and the rules of selection questions."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

PROCUREMENT_ACT_BEGAN = date(2025, 2, 24)


class Regime(StrEnum):
    """The procurement law a framework's competitions follow, by when the framework began (domain.md)."""

    PCR_2015 = "pcr_2015"
    PA_2023 = "pa_2023"

    @property
    def label(self) -> str:
        """The regime in words."""
        return {
            Regime.PCR_2015: "Public Contracts Regulations 2015, light touch",
            Regime.PA_2023: "Procurement Act 2023, light touch",
        }[self]


def regime_of(began_on: date) -> Regime:
    """The regime of a framework that began on this day."""
    return Regime.PCR_2015 if began_on < PROCUREMENT_ACT_BEGAN else Regime.PA_2023


class QuestionRule(StrEnum):
    """How a selection answer is judged."""

    PASS_IF_YES = "pass_if_yes"
    PASS_IF_NO = "pass_if_no"
    JUDGED = "judged"
    INFORMATION = "information"

    @property
    def needs_judgement(self) -> bool:
        """Whether a person must say if the answer passes."""
        return self is QuestionRule.JUDGED

    @property
    def is_written(self) -> bool:
        """Whether the answer is written in words; otherwise it is yes or no."""
        return self in (QuestionRule.JUDGED, QuestionRule.INFORMATION)
