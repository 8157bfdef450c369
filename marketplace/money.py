"""Money: pounds as Decimal with two places, rounded half up, here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

PENNY = Decimal("0.01")


def pounds(amount: Decimal | int | str) -> Decimal:
    """The amount to the penny, rounded half up."""
    return Decimal(amount).quantize(PENNY, rounding=ROUND_HALF_UP)


def percentage(part: Decimal | int, whole: Decimal | int, *, places: int = 1) -> Decimal:
    """`part` of `whole` in percent, rounded half up; 0 when the whole is 0."""
    if not whole:
        return Decimal(0)
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def split(amount: Decimal, shares: Sequence[Decimal | int]) -> list[Decimal]:
    """The amount in parts after the shares (any positive weights), to the penny, summing exactly to it.

    Every part is first rounded down; the pennies left over go one each to the parts that lost most by that, the
    earlier first among equals, so that the same shares always split the same way.
    """
    total = sum((Fraction(share) for share in shares), Fraction(0))
    if total <= 0 or any(share < 0 for share in shares):
        raise ValueError("shares must be positive")
    pence = int(pounds(amount) / PENNY)
    sign = -1 if pence < 0 else 1
    # Fractions, because decimals of limited length could make the parts a penny more than the whole.
    exact = [abs(pence) * Fraction(share) / total for share in shares]
    whole = [int(part) for part in exact]
    order = sorted(range(len(shares)), key=lambda i: (whole[i] - exact[i], i))
    for index in order[: abs(pence) - sum(whole)]:
        whole[index] += 1
    return [sign * part * PENNY for part in whole]
