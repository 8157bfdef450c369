"""Agreements: where they come from, how they are signed, what their terms are, and their contract years."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from contracts.agreements.rules.instalments import InstalmentTerm
from contracts.agreements.rules.years import contract_year as contract_year
from contracts.agreements.rules.years import ends_on as ends_on
from contracts.agreements.rules.years import first_of_month as first_of_month
from contracts.agreements.rules.years import last_of_month as last_of_month
from contracts.agreements.rules.years import months_after as months_after
from contracts.agreements.rules.years import next_month as next_month
from contracts.agreements.rules.years import price_of as price_of


class Origin(StrEnum):
    """Where an agreement comes from."""

    AWARD = "award"
    REGISTER = "register"

    @property
    def label(self) -> str:
        """The origin in words."""
        return {Origin.AWARD: "Drawn from an award", Origin.REGISTER: "Read from the live register"}[self]


class AgreementStatus(StrEnum):
    """Where signing stands. In force or ended is decided by the clock. Imported ones were signed elsewhere."""

    AWAITING_SUPPLIER = "awaiting_supplier"
    AWAITING_COMMISSIONER = "awaiting_commissioner"
    SIGNED = "signed"
    ABANDONED = "abandoned"

    @property
    def label(self) -> str:
        """The status in words."""
        return {
            AgreementStatus.AWAITING_SUPPLIER: "Supplier to sign",
            AgreementStatus.AWAITING_COMMISSIONER: "Commissioner to sign",
            AgreementStatus.SIGNED: "Signed",
            AgreementStatus.ABANDONED: "Abandoned, never signed by both",
        }[self]


AGREEMENT_MOVES: dict[AgreementStatus, frozenset[AgreementStatus]] = {
    AgreementStatus.AWAITING_SUPPLIER: frozenset({AgreementStatus.AWAITING_COMMISSIONER, AgreementStatus.ABANDONED}),
    AgreementStatus.AWAITING_COMMISSIONER: frozenset({AgreementStatus.SIGNED, AgreementStatus.ABANDONED}),
    AgreementStatus.SIGNED: frozenset(),
    AgreementStatus.ABANDONED: frozenset(),
}


class Side(StrEnum):
    """Who signs: the supplier first, then the commissioner."""

    SUPPLIER = "supplier"
    COMMISSIONER = "commissioner"


# Whose turn it is at each status, and where their signature takes the agreement.
TURN: dict[AgreementStatus, Side] = {
    AgreementStatus.AWAITING_SUPPLIER: Side.SUPPLIER,
    AgreementStatus.AWAITING_COMMISSIONER: Side.COMMISSIONER,
}
AFTER: dict[Side, AgreementStatus] = {
    Side.SUPPLIER: AgreementStatus.AWAITING_COMMISSIONER,
    Side.COMMISSIONER: AgreementStatus.SIGNED,
}


class SuspensionCause(StrEnum):
    """What stopped new referrals: those who lead the contract decided it, or the service is handed over."""

    DECIDED = "decided"
    HANDOVER = "handover"


class OptionDecision(StrEnum):
    """What the commissioner decided of an option to extend."""

    USE = "use"
    LEAVE = "leave"

    @property
    def label(self) -> str:
        """The decision in words."""
        return {OptionDecision.USE: "To be used", OptionDecision.LEAVE: "Not used"}[self]


class DocumentStatus(StrEnum):
    """Where a document stands."""

    WAITING = "waiting"
    MADE = "made"


class Standing(StrEnum):
    """Where a contract is at a date: what people signed and what the clock has decided since."""

    AWAITING_SIGNATURE = "awaiting_signature"
    NOT_BEGUN = "not_begun"
    IN_FORCE = "in_force"
    ENDED = "ended"
    ABANDONED = "abandoned"


def standing_of(status: AgreementStatus, *, starts_on: date, ends_on: date | None, on: date) -> Standing:
    """Where the contract is on a day. Its first and last day both count as in force."""
    if status is AgreementStatus.ABANDONED:
        return Standing.ABANDONED
    if status is not AgreementStatus.SIGNED:
        return Standing.AWAITING_SIGNATURE
    if on < starts_on:
        return Standing.NOT_BEGUN
    return Standing.IN_FORCE if ends_on is None or on <= ends_on else Standing.ENDED


def name_key(name: str) -> str:
    """A name as it is compared: case, blanks and punctuation make no difference, and "&" is "and"."""
    joined = name.casefold().replace("&", " and ")
    without_marks = "".join(c for c in joined if c not in "'’‘`")
    return " ".join("".join(c if c.isalnum() else " " for c in without_marks).split())


# How both kinds of contract are paid (domain.md, "Payment"). Terms that are signed: other words would change every
# digest, so a later wording is added beside this one, for contracts drawn from then on.
PAYMENT = (
    "The price of the planned band is paid in twelve equal monthly payments, each month in arrears, by the funders in "
    "their shares. At the end of each contract year the price is reconciled to the band that was reached, and is never "
    "below that of the lowest band. No more referrals are taken in a contract year than the highest band allows."
)


# How a grant is paid (R29). Signed as the words above are.
GRANT_PAYMENT = (
    "The grant is paid in instalments, by the funders in their shares, each when the lead commissioner has accepted "
    "that its milestone is reached. Together they are no more than the whole-life value. No more referrals are taken "
    "in a contract year than the cap allows."
)


@dataclass(frozen=True)
class Party:
    """One side as the contract names it."""

    name: str
    company_number: str | None
    charity_number: str | None


@dataclass(frozen=True)
class FunderTerm:
    """Who funds what share, in percent."""

    name: str
    percent: Decimal


@dataclass(frozen=True)
class BandTerm:
    """Referrals a contract year from `low` to `high`, both included, for so many pounds a year."""

    number: int
    low: int
    high: int
    annual_price: Decimal


@dataclass(frozen=True)
class LineTerm:
    """One service under the contract."""

    number: int
    title: str
    categories: tuple[str, ...]
    places: tuple[str, ...]
    open_to_women: bool
    open_to_men: bool
    minimum_age: int
    maximum_age: int | None
    referrals_from: date
    referrals_until: date | None
    volume_kind: str | None
    planned_band: int | None
    bands: tuple[BandTerm, ...]


@dataclass(frozen=True)
class OptionTerm:
    """That the commissioner may make the contract so many months longer, if it decides by a day."""

    number: int
    months: int
    decide_by: date


@dataclass(frozen=True)
class Terms:
    """Everything both sides sign: what the digest is of and what the PDF says."""

    reference: str
    framework: str
    competition: str
    title: str
    supplier: Party
    commissioner: Party
    funders: tuple[FunderTerm, ...]
    starts_on: date
    ends_on: date | None
    whole_life_value: Decimal | None
    payment: str
    specification: str
    equality_commitments: str
    lines: tuple[LineTerm, ...]
    # "grant", where it is one.
    instrument: str | None = None
    # Of terms as varied: which version they are, and the day from which they apply.
    version: int | None = None
    in_force_from: date | None = None
    # Options to extend; None where there are none.
    options: tuple[OptionTerm, ...] | None = None
    # Of a grant as varied: its instalments.
    instalments: tuple[InstalmentTerm, ...] | None = None


# Added after the first contracts were signed: left out where empty, so that the digests of those stay what they are.
_ADDED_LATER = ("instrument", "version", "in_force_from", "options", "instalments")


def canonical_terms(terms: Terms) -> bytes:
    """The terms as JSON, always the same bytes for the same terms: UTF-8, sorted keys, no blanks.

    Amounts and percentages are strings as stored (two decimals), dates ISO 8601.
    """
    said = asdict(terms)
    for name in _ADDED_LATER:
        if said[name] is None:
            del said[name]
    return json.dumps(said, default=_plainly, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def terms_from(canonical: str | bytes) -> Terms:
    """The terms out of their canonical JSON: `canonical_terms` of what comes back gives the same bytes."""
    said = json.loads(canonical)
    return Terms(
        **said
        | {
            "supplier": Party(**said["supplier"]),
            "commissioner": Party(**said["commissioner"]),
            "funders": tuple(FunderTerm(one["name"], Decimal(one["percent"])) for one in said["funders"]),
            "starts_on": date.fromisoformat(said["starts_on"]),
            "ends_on": _date_if(said["ends_on"]),
            "whole_life_value": None if said["whole_life_value"] is None else Decimal(said["whole_life_value"]),
            "in_force_from": _date_if(said.get("in_force_from")),
            "options": _options_from(said.get("options")),
            "instalments": _instalments_from(said.get("instalments")),
            "lines": tuple(
                LineTerm(
                    **one
                    | {
                        "categories": tuple(one["categories"]),
                        "places": tuple(one["places"]),
                        "referrals_from": date.fromisoformat(one["referrals_from"]),
                        "referrals_until": _date_if(one["referrals_until"]),
                        "bands": tuple(
                            BandTerm(**band | {"annual_price": Decimal(band["annual_price"])}) for band in one["bands"]
                        ),
                    }
                )
                for one in said["lines"]
            ),
        }
    )


def _options_from(said: list[dict[str, Any]] | None) -> tuple[OptionTerm, ...] | None:
    if said is None:
        return None
    return tuple(OptionTerm(**one | {"decide_by": date.fromisoformat(one["decide_by"])}) for one in said)


def _instalments_from(said: list[dict[str, Any]] | None) -> tuple[InstalmentTerm, ...] | None:
    if said is None:
        return None
    return tuple(
        InstalmentTerm(**one | {"amount": Decimal(one["amount"]), "due_on": date.fromisoformat(one["due_on"])})
        for one in said
    )


def figures(terms: Terms) -> tuple[object, ...]:
    """What may not differ from what was signed: dates, shares, amounts, bands, codes of places. Names may change."""
    return (
        terms.starts_on,
        terms.ends_on,
        terms.whole_life_value,
        terms.instrument,
        terms.in_force_from,
        terms.options,
        terms.instalments,
        terms.specification,
        terms.equality_commitments,
        tuple(sorted(funder.percent for funder in terms.funders)),
        tuple(
            (
                line.number,
                tuple(sorted(place.rpartition("(")[2] for place in line.places)),
                (line.open_to_women, line.open_to_men, line.minimum_age, line.maximum_age),
                (line.referrals_from, line.referrals_until),
                (line.volume_kind, line.planned_band, line.bands),
            )
            for line in terms.lines
        ),
    )


def terms_digest(terms: Terms) -> str:
    """SHA-256 of the canonical terms, in hexadecimal: what each side signs, and anyone can check."""
    return hashlib.sha256(canonical_terms(terms)).hexdigest()


def _date_if(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _plainly(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
