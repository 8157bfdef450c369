from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.access import Role
from marketplace.accounts.rules import (
    DEMONSTRATION_PASSWORD,
    LONGEST_LOCK,
    OrganisationKind,
    charity_number,
    company_number,
    local_path,
    lock_after,
    password_fault,
)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("01234567", "01234567"),
        (" 123 4567 ", "01234567"),
        ("sc123456", "SC123456"),
        ("OC 301 234", "OC301234"),
        ("123456789", None),
        ("XX123456", None),
        ("", None),
        ("SC12345", None),
    ],
)
def test_company_numbers(typed: str, number: str | None) -> None:
    assert company_number(typed) == number


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1234567", "1234567"),
        ("220949", "220949"),
        ("sc012345", "SC012345"),
        ("NIC100123", "NIC100123"),
        ("220949-1", "220949-1"),
        ("12345", None),
        ("charity", None),
    ],
)
def test_charity_numbers(typed: str, number: str | None) -> None:
    assert charity_number(typed) == number


def test_four_failures_are_free_then_the_lock_grows_to_an_hour() -> None:
    locks = [lock_after(failures) for failures in range(13)]
    assert locks[:5] == [None] * 5
    assert locks[5:11] == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 16, 32)]
    assert locks[11:] == [LONGEST_LOCK, LONGEST_LOCK]
    assert lock_after(10**9) == LONGEST_LOCK


@given(st.integers(min_value=0, max_value=10_000))
def test_a_further_failure_never_shortens_the_lock(failures: int) -> None:
    assert (lock_after(failures + 1) or timedelta()) >= (lock_after(failures) or timedelta())


@pytest.mark.parametrize("target", ["/", "/home", "/bids/3?lot=2", "/a b"])
def test_paths_of_this_site_are_followed(target: str) -> None:
    assert local_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "home",
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "/\t/evil",
        "/\n/e",
        "///e",
    ],
)
def test_anything_that_could_lead_elsewhere_is_not(target: str | None) -> None:
    assert local_path(target) is None


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "12 characters or more"),
        ("x" * 201, "200 characters or fewer"),
        ("aaaaaaaaaaaaaaaa", "harder to guess"),
        ("maud@example.org", "harder to guess"),
        ("three plain words", None),
        (DEMONSTRATION_PASSWORD, None),
    ],
)
def test_passwords(password: str, fault: str | None) -> None:
    found = password_fault(password, "maud@example.org", "Maud Mills")
    assert found is None if fault is None else fault in (found or "")


def test_roles_fit_the_kind_of_organisation() -> None:
    assert Role.BID_MANAGER in OrganisationKind.SUPPLIER.roles
    assert Role.APPROVER in OrganisationKind.NHS_BODY.roles
    assert Role.FRAMEWORK_TEAM not in OrganisationKind.PCC.roles
    assert all(Role.ADMINISTRATOR in kind.roles for kind in OrganisationKind)
