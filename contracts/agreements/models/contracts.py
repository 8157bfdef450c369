"""Agreements: contracts in their versions, service lines and their terms, funders, supply chain, signatures.

What never changes stands with the contract and its lines; what a variation may change stands with a version. The
version in force on a day is the agreed one that began last by then (decision 0019).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.awards.models import Award
from calloffs.competitions.rules import Instrument, VolumeKind
from calloffs.plans.rules import Band
from contracts.agreements.rules import AgreementStatus, DocumentStatus, Origin, Side
from marketplace.accounts.models import Organisation, Person
from marketplace.accounts.rules import SupplierStatus
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of
from marketplace.framework.models import Category
from marketplace.places.models import Place
from marketplace.vault import SealedText

if TYPE_CHECKING:
    from contracts.agreements.models.granting import GrantInstalment, VersionInstalment
    from contracts.agreements.models.standing import ExtensionOption, Suspension


class Agreement(Base):
    """A contract between commissioners and a supplier: drawn from an award, or read from the live register."""

    __tablename__ = "agreements"
    __table_args__ = (
        CheckConstraint("(origin = 'award') = (award_id IS NOT NULL)", name="award_known"),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="dates"),
    )

    id: Mapped[Key]
    # People's reference: the register's own for imported contracts, ours (C-2026-0001) for those drawn from an award.
    reference: Mapped[str] = mapped_column(unique=True)
    origin: Mapped[Origin] = mapped_column(choice(Origin, "origin"))
    instrument: Mapped[Instrument] = mapped_column(choice(Instrument, "instrument"))
    award_id: Mapped[int | None] = mapped_column(ForeignKey("awards.id"), unique=True)
    status: Mapped[AgreementStatus] = mapped_column(choice(AgreementStatus, "status"), index=True)
    supplier_id: Mapped[int] = key_of("organisations.id")
    # The lead commissioner. The live register names none: its contracts have the region's probation service.
    commissioner_id: Mapped[int] = key_of("organisations.id")
    title: Mapped[str]
    specification: Mapped[str]
    # What the winner promised in answer to the Public Sector Equality Duty question: contract text from the award on.
    # Copied from its bid, because both sides and every funder read the contract by their right to the contract, for
    # as long as it lives, and none of them has (or keeps) a right to the bid file. Sealed, as it was in the bid.
    equality_commitments: Mapped[str | None] = mapped_column(SealedText("agreements.equality_commitments"))
    starts_on: Mapped[date]
    # Both as last agreed; what they were before stands with the versions. None where no value is published.
    ends_on: Mapped[date | None]
    whole_life_value: Mapped[Money | None] = mapped_column()
    created_at: Mapped[When]

    award: Mapped[Award | None] = relationship()
    supplier: Mapped[Organisation] = relationship(foreign_keys=[supplier_id])
    commissioner: Mapped[Organisation] = relationship(foreign_keys=[commissioner_id])
    lines: Mapped[list[ServiceLine]] = relationship(back_populates="agreement", order_by="ServiceLine.number")
    versions: Mapped[list[AgreementVersion]] = relationship(
        back_populates="agreement", order_by="AgreementVersion.number"
    )
    subcontractors: Mapped[list[Subcontractor]] = relationship(
        order_by="Subcontractor.name", cascade="all, delete-orphan"
    )
    extension_options: Mapped[list[ExtensionOption]] = relationship(
        back_populates="agreement", order_by="ExtensionOption.number"
    )
    suspensions: Mapped[list[Suspension]] = relationship(back_populates="agreement", order_by="Suspension.id")
    # Of a grant: as last agreed, and where each stands.
    instalments: Mapped[list[GrantInstalment]] = relationship(
        back_populates="agreement", order_by="GrantInstalment.number"
    )

    def version_on(self, day: date) -> AgreementVersion:
        """The version in force on a day: before the start, and until it is agreed, the first."""
        return _in_force(self.versions, day) or self.versions[0]

    def payers_on(self, on: date) -> set[int]:
        """The bodies that pay for it on a day or will later, as agreed; until it is, those of the first version."""
        agreed = [one for one in self.versions if one.agreed_at is not None]
        paid = [one for one in agreed if one.superseded_on is None or one.superseded_on > on] or self.versions[:1]
        return {funder.organisation_id for version in paid for funder in version.funders}

    def places_on(self, day: date) -> list[str]:
        """The names of the places that its services serve on a day, each once."""
        return list(dict.fromkeys(place.name for line in self.lines for place in line.terms_on(day).places))

    @property
    def latest(self) -> AgreementVersion:
        """The version agreed last, perhaps for a day to come; the first until that is agreed."""
        return _in_force(self.versions, date.max) or self.versions[0]

    @property
    def funders(self) -> list[AgreementFunder]:
        """Who pays what share by the latest version."""
        return self.latest.funders

    @property
    def signatures(self) -> list[Signature]:
        """The signatures under the latest version."""
        return self.latest.signatures

    @property
    def documents(self) -> list[AgreementDocument]:
        """The documents of all versions, oldest first."""
        return [document for version in self.versions for document in version.documents]


class AgreementVersion(Base):
    """The terms from a day on: the contract as first signed, then as each variation leaves it.

    Drafted until `agreed_at`, which the last signature sets; dropped without having counted if `abandoned_at` is set.
    """

    __tablename__ = "agreement_versions"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        UniqueConstraint("id", "agreement_id"),
        Index(
            "uq_agreement_versions_one_drafted",
            "agreement_id",
            unique=True,
            postgresql_where=text("agreed_at IS NULL AND abandoned_at IS NULL"),
        ),
        Index(
            "uq_agreement_versions_one_latest",
            "agreement_id",
            unique=True,
            postgresql_where=text("agreed_at IS NOT NULL AND superseded_on IS NULL"),
        ),
        CheckConstraint("ends_on IS NULL OR ends_on >= in_force_from", name="dates"),
        CheckConstraint(
            "superseded_on IS NULL OR (agreed_at IS NOT NULL AND superseded_on >= in_force_from)", name="superseded"
        ),
        CheckConstraint("agreed_at IS NULL OR abandoned_at IS NULL", name="agreed_or_abandoned"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    number: Mapped[int]
    in_force_from: Mapped[date]
    # The day from which a version agreed later applies.
    superseded_on: Mapped[date | None]
    # When the funders were first asked to approve it: from then on it concerns those that would pay, while it is open.
    asked_at: Mapped[When | None]
    agreed_at: Mapped[When | None]
    abandoned_at: Mapped[When | None]
    ends_on: Mapped[date | None]
    whole_life_value: Mapped[Money | None] = mapped_column()
    # Who leads from this version on, where that has ever changed; else who leads the contract.
    lead_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("organisations.id"))
    # The terms as their first signatory signed them: what the signatures' digests are of, whatever is renamed later.
    # Sealed, because the equality commitments are. None until signed, and for contracts signed before it was kept.
    signed_terms: Mapped[str | None] = mapped_column(SealedText("agreement_versions.signed_terms"))

    agreement: Mapped[Agreement] = relationship(back_populates="versions")
    lead: Mapped[Organisation | None] = relationship()
    funders: Mapped[list[AgreementFunder]] = relationship(order_by="AgreementFunder.id")
    line_terms: Mapped[list[LineTerms]] = relationship(back_populates="version", order_by="LineTerms.line_id")
    signatures: Mapped[list[Signature]] = relationship(order_by="Signature.at")
    documents: Mapped[list[AgreementDocument]] = relationship(back_populates="version", order_by="AgreementDocument.id")
    # Of a varied grant: the schedule of instalments that it agrees.
    instalments: Mapped[list[VersionInstalment]] = relationship(
        order_by="VersionInstalment.number", cascade="all, delete-orphan"
    )


def _in_force(versions: Sequence[AgreementVersion], day: date) -> AgreementVersion | None:
    """The rule of `queries.in_force` for versions at hand, in order of number; a test holds the two together."""
    begun = (one for one in reversed(versions) if one.agreed_at is not None and one.in_force_from <= day)
    return next(begun, None)


class ServiceLine(Base):
    """One service under an agreement: what referrals are made to and volume is counted on."""

    __tablename__ = "service_lines"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
        UniqueConstraint("id", "agreement_id"),
        CheckConstraint("open_to_women OR open_to_men", name="open_to_somebody"),
        CheckConstraint("minimum_age >= 18 AND (maximum_age IS NULL OR maximum_age >= minimum_age)", name="ages"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    number: Mapped[int]
    title: Mapped[str]
    # The register's own name of the kind of service, where the line was read from there.
    register_type: Mapped[str | None]
    open_to_women: Mapped[bool]
    open_to_men: Mapped[bool]
    minimum_age: Mapped[int] = mapped_column(default=18)
    maximum_age: Mapped[int | None]
    referrals_from: Mapped[date]

    agreement: Mapped[Agreement] = relationship(back_populates="lines")
    categories: Mapped[list[Category]] = relationship(secondary="service_line_categories", order_by="Category.position")
    terms: Mapped[list[LineTerms]] = relationship(back_populates="line", order_by="LineTerms.version_id")

    def terms_on(self, day: date) -> LineTerms:
        """What is agreed about this service on a day (see `Agreement.version_on`)."""
        version = _in_force([one.version for one in self.terms], day)
        return next((one for one in self.terms if one.version is version), self.terms[0])


class ServiceLineCategory(Base):
    """A category the line serves (the live register's "Personal Wellbeing" serves four)."""

    __tablename__ = "service_line_categories"

    line_id: Mapped[int] = mapped_column(ForeignKey("service_lines.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), primary_key=True, index=True)


class LineTerms(Base):
    """What one version says about one service: where, until when, how many, for how much."""

    __tablename__ = "line_terms"
    __table_args__ = (UniqueConstraint("line_id", "version_id"),)

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    version_id: Mapped[int] = key_of("agreement_versions.id")
    # None: neither bands nor a cap are known (imported contracts).
    volume_kind: Mapped[VolumeKind | None] = mapped_column(choice(VolumeKind, "volume_kind"))
    planned_band: Mapped[int | None]
    referrals_until: Mapped[date | None]

    line: Mapped[ServiceLine] = relationship(back_populates="terms")
    version: Mapped[AgreementVersion] = relationship(back_populates="line_terms")
    places: Mapped[list[Place]] = relationship(secondary="line_terms_places", order_by="Place.name")
    bands: Mapped[list[LineBand]] = relationship(order_by="LineBand.number", cascade="all, delete-orphan")

    @property
    def cap(self) -> int | None:
        """The most referrals in one contract year: the top band's high end. None if no volume is agreed."""
        return max((band.high for band in self.bands), default=None)

    @property
    def planned_annual_price(self) -> Decimal | None:
        """The planned band's annual price, in pounds; None where no price is known."""
        return next((band.annual_price for band in self.bands if band.number == self.planned_band), None)


class LineTermsPlace(Base):
    """An area the line serves under these terms."""

    __tablename__ = "line_terms_places"

    terms_id: Mapped[int] = mapped_column(ForeignKey("line_terms.id"), primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"), primary_key=True, index=True)


class LineBand(Base):
    """A volume band of the line, with the price agreed for it. A cap alone is band 1."""

    __tablename__ = "line_bands"
    __table_args__ = (
        UniqueConstraint("terms_id", "number"),
        CheckConstraint("low >= 0 AND high >= low", name="edges"),
    )

    id: Mapped[Key]
    terms_id: Mapped[int] = key_of("line_terms.id")
    number: Mapped[int]
    low: Mapped[int]
    high: Mapped[int]
    annual_price: Mapped[Money] = mapped_column()

    @property
    def band(self) -> Band:
        """The band as the rules know it."""
        return Band(self.number, self.low, self.high, self.annual_price)


class AgreementFunder(Base):
    """A commissioning body that pays a share, in percent, under one version."""

    __tablename__ = "agreement_funders"
    __table_args__ = (
        UniqueConstraint("version_id", "organisation_id"),
        ForeignKeyConstraint(
            ["version_id", "agreement_id"], ["agreement_versions.id", "agreement_versions.agreement_id"]
        ),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent"),
    )

    id: Mapped[Key]
    version_id: Mapped[int] = mapped_column(BigInteger, index=True)
    agreement_id: Mapped[int] = key_of("agreements.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    percent: Mapped[Percent] = mapped_column()

    organisation: Mapped[Organisation] = relationship()


class Subcontractor(Base):
    """A member of the supply chain, by the code or name under which it was given, and what it is to do (R61)."""

    __tablename__ = "subcontractors"
    __table_args__ = (
        # Who has left can come back: what it did before stays with the entry that it left.
        Index(
            "uq_subcontractors_name_present",
            "agreement_id",
            "name",
            unique=True,
            postgresql_where=text("left_on IS NULL"),
        ),
        CheckConstraint("share > 0 AND share <= 100", name="share"),
        CheckConstraint("(agreed_at IS NULL) = (agreed_by IS NULL)", name="agreed"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    name: Mapped[str]
    # The plan. The live register gives names alone, so that all of it may be unknown.
    work: Mapped[str | None]
    # The part of the contract's value that was promised to it, in percent.
    share: Mapped[Percent | None] = mapped_column()
    supplier_status: Mapped[SupplierStatus | None] = mapped_column(choice(SupplierStatus, "supplier_status"))
    # The contract manager agreed to it as it stands.
    agreed_at: Mapped[When | None]
    agreed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"))
    left_on: Mapped[date | None]


class Signature(Base):
    """One side's signature under one version: who for which body, when, and the digest of the terms signed."""

    __tablename__ = "signatures"
    __table_args__ = (UniqueConstraint("version_id", "side"),)

    id: Mapped[Key]
    version_id: Mapped[int] = key_of("agreement_versions.id")
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    # The body signed for: the lead commissioner may be another one since.
    organisation_id: Mapped[int] = key_of("organisations.id")
    person_id: Mapped[int] = key_of("people.id")
    at: Mapped[When]
    digest: Mapped[str]

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person] = relationship()


class AgreementDocument(Base):
    """One version of the contract as a PDF, made by a job and kept with its hash."""

    __tablename__ = "agreement_documents"
    __table_args__ = (
        Index(
            "uq_agreement_documents_one_waiting",
            "version_id",
            unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
        CheckConstraint("(status = 'made') = (sha256 IS NOT NULL)", name="made"),
    )

    id: Mapped[Key]
    version_id: Mapped[int] = key_of("agreement_versions.id")
    status: Mapped[DocumentStatus] = mapped_column(choice(DocumentStatus, "status"))
    wanted_at: Mapped[When]
    made_at: Mapped[When | None]
    sha256: Mapped[str | None]
    size: Mapped[int | None]

    version: Mapped[AgreementVersion] = relationship(back_populates="documents")
