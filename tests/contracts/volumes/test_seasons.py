from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from contracts.agreements.models import ServiceLine
from contracts.volumes import actions, queries, rules
from contracts.volumes.forms import MONTHS
from contracts.volumes.models import LineSeason
from marketplace.access import Actor, Role
from marketplace.audit import events_for
from marketplace.errors import AlreadyDone, Invalid, NotAllowed
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.conftest import StandingClock
from tests.factories.accounts import make_actor, make_commissioner, make_supplier, sign_in
from tests.factories.at_once import at_once
from tests.factories.referrals import FOUR_BANDS, make_service

NOW = datetime(2026, 9, 7, 8, tzinfo=UTC)
ON = date(2026, 9, 7)
# Half as many in August and December, none in January.
SEASON = (0, 100, 100, 100, 100, 100, 100, 50, 100, 100, 100, 50)
in_a_database = pytest.mark.usefixtures("session", "clock")


def _service() -> tuple[ServiceLine, Actor]:
    body = make_commissioner()
    return make_service(bands=FOUR_BANDS, commissioner=body), make_actor(body, Role.CONTRACT_MANAGER)


def _set(line: ServiceLine, actor: Actor, weights: tuple[int, ...] = SEASON, **changed: object) -> LineSeason:
    values = {"from_day": ON, "reason": "Courts close.", "actor": actor, "now": NOW, **changed}
    return actions.set_season(line.id, weights, **values)  # type: ignore[arg-type]


@in_a_database
def test_a_season_holds_from_its_day_and_the_days_before_stay() -> None:
    line, manager = _service()
    # 84 of 251 working days are over by the end of July: 33.5 of 100; in this season 84 of 210.5 weights: 39.9.
    _set(line, manager, from_day=date(2026, 9, 8))
    assert queries.position(line, on=ON).year.season == rules.EVEN
    later = queries.position(line, on=date(2026, 9, 8))
    assert later.year.season == SEASON
    assert later.year.expected(later.plan, date(2026, 7, 31)) == 40
    _set(line, manager, rules.EVEN, from_day=date(2026, 10, 1))
    assert queries.position(line, on=date(2026, 10, 1)).year.season == rules.EVEN
    assert [one.from_day for one in queries.seasons(line.id)] == [date(2026, 10, 1), date(2026, 9, 8)]


@in_a_database
def test_it_is_on_record_and_the_supplier_is_told() -> None:
    line, manager = _service()
    _set(line, manager)
    assert events_for(line)[0].details == {"weights": list(SEASON), "from_day": "2026-09-07"}
    assert db.session.scalars(select(Letter.subject).where(Letter.key.startswith("line-season:"))).all() == [
        f"The profile of {line.title} changes"
    ]
    # The reason is for those who sign in.
    (body,) = db.session.scalars(select(Letter.body).where(Letter.key.startswith("line-season:")))
    assert "Courts close." not in body


@in_a_database
def test_who_may_set_it_and_what_is_refused() -> None:
    line, manager = _service()
    for stranger in (
        make_actor(line.agreement.supplier, Role.SERVICE_MANAGER),
        make_actor(line.agreement.commissioner, Role.COMMERCIAL_PARTNER),
        make_actor(make_commissioner(), Role.CONTRACT_MANAGER),
    ):
        with pytest.raises(NotAllowed):
            _set(line, stranger)
    for wrong, field in (
        ({"weights": (0,) * 12}, "month_1"),
        ({"weights": (1001,) * 12}, "month_1"),
        ({"from_day": date(2026, 9, 6)}, "from_day"),
        ({"reason": " "}, "reason"),
    ):
        with pytest.raises(Invalid) as refused:
            _set(line, manager, **wrong)  # type: ignore[arg-type]
        assert refused.value.field == field
    with pytest.raises(AlreadyDone):
        _set(line, manager, rules.EVEN)
    _set(line, manager)
    with pytest.raises(AlreadyDone):
        _set(line, manager)


def test_set_at_the_same_moment_it_is_set_once(committed_app: Flask, clock: StandingClock) -> None:
    with committed_app.app_context():
        line, manager = _service()
        key = line.id
        db.session.commit()

    def work(number: int) -> int:
        return actions.set_season(key, SEASON, from_day=ON, reason="x", actor=manager, now=NOW).id

    answers = at_once(committed_app, 6, work)
    assert sum(isinstance(one, AlreadyDone) for one in answers) == 5
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(LineSeason)) == 1


def _typed(**changed: str) -> dict[str, str]:
    months = {name: str(weight) for name, weight in zip(MONTHS, SEASON, strict=True)}
    day = {"from_day-day": "7", "from_day-month": "9", "from_day-year": "2026"}
    return {**months, **day, "reason": "Courts “close”.", "step": "preview", **changed}


@in_a_database
def test_pages_weigh_show_and_set(client: FlaskClient) -> None:
    line, manager = _service()
    sign_in(client, manager)
    path = f"/volumes/{line.id}/season"
    assert "That is our own default" in client.get(f"{path}s").text
    assert client.get(path).text.count('value="100"') == 12
    preview = client.post(path, data=_typed()).text
    assert "Set this season" in preview
    # 84 of 251 working days at the end of July, before and after.
    assert re.search(r"31 July 2026</th>\s*<td[^>]*>33</td>\s*<td[^>]*>40</td>", preview)
    assert "in place of 43" in preview
    assert db.session.scalar(select(func.count()).select_from(LineSeason)) == 0
    changed = client.post(path, data=_typed(step="change")).text
    assert "Courts “close”." in changed
    wrong = client.post(path, data=_typed(month_3="many", reason=""))
    assert wrong.status_code == 422
    assert "Enter a whole number" in wrong.text
    assert "Say why these months differ" in wrong.text
    nothing = client.post(path, data=_typed(**dict.fromkeys(MONTHS, "0")))
    assert nothing.status_code == 422
    assert "At least one month must weigh more than 0" in nothing.text
    past = client.post(path, data=_typed(**{"from_day-day": "6", "step": "set"}))
    assert past.status_code == 422
    assert "what was said of a past day stays" in past.text
    assert client.post(path, data=_typed(step="set")).location == f"{path}s"
    page = client.get(f"{path}s").text
    assert "Courts “close”." in page
    assert client.post(path, data=_typed(step="set")).status_code == 409
    assert "season set for it" in client.get(f"/volumes/{line.id}").text


@in_a_database
def test_others_read_it_and_do_not_set_it(client: FlaskClient) -> None:
    line, _ = _service()
    sign_in(client, make_actor(line.agreement.supplier, Role.SERVICE_MANAGER))
    assert "Set a season" not in client.get(f"/volumes/{line.id}/seasons").text
    assert client.get(f"/volumes/{line.id}/season").status_code == 403
    sign_in(client, make_actor(make_supplier(), Role.SERVICE_MANAGER))
    assert client.get(f"/volumes/{line.id}/seasons").status_code == 404
