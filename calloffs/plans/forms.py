"""The form of a plan."""

from __future__ import annotations

from wtforms.validators import InputRequired

from marketplace.forms import DropDown, Form, LongText, Pounds, Text, WholeNumber, required


class PlanForm(Form):
    """A need: what, where, for how many people a year, with what money."""

    title = Text(
        "Title",
        description="For example, Accommodation support in Leeds",
        validators=[required("Enter a title for the plan")],
    )
    category_code = DropDown("Category", missing="Choose a category", validators=[required("Choose a category")])
    place_code = DropDown("Area", missing="Choose an area", validators=[required("Choose an area")])
    need = LongText(
        "What is needed",
        description="Who needs it, what should change for them. It becomes the start of the specification.",
        validators=[required("Describe what is needed")],
    )
    projected_annual_volume = WholeNumber(
        "Projected volume",
        description="Referrals a year",
        least=1,
        most=1_000_000,
        validators=[InputRequired("Enter the projected volume")],
    )
    annual_budget = Pounds(
        "Budget", description="Pounds a year", validators=[InputRequired("Enter the budget in pounds a year")]
    )
