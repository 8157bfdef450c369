"""The one lock of a contract: what is done to it, and beside it, is done one after the other.

Whoever takes more takes it in one order, so that nobody waits for one who waits for them: a handover, the contract,
its service lines by key, referrals; or the contract, then its invoices (decision 0022).
"""

from __future__ import annotations

from sqlalchemy import select

from contracts.agreements.models import Agreement
from marketplace.extensions import db


def hold(agreement: Agreement) -> None:
    """Keep others who hold the contract waiting until the transaction ends, and read it as it is now."""
    hold_contract(agreement.id)
    db.session.refresh(agreement)


def hold_contract(agreement_id: int) -> None:
    """The same by its key, for who reads the contract after it or needs nothing of it.

    Rows that only name the contract, and do not change it, are written meanwhile: it is no lock on its key.
    """
    db.session.execute(select(Agreement.id).where(Agreement.id == agreement_id).with_for_update(key_share=True))
