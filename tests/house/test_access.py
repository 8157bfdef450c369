"""Every route crossed with every role, from the one table; and what every public page carries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session, scoped_session
from werkzeug.routing import Rule

from marketplace.access import PUBLIC, SIGNED_IN, SIGNED_WEBHOOK, TABLE, Door, Permission, Role, audience, audience_of
from tests.factories.accounts import actor_with, sign_in

Database = scoped_session[Session]
# What has no such row, or no such name: where the door is open, the answer is "not found".
NOBODYS = {"IntegerConverter": "999999999", "UnicodeConverter": "none-such", "PathConverter": "none-such"}
# What ends with the sign-in page: doors that close behind oneself, and the code that nobody was asked for.
LEAVING = {"accounts.sign_out", "accounts.sign_out_everywhere", "accounts.second_factor"}


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Endpoint, method and a path without a row behind it, for each route but the static files."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        if rule.endpoint == "static":
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, path_of(app, rule)


def path_of(app: Flask, rule: Rule) -> str:
    values = {name: NOBODYS[type(rule._converters[name]).__name__] for name in rule.arguments}
    return app.url_map.bind("localhost").build(rule.endpoint, values, method=None)


def unopened(app: Flask) -> list[str]:
    """Views that name no audience."""
    return [endpoint for endpoint in app.view_functions if audience_of(app, endpoint) is None]


def test_every_view_names_its_audience(app: Flask) -> None:
    assert unopened(app) == []


def test_a_view_without_an_audience_is_found_and_closed(committed_app: Flask) -> None:
    committed_app.add_url_rule("/forgotten", "forgotten_view", lambda: "open to all")
    assert unopened(committed_app) == ["forgotten_view"]
    assert committed_app.test_client().get("/forgotten").status_code == 403


def test_every_permission_is_held_by_somebody_and_every_role_opens_something() -> None:
    assert set(TABLE) == set(Permission)
    assert all(TABLE.values())
    assert {role for roles in TABLE.values() for role in roles} == set(Role)


@pytest.mark.parametrize("wrong", [(), (PUBLIC, SIGNED_IN), (PUBLIC, Permission.BID)])
def test_an_audience_is_one_door_or_permissions(wrong: tuple[Door | Permission, ...]) -> None:
    with pytest.raises(ValueError, match=r"a door stands alone|name an audience"):
        audience(*wrong)


def test_strangers_reach_public_pages_only(app: Flask, client: FlaskClient, session: Database) -> None:
    wrong = []
    for endpoint, method, path in routes(app):
        opened = audience_of(app, endpoint)
        answer = client.open(path, method=method)
        led_away = answer.status_code == 302 and answer.location.startswith("/sign-in")
        # A page of sign-in itself may lead back to its beginning.
        expected = opened not in (PUBLIC, SIGNED_WEBHOOK) or (led_away and endpoint.startswith("accounts."))
        if led_away != expected or answer.status_code >= 500 or (not led_away and answer.status_code == 403):
            wrong.append((method, path, answer.status_code, answer.location))
    assert wrong == []


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_each_role_reaches_what_the_table_opens_to_it(
    app: Flask, client: FlaskClient, session: Database, role: Role
) -> None:
    actor = actor_with(role)
    sign_in(client, actor)
    wrong = []
    for endpoint, method, path in routes(app):
        opened = audience_of(app, endpoint)
        assert opened is not None
        may = opened in (PUBLIC, SIGNED_IN, SIGNED_WEBHOOK) or (
            isinstance(opened, tuple) and any(role in TABLE[permission] for permission in opened)
        )
        try:
            answer = client.open(path, method=method)
        except Exception as error:
            wrong.append(f"{method} {path}: {type(error).__name__}: {error}")
            sign_in(client, actor)
            continue
        led_away = answer.status_code == 302 and answer.location.startswith("/sign-in")
        if not may and answer.status_code != 403:
            wrong.append(f"{method} {path}: {answer.status_code}, though closed to {role}")
        # An action may refuse what a form without content asks for; a page may not.
        refused = answer.status_code == 403 and method == "GET"
        if may and (answer.status_code >= 500 or refused or (led_away and endpoint not in LEAVING)):
            wrong.append(f"{method} {path}: {answer.status_code}, though open to {role}")
        if endpoint in LEAVING:
            sign_in(client, actor)
    assert wrong == []


def test_public_pages_run_no_script_wear_no_style_of_their_own_and_protect_their_forms(committed_app: Flask) -> None:
    client, seen = committed_app.test_client(), 0
    for endpoint, method, path in routes(committed_app):
        if method != "GET" or audience_of(committed_app, endpoint) is not PUBLIC:
            continue
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy, path
        assert "default-src 'none'" in policy, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype != "text/html" or answer.status_code >= 300:
            continue
        seen += 1
        page = answer.text
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page), path
        assert "<style" not in page, path
        nonce = re.search(r"'nonce-([^']+)'", policy)
        assert nonce
        for attributes, inside in re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL):
            assert not inside.strip() or f'nonce="{nonce[1]}"' in attributes, path
        title = re.search(r"<title[^>]*>\s*(.*?)\s*</title>", page, re.DOTALL)
        assert title, path
        assert title[1].endswith("Dynamic Framework Marketplace"), path
        assert len(re.findall(r"<h1[\s>]", page)) == 1, path
        for form in re.findall(r'<form method="post".*?</form>', page, re.DOTALL):
            assert 'name="csrf_token"' in form, path
    assert seen >= 5
