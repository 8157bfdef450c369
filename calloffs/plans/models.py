"""Plans: a need that a commissioning body means to meet."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import Organisation
from marketplace.database import Base, Key, Money, When, key_of
from marketplace.framework.models import Category
from marketplace.places.models import Place


class Plan(Base):
    """A need: what, where, for how many people a year, with what money."""

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("projected_annual_volume > 0", name="volume_positive"),
        CheckConstraint("annual_budget > 0", name="budget_positive"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = key_of("organisations.id")
    title: Mapped[str]
    category_code: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    place_code: Mapped[str] = mapped_column(ForeignKey("places.code"))
    need: Mapped[str]
    projected_annual_volume: Mapped[int]
    annual_budget: Mapped[Money] = mapped_column()
    created_at: Mapped[When]
    created_by: Mapped[int] = key_of("people.id")

    organisation: Mapped[Organisation] = relationship()
    category: Mapped[Category] = relationship()
    place: Mapped[Place] = relationship()

    @property
    def cost_of_one_referral(self) -> Decimal:
        """The budget over the projected volume, in pounds, not rounded."""
        return self.annual_budget / self.projected_annual_volume
