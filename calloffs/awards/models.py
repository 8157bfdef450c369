"""Awards: recommended, approved by somebody outside the panel, published; and what each bidder is told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from calloffs.bids.models import Bid
from calloffs.competitions.models import Competition
from marketplace.accounts.models import Organisation, Person
from marketplace.database import Base, Key, Money, Percent, When, key_of


class Award(Base):
    """The outcome of a competition: one supplier, one value. One award a competition."""

    __tablename__ = "awards"
    __table_args__ = (
        CheckConstraint("approved_by IS NULL OR approved_by <> recommended_by", name="approved_by_another"),
        CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL) AND (approved_by IS NULL) = (notice_published_at IS NULL) "
            "AND (approved_by IS NULL) = (standstill_ends_at IS NULL)",
            name="approved_complete",
        ),
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
    recommender: Mapped[Person] = relationship(foreign_keys=[recommended_by])
    approver: Mapped[Person | None] = relationship(foreign_keys=[approved_by])
    prices: Mapped[list[AwardedPrice]] = relationship(order_by="AwardedPrice.number", cascade="all, delete-orphan")
    assessments: Mapped[list[Assessment]] = relationship(
        order_by="Assessment.rank", cascade="all, delete-orphan", back_populates="award"
    )

    @property
    def annual_value(self) -> Decimal:
        """The planned band's annual price, in pounds."""
        return next(p.annual_price for p in self.prices if p.number == self.competition.planned_band)

    def in_standstill(self, now: datetime) -> bool:
        """Whether it is approved and no contract may be signed yet."""
        return self.standstill_ends_at is not None and now < self.standstill_ends_at


class AwardedPrice(Base):
    """The winner's annual price for one band, taken from its opened bid when the award is approved."""

    __tablename__ = "awarded_prices"
    __table_args__ = (UniqueConstraint("award_id", "number"),)

    id: Mapped[Key]
    award_id: Mapped[int] = key_of("awards.id")
    number: Mapped[int]
    annual_price: Mapped[Money] = mapped_column()


class Assessment(Base):
    """How one bid came out, as it was when the award was approved: what its bidder is told, unchanging.

    A bid that failed a pass or fail question has no price score, no total and no rank.
    """

    __tablename__ = "award_assessments"
    __table_args__ = (
        UniqueConstraint("award_id", "bid_id"),
        CheckConstraint("(rank IS NULL) = (total IS NULL) AND (rank IS NULL) = (price_score IS NULL)", name="ranked"),
    )

    id: Mapped[Key]
    award_id: Mapped[int] = key_of("awards.id")
    bid_id: Mapped[int] = key_of("bids.id")
    supplier_id: Mapped[int] = key_of("organisations.id")
    rank: Mapped[int | None]
    quality: Mapped[Percent] = mapped_column()
    price_score: Mapped[Percent | None] = mapped_column()
    total: Mapped[Percent | None] = mapped_column()
    # When somebody of the bidder first read it.
    read_at: Mapped[When | None]
    read_by: Mapped[int | None] = key_of("people.id")

    award: Mapped[Award] = relationship(back_populates="assessments")
    bid: Mapped[Bid] = relationship()
    supplier: Mapped[Organisation] = relationship()


class SentBack(Base):
    """A recommendation that was not approved: what was recommended, who sent it back, and why."""

    __tablename__ = "award_recommendations_sent_back"
    __table_args__ = (CheckConstraint("sent_back_by <> recommended_by", name="sent_back_by_another"),)

    id: Mapped[Key]
    competition_id: Mapped[int] = key_of("competitions.id")
    bid_id: Mapped[int] = key_of("bids.id")
    recommended_at: Mapped[When]
    recommended_by: Mapped[int] = key_of("people.id")
    recommendation: Mapped[str]
    sent_back_at: Mapped[When]
    sent_back_by: Mapped[int] = key_of("people.id")
    reason: Mapped[str]

    bid: Mapped[Bid] = relationship()
    sender: Mapped[Person] = relationship(foreign_keys=[sent_back_by])
