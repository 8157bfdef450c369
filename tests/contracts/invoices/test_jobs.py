from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from contracts.invoices import actions, jobs
from contracts.invoices.models import Invoice, ReconciledYear
from tests.conftest import StandingClock
from tests.factories.invoices import make_contract

Database = scoped_session[Session]
NOVEMBER = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def test_one_that_fails_keeps_nothing_else_waiting(
    session: Database, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.set(NOVEMBER)
    first, second = make_contract(), make_contract()
    session.commit()
    right = actions.reconcile_years

    def wrong_for_the_first(agreement: object, **more: object) -> list[ReconciledYear]:
        if agreement is first:
            raise ZeroDivisionError
        return right(agreement, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(actions, "reconcile_years", wrong_for_the_first)
    with pytest.raises(ZeroDivisionError):
        jobs.raise_due_invoices()
    assert session.scalars(select(Invoice.agreement_id)).all() == [second.id]
