"""Who is asking: the session behind the browser's cookie, loaded once a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import current_app, redirect, request, session, url_for
from flask_login import UserMixin, current_user, login_user
from werkzeug.wrappers import Response

from marketplace import clock
from marketplace.access import SIGNED_WEBHOOK, Actor, audience_of
from marketplace.accounts import actions, queries
from marketplace.accounts.models import SignInSession
from marketplace.accounts.rules import SEEN_EVERY, local_path, token_hash
from marketplace.errors import NotAllowed
from marketplace.extensions import db
from marketplace.transactions import transaction

HALF = "half_signed_in"


@dataclass
class SignedIn(UserMixin):  # type: ignore[misc]
    """What Flask-Login keeps for the length of a request; plain values, which outlive a commit."""

    token: str
    session_id: int
    actor: Actor
    last_seen_at: datetime
    owes_second_factor: bool

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.token


def load(token: str) -> SignedIn | None:
    """Whose browser this is, with the organisation acted for and the roles there: one query."""
    row = queries.sign_in_session(token_hash(token))
    if row is None or not row.is_whole or not row.lasts_at(clock.now()):
        return None
    grants = row.person.grants
    roles = {grant.role for grant in grants if grant.organisation_id == row.organisation_id}
    return SignedIn(
        token=token,
        session_id=row.id,
        actor=queries.as_actor(row.person, row.organisation if roles else None, roles),
        last_seen_at=row.last_seen_at,
        owes_second_factor=row.second_factor_at is None and any(grant.is_of_staff for grant in grants),
    )


def signed_in() -> SignedIn:
    """The present browser's session. Only for views that are not public."""
    found = current_user._get_current_object()
    if not isinstance(found, SignedIn):
        raise NotAllowed("Sign in first.")
    return found


def own_session() -> SignInSession:
    """The row of the present browser's session."""
    return db.session.get_one(SignInSession, signed_in().session_id)


# What staff who must still set up their second factor can reach.
_BEFORE_SECOND_FACTOR = {
    "accounts.second_factor_set_up",
    "accounts.second_factor_start",
    "accounts.sign_out",
    "health",
    "help_page",
    "static",
}


def stay_signed_in() -> Response | None:
    """Before every request: note, once a minute, that the browser is in use; hold staff to their second factor."""
    endpoint = request.endpoint
    if endpoint in (None, "static", "health") or audience_of(current_app, endpoint) is SIGNED_WEBHOOK:
        return None
    someone = current_user._get_current_object()
    if not isinstance(someone, SignedIn):
        return None
    now = clock.now()
    if now - someone.last_seen_at >= SEEN_EVERY:
        with transaction():
            actions.seen(someone.session_id, now=now)
    demonstration = current_app.config["SETTINGS"].is_demonstration
    if someone.owes_second_factor and not demonstration and endpoint not in _BEFORE_SECOND_FACTOR:
        return redirect(url_for("accounts.second_factor_set_up"))
    return None


def enter(entry: actions.Entry, onward: str | None) -> Response:
    """Let a browser in: nothing of its former session is kept. Without its second factor it is asked for that."""
    onward = local_path(onward)
    session.clear()
    if not entry.is_whole:
        session[HALF] = entry.token
        return redirect(url_for("accounts.second_factor", next=onward))
    keep(entry)
    return redirect(onward or url_for("home"))


def keep(entry: actions.Entry) -> None:
    """Put the new token into the browser's cookie."""
    someone = load(entry.token)
    assert someone is not None, "a session just begun"
    login_user(someone)
