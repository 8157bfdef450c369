"""Reports of what grants were used for."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from contracts.agreements.models import GrantInstalment
from contracts.invoices.rules.granting import UseStatus
from marketplace.accounts.models import Person
from marketplace.database import Base, Key, Money, When, choice, key_of


class InstalmentUse(Base):
    """What a grant holder says that an instalment was spent on, and what the lead commissioner said to that.

    One at a time is looked at and one at most is accepted; those that were asked about stay.
    """

    __tablename__ = "instalment_uses"
    __table_args__ = (
        ForeignKeyConstraint(
            ["instalment_id", "agreement_id"], ["grant_instalments.id", "grant_instalments.agreement_id"]
        ),
        Index("uq_instalment_uses_one", "instalment_id", unique=True, postgresql_where=text("status <> 'asked'")),
        CheckConstraint("spent BETWEEN 0 AND received", name="spent_within"),
        CheckConstraint("length(what) > 0", name="what_given"),
        CheckConstraint("(status = 'sent') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by_somebody"),
        CheckConstraint("(status = 'asked') = (question IS NOT NULL)", name="asked_with_question"),
    )

    id: Mapped[Key]
    instalment_id: Mapped[int] = mapped_column(BigInteger, index=True)
    agreement_id: Mapped[int] = key_of("agreements.id")
    status: Mapped[UseStatus] = mapped_column(choice(UseStatus, "status"))
    # What was invoiced for the instalment, less what was credited by then; and how much of it was spent.
    received: Mapped[Money] = mapped_column()
    spent: Mapped[Money] = mapped_column()
    what: Mapped[str]
    shown_by: Mapped[str | None]
    reported_at: Mapped[When]
    reported_by: Mapped[int] = key_of("people.id")
    question: Mapped[str | None]
    decided_at: Mapped[When | None]
    decided_by: Mapped[int | None] = key_of("people.id")

    instalment: Mapped[GrantInstalment] = relationship(
        primaryjoin="foreign(InstalmentUse.instalment_id) == GrantInstalment.id", viewonly=True
    )
    reporter: Mapped[Person] = relationship(foreign_keys=[reported_by])
    decider: Mapped[Person | None] = relationship(foreign_keys=[decided_by])

    @property
    def unspent(self) -> Decimal:
        """What of it was not spent, and is owed back once the report is accepted, in pounds."""
        return self.received - self.spent
