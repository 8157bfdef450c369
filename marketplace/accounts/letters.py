"""Letters: how every area writes to people, and the letters of accounts themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import current_app, render_template
from werkzeug.routing import BuildError

from marketplace import outbox
from marketplace.accounts.models import OneTimeLink, Person


def link(endpoint: str, **values: Any) -> str:
    """The whole address of a page, for letters: jobs write them too, where no request says what the address is."""
    base: str = current_app.config["SETTINGS"].public_url
    try:
        return base + current_app.url_map.bind("localhost").build(endpoint, values)
    except BuildError as error:
        return base + current_app.handle_url_build_error(error, endpoint, values)


def write_to(
    people: Iterable[Person],
    *,
    key: str,
    subject: str,
    template: str,
    now: datetime,
    holds_secret: bool = False,
    **context: Any,
) -> None:
    """One letter to each person, however often they are named or this runs: once for its key. Sent after the commit.

    The template is plain text that says what happened and gives `{{ link("area.page", id=…) }}`; greeting and
    signature are put around it here. Never personal data of people on probation, never the words of a bid.
    """
    for person in people:
        outbox.post(
            key=f"{key}:{person.id}",
            email=person.email,
            person_id=person.id,
            subject=subject,
            body=_body(person.name, template, person=person, **context),
            now=now,
            holds_secret=holds_secret,
        )


def _body(name: str | None, template: str, **context: Any) -> str:
    text = render_template(template, link=link, **context).strip()
    greeting = f"Dear {name}," if name else "Hello,"
    return f"{greeting}\n\n{text}\n\nDynamic Framework Marketplace\n{current_app.config['SETTINGS'].public_url}\n"


def invite(invitation: OneTimeLink, token: str, *, person: Person | None, inviter: str, now: datetime) -> None:
    """The link by which somebody joins an organisation."""
    assert invitation.organisation is not None  # a constraint of the table
    outbox.post(
        key=f"invitation:{invitation.id}",
        email=invitation.email,
        person_id=person.id if person else None,
        subject=f"{invitation.organisation.name} invites you to the Dynamic Framework Marketplace",
        body=_body(
            person.name if person else None,
            "emails/accounts/invitation.txt",
            invitation=invitation,
            inviter=inviter,
            url=link("accounts.invitation", token=token),
        ),
        now=now,
        holds_secret=True,
    )


def reset(person: Person, request: OneTimeLink, token: str, *, now: datetime) -> None:
    """The link by which a person chooses a new password."""
    write_to(
        [person],
        key=f"reset:{request.id}",
        subject="Choose a new password",
        template="emails/accounts/reset.txt",
        now=now,
        holds_secret=True,
        request_=request,
        url=link("accounts.reset", token=token),
    )


def tell_of_change(person: Person, *, key: str, what: str, now: datetime) -> None:
    """Tell a person that how they sign in was changed, so that a change made by another is noticed."""
    write_to(
        [person],
        key=key,
        subject=f"{what} on your account",
        template="emails/accounts/changed.txt",
        now=now,
        what=what,
    )


def tell_of_cleared(person: Person, *, administrator: str, organisation: str, now: datetime) -> None:
    """Tell a person that an administrator has taken their authenticator app off, and what comes next."""
    write_to(
        [person],
        key=f"second-factor-cleared:{now.isoformat()}",
        subject="Your authenticator app was cleared",
        template="emails/accounts/second_factor_cleared.txt",
        now=now,
        administrator=administrator,
        organisation=organisation,
    )
