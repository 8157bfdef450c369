"""Shape of what is entered about payments."""

from __future__ import annotations

from marketplace.forms import Form, LongText, required, word_limit


class NoteForm(Form):
    """What somebody found out about a difference."""

    note = LongText("What did you find out?", [required("Enter what you found out"), word_limit(200)])
