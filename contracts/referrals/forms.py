"""Shapes of what is typed about referrals and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms.validators import StopValidation

from contracts.agreements.models import ServiceLine
from contracts.referrals import rules
from contracts.referrals.models import Referral
from contracts.referrals.rules import AbsenceKind, Attendance, Complexity, Consent
from marketplace.accounts.models import Person
from marketplace.forms import (
    Choice,
    Choices,
    DateParts,
    DropDown,
    Form,
    LondonTime,
    LongText,
    Text,
    WholeNumber,
    optional,
    required,
    word_limit,
)
from marketplace.framework.models import DesiredOutcome

NEED_WORDS = 300
CRN_HINT = "The letter and six digits of nDelius, like X123456"


class _CaseReference(Text):
    """A case reference number, in its usual form however it is typed."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Take it, put into its usual form where it is one."""
        super().process_formdata(valuelist)
        self.data = rules.crn(self.data or "") or self.data

    def pre_validate(self, form: Any) -> None:
        """Refuse what is none."""
        if self.data and rules.crn(self.data) is None:
            raise StopValidation("Enter a case reference number, like X123456")


def _need_field() -> LongText:
    return LongText(
        "What does the supplier need to know?",
        validators=[required("Enter what the person needs"), word_limit(NEED_WORDS)],
    )


def _complexity_field() -> Choice:
    return Choice(
        "How complex are their needs?",
        choices=[(one.value, one.value.capitalize()) for one in Complexity],
        missing="Choose low, medium or high",
    )


class ReferralForm(Form):
    """A person, their need, and what should come of it."""

    crn = _CaseReference("Case reference number (CRN)", validators=[required("Enter the case reference number")])
    category = Choice("What kind of help do they need?", missing="Choose a kind of help")
    outcomes = Choices("What should change for them?", missing="Choose at least one outcome")
    need = _need_field()
    complexity = _complexity_field()
    rar_days = WholeNumber("RAR days to use (leave empty if none)", least=1, most=365, validators=[optional()])

    @classmethod
    def for_line(cls, line: ServiceLine, outcomes: Sequence[DesiredOutcome]) -> ReferralForm:
        """The form for one service: its own kinds of help, and their outcomes."""
        form = cls()
        names = {category.code: category.name for category in line.categories}
        form.category.choices = list(names.items())
        if len(names) == 1:
            # Nothing to choose: the service gives one kind of help.
            form.category.data = next(iter(names))
        form.outcomes.choices = [
            (one.code, one.text if len(names) == 1 else f"{names[one.category_code]}: {one.text}") for one in outcomes
        ]
        if not outcomes:
            form.outcomes.missing = ""
        return form

    def kept(self) -> list[tuple[str, str]]:
        """Every name and value typed, to be carried by the page on which answers are checked."""
        pairs: list[tuple[str, Any]] = [
            ("crn", self.crn.data),
            ("category", self.category.data),
            *(("outcomes", code) for code in self.outcomes.data or []),
            ("need", self.need.data),
            ("complexity", self.complexity.data),
            ("rar_days", self.rar_days.data),
        ]
        return [(name, str(value)) for name, value in pairs if value is not None]


class ConfirmForm(Form):
    """Taking a place that came free: what may have changed since the person joined the waiting list."""

    need = _need_field()
    complexity = _complexity_field()


class FindForm(Form):
    """Look among one's own referrals for one person's. Posted, so that the reference stands in no address."""

    crn = _CaseReference("Find by case reference number", validators=[required("Enter a case reference number")])


class AcceptForm(Form):
    """Take a referral on."""

    caseworker = DropDown("Who will work with the person?", missing="Choose a caseworker")

    @classmethod
    def among(cls, people: Sequence[Person]) -> AcceptForm:
        """The form with the people it can be given to."""
        form = cls()
        form.caseworker.choices = [("", "Choose…"), *((str(person.id), person.name) for person in people)]
        form.caseworker.validators = [required("Choose a caseworker")]
        return form


class ReasonForm(Form):
    """Why a referral is returned or withdrawn."""

    reason = LongText("Reason", validators=[required("Enter a reason"), word_limit(200)])


class ConsentForm(Form):
    """What the person said to sharing what is recorded."""

    answer = Choice(
        "May the next supplier read what is recorded here?",
        choices=[
            (Consent.ASKED.value, "They have been asked and have not answered yet"),
            (Consent.GIVEN.value, "Yes, they agree"),
            (Consent.REFUSED.value, "No, they do not agree"),
        ],
        missing="Choose what the person said",
    )


class CompleteForm(Form):
    """Which of the desired outcomes were reached."""

    reached = Choices("Which of these were reached?", description="Tick none if none was.")

    @classmethod
    def of(cls, referral: Referral) -> CompleteForm:
        """The form, offering what was desired of this referral."""
        form = cls()
        form.reached.choices = [(one.code, one.text) for one in referral.outcomes]
        return form


class SessionForm(Form):
    """When a session is."""

    day = DateParts("Which day?", missing="Enter the day of the session")
    at = LondonTime("What time does it begin?", validators=[required("Enter the time, like 2pm or 14:00")])


class RecordForm(Form):
    """What became of a session."""

    attendance = Choice(
        "Did the person come?",
        choices=[
            (Attendance.ATTENDED.value, "Yes, they attended"),
            (Attendance.LATE.value, "Yes, but late"),
            (Attendance.MISSED.value, "No, they missed it"),
        ],
        missing="Choose whether the person came",
    )
    absence = Choice(
        "If they missed it, was the absence acceptable?",
        choices=[
            (AbsenceKind.ACCEPTABLE.value, "Acceptable"),
            (AbsenceKind.UNACCEPTABLE.value, "Not acceptable"),
        ],
        validators=[optional()],
    )
    note = LongText("Note (optional)", validators=[optional(), word_limit(200)])
