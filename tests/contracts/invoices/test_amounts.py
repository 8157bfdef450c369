"""VAT, deductions, credits and shares: to the penny, by hand and for every amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.invoices.rules import VatKind, deduction_shares, net_within, poured, vat_of_credit, vat_on
from marketplace.money import split

amounts = st.decimals(min_value="0.01", max_value=5_000_000, places=2)
THIRDS = [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]


@pytest.mark.parametrize(
    ("kind", "net", "vat", "by_hand"),
    [
        (VatKind.STANDARD, "10000.00", "2000.00", "20 %"),
        (VatKind.STANDARD, "8333.34", "1666.67", "£1,666.668"),
        (VatKind.STANDARD, "8333.33", "1666.67", "£1,666.666"),
        (VatKind.STANDARD, "0.02", "0.00", "£0.004"),
        (VatKind.STANDARD, "0.03", "0.01", "£0.006"),
        (VatKind.EXEMPT, "10000.00", "0.00", "exempt"),
        (VatKind.NOT_REGISTERED, "10000.00", "0.00", "not registered"),
    ],
)
def test_vat_by_hand(kind: VatKind, net: str, vat: str, by_hand: str) -> None:
    assert vat_on(Decimal(net), kind.rate) == Decimal(vat), by_hand
    assert kind.label


def test_half_a_penny_of_vat_is_rounded_up() -> None:
    # £0.10 × 5 % (the reduced rate) is half a penny exactly.
    assert vat_on(Decimal("0.10"), Decimal("5.00")) == Decimal("0.01")


def test_credits_in_thirds_give_back_the_vat_to_the_penny() -> None:
    # £0.10 net with £0.02 VAT, credited in four: VAT to date £0.006, £0.012, £0.018, £0.020, rounded to 1, 1, 2, 2.
    credited, given_back = Decimal(0), []
    for net in map(Decimal, ("0.03", "0.03", "0.03", "0.01")):
        vat = vat_of_credit(net, invoice_net=Decimal("0.10"), invoice_vat=Decimal("0.02"), credited_before=credited)
        credited += net
        given_back.append(vat)
    assert given_back == [Decimal("0.01"), Decimal("0.00"), Decimal("0.01"), Decimal("0.00")]


@given(amounts, st.sampled_from(VatKind), st.integers(0, 99), st.integers(1, 100))
def test_what_may_be_credited_within_an_amount_is_the_most_that_fits(
    net: Decimal, kind: VatKind, before: int, share: int
) -> None:
    vat = vat_on(net, kind.rate)
    credited = (net * before / 100).quantize(Decimal("0.01"))
    of = {"invoice_net": net, "invoice_vat": vat, "credited_before": credited}
    rest = net - credited
    amount = (rest + vat_of_credit(rest, **of)) * share // 100
    found = net_within(amount, **of)
    assert 0 <= found <= rest
    assert found + vat_of_credit(found, **of) <= amount
    more = found + Decimal("0.01")
    assert found == rest or more + vat_of_credit(more, **of) > amount


@given(amounts, st.lists(st.integers(1, 100), min_size=1, max_size=6))
def test_credit_notes_together_give_back_exactly_what_was_charged(net: Decimal, weights: list[int]) -> None:
    vat, credited, given_back = vat_on(net, VatKind.STANDARD.rate), Decimal(0), []
    for part in split(net, weights):
        given_back.append(vat_of_credit(part, invoice_net=net, invoice_vat=vat, credited_before=credited))
        credited += part
    assert sum(given_back) == vat
    assert all(one >= 0 for one in given_back)


@pytest.mark.parametrize(
    ("amount", "parts", "by_hand"),
    [
        ("100.00", ["33.33", "33.33", "33.34"], "exact"),
        (
            "8333.34",
            ["2777.50", "2777.50", "2778.34"],
            "£2,777.502, £2,777.502, £2,778.336: the odd penny to the third",
        ),
        ("0.01", ["0.00", "0.00", "0.01"], "the third lost most by rounding down"),
        ("0.02", ["0.01", "0.00", "0.01"], "and then the first of two equals"),
    ],
)
def test_three_funders_with_thirds_by_hand(amount: str, parts: list[str], by_hand: str) -> None:
    assert split(Decimal(amount), THIRDS) == [Decimal(part) for part in parts], by_hand


@given(amounts, st.lists(st.integers(1, 9_999), min_size=1, max_size=6))
def test_shares_sum_to_the_whole_and_none_is_a_penny_off(amount: Decimal, weights: list[int]) -> None:
    parts = split(amount, weights)
    assert sum(parts) == amount
    assert all(abs(p - amount * w / sum(weights)) < Decimal("0.01") for p, w in zip(parts, weights, strict=True))


@pytest.mark.parametrize(
    ("amount", "most", "found", "by_hand"),
    [
        ("1000.00", ["300.00", "200.00"], ["300.00", "200.00"], "a month with room takes both deductions"),
        ("400.00", ["300.00", "200.00"], ["300.00", "100.00"], "the second in part; £100.00 is carried"),
        ("300.00", ["500.00", "200.00"], ["300.00", "0.00"], "down to nought and no further"),
        ("0.00", ["500.00"], ["0.00"], "a month that costs nothing takes nothing"),
        ("20000.00", ["8333.33"] * 3, ["8333.33", "8333.33", "3333.34"], "a year's £20,000, the latest months first"),
    ],
)
def test_what_one_cannot_take_the_next_does(amount: str, most: list[str], found: list[str], by_hand: str) -> None:
    assert poured(Decimal(amount), list(map(Decimal, most))) == list(map(Decimal, found)), by_hand


@given(amounts, st.lists(amounts, max_size=6))
def test_no_more_is_taken_than_there_is_and_nothing_is_left_over_while_there_is_room(
    amount: Decimal, most: list[Decimal]
) -> None:
    found = poured(amount, most)
    assert sum(found) == min(amount, sum(most, Decimal(0)))
    assert all(0 <= part <= each for part, each in zip(found, most, strict=True))


@given(amounts, st.lists(st.integers(1, 9_999), min_size=1, max_size=6), st.integers(0, 100))
def test_a_deduction_never_takes_a_funder_below_nought(price: Decimal, weights: list[int], percent: int) -> None:
    parts, taken = split(price, weights), (price * percent / 100).quantize(Decimal("0.01"))
    shares = deduction_shares(taken, parts)
    assert sum(shares) == taken
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))
