"""Shapes of what is typed about invoices and all that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from wtforms import Field, HiddenField, ValidationError
from wtforms.validators import InputRequired, Length

from contracts.agreements.models import ServiceLine
from contracts.invoices.models import Dispute, Invoice
from contracts.invoices.rules import LineAgain, VatKind
from marketplace.forms import Choice, DateParts, DropDown, Form, LongText, Pounds, Text, optional, required, word_limit
from marketplace.presentation import pounds_exact

READ_BY = "The funder, the lead commissioner and the supplier read this. Never write of a person on probation."
BOTH_READ = "The funders and the supplier read this. Never write of a person on probation."
REASON_WORDS = 300


class CheckedForm(Form):
    """Answers that are looked at once more before they count."""

    def kept(self) -> list[tuple[str, str]]:
        """Every name and value typed, to be carried by the page on which they are checked."""
        return [(field.name, _typed(field)) for field in self if field.name not in ("csrf_token", "step")]


def _typed(field: Field) -> str:
    return str(field._value() if isinstance(field, Pounds) else field.data or "")


class PartForm(CheckedForm):
    """All of something, or part of it, and why. `most` is what all of it comes to, in pounds before VAT."""

    # How many credit notes the invoice had when this page was made: a second click then finds one more.
    seen = HiddenField()
    how_much = Choice("How much?", missing="Choose how much")
    amount = Pounds("If part of it, how much, before VAT?")
    most: Decimal

    def fill(self, whole: str, part: str, invoice: Invoice, *, most: Decimal) -> None:
        """Offer the whole, or a part, of what may be disputed or credited of the invoice."""
        self.most = most
        self.how_much.choices = [("whole", f"{whole}, {pounds_exact(self.most)} before VAT"), ("part", part)]
        if not self.is_submitted():
            self.seen.data = str(len(invoice.credit_notes))

    def validate_amount(self, field: Pounds) -> None:
        """Refuse a part without an amount, of nothing, or of more than there is."""
        if self.how_much.data == "part" and not field.errors:
            _within(field.data, self.most)

    @property
    def net(self) -> Decimal:
        """How much was chosen, in pounds before VAT."""
        amount: Decimal | None = self.amount.data if self.how_much.data == "part" else None
        return self.most if amount is None else amount

    @property
    def notes_seen(self) -> int:
        """How many credit notes there were when the question was asked; none if that is not told."""
        told = str(self.seen.data or "")
        return int(told) if told.isdecimal() and len(told) < 9 else -1


def _all_of(invoice: Invoice) -> str:
    return "All of it that is not credited yet" if invoice.credited else "All of it"


def _within(amount: Decimal | None, most: Decimal) -> None:
    if amount is None:
        raise ValidationError("Enter how much, in pounds before VAT")
    if not Decimal(0) < amount <= most:
        raise ValidationError(f"Enter an amount above £0 and of no more than {pounds_exact(most)}")


class DisputeForm(PartForm):
    """What of an invoice is not owed, and why."""

    reason = LongText(
        "What is wrong with the invoice?",
        description=READ_BY,
        validators=[required("Say what is wrong with the invoice"), word_limit(REASON_WORDS)],
    )

    @classmethod
    def of(cls, invoice: Invoice) -> DisputeForm:
        """The form for one invoice."""
        form = cls()
        form.how_much.label.text = "How much of it is not owed?"
        whole = "All that a bank took back" if invoice.owed_again else _all_of(invoice)
        form.fill(whole, "Part of it", invoice, most=invoice.disputable_net)
        return form


class CreditForm(PartForm):
    """How much of an invoice is credited, and why; and whether it is to be invoiced again."""

    reason = LongText(
        "What was wrong with the invoice?",
        description=READ_BY,
        validators=[required("Say what was wrong with the invoice"), word_limit(REASON_WORDS)],
    )
    again = Choice(
        "Will you invoice it again, corrected?",
        choices=[("yes", "Yes, that comes next"), ("no", "No")],
        missing="Choose whether you will invoice it again",
    )

    @classmethod
    def of(cls, invoice: Invoice) -> CreditForm:
        """The form for one invoice."""
        form = cls()
        form.how_much.label.text = "How much of it is credited?"
        form.fill(_all_of(invoice), "Part of it", invoice, most=invoice.creditable_net)
        return form


class ReissueForm(CheckedForm):
    """What is invoiced again, line by line, and the purchase order on it. Fields are added by `of`."""

    most: Decimal
    lines: Sequence[LineAgain]
    po_number = Text(
        "Purchase order number",
        description="The number that the funder wants to read on it. Leave it empty if there is none.",
        validators=[Length(max=60, message="Enter a number of 60 characters or fewer")],
    )

    @classmethod
    def of(cls, lines: Sequence[LineAgain], *, most: Decimal, po_number: str | None) -> ReissueForm:
        """The form for what a credit note took back: its lines, and the purchase order that the funder gave."""
        fields = {
            f"line_{place}": Pounds(
                line.text if line.amount > 0 else f"{line.text}: taken off",
                validators=[InputRequired("Enter an amount, or 0 to leave the line out")],
            )
            for place, line in enumerate(lines, start=1)
        }
        form: ReissueForm = type("ReissueOfForm", (cls,), fields)()
        form.most, form.lines = most, lines
        if not form.is_submitted():
            form.po_number.data = po_number
            for field, line in zip(form.line_fields, lines, strict=True):
                field.data = abs(line.amount)
        return form

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse lines that together come to nothing, or to more than was credited."""
        if not super().validate(extra_validators):
            return False
        if not Decimal(0) < sum(self.amounts) <= self.most:
            self.form_errors.append(
                f"The lines together must come to more than £0 and to no more than {pounds_exact(self.most)}"
            )
            return False
        return True

    @property
    def line_fields(self) -> list[Pounds]:
        """The lines' fields, in their order."""
        return [self[f"line_{place}"] for place in range(1, len(self.lines) + 1)]

    @property
    def amounts(self) -> list[Decimal]:
        """What each line asks for in pounds before VAT, below nought what it takes off."""
        return [
            field.data if line.amount > 0 else -field.data
            for field, line in zip(self.line_fields, self.lines, strict=True)
        ]


class AnswerForm(CheckedForm):
    """What the supplier says to a dispute."""

    stance = Choice(
        "Is what is disputed owed?",
        choices=[("owed", "Yes, it is owed"), ("accept", "No: we accept the dispute, and the credit note stands")],
        missing="Choose whether it is owed",
    )
    answer = LongText("If it is owed, why?", description=READ_BY, validators=[word_limit(REASON_WORDS)])

    def validate_answer(self, field: LongText) -> None:
        """Refuse "it is owed" without a why."""
        if self.stance.data == "owed" and not field.data:
            raise ValidationError("Say why the money is owed")


class SettleForm(CheckedForm):
    """How much of a dispute was right, and why."""

    verdict = Choice("Is what is disputed owed?", missing="Choose whether it is owed")
    upheld = Pounds("If in part, how much is not owed, before VAT?")
    words = LongText(
        "Why do you decide so?",
        description=READ_BY,
        validators=[required("Say why you decide so"), word_limit(REASON_WORDS)],
    )
    most: Decimal

    @classmethod
    def of(cls, made: Dispute, *, may_uphold: bool) -> SettleForm:
        """The form for one dispute. Whoever raised it may only give it up."""
        form = cls()
        form.most = made.net
        verdicts: Sequence[tuple[str, str]] = [
            ("all", f"No: none of the {pounds_exact(made.net)} is owed, the dispute is upheld"),
            ("part", "In part: some of it is owed"),
            ("none", f"Yes: all of the {pounds_exact(made.net)} is owed, the dispute is not upheld"),
        ]
        form.verdict.choices = [one for one in verdicts if may_uphold or one[0] == "none"]
        if not may_uphold:
            form.verdict.choices = [("none", f"Yes: I give the dispute up, and the {pounds_exact(made.net)} is owed")]
            form.words.label.text = "Why do you give it up?"
        return form

    def validate_upheld(self, field: Pounds) -> None:
        """Refuse a part that is none, or more than all."""
        if self.verdict.data == "part" and not field.errors:
            _within(field.data, self.most)

    @property
    def amount(self) -> Decimal:
        """How much is not owed, in pounds before VAT."""
        part: Decimal = self.upheld.data if self.upheld.data is not None else Decimal(0)
        return {"all": self.most, "part": part}.get(str(self.verdict.data), Decimal("0.00"))


def _at_most(characters: int) -> Length:
    return Length(max=characters, message=f"Use {characters} characters or fewer")


def _amount(label: str, missing: str) -> Pounds:
    return Pounds(label, validators=[InputRequired(missing)])


class MonthForm(Form):
    """A month of a contract and one of its services."""

    month = DropDown("Month", missing="Choose the month")
    service = Choice("Service", missing="Choose the service")

    def offer(self, months: list[date], lines: list[ServiceLine]) -> None:
        """Offer the contract's months and services; the only service is chosen already."""
        self.month.choices = [("", "Choose the month"), *((f"{one:%Y-%m-%d}", f"{one:%B %Y}") for one in months)]
        self.service.choices = [(str(line.id), line.title) for line in lines]
        if len(lines) == 1 and not self.is_submitted():
            self.service.data = str(lines[0].id)


class DeductionForm(MonthForm):
    """So much less for one service and month, and why."""

    amount = _amount("How much to deduct, before VAT", "Enter how much to deduct")
    reason = LongText(
        "What was wrong in that month?",
        description=BOTH_READ,
        validators=[required("Say what was wrong"), word_limit(200)],
    )


class SupplementForm(MonthForm):
    """So much more for one service and month, and why."""

    amount = _amount("How much more, before VAT", "Enter how much more is owed")
    reason = LongText(
        "Why is more owed?", description=BOTH_READ, validators=[required("Say why more is owed"), word_limit(200)]
    )


class ConfirmForm(Form):
    """Nothing but a button that asks once more."""


class ApproveYearForm(Form):
    """A button that asks once more, and what the contract year came to when it was looked at."""

    seen = HiddenField()


class PurchaseOrderForm(Form):
    """The number that a funder wants to read on its invoices."""

    number = Text(
        "Purchase order number",
        description="If your organisation uses none, enter “None”.",
        validators=[required("Enter the purchase order number"), _at_most(40)],
    )
    from_day = DateParts(
        "For invoices raised from",
        missing="Enter the day from which invoices bear it",
        description="Invoices of that day and later that are not sent yet, and bear no number, take it up.",
    )


class VatForm(Form):
    """How a supplier stands with VAT, from a day on."""

    kind = Choice("VAT", choices=[(one.value, one.label) for one in VatKind], missing="Choose how you stand with VAT")
    vat_number = Text(
        "VAT registration number",
        description="If you are registered, like GB 123 4567 89",
        validators=[optional(), _at_most(40)],
    )
    from_day = DateParts("For invoices raised from", missing="Enter the day from which this applies")


class AddressForm(Form):
    """The address that invoices bear."""

    address = LongText(
        "Address for invoices",
        description="Line by line, the postcode last. Invoices raised from now on bear it.",
        validators=[required("Enter the address"), _at_most(400)],
    )


class ClaimForm(Form):
    """How it can be seen that a milestone is reached."""

    evidence = LongText(
        "How can it be seen that the milestone is reached?",
        description=READ_BY,
        validators=[required("Say how it can be seen"), word_limit(300)],
    )


class DecideForm(Form):
    """Whether a milestone is seen as reached."""

    verdict = Choice(
        "Is the milestone reached?",
        choices=[
            ("yes", "Yes: accept it, and each funder is invoiced its share at once"),
            ("no", "No: send the claim back to the supplier"),
        ],
        missing="Choose whether it is reached",
    )
    reason = LongText("If not, what is missing?", description=READ_BY, validators=[optional(), word_limit(200)])


class UseForm(Form):
    """What an instalment was spent on."""

    spent = _amount("How much of it has been spent", "Enter how much has been spent")
    what = LongText(
        "What was it spent on, and what did that do?",
        description=BOTH_READ,
        validators=[required("Say what it was spent on and what that did"), word_limit(500)],
    )
    shown_by = LongText(
        "What shows it?",
        description="Accounts, invoices, a visit: what is there, and where it can be seen. Files cannot be added here.",
        validators=[optional(), word_limit(200)],
    )


class DecideUseForm(Form):
    """Whether a report of use is accepted."""

    verdict = Choice(
        "Do you accept this report?",
        choices=[
            ("yes", "Yes: what is not spent is owed back, and is credited to each funder"),
            ("no", "No: I have a question"),
        ],
        missing="Choose whether you accept it",
    )
    question = LongText("If not, what do you ask?", description=READ_BY, validators=[optional(), word_limit(200)])


class ChainPaymentForm(Form):
    """What was paid to a member of the supply chain for a month, and when."""

    was_due = Choice(
        "Was anything due for this month?",
        choices=[("yes", "Yes, and it is paid"), ("no", "No, nothing was due")],
        missing="Choose whether anything was due",
    )
    amount = Pounds("If so, how much you paid, with VAT", validators=[optional()])
    invoiced_on = DateParts("If so, when their invoice came")
    paid_on = DateParts("If so, when you paid it")


class CorrectChainForm(ChainPaymentForm):
    """What was paid after all, and why it is corrected."""

    reason = LongText(
        "Why do you correct it?",
        description=BOTH_READ,
        validators=[required("Say why you correct it"), word_limit(200)],
    )
