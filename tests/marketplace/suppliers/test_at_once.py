"""Joining the framework by many people of one supplier at once: real commits, real threads."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

from flask import Flask
from sqlalchemy import func, select

from marketplace.access import Role
from marketplace.accounts.models import Organisation
from marketplace.accounts.queries import actor_for
from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.framework import queries as framework
from marketplace.suppliers import actions, queries
from marketplace.suppliers.models import Application, Qualification
from marketplace.suppliers.rules import Decision
from marketplace.transactions import transaction
from tests.factories.accounts import make_actor, make_supplier
from tests.factories.framework import make_framework
from tests.factories.places import KENT, make_places

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
YES, NO = Decision(True), Decision(False, "No experience in this area")
JUDGED = {"delivery-experience": True}


def test_many_at_once_start_one_and_submit_one(committed_app: Flask) -> None:
    with committed_app.app_context(), transaction():
        make_places()
        make_framework()
        supplier = make_supplier()
        bidder = make_actor(supplier, Role.BID_MANAGER)
        supplier_id = supplier.id

    def together(act: str) -> list[str]:
        barrier, results = Barrier(6), []

        def run() -> None:
            with committed_app.app_context():
                actor = actor_for(bidder.person, supplier_id)
                open_one = queries.open_application(supplier_id)
                barrier.wait()
                try:
                    with transaction():
                        if act == "start":
                            actions.start_application(
                                db.session.get_one(Organisation, supplier_id), actor=actor, now=NOW
                            )
                        else:
                            assert open_one is not None
                            actions.submit_application(open_one, actor=actor, now=NOW + timedelta(minutes=1))
                    results.append("done")
                except Refused as error:
                    results.append(type(error).__name__)
                finally:
                    db.session.remove()

        threads = [Thread(target=run) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(results)

    assert together("start") == ["AlreadyDone"] * 5 + ["done"]
    with committed_app.app_context(), transaction():
        actor = actor_for(bidder.person, supplier_id)
        draft = queries.draft_of(actor)
        answers = {one.code: "yes" for one in framework.selection_questions()}
        actions.save_answers(draft, answers, actor=actor, now=NOW)
        actions.choose_categories(draft, ["ACC"], actor=actor, now=NOW)
        actions.choose_areas(draft, "ACC", [KENT], actor=actor, now=NOW)
        actions.state_cohorts(draft, [], actor=actor, now=NOW)
    assert together("submit") == ["AlreadyDone"] * 5 + ["done"]
    with committed_app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Application)) == 1
        assert db.session.scalar(select(func.count()).select_from(Qualification)) == 1
