"""Forms of joining the framework and of deciding who joins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms.validators import StopValidation

from marketplace.forms import Checkbox, Choice, Choices, Form, LongText, optional, required, word_limit
from marketplace.framework.models import SelectionQuestion
from marketplace.suppliers.models import ApplicationArea, ApplicationCategory
from marketplace.suppliers.rules import NOTE_WORDS, REASON_WORDS, Decision

YES_NO = [("yes", "Yes"), ("no", "No")]
NOBODY = "none"


class CategoriesForm(Form):
    """Which categories of service a supplier offers."""

    categories = Choices("Which categories of service do you offer?", missing="Choose at least one category of service")


class AreasForm(Form):
    """Where a supplier offers one category, or all of its categories."""

    places = Choices("Where do you offer it?", missing="Choose at least one area")
    for_all = Checkbox("Use these areas for all the categories you have chosen")


class CohortsForm(Form):
    """For whom a supplier tailors its services."""

    cohorts = Choices(
        "Which groups do you tailor your services for?",
        description="Choose all that apply. Region teams look for this when they plan a service.",
        missing="Choose the groups you tailor services for, or that you tailor them for none in particular",
    )

    def validate_cohorts(self, field: Choices) -> None:
        """Nobody in particular, and somebody, cannot both be right."""
        chosen = field.data or []
        if NOBODY in chosen and len(chosen) > 1:
            raise StopValidation("Choose groups, or that you tailor services for none in particular, but not both")


class SubmitForm(Form):
    """What a supplier declares as it submits."""

    declared = Checkbox(
        "I am allowed to apply for this organisation, and what it says here is true and complete.",
        validators=[required("Confirm that you are allowed to apply and that your answers are true")],
    )


class ConfirmForm(Form):
    """One button and its token."""


def section_form(questions: Sequence[SelectionQuestion]) -> type[Form]:
    """The form of one section of the questionnaire. Anything may be left for later, so nothing is required here."""
    fields: dict[str, Any] = {}
    for question in questions:
        hint = question.hint or ""
        if question.rule.is_written:
            checks = [optional(), word_limit(question.word_limit)] if question.word_limit else [optional()]
            hint += f" Up to {question.word_limit} words." if question.word_limit else ""
            fields[question.code] = LongText(question.text, description=hint, validators=checks)
        else:
            fields[question.code] = Choice(question.text, description=hint, choices=YES_NO, validators=[optional()])
    return type("SectionForm", (Form,), fields)


class DecisionForm(Form):
    """The framework team's decision: made by `decision_form` for one application."""

    note = LongText(
        "Note to the supplier (optional)",
        description="It stands above the decisions on the supplier’s page.",
        validators=[optional(), word_limit(NOTE_WORDS)],
    )


QUALIFIED, DECLINED, EACH = "qualified", "declined", "each"


class _Reason(LongText):
    """Why something is declined: must be there where its choice is to decline, and only there counts."""

    def __init__(self, label: str, *, choice: str, unless: str = "", **kwargs: Any) -> None:
        super().__init__(label, validators=[word_limit(REASON_WORDS)], **kwargs)
        self.choice, self.unless = choice, unless

    def pre_validate(self, form: Any) -> None:
        """Refuse a decline without its reason."""
        if self.unless and form[self.unless].data != EACH:
            raise StopValidation()
        if form[self.choice].data != DECLINED:
            raise StopValidation()
        if not (self.data or "").strip():
            raise StopValidation("Say why. The supplier reads it.")


class _Choice(Choice):
    """A choice for one area, asked only where its category is decided area by area."""

    def __init__(self, *args: Any, unless: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unless = unless

    def pre_validate(self, form: Any) -> None:
        """Refuse nothing chosen, where it is asked."""
        if form[self.unless].data == EACH:
            super().pre_validate(form)


def decision_form(wanted: Sequence[ApplicationCategory], to_judge: Sequence[SelectionQuestion]) -> type[DecisionForm]:
    """The decision form of one application: each category as a whole, or area by area where there are several."""
    fields: dict[str, Any] = {}
    for question in to_judge:
        fields[f"judged_{question.code}"] = Choice(
            "Does this answer pass?", choices=YES_NO, missing="Say whether this answer passes"
        )
    for one in wanted:
        name, several = one.category.name, len(one.areas) > 1
        whole = category_field(one)
        choices = [
            (QUALIFIED, "Qualified, in all areas asked for" if several else "Qualified"),
            (DECLINED, "Declined, in all areas asked for" if several else "Declined"),
        ]
        fields[whole] = Choice(
            name,
            choices=[*choices, (EACH, "Decide area by area, below")] if several else choices,
            missing=f"Decide about {name}",
        )
        fields[f"{whole}_reason"] = _Reason(f"Reason, if {name} is declined", choice=whole)
        for area in one.areas if several else []:
            each = area_field(area)
            fields[each] = _Choice(
                area.place.title,
                choices=choices_of_area(),
                missing=f"Decide about {name} in {area.place.name}",
                unless=whole,
            )
            fields[f"{each}_reason"] = _Reason(f"Reason, if declined in {area.place.name}", choice=each, unless=whole)
    return type("DecisionFormOfOne", (DecisionForm,), fields)


def choices_of_area() -> list[tuple[str, str]]:
    """What can be decided for one area."""
    return [(QUALIFIED, "Qualified"), (DECLINED, "Declined")]


def category_field(wanted: ApplicationCategory) -> str:
    """The name of the field that decides one category."""
    return f"category_{wanted.category_code}"


def area_field(area: ApplicationArea) -> str:
    """The name of the field that decides one area of one category."""
    return f"area_{area.category_code}_{area.place_code}"


def decisions_of(form: DecisionForm, wanted: Sequence[ApplicationCategory]) -> dict[tuple[str, str], Decision]:
    """What was decided for each category and place, of a form that has been validated."""
    found: dict[tuple[str, str], Decision] = {}
    for one in wanted:
        whole = category_field(one)
        for area in one.areas:
            source = area_field(area) if form[whole].data == EACH else whole
            qualified = form[source].data == QUALIFIED
            reason = "" if qualified else form[f"{source}_reason"].data or ""
            found[one.category_code, area.place_code] = Decision(qualified, reason)
    return found


def judged_of(form: DecisionForm, to_judge: Sequence[SelectionQuestion]) -> dict[str, bool]:
    """Which of the answers that a person must judge pass."""
    return {question.code: form[f"judged_{question.code}"].data == "yes" for question in to_judge}
