"""Awards: recommended, approved by somebody outside the panel, published."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.bids.models import Bid
from calloffs.competitions.models import Competition
from marketplace.accounts.models import Organisation
from marketplace.database import Base, Key, Money, Percent, When, key_of


class Award(Base):
    """The outcome of a competition: one supplier, one value. One award a competition."""

    __tablename__ = "awards"
    __table_args__ = (
        CheckConstraint("approved_by IS NULL OR approved_by <> recommended_by", name="approved_by_another"),
        CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="approved_complete"),
    )

    id: Mapped[Key]
    competition_id: Mapped[int] = mapped_column(ForeignKey("competitions.id"), unique=True)
    bid_id: Mapped[int] = key_of("bids.id")
    supplier_id: Mapped[int] = key_of("organisations.id")
    # The planned band's annual price over the contract's months, in pounds: what the register shows.
    whole_life_value: Mapped[Money] = mapped_column()
    score: Mapped[Percent] = mapped_column()
    recommended_at: Mapped[When]
    recommended_by: Mapped[int] = key_of("people.id")
    reason: Mapped[str]
    approved_at: Mapped[When | None]
    approved_by: Mapped[int | None] = key_of("people.id")
    # The award notice goes out with the decision; standstill runs from it.
    notice_published_at: Mapped[When | None]
    standstill_ends_at: Mapped[When | None]

    competition: Mapped[Competition] = relationship()
    bid: Mapped[Bid] = relationship()
    supplier: Mapped[Organisation] = relationship()
    prices: Mapped[list[AwardedPrice]] = relationship(order_by="AwardedPrice.number", cascade="all, delete-orphan")

    @property
    def annual_value(self) -> Decimal:
        """The planned band's annual price, in pounds."""
        return next(p.annual_price for p in self.prices if p.number == self.competition.planned_band)


class AwardedPrice(Base):
    """The winner's annual price for one band, taken from its opened bid when the award is approved."""

    __tablename__ = "awarded_prices"

    id: Mapped[Key]
    award_id: Mapped[int] = key_of("awards.id")
    number: Mapped[int]
    annual_price: Mapped[Money] = mapped_column()
