"""The funders' accounts with the payment provider, and the provider's events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.database import Base, Key, When


class PaymentAccount(Base):
    """A funder's customer record with the payment provider."""

    __tablename__ = "payment_accounts"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    provider_id: Mapped[str] = mapped_column(unique=True)


class PaymentEvent(Base):
    """An event the provider sent, its signature checked: kept before it is used, applied once."""

    __tablename__ = "payment_events"

    id: Mapped[Key]
    provider_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    happened_at: Mapped[When]
    received_at: Mapped[When]
    applied_at: Mapped[When | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
