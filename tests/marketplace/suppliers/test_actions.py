from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session

from marketplace import audit
from marketplace.access import Actor, Role
from marketplace.accounts.models import Organisation, Person
from marketplace.errors import AlreadyDone, Invalid, NotAllowed, NotFound
from marketplace.extensions import db
from marketplace.framework import queries as framework
from marketplace.outbox import Letter
from marketplace.suppliers import actions, queries
from marketplace.suppliers.models import Application
from marketplace.suppliers.rules import ApplicationStatus, Decision, QualificationStatus
from tests.factories.accounts import actor_with, give_role, make_actor, make_supplier
from tests.factories.framework import make_framework
from tests.factories.places import BARNSLEY, DOVER, KENT, KSS_REGION, SURREY, make_places
from tests.factories.suppliers import make_application, qualify

NOW = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
Db = scoped_session[Session]
YES, NO = Decision(True), Decision(False, "No experience in this area")
JUDGED = {"delivery-experience": True}


@pytest.fixture
def supplier(session: Db) -> Organisation:
    make_places()
    make_framework()
    return make_supplier("Bridge Street Trust")


@pytest.fixture
def bidder(supplier: Organisation) -> Actor:
    return make_actor(supplier, Role.BID_MANAGER)


@pytest.fixture
def team(supplier: Organisation) -> Actor:
    return actor_with(Role.FRAMEWORK_TEAM)


def states(supplier: Organisation) -> dict[tuple[str, str], QualificationStatus]:
    return {(one.category_code, one.place_code): one.status for one in queries.qualifications_of(supplier.id)}


def wanted(application: Application) -> dict[str, set[str]]:
    return {one.category_code: {area.place_code for area in one.areas} for one in application.categories}


# Writing


def test_one_open_application_to_a_supplier(supplier: Organisation, bidder: Actor) -> None:
    actions.start_application(supplier, actor=bidder, now=NOW)
    with pytest.raises(AlreadyDone, match="open application already"):
        actions.start_application(supplier, actor=bidder, now=NOW)


@pytest.mark.parametrize("second", [ApplicationStatus.DRAFT, ApplicationStatus.SUBMITTED])
def test_one_open_application_is_a_constraint(supplier: Organisation, second: ApplicationStatus) -> None:
    make_application(supplier)
    with pytest.raises(IntegrityError, match="uq_applications_one_open"):
        make_application(supplier, second)


def test_others_cannot_start_or_write_it(supplier: Organisation, bidder: Actor, team: Actor) -> None:
    application = make_application(supplier)
    strangers = [
        make_actor(make_supplier(), Role.BID_MANAGER),
        make_actor(supplier, Role.CASEWORKER),
        actor_with(Role.COMMERCIAL_PARTNER),
        team,
    ]
    for stranger in strangers:
        for act in (
            lambda who: actions.start_application(supplier, actor=who, now=NOW),
            lambda who: actions.save_answers(application, {}, actor=who, now=NOW),
            lambda who: actions.submit_application(application, actor=who, now=NOW),
            lambda who: actions.withdraw_application(application, actor=who, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                act(stranger)


def test_answers_are_kept_as_they_are_and_may_be_changed(supplier: Organisation, bidder: Actor) -> None:
    application = actions.start_application(supplier, actor=bidder, now=NOW)
    actions.save_answers(application, {"delivery-experience": "word " * 400, "insurance": "no"}, actor=bidder, now=NOW)
    actions.save_answers(application, {"insurance": "yes"}, actor=bidder, now=NOW)
    found = {one.question.code: one for one in queries.answered(queries.draft_of(bidder))}
    assert found["insurance"].answer == "yes"
    assert found["delivery-experience"].too_long


def test_areas_inside_a_wider_one_are_left_out(supplier: Organisation, bidder: Actor) -> None:
    application = make_application(supplier, wanted={"ACC": [BARNSLEY], "ETE": []})
    left = actions.choose_areas(application, "ACC", [KSS_REGION, DOVER, KENT], actor=bidder, now=NOW)
    assert [place.code for place in left] == [DOVER, KENT]
    assert wanted(application) == {"ACC": {KSS_REGION}, "ETE": set()}


def test_the_same_areas_for_all_categories(supplier: Organisation, bidder: Actor) -> None:
    qualify(supplier, "ETE", KSS_REGION)
    application = make_application(supplier, wanted={"ACC": [], "ETE": [], "DEP": [BARNSLEY]})
    actions.choose_areas(application, "ACC", [KENT, BARNSLEY], for_all=True, actor=bidder, now=NOW)
    assert wanted(application) == {"ACC": {KENT, BARNSLEY}, "ETE": {BARNSLEY}, "DEP": {KENT, BARNSLEY}}


def test_what_is_held_already_is_not_asked_for_again(supplier: Organisation, bidder: Actor) -> None:
    qualify(supplier, "ACC", KSS_REGION)
    application = make_application(supplier, wanted={"ACC": [], "ETE": []})
    with pytest.raises(Invalid, match="Accommodation in Dover already, because it is inside Kent, Surrey and Sussex"):
        actions.choose_areas(application, "ACC", [DOVER], actor=bidder, now=NOW)
    actions.choose_areas(application, "ETE", [DOVER], actor=bidder, now=NOW)


def test_categories_that_stay_keep_their_areas(supplier: Organisation, bidder: Actor) -> None:
    application = make_application(supplier, wanted={"ACC": [KENT], "ETE": [KENT]})
    actions.choose_categories(application, ["ACC", "WOM"], actor=bidder, now=NOW)
    db.session.refresh(application)
    assert wanted(application) == {"ACC": {KENT}, "WOM": set()}


@pytest.mark.parametrize(
    ("codes", "words"), [([], "at least one area"), (["nowhere"], "from the list"), ([KENT, "X"], "from the list")]
)
def test_areas_that_are_none_are_refused(supplier: Organisation, bidder: Actor, codes: list[str], words: str) -> None:
    application = make_application(supplier, wanted={"ACC": []})
    with pytest.raises(Invalid, match=words):
        actions.choose_areas(application, "ACC", codes, actor=bidder, now=NOW)


def test_cohorts_are_the_suppliers_own(supplier: Organisation, bidder: Actor) -> None:
    application = make_application(supplier)
    actions.state_cohorts(application, ["women", "care-leavers"], actor=bidder, now=NOW)
    actions.state_cohorts(application, ["women"], actor=bidder, now=NOW)
    assert [cohort.code for cohort in queries.cohorts_of(supplier.id)] == ["women"]
    with pytest.raises(Invalid):
        actions.state_cohorts(application, ["everybody"], actor=bidder, now=NOW)


# Submitting and withdrawing


def test_submitting_seeks_a_qualification_for_each_category_and_area(
    supplier: Organisation, bidder: Actor, team: Actor
) -> None:
    application = make_application(supplier, wanted={"ACC": [KENT, SURREY], "ETE": [BARNSLEY]})
    actions.submit_application(application, actor=bidder, now=NOW)
    assert (application.status, application.submitted_at) == (ApplicationStatus.SUBMITTED, NOW)
    sought = QualificationStatus.SOUGHT
    assert states(supplier) == {("ACC", KENT): sought, ("ACC", SURREY): sought, ("ETE", BARNSLEY): sought}
    assert {letter.person_id for letter in db.session.scalars(select(Letter))} == {bidder.person, team.person}
    assert [event.what for event in audit.events_for(application)] == ["Application submitted"]


def test_what_was_asked_does_not_change_with_the_question(supplier: Organisation, bidder: Actor) -> None:
    application = make_application(supplier, wanted={"ACC": [KENT]})
    actions.submit_application(application, actor=bidder, now=NOW)
    (question, *_) = framework.selection_questions()
    before, question.text = question.text, "Something else entirely?"
    db.session.flush()
    assert before in [one.asked for one in queries.answered(application)]


@pytest.mark.parametrize(
    ("answers", "areas", "missing"),
    [
        ({"insurance": ""}, [KENT], "Standards and policies"),
        ({"delivery-experience": "word " * 301}, [KENT], "Your experience"),
        ({}, [], "Areas for Accommodation"),
    ],
)
def test_what_is_missing_or_too_long_is_named(
    supplier: Organisation, bidder: Actor, answers: dict[str, str], areas: list[str], missing: str
) -> None:
    application = make_application(supplier, wanted={"ACC": areas}, answers=answers)
    with pytest.raises(Invalid, match=missing):
        actions.submit_application(application, actor=bidder, now=NOW)
    assert application.status is ApplicationStatus.DRAFT


def test_submitting_twice_is_refused_and_nothing_can_be_changed_after(supplier: Organisation, bidder: Actor) -> None:
    application = make_application(supplier, wanted={"ACC": [KENT]})
    actions.submit_application(application, actor=bidder, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.submit_application(application, actor=bidder, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.save_answers(application, {"insurance": "no"}, actor=bidder, now=NOW)
    with pytest.raises(AlreadyDone):
        actions.choose_areas(application, "ACC", [SURREY], actor=bidder, now=NOW)


def test_withdrawing_seeks_no_more_and_the_answers_begin_the_next(
    supplier: Organisation, bidder: Actor, team: Actor
) -> None:
    application = make_application(supplier, wanted={"ACC": [KENT]}, answers={"lived-experience": "Our own words"})
    actions.submit_application(application, actor=bidder, now=NOW)
    actions.withdraw_application(application, actor=bidder, now=NOW)
    assert states(supplier) == {}
    with pytest.raises(AlreadyDone):
        actions.withdraw_application(application, actor=bidder, now=NOW)
    with pytest.raises(AlreadyDone, match="withdrawn"):
        actions.decide_application(application, {("ACC", KENT): YES}, judged=JUDGED, actor=team, now=NOW)
    again = actions.start_application(supplier, actor=bidder, now=NOW)
    assert wanted(again) == {"ACC": {KENT}}
    assert "Our own words" in [one.answer for one in queries.answered(again)]
    actions.submit_application(again, actor=bidder, now=NOW)
    assert states(supplier) == {("ACC", KENT): QualificationStatus.SOUGHT}


# Deciding


@pytest.fixture
def submitted(supplier: Organisation) -> Application:
    return make_application(supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT], "ETE": [KENT, BARNSLEY]})


MIXED = {("ACC", KENT): YES, ("ETE", KENT): NO, ("ETE", BARNSLEY): YES}


def test_admitted_for_some_and_declined_for_others(
    supplier: Organisation, submitted: Application, bidder: Actor, team: Actor
) -> None:
    actions.decide_application(submitted, MIXED, judged=JUDGED, note="Welcome.", actor=team, now=NOW)
    assert submitted.status is ApplicationStatus.ADMITTED
    assert (submitted.decided_at, submitted.decided_by, submitted.decision_reason) == (NOW, team.person, "Welcome.")
    assert states(supplier) == {
        ("ACC", KENT): QualificationStatus.QUALIFIED,
        ("ETE", KENT): QualificationStatus.DECLINED,
        ("ETE", BARNSLEY): QualificationStatus.QUALIFIED,
    }
    assert queries.qualified_suppliers("ACC", [DOVER]) == [supplier]
    assert queries.qualified_suppliers("ETE", [DOVER]) == []
    (letter,) = db.session.scalars(select(Letter))
    assert letter.person_id == bidder.person
    assert "qualified for 2 combinations" in letter.body
    assert "declined for 1" in letter.body


def test_declined_with_reasons_and_asked_for_again(
    supplier: Organisation, submitted: Application, bidder: Actor, team: Actor
) -> None:
    actions.decide_application(submitted, dict.fromkeys(MIXED, NO), judged=JUDGED, actor=team, now=NOW)
    assert submitted.status is ApplicationStatus.DECLINED
    again = actions.start_application(supplier, actor=bidder, now=NOW)
    actions.submit_application(again, actor=bidder, now=NOW)
    assert set(states(supplier).values()) == {QualificationStatus.SOUGHT}
    actions.decide_application(again, MIXED, judged=JUDGED, actor=team, now=NOW)
    assert queries.is_qualified(supplier.id, "ACC", [KENT])
    # The first application still says what was decided then.
    (acc, _) = queries.wanted_of(queries.application_for(bidder, submitted.id))
    assert acc.areas[0].decision is QualificationStatus.DECLINED


def test_applying_again_asks_only_for_what_is_not_held(
    supplier: Organisation, submitted: Application, bidder: Actor, team: Actor
) -> None:
    actions.decide_application(submitted, MIXED, judged=JUDGED, actor=team, now=NOW)
    again = actions.start_application(supplier, actor=bidder, now=NOW)
    assert wanted(again) == {"ETE": {KENT}}


def refused(words: str, decisions: dict[tuple[str, str], Decision], judged: dict[str, bool]) -> tuple[object, ...]:
    return pytest.param(words, decisions, judged, id=words)


@pytest.mark.parametrize(
    ("words", "decisions", "judged"),
    [
        refused("Decide about", {("ACC", KENT): YES}, JUDGED),
        refused("Say why Accommodation in Kent", {**MIXED, ("ACC", KENT): Decision(False, "  ")}, JUDGED),
        refused("has not asked for this", {**MIXED, ("WOM", KENT): YES}, JUDGED),
        refused("Say whether the answer", MIXED, {}),
        refused("while one of its answers fails", MIXED, {"delivery-experience": False}),
    ],
)
def test_a_decision_that_is_not_whole_is_refused(
    submitted: Application,
    team: Actor,
    words: str,
    decisions: dict[tuple[str, str], Decision],
    judged: dict[str, bool],
) -> None:
    with pytest.raises(Invalid, match=words):
        actions.decide_application(submitted, decisions, judged=judged, actor=team, now=NOW)


def test_an_answer_that_fails_by_its_rule_keeps_a_supplier_out(supplier: Organisation, team: Actor) -> None:
    application = make_application(
        supplier, ApplicationStatus.SUBMITTED, wanted={"ACC": [KENT]}, answers={"debarment": "yes"}
    )
    with pytest.raises(Invalid, match="debarment list"):
        actions.decide_application(application, {("ACC", KENT): YES}, judged=JUDGED, actor=team, now=NOW)
    actions.decide_application(application, {("ACC", KENT): NO}, judged=JUDGED, actor=team, now=NOW)
    assert application.status is ApplicationStatus.DECLINED


def test_only_the_framework_team_decides_and_only_once(submitted: Application, bidder: Actor, team: Actor) -> None:
    for stranger in (bidder, actor_with(Role.COMMERCIAL_PARTNER), actor_with(Role.APPROVER)):
        with pytest.raises(NotAllowed):
            actions.decide_application(submitted, MIXED, judged=JUDGED, actor=stranger, now=NOW)
    actions.decide_application(submitted, MIXED, judged=JUDGED, actor=team, now=NOW)
    with pytest.raises(AlreadyDone, match="decided already"):
        actions.decide_application(submitted, MIXED, judged=JUDGED, actor=team, now=NOW)
    with pytest.raises(AlreadyDone, match="cannot be withdrawn"):
        actions.withdraw_application(submitted, actor=bidder, now=NOW)


def test_nobody_decides_the_application_of_a_supplier_they_also_act_for(submitted: Application, team: Actor) -> None:
    person = db.session.get_one(Person, team.person)
    give_role(person, submitted.organisation, Role.SERVICE_MANAGER)
    with pytest.raises(NotAllowed, match="your own organisation"):
        actions.decide_application(submitted, MIXED, judged=JUDGED, actor=team, now=NOW)


def test_the_database_refuses_a_decline_without_a_reason(submitted: Application, session: Db) -> None:
    with pytest.raises(IntegrityError, match="declined_with_a_reason"):
        session.execute(text("UPDATE application_areas SET decision = 'declined'"))


def test_the_database_knows_the_states(supplier: Organisation, session: Db) -> None:
    application = make_application(supplier, ApplicationStatus.ADMITTED)
    for status in ApplicationStatus:
        session.execute(text("UPDATE applications SET status = :s WHERE id = :id"), {"s": status, "id": application.id})


# Who sees what


def test_drafts_are_their_writers_and_applications_their_suppliers(
    supplier: Organisation, submitted: Application, bidder: Actor, team: Actor
) -> None:
    draft = make_application(make_supplier())
    assert queries.application_for(team, submitted.id) == submitted
    assert queries.application_for(bidder, submitted.id) == submitted
    for actor, hidden in ((team, draft), (bidder, draft), (make_actor(make_supplier(), Role.SIGNATORY), submitted)):
        with pytest.raises(NotFound):
            queries.application_for(actor, hidden.id)


def test_what_waits(app: Flask, supplier: Organisation, bidder: Actor, team: Actor) -> None:
    def said(actor: Actor) -> list[str]:
        with app.test_request_context():
            return [one.text for one in queries.waiting(actor, NOW)]

    assert "Apply to join" in said(bidder)[0]
    assert said(team) == []
    assert said(make_actor(supplier, Role.CASEWORKER)) == []
    application = make_application(supplier, wanted={"ACC": [KENT]})
    assert "Finish and submit" in said(bidder)[0]
    actions.submit_application(application, actor=bidder, now=NOW)
    assert said(bidder) == []
    assert said(team) == ["1 application waits for a decision"]
