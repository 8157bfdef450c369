"""Refusals: what the marketplace says no to, in words shown to people as they stand."""

from __future__ import annotations


class Refused(Exception):
    """The business says no. The message is plain words for the person who asked, shown as it is.

    `field` names the form field the words belong to, where there is one.
    """

    status = 409

    def __init__(self, words: str, *, field: str | None = None) -> None:
        super().__init__(words)
        self.words = words
        self.field = field


class NotAllowed(Refused):
    """This person may not do this, here, to this."""

    status = 403


class NotFound(Refused):
    """No such thing, or none that this person may know of: the answer is the same for both."""

    status = 404


class TooLate(Refused):
    """The clock has decided: a deadline has passed."""


class AlreadyDone(Refused):
    """Somebody (perhaps the same person, twice) has done this already."""


class Full(Refused):
    """No room is left under the volume cap."""


class Invalid(Refused):
    """What was entered cannot be right."""

    status = 422
