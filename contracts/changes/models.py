"""Variations: a draft version of a contract on its way to being agreed, and who approved it."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import Agreement, AgreementVersion
from contracts.changes.rules import VariationStatus
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, When, choice, key_of


class Variation(Base):
    """A change to a contract: why, by whom, and the version that says what the contract becomes (decision 0021)."""

    __tablename__ = "variations"
    __table_args__ = (
        Index(
            "uq_variations_one_open",
            "agreement_id",
            unique=True,
            postgresql_where=text("status NOT IN ('agreed', 'withdrawn')"),
        ),
        ForeignKeyConstraint(
            ["version_id", "agreement_id"], ["agreement_versions.id", "agreement_versions.agreement_id"]
        ),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_reason IS NOT NULL)", name="withdrawn_with_reason"),
        CheckConstraint("round >= 1", name="round"),
    )

    id: Mapped[Key]
    agreement_id: Mapped[int] = key_of("agreements.id")
    version_id: Mapped[int] = mapped_column(BigInteger, unique=True)
    status: Mapped[VariationStatus] = mapped_column(choice(VariationStatus, "status"))
    reason: Mapped[str]
    author_id: Mapped[int] = key_of("people.id")
    created_at: Mapped[When]
    # Approvals count for the round in which they were given: each time it goes back to draft, all are given anew.
    round: Mapped[int] = mapped_column(default=1)
    returned_reason: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]

    agreement: Mapped[Agreement] = relationship(viewonly=True, foreign_keys=[agreement_id])
    version: Mapped[AgreementVersion] = relationship(
        viewonly=True,
        primaryjoin="Variation.version_id == AgreementVersion.id",
        foreign_keys=[version_id],
    )
    author: Mapped[Person] = relationship(foreign_keys=[author_id])
    approvals: Mapped[list[VariationApproval]] = relationship(order_by="VariationApproval.id")

    @property
    def present_approvals(self) -> list[VariationApproval]:
        """What was decided of it as it stands."""
        return [one for one in self.approvals if one.round == self.round]


class VariationApproval(Base):
    """One funder's approval of a variation, or its refusal with the reason."""

    __tablename__ = "variation_approvals"
    __table_args__ = (
        UniqueConstraint("variation_id", "round", "organisation_id"),
        CheckConstraint("approved OR reason IS NOT NULL", name="refused_with_reason"),
    )

    id: Mapped[Key]
    variation_id: Mapped[int] = key_of("variations.id")
    round: Mapped[int]
    organisation_id: Mapped[int] = key_of("organisations.id")
    person_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("people.id"))
    at: Mapped[When]
    approved: Mapped[bool]
    reason: Mapped[str | None]

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person] = relationship()
