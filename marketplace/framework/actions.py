"""Loading the framework: its categories, desired outcomes, cohorts and selection questionnaire."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from marketplace import clock, reference
from marketplace.framework.models import Category, Cohort, DesiredOutcome, Framework, SelectionQuestion
from marketplace.reference import Loaded

REFERENCE = Path(__file__).parent / "reference"
# In this order: desired outcomes belong to a category.
FILES = (
    ("frameworks.csv", Framework),
    ("categories.csv", Category),
    ("desired_outcomes.csv", DesiredOutcome),
    ("cohorts.csv", Cohort),
    ("selection_questions.csv", SelectionQuestion),
)


def load_framework(*, now: datetime, folder: Path = REFERENCE) -> Loaded:
    """Load the framework's reference data.

    The framework began in the middle of 2020. The day makes no difference; the year does, because its competitions
    follow the Public Contracts Regulations 2015 (`rules.regime_of`). The selection questions are our own wording.
    """
    today = clock.london(now).date()
    loaded = Loaded()
    for name, model in FILES:
        loaded += reference.load(model, reference.read(folder / name, model), today=today)
    return loaded
