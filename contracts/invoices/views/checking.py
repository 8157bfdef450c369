"""A question, its answers once more to be checked, and then what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, request

from contracts.invoices.forms import CheckedForm
from marketplace.asking import Answer
from marketplace.errors import AlreadyDone, Refused
from marketplace.transactions import transaction

Rows = Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Question:
    """The words of a question's two pages, and the address to which one goes back."""

    heading: str
    button: str
    back: str
    # What follows from it, said on the page on which answers are checked.
    follows: Sequence[str] = ()


def ask_and_check(
    form: CheckedForm,
    question: Question,
    *,
    template: str,
    rows: Callable[[], Rows],
    act: Callable[[], str],
    already: Callable[[], str],
    **context: object,
) -> Answer:
    """The question; its answers to be checked, as `rows`; then what they ask for, and on to where `act` leads.

    A refusal stands in the form, and nothing typed is lost. What somebody has done already (a second click, another
    person) is said where `already` leads.
    """
    status, step = 200, request.form.get("step", "")
    if request.method == "POST" and step != "change" and form.validate():
        if step != "go":
            return render_template("contracts/invoices/check.html", answers=form, question=question, rows=rows())
        try:
            with transaction():
                to = act()
        except AlreadyDone as done:
            flash(done.words, "notice")
            return redirect(already())
        except Refused as refused:
            form.show_refusal(refused)
            status = refused.status
        else:
            return redirect(to)
    page = render_template(f"contracts/invoices/{template}.html", form=form, question=question, **context)
    return page, 422 if form.errors and status == 200 else status
