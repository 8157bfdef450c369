"""Funds and what is set aside from them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.funds import rules
from calloffs.funds.rules import FundKind, Stage
from marketplace.accounts.models import Organisation
from marketplace.database import Base, Key, Money, When, choice, key_of


class Fund(Base):
    """A ring-fenced pot of one commissioning body: so much money, for these purposes, between these days."""

    __tablename__ = "funds"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("ends_on >= starts_on", name="dates"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    name: Mapped[str]
    kind: Mapped[FundKind] = mapped_column(choice(FundKind, "kind"))
    # Eligible purposes, one a line.
    purposes: Mapped[str]
    amount: Mapped[Money] = mapped_column()
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    created_at: Mapped[When]
    created_by: Mapped[int] = key_of("people.id")

    organisation: Mapped[Organisation] = relationship()
    commitments: Mapped[list[Commitment]] = relationship(back_populates="fund", order_by="Commitment.id")

    @property
    def standing(self) -> rules.Standing:
        """What is held, agreed and left."""
        return rules.standing(self.amount, ((one.stage, one.amount) for one in self.commitments))

    @property
    def purpose_list(self) -> list[str]:
        """The eligible purposes, one by one."""
        return rules.purposes_of(self.purposes)


class Commitment(Base):
    """What one call-off, and the contract or grant that follows from it, takes from a fund. One a call-off."""

    __tablename__ = "fund_commitments"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    id: Mapped[Key]
    fund_id: Mapped[int] = key_of("funds.id")
    # The call-off's reference: it stays the same from the draft to the end of the contract.
    call_off: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    purpose: Mapped[str]
    stage: Mapped[Stage] = mapped_column(choice(Stage, "stage"))
    amount: Mapped[Money] = mapped_column()
    changed_at: Mapped[When]

    fund: Mapped[Fund] = relationship(back_populates="commitments")
