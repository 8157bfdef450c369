"""A service heading under its minimum and those who act on it, for the tests of what is done about volumes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from contracts.agreements.models import ServiceLine
from contracts.volumes import actions, jobs
from contracts.volumes.actions import Decision
from contracts.volumes.models import VolumeAction, VolumeAlert
from contracts.volumes.rules import ActionKind, AlertStatus, Verdict
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation
from marketplace.extensions import db
from marketplace.outbox import Letter
from tests.factories.accounts import make_actor, make_commissioner, make_supplier
from tests.factories.places import DOVER, KENT, KSS_REGION, NEWPORT, make_places
from tests.factories.referrals import FOUR_BANDS, make_referrals, make_service

NOW = datetime(2026, 9, 7, 8, tzinfo=UTC)
ON, LATER, LATEST = date(2026, 9, 7), date(2026, 10, 5), date(2026, 11, 2)
in_a_database = pytest.mark.usefixtures("session", "clock")


class Case:
    """A service heading under its minimum, warned of, and who is concerned."""

    def __init__(self, *, bands: Any = FOUR_BANDS, referrals: int = 0) -> None:
        make_places(DOVER, KENT, NEWPORT)
        self.body: Organisation = make_commissioner(place_code=KSS_REGION)
        self.manager: Actor = make_actor(self.body, Role.CONTRACT_MANAGER, name="Ada")
        self.supplier = make_supplier()
        self.deliverer = make_actor(self.supplier, Role.SERVICE_MANAGER)
        self.line: ServiceLine = make_service(
            bands=bands,
            commissioner=self.body,
            supplier=self.supplier,
            places=[DOVER],
            with_manager=False,
            title="Rooms",
        )
        make_referrals(self.line, referrals)
        jobs.raise_due_alerts()

    @property
    def alert(self) -> VolumeAlert:
        return db.session.scalars(select(VolumeAlert).where(VolumeAlert.status != AlertStatus.CLOSED)).one()

    def decide(self, kind: ActionKind = ActionKind.MARKET, **changed: Any) -> VolumeAction:
        values = {
            "kind": kind,
            "what": "Visit the courts.",
            "owner_id": self.manager.person,
            "follow_up_on": LATER,
            "message": "Ring first." if kind.has_message else "",
            **changed,
        }
        return actions.decide(self.line.id, Decision(**values), actor=self.manager, now=NOW)

    def follow_up(self, action: VolumeAction, verdict: Verdict, **changed: Any) -> VolumeAction:
        values = {"due_on": LATER, "words": "Looked.", "next_on": None, "actor": self.manager, "now": NOW, **changed}
        return actions.follow_up(action.id, verdict=verdict, **values)


def letters_of(key: str) -> list[tuple[str, int | None]]:
    return [
        (row.subject, row.person_id) for row in db.session.scalars(select(Letter).where(Letter.key.startswith(key)))
    ]
