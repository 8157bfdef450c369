"""Places and which lies inside which."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, choice
from marketplace.places.rules import Level


class Place(Base):
    """A probation region, police force area or local authority, by its official code."""

    __tablename__ = "places"
    __table_args__ = (
        CheckConstraint("level <> 'probation_region' OR parent_code IS NULL", name="regions_are_roots"),
        CheckConstraint("level = 'police_force_area' OR pcc_area IS NULL", name="pcc_area_of_forces"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[Level] = mapped_column(choice(Level, "level"))
    name: Mapped[str]
    name_cy: Mapped[str | None]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("places.code"), index=True)
    # London's two forces share one body at PCC level: 43 forces, 42 PCC areas. Set on police force areas only.
    pcc_area: Mapped[str | None]
    # The code under which the Office for National Statistics has reissued the same place (Barnsley, Sheffield).
    reissued_code: Mapped[str | None] = mapped_column(unique=True)
    retired_on: Mapped[date | None]

    @property
    def title(self) -> str:
        """The name and the level: "Kent (police force area)". Four names are used on two levels."""
        return f"{self.name} ({self.level.short})"


class PlaceWithin(Base):
    """`inner` lies inside `outer` (or is it): the whole tree written out, so that the question is one index look-up."""

    __tablename__ = "places_within"
    __table_args__ = (Index("ix_places_within_outer", "outer_code", "inner_code"),)

    inner_code: Mapped[str] = mapped_column(ForeignKey("places.code"), primary_key=True)
    outer_code: Mapped[str] = mapped_column(ForeignKey("places.code"), primary_key=True)
