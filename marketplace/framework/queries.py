"""The framework, its categories with their desired outcomes, cohorts and the selection questionnaire."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from marketplace.errors import NotFound
from marketplace.extensions import db
from marketplace.framework.models import Category, Cohort, DesiredOutcome, Framework, SelectionQuestion

DYNAMIC_FRAMEWORK = "dynamic-framework"


def framework() -> Framework:
    """The framework that suppliers join. Not there before its reference data has been loaded."""
    found = db.session.get(Framework, DYNAMIC_FRAMEWORK)
    if found is None:
        raise NotFound("The framework has not been loaded yet.")
    return found


def categories() -> Sequence[Category]:
    """The categories of service in use, in their order."""
    return db.session.scalars(
        select(Category).where(Category.retired_on.is_(None)).order_by(Category.position, Category.code)
    ).all()


def category(code: str) -> Category:
    """The category with this code. Retired ones are found too: older contracts name them."""
    found = db.session.get(Category, code)
    if found is None:
        raise NotFound("There is no category with this code.")
    return found


def cohorts() -> Sequence[Cohort]:
    """The groups of people services are tailored for, in their order."""
    return db.session.scalars(
        select(Cohort).where(Cohort.retired_on.is_(None)).order_by(Cohort.position, Cohort.code)
    ).all()


def outcomes(category_code: str | None = None) -> Sequence[DesiredOutcome]:
    """Desired outcomes in use, of one category or of all. Six of the categories have none."""
    wanted = (
        select(DesiredOutcome)
        .join(Category, Category.code == DesiredOutcome.category_code)
        .where(DesiredOutcome.retired_on.is_(None))
        .order_by(Category.position, DesiredOutcome.position)
    )
    if category_code is not None:
        wanted = wanted.where(DesiredOutcome.category_code == category_code)
    return db.session.scalars(wanted).all()


def selection_questions() -> Sequence[SelectionQuestion]:
    """The questions of the selection questionnaire (SQ) in use, in their order."""
    return db.session.scalars(
        select(SelectionQuestion).where(SelectionQuestion.retired_on.is_(None)).order_by(SelectionQuestion.position)
    ).all()
