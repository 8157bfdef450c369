"""Shapes of what is typed about invoices, disputes and credit notes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wtforms import Field, HiddenField, ValidationError

from contracts.invoices.models import Dispute, Invoice
from marketplace.forms import Choice, Form, LongText, Pounds, required, word_limit
from marketplace.presentation import pounds_exact

READ_BY = "The funder, the lead commissioner and the supplier read this. Never write of a person on probation."
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

    def fill(self, whole: str, part: str, invoice: Invoice) -> None:
        """Offer the whole, or a part, of what is left of the invoice."""
        self.most = invoice.creditable_net
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
        form.fill("All that is left of it", "Part of it", invoice)
        return form


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
