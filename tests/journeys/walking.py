"""How a journey walks: filling fields by name, pressing buttons by their words, and who lives in the town."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from marketplace import clock
from marketplace.access import Actor, Role
from marketplace.accounts import actions as accounts
from marketplace.accounts.models import Organisation, Person
from marketplace.accounts.queries import actor_for, organisations_of
from marketplace.accounts.rules import OrganisationKind
from marketplace.extensions import db
from marketplace.framework.actions import load_framework
from marketplace.places.actions import load_places
from marketplace.transactions import transaction
from tests.journeys.conftest import MakeVisitor, Site, Visitor

PASSWORD = "a long enough password 7"


@dataclass
class Walker:
    """Somebody at their browser."""

    visitor: Visitor

    def go(self, path: str) -> Walker:
        """Open a page and look at it."""
        self.visitor.goto(path)
        self.visitor.check()
        return self

    def fill(self, **fields: str) -> Walker:
        """Type into text fields, by name."""
        for name, text in fields.items():
            self.visitor.page.locator(f"[name='{name}']").fill(text)
        return self

    def date(self, name: str, day: date) -> Walker:
        """Type a date as day, month and year."""
        parts = {f"{name}-day": day.day, f"{name}-month": day.month, f"{name}-year": day.year}
        return self.fill(**{part: str(number) for part, number in parts.items()})

    def pick(self, name: str, *values: str) -> Walker:
        """Choose radios or checkboxes, by name and value."""
        for value in values:
            box = self.visitor.page.locator(f"[name='{name}'][value='{value}']")
            for closed in self.visitor.page.locator("details:not([open])").all():
                if closed.locator(f"[name='{name}'][value='{value}']").count():
                    closed.locator("summary").click()
            box.check()
        return self

    def select(self, name: str, label: str) -> Walker:
        """Choose from a drop-down by its words."""
        self.visitor.page.locator(f"select[name='{name}']").select_option(label=label)
        return self

    def press(self, words: str, *, exact: bool = True) -> Walker:
        """Press a button, and look at the page that comes."""
        button = self.visitor.page.get_by_role("button", name=words, exact=exact)
        if not button.count():
            self.sees(f"a button “{words}”")
        button.first.click()
        self.visitor.page.wait_for_load_state()
        self.visitor.check()
        return self

    def follow(self, words: str) -> Walker:
        """Follow a link (or one that looks like a button), and look at the page that comes."""
        link = self.visitor.page.locator("main a", has_text=words)
        if not link.count():
            self.sees(f"a link “{words}”")
        link.first.click()
        self.visitor.page.wait_for_load_state()
        self.visitor.check()
        return self

    def sees(self, *words: str) -> Walker:
        """The page says each of these."""
        text = re.sub(r"\s+", " ", self.visitor.page.locator("main").inner_text())
        for each in words:
            assert each in text, f"{self.visitor.page.url} does not say “{each}”:\n{text[:1500]}"
        return self

    def does_not_see(self, *words: str) -> Walker:
        """The page says none of these."""
        text = re.sub(r"\s+", " ", self.visitor.page.locator("main").inner_text())
        for each in words:
            assert each not in text, f"{self.visitor.page.url} says “{each}”"
        return self

    @property
    def number(self) -> int:
        """The last number in the present address: what the page is about."""
        return int(re.findall(r"/(\d+)", self.visitor.page.url)[-1])


class Town:
    """The people of the journeys, and the marketplace they use."""

    def __init__(self, site: Site, visitor: MakeVisitor) -> None:
        self.site = site
        self._visitor = visitor
        now = clock.now()
        with site.app.app_context(), transaction():
            load_places(now=now)
            load_framework(now=now)
            team = self._body("National framework team", OrganisationKind.FRAMEWORK_TEAM, None)
            region = self._body("Probation Service – North East", OrganisationKind.PROBATION_REGION, "A")
            pcc = self._body("Northumbria PCC", OrganisationKind.PCC, "E23000007")
            self._person("Amara", team, Role.FRAMEWORK_TEAM)
            self._person("Priya", region, Role.COMMERCIAL_PARTNER)
            self._person("Graham", region, Role.APPROVER)
            self._person("Lesley", region, Role.CONTRACT_MANAGER)
            self._person("Moira", region, Role.EVALUATOR)
            self._person("Daniel", region, Role.EVALUATOR)
            self._person("Imran", region, Role.COMMISSIONER_FINANCE)
            self._person("Joanna", region, Role.RESPONSIBLE_OFFICER)
            self._person("Bethan", region, Role.REGIONAL_COORDINATOR)
            self._person("Sam", pcc, Role.COMMISSIONER_FINANCE)

    def _body(self, name: str, kind: OrganisationKind, place: str | None) -> Organisation:
        return accounts.add_organisation(name=name, kind=kind, place_code=place, now=clock.now())

    def _person(self, name: str, body: Organisation, *roles: Role) -> None:
        person = accounts.add_person(name=name, email=f"{name.lower()}@example.org", now=clock.now())
        for role in roles:
            accounts.grant_role(person, body, role, now=clock.now())

    def add_to(self, organisation: str, name: str, *roles: Role) -> None:
        """Somebody more for an organisation."""
        with self.site.app.app_context(), transaction():
            body = _one(organisation)
            self._person(name, body, *roles)

    def actor(self, name: str) -> Actor:
        """Somebody by name, acting for the organisation where they hold a role."""
        with self.site.app.app_context():
            person = db.session.scalars(select(Person).where(Person.email == f"{name.lower()}@example.org")).one()
            return actor_for(person.id, organisations_of(person.id)[0].id)

    def walker(self, name: str | None = None, *, javascript: bool = True) -> Walker:
        """Somebody freshly signed in (or a stranger), in a window of their own."""
        return Walker(self._visitor(self.actor(name) if name else None, javascript=javascript))


def _one(name: str) -> Organisation:
    return db.session.scalars(select(Organisation).where(Organisation.name == name)).one()
