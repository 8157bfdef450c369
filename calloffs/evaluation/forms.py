"""Forms of evaluation: appointing, declaring, marking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from calloffs.competitions.models import Question
from calloffs.evaluation.rules import FAIL, MARK_WORDS, PASS, VERDICT_WORDS, faults_of_mark, is_gate
from marketplace.forms import Choice, DropDown, Form, LongText, optional, required

GATE_CHOICES = [(str(verdict), VERDICT_WORDS[verdict][0]) for verdict in (PASS, FAIL)]
MARK_CHOICES = [(str(mark), f"{mark}: {words}") for mark, (words, _) in MARK_WORDS.items()]


class AppointForm(Form):
    """Who joins the panel."""

    person_id = DropDown("Evaluator", missing="Choose an evaluator", validators=[required("Choose an evaluator")])


class DeclareForm(Form):
    """Whether an interest conflicts."""

    answer = Choice(
        "Do you have a conflict of interest with any of these bidders?",
        choices=[("no", "No, I have none"), ("yes", "Yes, or it could look as if I had")],
        missing="Say whether you have a conflict of interest",
    )
    details = LongText("What it is", validators=[optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        """A conflict is named."""
        fine: bool = super().validate(extra_validators)
        if fine and self.answer.data == "yes" and not self.details.data:
            self.details.errors = ["Say what the conflict is"]
            return False
        return fine


class MarkingForm(Form):
    """A mark and a reason for each question; made for one bid by `marking_form`."""

    questions: Sequence[Question] = ()

    def mark_field(self, question: Question) -> Any:
        """The field of the question's mark."""
        return self[f"mark_{question.id}"]

    def reason_field(self, question: Question) -> Any:
        """The field of the question's reason."""
        return self[f"reason_{question.id}"]

    def entered(self, question: Question) -> tuple[int | None, str]:
        """What was entered for one question."""
        mark = self.mark_field(question).data
        return (int(mark) if mark else None), self.reason_field(question).data or ""

    def validate(self, extra_validators: Any = None) -> bool:
        """A mark comes with its reason; a question left wholly empty is left for later."""
        fine: bool = super().validate(extra_validators)
        for question in self.questions:
            mark, reason = self.entered(question)
            if mark is None and not reason:
                continue
            for part, words in faults_of_mark(mark, reason, is_gate=is_gate(question.kind)):
                field = self[f"{part}_{question.id}"]
                if not field.errors:
                    field.errors = [f"Question {question.position}: {words[0].lower()}{words[1:]}"]
                fine = False
        return fine


def marking_form(
    questions: Sequence[Question], kept: Mapping[int, tuple[int, str]], *, reason_label: str
) -> MarkingForm:
    """The form for one bid, filled with what was kept before: mark and reason by question."""
    fields: dict[str, Any] = {"questions": questions}
    for question in questions:
        gate = is_gate(question.kind)
        mark, reason = kept.get(question.id, (None, ""))
        fields[f"mark_{question.id}"] = Choice(
            "Pass or fail" if gate else "Mark",
            choices=GATE_CHOICES if gate else MARK_CHOICES,
            validators=[optional()],
            default=None if mark is None else str(mark),
        )
        fields[f"reason_{question.id}"] = LongText(reason_label, validators=[optional()], default=reason)
    return cast(MarkingForm, type("MarkingFormOfOneBid", (MarkingForm,), fields)())
