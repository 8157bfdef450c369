"""Shapes of what is typed about milestones, people, promises and the supply chain."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from contracts.agreements.rules import Side
from contracts.mobilisation.rules import Dates, Frequency, PromiseKind, Verdict, VettingLevel
from marketplace.accounts.rules import SupplierStatus
from marketplace.forms import (
    Choice,
    DateParts,
    Form,
    LongText,
    Share,
    Text,
    WholeNumber,
    optional,
    required,
    word_limit,
)

WHO = {Side.SUPPLIER: "The supplier", Side.COMMISSIONER: "The commissioner"}


def _at_most(characters: int) -> Length:
    return Length(max=characters, message=f"Use {characters} characters or fewer")


class MilestoneForm(Form):
    """A milestone: what, shown by what, whose, by when."""

    title = Text("What must be ready", validators=[required("Enter what must be ready"), _at_most(150)])
    evidence = LongText(
        "What shows that it is",
        description="Its owner is asked for this when it is done.",
        validators=[required("Enter what shows that it is ready"), word_limit(100)],
    )
    side = Choice(
        "Who does it",
        description="The other side accepts it, or sends it back.",
        choices=[(side.value, words) for side, words in WHO.items()],
        missing="Choose who does it",
    )
    days_before = WholeNumber(
        "Due how many working days before the start",
        description="0 is the first day of the contract.",
        least=0,
        most=250,
        validators=[InputRequired("Enter a number of working days")],
    )


class EvidenceForm(Form):
    """What shows that a milestone is done."""

    evidence = LongText(
        "What shows that it is done",
        description="Say what there is and where it can be seen. No names of people on probation or of staff.",
        validators=[required("Say what shows that it is done"), word_limit(300)],
    )


class ReasonForm(Form):
    """A reason, which the other side will read."""

    reason = LongText("Reason", validators=[required("Give the reason"), word_limit(300)])


class StaffForm(Form):
    """Somebody who delivers."""

    reference = Text(
        "Initials or staff number",
        description="Not a name: nobody needs it here. For example AO, AO-2 or 40213.",
        validators=[required("Enter initials or a staff number"), _at_most(12)],
    )
    role = Text(
        "What they do",
        description="For example caseworker, or volunteer mentor.",
        validators=[required("Enter what they do"), _at_most(100)],
    )
    level = Choice(
        "Level of vetting",
        choices=[(level.value, level.label) for level in VettingLevel],
        missing="Choose the level of vetting",
    )
    applied_on = DateParts("Applied for on")
    given_on = DateParts("Cleared on")
    expires_on = DateParts("Ends on")

    @property
    def dates(self) -> Dates:
        """The three days."""
        return Dates(self.applied_on.data, self.given_on.data, self.expires_on.data)


class AccessForm(Form):
    """Access of one person to one prison."""

    prison = Text(
        "Prison, or region whose prisons are meant",
        description="For example HMP Elmley, or prisons of Kent.",
        validators=[required("Enter the prison or region"), _at_most(100)],
    )
    applied_on = DateParts("Applied for on")
    given_on = DateParts("Granted on")
    expires_on = DateParts("Ends on")

    @property
    def dates(self) -> Dates:
        """The three days."""
        return Dates(self.applied_on.data, self.given_on.data, self.expires_on.data)


class PromiseForm(Form):
    """A promise as a row that can be measured (R9)."""

    kind = Choice(
        "What it is about",
        choices=[(kind.value, kind.label) for kind in PromiseKind],
        missing="Choose what it is about",
    )
    who = Text(
        "Whom it is for",
        description="A group, for example care leavers.",
        validators=[required("Enter whom it is for"), _at_most(100)],
    )
    need = LongText("What they need", validators=[required("Enter what they need"), word_limit(100)])
    measure = Text(
        "What is counted",
        description="For example sessions held in the evening.",
        validators=[required("Enter what is counted"), _at_most(300)],
    )
    target = Text(
        "How much of it is promised",
        description="For example 2 a week, or 80% of those who ask.",
        validators=[required("Enter how much is promised"), _at_most(150)],
    )
    first_due_on = DateParts("First report as of", missing="Enter the day of the first report")
    frequency = Choice(
        "How often it is reported",
        choices=[(one.value, one.label) for one in Frequency],
        missing="Choose how often it is reported",
    )


class JudgeForm(Form):
    """What the contract manager finds of a report."""

    verdict = Choice(
        "Was the promise kept?",
        choices=[(one.value, one.label) for one in Verdict],
        missing="Choose what you find",
    )
    reason = LongText(
        "Why",
        description="The supplier will read this. Needed unless the promise was kept.",
        validators=[optional(), word_limit(200)],
    )


class SubcontractorForm(Form):
    """A member of the supply chain."""

    name = Text("Name of the organisation", validators=[required("Enter its name"), _at_most(200)])
    work = LongText("What it does", validators=[required("Enter what it does"), word_limit(100)])
    share = Share(
        "Its part of the contract’s value",
        description="In percent. All parts come to 100% at most; the rest is yours.",
        validators=[InputRequired("Enter its part in percent")],
    )
    status = Choice(
        "What kind of organisation it is",
        choices=[(one.value, one.label) for one in SupplierStatus],
        missing="Choose what kind of organisation it is",
    )


class AgreeForm(Form):
    """The mark of what was shown, and a press of the button."""

    mark = HiddenField()


class ReportForm(Form):
    """All that a quarter asks of a supplier, on one page (R125): fields are added by `for_contract`."""

    promises: list[tuple[int, date]]
    parts: list[tuple[int, date]]

    @classmethod
    def for_contract(cls, promises: list[tuple[int, date]], parts: list[tuple[int, date]]) -> ReportForm:
        """Fields for each promise (by its key) as of a day, and each subcontractor's part of a quarter."""
        fields: dict[str, object] = {}
        for key, day in promises:
            fields[f"reached_{key}_{day}"] = Text("What was reached", validators=[_at_most(200)])
            fields[f"words_{key}_{day}"] = LongText(
                "Anything to say about it", validators=[optional(), word_limit(150)]
            )
        for key, day in parts:
            fields[f"part_{key}_{day}"] = Share("Part of the quarter’s work")
        form: ReportForm = type("ContractReportForm", (cls,), fields)()
        form.promises, form.parts = promises, parts
        return form

    def reached(self) -> list[tuple[int, date, str, str]]:
        """Promises with something entered: key, day, what was reached, words."""
        found = []
        for key, day in self.promises:
            reached = self[f"reached_{key}_{day}"].data
            if reached:
                found.append((key, day, reached, self[f"words_{key}_{day}"].data or ""))
        return found

    def quarters(self) -> dict[date, dict[int, Decimal]]:
        """By quarter the parts entered. A quarter with a part missing is left out; its empty fields are marked."""
        by_quarter: dict[date, dict[int, Decimal | None]] = {}
        for key, day in self.parts:
            by_quarter.setdefault(day, {})[key] = self[f"part_{key}_{day}"].data
        found: dict[date, dict[int, Decimal]] = {}
        for day, parts in by_quarter.items():
            entered = {key: part for key, part in parts.items() if part is not None}
            if entered and len(entered) < len(parts):
                for key in parts.keys() - entered.keys():
                    self[f"part_{key}_{day}"].errors = ["Enter its part, or 0"]
            elif entered:
                found[day] = entered
        return found
