"""Form fields as GOV.UK components, and the form that every area's forms begin from.

Forms check shape; actions check business. A refusal from an action is put back into the form with `show_refusal`, so
that it stands at its field and nothing typed is lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_wtf import FlaskForm
from govuk_frontend_wtf import wtforms_widgets as gov
from wtforms import BooleanField as PlainBoolean
from wtforms import (
    Field,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import (
    DataRequired,
    Optional,
    StopValidation,
    ValidationError,
)

from marketplace import clock
from marketplace.errors import Invalid, Refused
from marketplace.money import pounds

__all__ = [
    "Checkbox",
    "Choice",
    "Choices",
    "DateParts",
    "DropDown",
    "Email",
    "Form",
    "LondonTime",
    "LongText",
    "Password",
]
__all__ += ["Pounds", "Share", "Text", "WholeNumber", "optional", "required", "word_limit"]


def required(words: str) -> DataRequired:
    """The field must be filled; `words` say so plainly: "Enter the title of the call-off"."""
    return DataRequired(message=words)


def optional() -> Optional:
    """The field may be left empty."""
    return Optional()


class word_limit:
    """At most so many words."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, form: Any, field: Field) -> None:
        """Refuse more words than allowed, saying how many there are."""
        count = len((field.data or "").split())
        if count > self.most:
            raise ValidationError(f"Your answer must be {self.most:,} words or fewer. It has {count:,}.")


class Form(FlaskForm):
    """Every form of the marketplace."""

    @property
    def problems(self) -> dict[str, Any]:
        """The error summary: what belongs to no one field first, then one line per field, linked to it."""
        whole = [{"text": str(words)} for words in self.form_errors]
        fields = [{"text": str(field.errors[0]), "href": f"#{field.id}"} for field in self if field.errors]
        return {"titleText": "There is a problem", "errorList": whole + fields}

    def show_refusal(self, refused: Refused) -> None:
        """Show a refusal at its field, or at the top when it names none (or one this form lacks)."""
        field = self._fields.get(refused.field or "")
        if field is None:
            self.form_errors.append(refused.words)
        else:
            field.errors = [*field.errors, refused.words]


# A line's end in what should be one line would end a letter's subject, too: then the letter cannot go.
_NOT_OF_ONE_LINE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


class Text(StringField):
    """One line of text, without the blanks around it."""

    data: Any  # text once the form is valid; WTForms says it may be None
    widget = gov.GovTextInput()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the text without surrounding blanks; line ends and other marks of control become blanks."""
        super().process_formdata([_NOT_OF_ONE_LINE.sub(" ", value).strip() for value in valuelist])


class Email(Text):
    """An e-mail address."""

    def pre_validate(self, form: Any) -> None:
        """Refuse what cannot be an address."""
        if self.data and not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", self.data):
            raise StopValidation("Enter an email address in the correct format, like name@example.org")


class Password(StringField):
    """A password, never shown again."""

    data: Any  # text once the form is valid; WTForms says it may be None
    widget = gov.GovPasswordInput()


class LongText(TextAreaField):
    """Text of several lines. With `word_limit` among its validators it counts as one types."""

    data: Any  # text once the form is valid; WTForms says it may be None
    widget = gov.GovTextArea()

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take the text with single line ends, without surrounding blanks."""
        super().process_formdata([v.replace("\x00", "").replace("\r\n", "\n").strip() for v in valuelist])


def offered(field: Any) -> set[str]:
    """The values a field offers."""
    return {str(value) for value, *_ in field.choices or []}


class Choice(RadioField):
    """One of a few, as radio buttons. Choices are (value, label)."""

    data: Any
    widget = gov.GovRadioInput()

    def __init__(
        self, label: str, validators: Any = None, *, choices: Any = None, missing: str = "Choose one", **kwargs: Any
    ) -> None:
        super().__init__(label, validators, validate_choice=False, **kwargs)
        self.choices, self.missing = choices, missing

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not offered."""
        if str(self.data) not in offered(self):
            if not self.data and any(isinstance(check, Optional) for check in self.validators):
                return
            raise StopValidation(self.missing)


class DropDown(SelectField):
    """One of many, as a select box. Choices are (value, label); a first ("", "Choose…") stands for none."""

    data: Any
    widget = gov.GovSelect()

    def __init__(
        self,
        label: str,
        validators: Any = None,
        *,
        choices: Any = None,
        missing: str = "Choose one from the list",
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, validate_choice=False, **kwargs)
        self.choices, self.missing = choices, missing

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not offered."""
        if str(self.data or "") not in offered(self):
            raise StopValidation(self.missing)


class Choices(SelectMultipleField):
    """Any of several, as checkboxes. Choices are (value, label)."""

    data: Any
    widget = gov.GovCheckboxesInput()

    def __init__(
        self, label: str, validators: Any = None, *, choices: Any = None, missing: str = "", **kwargs: Any
    ) -> None:
        super().__init__(label, validators, validate_choice=False, **kwargs)
        self.choices, self.missing = choices, missing

    def pre_validate(self, form: Any) -> None:
        """Refuse what is not offered, and nothing chosen where something must be."""
        if not self.data and self.missing:
            raise StopValidation(self.missing)
        if any(str(value) not in offered(self) for value in self.data or []):
            raise StopValidation(self.missing or "Choose from the list")


class Checkbox(PlainBoolean):
    """One box to tick."""

    widget = gov.GovCheckboxInput()


class WholeNumber(Text):
    """A whole number, perhaps between two bounds. `data` is int or None."""

    def __init__(self, *args: Any, least: int | None = None, most: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least, self.most = least, most

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ("" if self.data is None else str(self.data))

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read it, thousands separators allowed."""
        text = valuelist[0].strip().replace(",", "") if valuelist else ""
        self.data = None
        if text:
            if not re.fullmatch(r"-?\d{1,12}", text):
                raise ValueError("Enter a whole number, like 120")
            self.data = int(text)

    def pre_validate(self, form: Any) -> None:
        """Refuse what is out of bounds."""
        if self.data is None:
            return
        if self.least is not None and self.data < self.least:
            raise StopValidation(f"Enter a number that is {self.least:,} or more")
        if self.most is not None and self.data > self.most:
            raise StopValidation(f"Enter a number that is {self.most:,} or less")


class Pounds(Text):
    """An amount in pounds and perhaps pence, below £100 million, so that ten years of it can be kept.

    `data` is a Decimal to the penny, or None.
    """

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ("" if self.data is None else f"{self.data:.2f}")

    def __call__(self, **kwargs: Any) -> Any:
        """Render with the £ sign before the box."""
        params = {"prefix": {"text": "£"}, "classes": "govuk-input--width-10", "inputmode": "decimal"}
        return super().__call__(**{**kwargs, "params": {**params, **kwargs.get("params", {})}})

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read it, with or without £ and thousands separators."""
        text = re.sub(r"[£,\s]", "", valuelist[0]) if valuelist else ""
        self.data = None
        if text:
            if not re.fullmatch(r"\d+(\.\d{1,2})?", text):
                raise ValueError("Enter an amount in pounds, like 1250 or 1250.50")
            if len(text.partition(".")[0].lstrip("0")) > 8:
                raise ValueError("Enter an amount below £100 million")
            try:
                self.data = pounds(Decimal(text))
            except InvalidOperation as error:
                raise ValueError("Enter an amount in pounds, like 1250 or 1250.50") from error


class Share(Text):
    """A share in percent, from 0 to 100, with at most two decimals. `data` is a Decimal, or None."""

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ("" if self.data is None else f"{self.data.normalize():f}")

    def __call__(self, **kwargs: Any) -> Any:
        """Render with the % sign behind the box."""
        params = {"suffix": {"text": "%"}, "classes": "govuk-input--width-5", "inputmode": "decimal"}
        return super().__call__(**{**kwargs, "params": {**params, **kwargs.get("params", {})}})

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read it, with or without the sign."""
        text = valuelist[0].strip().rstrip("%").strip() if valuelist else ""
        self.data = None
        if text:
            if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text) or Decimal(text) > 100:
                raise ValueError("Enter a share in percent, like 40 or 33.33")
            self.data = Decimal(text)


class _DateWidget(gov.GovFormBase):
    """The date input, with each part its own name, and the summary's error link landing on the day."""

    template = "govuk_frontend_wtf/date.html"

    def __call__(self, field: Any, **kwargs: Any) -> Any:
        return super().__call__(field, id=field.id, **kwargs)

    def map_gov_params(self, field: Any, **kwargs: Any) -> dict[str, Any]:
        """The macro's parameters. The first part bears the field's own id, which the error summary links to."""
        params: dict[str, Any] = super().map_gov_params(field, **kwargs)
        params["id"] = f"{field.id}-group"
        params["namePrefix"] = None
        params.setdefault("fieldset", {"legend": {"text": field.label.text}})
        error = " govuk-input--error" if field.errors else ""
        params["items"] = [
            {
                "label": part.capitalize(),
                "id": field.id if part == "day" else f"{field.id}-{part}",
                "name": f"{field.name}-{part}",
                "classes": f"govuk-input--width-{4 if part == 'year' else 2}{error}",
                "value": value,
            }
            for part, value in zip(("day", "month", "year"), field.parts(), strict=True)
        ]
        return params


class DateParts(Field):
    """A date, asked as day, month and year. `data` is a date or None; a POST without its parts is an empty one."""

    widget = _DateWidget()

    def __init__(self, *args: Any, missing: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.missing = missing
        self._typed: tuple[str, str, str] | None = None

    def parts(self) -> tuple[str, str, str]:
        """Day, month and year as typed, or of the date held."""
        if self._typed is not None:
            return self._typed
        if isinstance(self.data, date):
            return str(self.data.day), str(self.data.month), str(self.data.year)
        return "", "", ""

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Read the three parts from what was posted, else the date given."""
        self.process_errors = []
        self.data = data or None
        if data is None and self.default is not None:
            self.data = self.default() if callable(self.default) else self.default
        if formdata is None or not any(f"{self.name}-{part}" in formdata for part in ("day", "month", "year")):
            if formdata:
                self.data = None
            return
        day, month, year = (formdata.get(f"{self.name}-{part}", "").strip() for part in ("day", "month", "year"))
        self._typed = (day, month, year)
        self.data = None
        if not (day or month or year):
            return
        try:
            # What is done with dates (contracts last up to ten years) stays within the calendar.
            if not re.fullmatch(r"(19|20|21)\d{2}", year):
                raise ValueError
            self.data = date(int(year), int(month), int(day))
        except ValueError:
            self.process_errors.append("Enter a real date, like 27 3 2027")

    def pre_validate(self, form: Any) -> None:
        """Refuse an empty date where one must be."""
        if self.data is None and not self.process_errors and self.missing:
            raise StopValidation(self.missing)


class LondonTime(Text):
    """A time of day on a London clock, like 17:00. `data` is a time or None. See `clock.from_london`."""

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else ("" if self.data is None else f"{self.data:%H:%M}")

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read 24-hour times, and am or pm."""
        text = valuelist[0].strip().lower().replace(".", ":").replace(" ", "") if valuelist else ""
        self.data = None
        if not text:
            return
        found = re.fullmatch(r"(\d{1,2})(?::(\d{2}))?(am|pm)?", text)
        words = "Enter a time, like 5pm or 17:00"
        if found is None:
            raise ValueError(words)
        hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
        if half:
            if not 1 <= hour <= 12:
                raise ValueError(words)
            hour = hour % 12 + (12 if half == "pm" else 0)
        elif found[2] is None:
            raise ValueError(words)
        if hour > 23 or minute > 59:
            raise ValueError(words)
        self.data = time(hour, minute)


def moment(day: date, at: time) -> datetime:
    """The moment of a day and time on a London clock. Refused: a time in the hour that the clocks leave out."""
    meant = datetime.combine(day, at)
    found = clock.from_london(meant)
    if clock.london(found).replace(tzinfo=None) != meant:
        raise Invalid(f"There is no {at:%H:%M} on {day.day} {day:%B %Y}: the clocks go forward. Enter another time.")
    return found
