"""The references by which referrals are spoken of."""

from __future__ import annotations

import secrets

from sqlalchemy import exists, select

from contracts.referrals import rules
from contracts.referrals.models import Referral
from marketplace.extensions import db

LENGTH = 7
# Of 26^7 a million are taken at most: that ten draws in a row are all taken does not happen.
DRAWS = 10


def free_reference() -> str:
    """A reference that no referral has yet, so that chance never costs an officer what they have written."""
    for _ in range(DRAWS):
        drawn = rules.reference([secrets.randbelow(1 << 16) for _ in range(LENGTH)])
        if not db.session.scalar(select(exists().where(Referral.reference == drawn))):
            return drawn
    raise RuntimeError("every reference that was drawn is taken")
