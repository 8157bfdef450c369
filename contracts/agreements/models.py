"""Agreements: contracts, their service lines, bands, funders, supply chain and signatures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.awards.models import Award
from calloffs.competitions.rules import VolumeKind
from calloffs.plans.rules import Band
from contracts.agreements.rules import AgreementStatus, DocumentStatus, Origin, Side
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, Percent, When, choice, key_of
from marketplace.framework.models import Category
from marketplace.places.models import Place
from marketplace.vault import SealedText


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
    ends_on: Mapped[date | None]
    # None where no value is published.
    whole_life_value: Mapped[Money | None] = mapped_column()
    created_at: Mapped[When]

    award: Mapped[Award | None] = relationship()
    supplier: Mapped[Organisation] = relationship(foreign_keys=[supplier_id])
    commissioner: Mapped[Organisation] = relationship(foreign_keys=[commissioner_id])
    lines: Mapped[list[ServiceLine]] = relationship(back_populates="agreement", order_by="ServiceLine.number")
    funders: Mapped[list[AgreementFunder]] = relationship(order_by="AgreementFunder.id")
    subcontractors: Mapped[list[Subcontractor]] = relationship(
        order_by="Subcontractor.name", cascade="all, delete-orphan"
    )
    signatures: Mapped[list[Signature]] = relationship(order_by="Signature.at")
    documents: Mapped[list[AgreementDocument]] = relationship(order_by="AgreementDocument.id")


class ServiceLine(Base):
    """One service under an agreement: what referrals are made to and volume is counted on."""

    __tablename__ = "service_lines"
    __table_args__ = (
        UniqueConstraint("agreement_id", "number"),
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
    referrals_until: Mapped[date | None]
    # None: neither bands nor a cap are known (imported contracts).
    volume_kind: Mapped[VolumeKind | None] = mapped_column(choice(VolumeKind, "volume_kind"))
    planned_band: Mapped[int | None]

    agreement: Mapped[Agreement] = relationship(back_populates="lines")
    categories: Mapped[list[Category]] = relationship(secondary="service_line_categories", order_by="Category.position")
    places: Mapped[list[Place]] = relationship(secondary="service_line_places", order_by="Place.name")
    bands: Mapped[list[LineBand]] = relationship(order_by="LineBand.number")

    @property
    def cap(self) -> int | None:
        """The most referrals in one contract year: the top band's high end. None if no volume is agreed."""
        return max((band.high for band in self.bands), default=None)


class ServiceLineCategory(Base):
    """A category the line serves (the live register's "Personal Wellbeing" serves four)."""

    __tablename__ = "service_line_categories"

    line_id: Mapped[int] = mapped_column(ForeignKey("service_lines.id"), primary_key=True)
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"), primary_key=True, index=True)


class ServiceLinePlace(Base):
    """An area the line serves."""

    __tablename__ = "service_line_places"

    line_id: Mapped[int] = mapped_column(ForeignKey("service_lines.id"), primary_key=True)
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"), primary_key=True, index=True)


class LineBand(Base):
    """A volume band of the line, with the price agreed for it. A cap alone is band 1."""

    __tablename__ = "service_line_bands"
    __table_args__ = (
        UniqueConstraint("line_id", "number"),
        CheckConstraint("low >= 0 AND high >= low", name="edges"),
    )

    id: Mapped[Key]
    line_id: Mapped[int] = key_of("service_lines.id")
    number: Mapped[int]
    low: Mapped[int]
    high: Mapped[int]
    annual_price: Mapped[Money] = mapped_column()

    @property
    def band(self) -> Band:
        """The band as the rules know it."""
        return Band(self.number, self.low, self.high, self.annual_price)


class AgreementFunder(Base):
    """A commissioning body that pays a share, in percent."""

    __tablename__ = "agreement_funders"
    __table_args__ = (
        UniqueConstraint("agreement_id", "organisation_id"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    percent: Mapped[Percent] = mapped_column()

    organisation: Mapped[Organisation] = relationship()


class Subcontractor(Base):
    """A member of the supply chain, by the code or name under which it was given."""

    __tablename__ = "subcontractors"
    __table_args__ = (UniqueConstraint("agreement_id", "name"),)

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    name: Mapped[str]


class Signature(Base):
    """One side's signature: who, when, and the digest of the terms signed."""

    __tablename__ = "signatures"
    __table_args__ = (UniqueConstraint("agreement_id", "side"),)

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    side: Mapped[Side] = mapped_column(choice(Side, "side"))
    person_id: Mapped[int] = key_of("people.id")
    at: Mapped[When]
    digest: Mapped[str]

    person: Mapped[Person] = relationship()


class AgreementDocument(Base):
    """The contract as a PDF, made by a job and kept with its hash."""

    __tablename__ = "agreement_documents"
    __table_args__ = (
        Index(
            "uq_agreement_documents_one_waiting",
            "agreement_id",
            unique=True,
            postgresql_where=text("status = 'waiting'"),
        ),
        CheckConstraint("(status = 'made') = (sha256 IS NOT NULL)", name="made"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    status: Mapped[DocumentStatus] = mapped_column(choice(DocumentStatus, "status"))
    wanted_at: Mapped[When]
    made_at: Mapped[When | None]
    sha256: Mapped[str | None]
    size: Mapped[int | None]


def planned_annual_price(line: ServiceLine) -> Decimal | None:
    """The planned band's annual price, in pounds; None where no price is known."""
    return next((band.annual_price for band in line.bands if band.number == line.planned_band), None)
