"""Organisations, people, the roles people hold for organisations, and signing in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.access import STAFF_ROLES, Role
from marketplace.accounts.rules import IDLE_FOR, SIGNED_IN_FOR, OrganisationKind, SupplierStatus
from marketplace.database import Base, Key, When, choice, key_of
from marketplace.vault import SealedText


class Organisation(Base):
    """A supplier, a commissioning body or the framework team.

    An organisation read from the live register is unclaimed until its people come.
    """

    __tablename__ = "organisations"
    __table_args__ = (
        CheckConstraint("(kind = 'supplier') OR supplier_status IS NULL", name="status_of_suppliers"),
        Index(
            "uq_organisations_company_number",
            "company_number",
            unique=True,
            postgresql_where=text("company_number IS NOT NULL"),
        ),
        Index(
            "uq_organisations_charity_number",
            "charity_number",
            unique=True,
            postgresql_where=text("charity_number IS NOT NULL"),
        ),
        Index(
            "uq_organisations_register_name",
            "register_name",
            unique=True,
            postgresql_where=text("register_name IS NOT NULL"),
        ),
    )

    id: Mapped[Key]
    kind: Mapped[OrganisationKind] = mapped_column(choice(OrganisationKind, "kind"), index=True)
    name: Mapped[str] = mapped_column(index=True)
    name_cy: Mapped[str | None]
    supplier_status: Mapped[SupplierStatus | None] = mapped_column(choice(SupplierStatus, "supplier_status"))
    company_number: Mapped[str | None]
    charity_number: Mapped[str | None]
    # The place a commissioning body serves.
    place_code: Mapped[str | None] = mapped_column(ForeignKey("places.code"))
    # The name or code by which the live register knows it, if it was read from there.
    register_name: Mapped[str | None]
    claimed_at: Mapped[When | None]
    created_at: Mapped[When]
    is_demonstration: Mapped[bool] = mapped_column(default=False)

    @property
    def is_supplier(self) -> bool:
        """Whether it delivers services rather than buying them."""
        return self.kind is OrganisationKind.SUPPLIER


class Person(Base):
    """Somebody who can sign in."""

    __tablename__ = "people"
    __table_args__ = (Index("uq_people_email", func.lower(text("email")), unique=True),)

    id: Mapped[Key]
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None] = mapped_column(SealedText("people.totp_secret"))
    totp_confirmed_at: Mapped[When | None]
    # The last time step a code was used for: no code works twice.
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[When | None]
    created_at: Mapped[When]
    is_demonstration: Mapped[bool] = mapped_column(default=False)

    grants: Mapped[list[RoleGrant]] = relationship(back_populates="person")


class RoleGrant(Base):
    """A role that a person holds for an organisation. A person may act for two."""

    __tablename__ = "role_grants"
    __table_args__ = (UniqueConstraint("person_id", "organisation_id", "role"),)

    id: Mapped[Key]
    person_id: Mapped[int] = key_of("people.id")
    organisation_id: Mapped[int] = key_of("organisations.id")
    role: Mapped[Role] = mapped_column(choice(Role, "role"))
    granted_at: Mapped[When]

    person: Mapped[Person] = relationship(back_populates="grants")
    organisation: Mapped[Organisation] = relationship()

    @property
    def is_of_staff(self) -> bool:
        """Whether it makes its holder staff of a public body: any role there, its administrators' too."""
        return self.role in STAFF_ROLES or not self.organisation.is_supplier


class SignInSession(Base):
    """One signed-in browser. The cookie holds a random token; the database only its hash."""

    __tablename__ = "sign_in_sessions"

    id: Mapped[Key]
    token_hash: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int] = key_of("people.id")
    organisation_id: Mapped[int | None] = key_of("organisations.id")
    second_factor_at: Mapped[When | None]
    created_at: Mapped[When]
    last_seen_at: Mapped[When]
    ended_at: Mapped[When | None]

    person: Mapped[Person] = relationship()
    organisation: Mapped[Organisation | None] = relationship()

    def lasts_at(self, now: datetime) -> bool:
        """Whether the browser is still signed in: not ended, used lately, and not for too long altogether."""
        return self.ended_at is None and now < self.last_seen_at + IDLE_FOR and now < self.created_at + SIGNED_IN_FOR

    @property
    def is_whole(self) -> bool:
        """Whether everything that this person must prove was proved; until then it opens nothing."""
        return self.second_factor_at is not None or self.person.totp_confirmed_at is None


class OneTimeLink(Base):
    """An invitation to an organisation, or a password reset. Only the link's hash is kept; it works once."""

    __tablename__ = "one_time_links"
    __table_args__ = (
        CheckConstraint("kind IN ('invitation', 'reset')", name="kind"),
        CheckConstraint("kind <> 'invitation' OR organisation_id IS NOT NULL", name="invitation_complete"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    organisation_id: Mapped[int | None] = key_of("organisations.id")
    created_at: Mapped[When]
    created_by: Mapped[int | None] = key_of("people.id")
    expires_at: Mapped[When]
    used_at: Mapped[When | None]

    organisation: Mapped[Organisation | None] = relationship()
    roles: Mapped[list[InvitedRole]] = relationship(order_by="InvitedRole.role", cascade="all, delete-orphan")

    def works_at(self, now: datetime) -> bool:
        """Whether the link can still be used."""
        return self.used_at is None and now < self.expires_at


class InvitedRole(Base):
    """A role that an invitation offers."""

    __tablename__ = "invited_roles"

    link_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("one_time_links.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(choice(Role, "role"), primary_key=True)
