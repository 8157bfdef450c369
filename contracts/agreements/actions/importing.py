"""Importing the live register: organisations not claimed yet, contracts without value, their services."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import func, inspect, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from calloffs.competitions.rules import Instrument
from contracts.agreements import register
from contracts.agreements.models import Agreement, AgreementVersion, LineTerms, ServiceLine, Subcontractor
from contracts.agreements.queries import with_terms
from contracts.agreements.register import Area, Known, Line, Row, Unreadable
from contracts.agreements.rules import AgreementStatus, Origin
from marketplace import audit
from marketplace.access import SYSTEM, Actor
from marketplace.accounts.models import Organisation
from marketplace.accounts.rules import OrganisationKind
from marketplace.errors import NotAllowed
from marketplace.extensions import db
from marketplace.framework.models import Category
from marketplace.places.models import Place
from marketplace.places.rules import Level

PROGRESS_EVERY = 50
Progress = Callable[[int, int], None]
_Outcome = Literal["imported", "changed", "unchanged"]


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken: the line of the file on which it begins, its reference if it has one, and why."""

    line: int
    reference: str
    reason: str


@dataclass(frozen=True)
class ImportResult:
    """What became of a file."""

    imported: int
    changed: int
    unchanged: int
    refused: int
    refusals: tuple[Refusal, ...]
    new_suppliers: int
    new_commissioners: int
    dry_run: bool

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass
class _Shelf:
    """What is known before the first row, so that no row asks the database what another asked already."""

    known: Known
    categories: dict[str, Category]
    places: dict[str, Place]
    suppliers: dict[str, Organisation]
    commissioners: dict[str, Organisation]
    agreements: dict[str, Agreement]

    def forget_undone(self) -> None:
        """Leave out organisations whose row was undone with the contract that named them."""
        for bodies in (self.suppliers, self.commissioners):
            for key in [key for key, body in bodies.items() if not inspect(body).persistent]:
                del bodies[key]


def import_register(
    text: Iterable[str],
    *,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportResult:
    """Take the rows of a register file (its lines, as an open file gives them).

    Each row stands alone: one that cannot be read is refused with its line and reason, the rest goes in. A contract
    already here is compared and, where the register says otherwise now, updated. Refused as a whole only: an empty
    file, another header, and people (the `marketplace` command imports). A dry run does all of it and keeps nothing.
    `progress` is called with rows done and rows in all.
    """
    if actor is not SYSTEM:
        raise NotAllowed("The register is imported with the marketplace command.")
    lines = register.lines_of(text)
    # Two imports at once come one after the other: neither makes an organisation that the other is making.
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext("contracts.agreements.register"))))
    everything = db.session.begin_nested()
    shelf = _shelf(lines)
    counts: Counter[_Outcome] = Counter()
    refusals: list[Refusal] = []
    suppliers, commissioners = len(shelf.suppliers), len(shelf.commissioners)
    seen: dict[str, int] = {}
    for done, line in enumerate(lines, start=1):
        try:
            row = register.read(line, shelf.known)
            if row.reference in seen:
                raise Unreadable(f"the contract reference stands on line {seen[row.reference]} already")
            seen[row.reference] = row.number
            with db.session.begin_nested():
                outcome = _take(row, shelf, actor=actor, now=now)
            counts[outcome] += 1
        except Unreadable as fault:
            refusals.append(Refusal(line.number, line.reference[:80], str(fault)))
        except (DataError, IntegrityError) as error:
            shelf.forget_undone()
            # A rule of the tables that reading does not know. Its words are not for people; its name tells us which.
            rule = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or type(error.orig).__name__
            refusals.append(Refusal(line.number, line.reference[:80], f"the database refused it ({rule})"))
        if progress is not None and (done % PROGRESS_EVERY == 0 or done == len(lines)):
            progress(done, len(lines))
    if dry_run:
        everything.rollback()
    else:
        everything.commit()
    return ImportResult(
        imported=counts["imported"],
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        refused=len(refusals),
        refusals=tuple(refusals),
        new_suppliers=len(shelf.suppliers) - suppliers,
        new_commissioners=len(shelf.commissioners) - commissioners,
        dry_run=dry_run,
    )


def _shelf(lines: Sequence[Line]) -> _Shelf:
    places = {
        place.code: place
        for place in db.session.scalars(
            select(Place).where(Place.level.in_((Level.PROBATION_REGION, Level.POLICE_FORCE_AREA)))
        )
    }
    regions = [Area(p.code, p.name, p.code) for p in places.values() if p.level is Level.PROBATION_REGION]
    forces = [
        Area(p.code, p.name, p.parent_code or "", p.pcc_area)
        for p in places.values()
        if p.level is Level.POLICE_FORCE_AREA
    ]
    categories = {category.code: category for category in db.session.scalars(select(Category))}
    suppliers = {
        register.provider_key(one.register_name): one
        for one in db.session.scalars(
            select(Organisation).where(
                Organisation.kind == OrganisationKind.SUPPLIER, Organisation.register_name.is_not(None)
            )
        )
        if one.register_name
    }
    commissioners: dict[str, Organisation] = {}
    # A body whose people have come goes before one that nobody has claimed.
    for body in db.session.scalars(
        select(Organisation)
        .where(Organisation.kind == OrganisationKind.PROBATION_REGION, Organisation.place_code.is_not(None))
        .order_by(Organisation.claimed_at.is_(None), Organisation.id)
    ):
        commissioners.setdefault(body.place_code or "", body)
    references = {line.reference for line in lines}
    agreements = {
        agreement.reference: agreement
        for agreement in db.session.scalars(
            select(Agreement)
            .where(Agreement.reference.in_(references))
            .options(
                joinedload(Agreement.supplier),
                joinedload(Agreement.commissioner),
                selectinload(Agreement.subcontractors),
                selectinload(Agreement.lines).selectinload(ServiceLine.categories),
                selectinload(Agreement.lines).options(*with_terms()),
            )
        )
    }
    known = Known.of(regions, forces, ((category.code, category.name) for category in categories.values()))
    return _Shelf(known, categories, places, suppliers, commissioners, agreements)


def _take(row: Row, shelf: _Shelf, *, actor: Actor, now: datetime) -> _Outcome:
    agreement = shelf.agreements.get(row.reference)
    if agreement is not None and agreement.origin is not Origin.REGISTER:
        raise Unreadable("a contract drawn from an award has this reference")
    supplier = _supplier(row, shelf, actor=actor, now=now)
    commissioner = _commissioner(row, shelf, actor=actor, now=now)
    if agreement is None:
        agreement = Agreement(
            reference=row.reference,
            origin=Origin.REGISTER,
            instrument=Instrument.CONTRACT,
            status=AgreementStatus.SIGNED,
            specification="",
            created_at=now,
            lines=[line := ServiceLine(number=1)],
            # The register knows one state of each contract: a later reading changes this version.
            versions=[AgreementVersion(number=1, agreed_at=now, line_terms=[LineTerms(line=line)])],
        )
        _write(agreement, row, shelf, supplier, commissioner)
        db.session.add(agreement)
        db.session.flush()
        audit.record("Imported from the live register", agreement, actor=actor, now=now)
        db.session.flush()
        shelf.agreements[row.reference] = agreement
        return "imported"
    before = _said_of(agreement)
    if before == _said_by(row, supplier, commissioner):
        return "unchanged"
    _write(agreement, row, shelf, supplier, commissioner)
    after = _said_of(agreement)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    audit.record(
        f"Updated from the live register: {', '.join(name.replace('_', ' ') for name in changes)}",
        agreement,
        actor=actor,
        now=now,
        changes=changes,
    )
    db.session.flush()
    return "changed"


def _write(agreement: Agreement, row: Row, shelf: _Shelf, supplier: Organisation, commissioner: Organisation) -> None:
    agreement.title = row.title
    agreement.supplier, agreement.commissioner = supplier, commissioner
    agreement.starts_on = agreement.versions[0].in_force_from = row.opens_on
    line = agreement.lines[0]
    agreed = line.terms[0]
    line.title, line.register_type = row.title, row.register_type
    line.open_to_women, line.open_to_men = row.open_to_women, row.open_to_men
    line.minimum_age, line.maximum_age = row.minimum_age, row.maximum_age
    line.referrals_from, agreed.referrals_until = row.opens_on, row.closes_on
    line.categories = [shelf.categories[code] for code in row.category_codes]
    agreed.places = [shelf.places[code] for code in row.place_codes]
    # Kept where they stay: a member taken out and put in again at once would meet the rule that names are unique.
    # Of one that left and came back, the entry that it left stays beside.
    kept = {one.name: one for one in sorted(agreement.subcontractors, key=lambda one: one.left_on is None)}
    left = [one for one in agreement.subcontractors if kept[one.name] is not one]
    agreement.subcontractors = [*left, *(kept.get(name) or Subcontractor(name=name) for name in row.subcontractors)]


def _said_of(agreement: Agreement) -> dict[str, Any]:
    """What the register said of this contract when it was last read."""
    line = agreement.lines[0]
    agreed = line.terms[0]
    return _facts(
        agreement.title,
        agreement.supplier,
        agreement.commissioner,
        line.register_type or "",
        (line.open_to_women, line.open_to_men),
        (line.minimum_age, line.maximum_age),
        (line.referrals_from, agreed.referrals_until),
        [category.code for category in line.categories],
        [place.code for place in agreed.places],
        list({one.name for one in agreement.subcontractors}),
    )


def _said_by(row: Row, supplier: Organisation, commissioner: Organisation) -> dict[str, Any]:
    """What the register says of it now."""
    return _facts(
        row.title,
        supplier,
        commissioner,
        row.register_type,
        (row.open_to_women, row.open_to_men),
        (row.minimum_age, row.maximum_age),
        (row.opens_on, row.closes_on),
        row.category_codes,
        row.place_codes,
        row.subcontractors,
    )


def _facts(
    title: str,
    supplier: Organisation,
    commissioner: Organisation,
    register_type: str,
    open_to: tuple[bool, bool],
    ages: tuple[int, int | None],
    dates: tuple[date, date | None],
    categories: Sequence[str],
    places: Sequence[str],
    subcontractors: Sequence[str],
) -> dict[str, Any]:
    return {
        "title": title,
        "supplier": supplier.name,
        "commissioner": commissioner.name,
        "type": register_type,
        "open_to_women": open_to[0],
        "open_to_men": open_to[1],
        "minimum_age": ages[0],
        "maximum_age": ages[1],
        "referrals_from": dates[0].isoformat(),
        "referrals_until": dates[1].isoformat() if dates[1] else None,
        "categories": sorted(categories),
        "places": sorted(places),
        "subcontractors": sorted(subcontractors),
    }


def _supplier(row: Row, shelf: _Shelf, *, actor: Actor, now: datetime) -> Organisation:
    key = register.provider_key(row.provider)
    if not key:
        raise Unreadable(f"the lead provider “{row.provider}” has no letters in its name")
    found = shelf.suppliers.get(key)
    if found is None:
        found = Organisation(
            kind=OrganisationKind.SUPPLIER, name=row.provider, register_name=row.provider, created_at=now
        )
        db.session.add(found)
        db.session.flush()
        audit.record("Named as a provider in the live register", found, actor=actor, now=now)
        shelf.suppliers[key] = found
    return found


def _commissioner(row: Row, shelf: _Shelf, *, actor: Actor, now: datetime) -> Organisation:
    """The region's probation service: the register names no commissioner."""
    found = shelf.commissioners.get(row.region.code)
    if found is None:
        found = Organisation(
            kind=OrganisationKind.PROBATION_REGION,
            name=f"Probation Service – {row.region.name}",
            place_code=row.region.code,
            created_at=now,
        )
        db.session.add(found)
        db.session.flush()
        audit.record("Added for the contracts of the live register", found, actor=actor, now=now)
        shelf.commissioners[row.region.code] = found
    return found
