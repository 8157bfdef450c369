"""Forms of awards."""

from __future__ import annotations

from typing import Any

from marketplace.forms import Choice, Form, LongText, optional, required


class RecommendForm(Form):
    """Which bid, and why. Only bids ranked first are offered."""

    bid_id = Choice("Which bid do you recommend?", missing="Choose the bid you recommend")
    reason = LongText("Why this bid should win", validators=[required("Say why this bid should win")])


class DecideForm(Form):
    """Approve, or send back with a reason."""

    decision = Choice(
        "Your decision",
        choices=[
            ("approve", "Approve: publish the award notice, write to every bidder and begin the standstill"),
            ("send_back", "Send back: nothing is told to the bidders"),
        ],
        missing="Choose whether you approve the award",
    )
    reason = LongText("Why you send it back", validators=[optional()])

    def validate(self, extra_validators: Any = None) -> bool:
        """Sending back needs a reason."""
        fine: bool = super().validate(extra_validators)
        if fine and self.decision.data == "send_back" and not self.reason.data:
            self.reason.errors = ["Say why you send it back"]
            return False
        return fine
