"""The declarative base, names of constraints, and the column types we share."""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Identity,
    MetaData,
    Numeric,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column


class Base(DeclarativeBase):
    """Every table's base. Constraint names are fixed, so that migrations and refusals can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as UTC. A naive one is a mistake of ours and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


def choice(kind: type[enum.StrEnum], name: str) -> Enum:
    """A column for one of the members of an enum, by value, held by a named CHECK in the database."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=name,
        length=40,
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


Key = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Money = Annotated[Decimal, mapped_column(Numeric(12, 2))]
Percent = Annotated[Decimal, mapped_column(Numeric(5, 2))]
When = Annotated[datetime, mapped_column(Moment)]
PersonKey = Annotated[int, mapped_column(BigInteger, ForeignKey("people.id"))]
OrganisationKey = Annotated[int, mapped_column(BigInteger, ForeignKey("organisations.id"))]
PlaceCode = Annotated[str, mapped_column(ForeignKey("places.code"))]
CategoryCode = Annotated[str, mapped_column(ForeignKey("categories.code"))]


def key_of(target: str) -> Any:
    """A key of another table's row."""
    return mapped_column(BigInteger, ForeignKey(target), index=True)
