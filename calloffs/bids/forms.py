"""The form of a bid: one answer to each question, one price for each band."""

from __future__ import annotations

from typing import Any

from govuk_frontend_wtf import wtforms_widgets as gov
from wtforms import HiddenField

from calloffs.bids.rules import BidContent, Fault, answer_field, count_words, price_field
from calloffs.competitions.models import Competition
from marketplace.forms import Form, LongText, Pounds, optional


class Answer(LongText):
    """An answer that counts its words while one types; without JavaScript the limit stands under the question."""

    widget = gov.GovCharacterCount()

    def __init__(self, *args: Any, most: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.most = most

    def __call__(self, **kwargs: Any) -> Any:
        """Render with the limit."""
        params = {"maxwords": str(self.most), "rows": "10", "label": {"classes": "govuk-label--s"}}
        return super().__call__(**{**kwargs, "params": {**params, **kwargs.get("params", {})}})

    @property
    def words(self) -> int:
        """How many words there are now."""
        return count_words(self.data or "")


class VersionForm(Form):
    """Which saved version the page was opened with; 0 before the first."""

    version = HiddenField(default="0")

    @property
    def base_version(self) -> int:
        """That version as a number; one that cannot be is none that was ever saved."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


class BidForm(VersionForm):
    """Made for each call-off by `bid_form`."""

    question_ids: tuple[int, ...] = ()
    band_numbers: tuple[int, ...] = ()

    def answers(self) -> list[Any]:
        """The answers' fields, in the order of the questions."""
        return [self[answer_field(key)] for key in self.question_ids]

    def prices(self) -> list[Any]:
        """The prices' fields, by band."""
        return [self[price_field(number)] for number in self.band_numbers]

    def content(self, saved: BidContent) -> BidContent:
        """What was typed. A price that is no amount leaves the saved one as it was."""
        prices = {}
        for number in self.band_numbers:
            field = self[price_field(number)]
            amount = saved.prices.get(number) if field.errors else field.data
            if amount is not None:
                prices[number] = amount
        answers = {key: self[answer_field(key)].data or "" for key in self.question_ids}
        return BidContent({key: text for key, text in answers.items() if text}, prices)

    def show(self, content: BidContent, version: int) -> None:
        """Fill in what is saved."""
        self.version.data = str(version)
        for key in self.question_ids:
            self[answer_field(key)].data = content.answers.get(key, "")
        for number in self.band_numbers:
            self[price_field(number)].data = content.prices.get(number)

    def show_faults(self, faults: list[Fault]) -> None:
        """Show each at its field."""
        for fault in faults:
            field = self[fault.field]
            field.errors = [*field.errors, fault.words]


def bid_form(competition: Competition) -> BidForm:
    """The form for this call-off's questions and bands."""
    fields: dict[str, Any] = {
        "question_ids": tuple(one.id for one in competition.questions),
        "band_numbers": tuple(one.number for one in competition.bands),
    }
    for number, question in enumerate(competition.questions, start=1):
        fields[answer_field(question.id)] = Answer(
            f"{number}. {question.text}", most=question.word_limit, validators=[optional()]
        )
    for band in competition.bands:
        label = "Annual price" if len(competition.bands) == 1 else f"Band {band.number}: annual price"
        fields[price_field(band.number)] = Pounds(
            label,
            description=f"{band.low:,} to {band.high:,} referrals a year. At most £{band.annual_value:,.2f} a year.",
            validators=[optional()],
        )
    made: BidForm = type("ThisBidForm", (BidForm,), fields)()
    return made
