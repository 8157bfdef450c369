from __future__ import annotations

import pytest

from contracts.agreements.register import COLUMNS, Area, Known, Unreadable, categories_of, lines_of, read
from marketplace.errors import Invalid
from tests.factories.agreements import register_file, register_row

CATEGORIES = (
    "Accommodation",
    "Education, Training and Employment",
    "Finance, Benefit and Debt",
    "Dependency and Recovery",
    "Family and Significant Others",
    "Lifestyle and Associates",
    "Emotional Wellbeing",
    "Social Inclusion",
    "Women’s Services",
    "Young Adults (18–25)",
    "Black, Asian and Minority Ethnic Services",
    "Restorative Justice",
)
KNOWN = Known.of(
    [Area(code, name, code) for code, name in (("D", "Wales"), ("G", "South West"), ("J", "London"))]
    + [Area("K", "Kent, Surrey and Sussex", "K"), Area("C", "Yorkshire and the Humber", "C")],
    [
        Area("E1", "Metropolitan Police", "J", "London (MOPAC)"),
        Area("E2", "London, City of", "J", "London (MOPAC)"),
        Area("E3", "Devon & Cornwall", "G", "Devon and Cornwall"),
        Area("E4", "Avon and Somerset", "G", None),
        Area("W4", "Dyfed-Powys", "D", None),
    ],
    [(name, name) for name in CATEGORIES],
)


def _read(**changed: str) -> object:
    return read(lines_of(register_file([register_row(**changed)]))[0], KNOWN)


@pytest.mark.parametrize(
    ("kind", "served"),
    [
        ("Accommodation", {"Accommodation"}),
        (
            "Personal Wellbeing",
            {"Emotional Wellbeing", "Family and Significant Others", "Lifestyle and Associates", "Social Inclusion"},
        ),
        (
            "personal wellbeing (Bolton)",
            {"Emotional Wellbeing", "Family and Significant Others", "Lifestyle and Associates", "Social Inclusion"},
        ),
        ("Women's Services", {"Women’s Services"}),
        ("Women’s Support Services (GM)", {"Women’s Services"}),
        ("Finance, Benefit and Debt (Kent, Surrey and Sussex)", {"Finance, Benefit and Debt"}),
        ("Finance, Benefit & Debt", {"Finance, Benefit and Debt"}),
        ("Finance, Benefit and Debt in the North East", {"Finance, Benefit and Debt"}),
        ("Finance, Benefit and Debt in Custody (North East)", {"Finance, Benefit and Debt"}),
        ("Dependency and Recovery (North East: Northumbria)", {"Dependency and Recovery"}),
        ("Dependency & Recovery", {"Dependency and Recovery"}),
        ("Education, Training and Employment (ETE)", {"Education, Training and Employment"}),
        ("ETE", {"Education, Training and Employment"}),
        ("Young Adults (18–25)", {"Young Adults (18–25)"}),
        ("Restorative Justice", {"Restorative Justice"}),
    ],
)
def test_kinds_of_contract_are_understood(kind: str, served: set[str]) -> None:
    assert set(categories_of(kind, KNOWN.categories)) == served


@pytest.mark.parametrize("kind", ["Catering", "Wales (Accommodation)", "Accommodations", "", "()"])
def test_other_kinds_are_not_guessed(kind: str) -> None:
    with pytest.raises(Unreadable, match="contract type"):
        categories_of(kind, KNOWN.categories)


@pytest.mark.parametrize(
    ("level", "region", "area", "codes"),
    [
        ("REGION", "Wales", "", ("D",)),
        ("region", "wales", "", ("D",)),
        ("REGION", "Kent, Surrey & Sussex", "", ("K",)),
        ("REGION", "Yorkshire & Humber", "", ("C",)),
        ("PCC", "South West", "Devon & Cornwall", ("E3",)),
        ("PCC", "South West", "Devon and Cornwall", ("E3",)),
        ("pcc", "South West", "AVON & SOMERSET", ("E4",)),
        ("PCC", "Wales", "Dyfed Powys", ("W4",)),
        ("PCC", "Wales", "Dyfed-Powys Police", ("W4",)),
        ("PCC", "London", "London (Metropolitan Police)", ("E1", "E2")),
        ("PCC", "London", "MOPAC", ("E1", "E2")),
        ("PCC", "London", "City of London", ("E1", "E2")),
        ("PCC", "London", "London", ("E1", "E2")),
    ],
)
def test_places_are_found_under_their_usual_names(level: str, region: str, area: str, codes: tuple[str, ...]) -> None:
    row = _read(area_level=level, probation_region=region, police_area=area)
    assert row.place_codes == codes  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"reference": " "}, "the contract reference is missing"),
        ({"title": ""}, "the title is missing"),
        ({"lead_provider": ""}, "the lead provider is missing"),
        ({"probation_region": "Scotland"}, "no probation region called “Scotland”"),
        ({"area_level": "TOWN"}, "“TOWN” is neither REGION nor PCC"),
        ({"area_level": "PCC"}, "names no police area"),
        ({"area_level": "PCC", "police_area": "Borsetshire"}, "no police area called “Borsetshire”"),
        ({"area_level": "PCC", "police_area": "Devon & Cornwall"}, "“Devon & Cornwall” is not in the probation region"),
        ({"police_area": "Dyfed-Powys"}, "names the police area “Dyfed-Powys” too"),
        ({"contract_type": "Catering"}, "“Catering” is not known"),
        ({"open_to_men": "perhaps"}, "open to men must be True or False"),
        ({"open_to_men": "False"}, "open to nobody"),
        ({"minimum_age": "old"}, "minimum age must be a whole number, not “old”"),
        ({"minimum_age": "12"}, "minimum age must be from 18 to 120, not 12"),
        ({"minimum_age": "26", "maximum_age": "25"}, r"maximum age \(25\) is below the minimum age \(26\)"),
        ({"referrals_open_from": ""}, "open from date is missing"),
        ({"referrals_open_from": "31/03/2024"}, "not “31/03/2024”"),
        ({"referrals_open_from": "2024-02-30"}, "not “2024-02-30”"),
        ({"referrals_close_at": "2024-03-31"}, "close .2024-03-31. before they open .2024-04-01."),
        ({"title": "Bad \ufffd letter"}, "not UTF-8"),
        ({"title": "x" * 501}, "longer than 500"),
    ],
)
def test_what_cannot_be_right_is_named(changed: dict[str, str], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        _read(**changed)


def test_true_and_false_in_any_case_and_blanks_around() -> None:
    row = _read(open_to_women="TRUE", open_to_men=" false ", minimum_age="18.0", referrals_close_at="2024-04-01")
    assert (row.open_to_women, row.open_to_men, row.minimum_age) == (True, False, 18)  # type: ignore[attr-defined]


def test_subcontractors_are_named_once_each() -> None:
    row = _read(subcontractors="SHP; ACORN ;;shp")
    assert row.subcontractors == ("ACORN", "SHP")  # type: ignore[attr-defined]


def test_a_byte_order_mark_and_carriage_returns_make_no_difference() -> None:
    lines = register_file([register_row("A"), register_row("B")], newline="\r\n")
    lines[0] = "\ufeff" + lines[0]
    assert [(line.number, line.reference) for line in lines_of(lines)] == [(2, "A"), (3, "B")]


def test_line_numbers_are_the_files_also_where_quoted_text_spans_lines() -> None:
    rows = [register_row("A", title="Two\nlines"), register_row("B"), register_row("C", title="With, comma")]
    read_back = lines_of([*register_file(rows), "\n", ",,\n"])
    assert [(line.number, line.reference) for line in read_back] == [(2, "A"), (4, "B"), (5, "C")]
    assert read(read_back[0], KNOWN).title == "Two lines"


def test_a_slip_of_quotation_marks_costs_its_own_row_only() -> None:
    lines = register_file([register_row("A"), register_row("B", contract_type="Finance, Benefit and Debt")])
    broken = 'X,"Accommodation,Open quote,REGION,Wales,,False,True,18,,2024-04-01,,Home,\n'
    read_back = lines_of([lines[0], broken, *lines[1:], 'Y,"Acc"ommodation",T\n', lines[1].replace("A,", "Z,", 1)])
    assert [line.number for line in read_back] == [2, 3, 4, 5, 6]
    assert [bool(line.fault) for line in read_back] == [True, False, False, True, False]
    assert [read_back[0].reference, read_back[3].reference] == ["X", "Y"]
    with pytest.raises(Unreadable, match="quotation marks"):
        read(read_back[0], KNOWN)


def test_too_few_columns_are_counted() -> None:
    line = lines_of([",".join(COLUMNS), "A,Accommodation\n"])[0]
    with pytest.raises(Unreadable, match="2 columns and must have 14"):
        read(line, KNOWN)


@pytest.mark.parametrize("lines", [[], [""], ["\n", "\n"]])
def test_an_empty_file_is_refused(lines: list[str]) -> None:
    with pytest.raises(Invalid, match="empty"):
        lines_of(lines)


def test_another_header_is_refused_with_what_is_wrong() -> None:
    with pytest.raises(Invalid, match=r"columns missing: title; columns not known: name"):
        lines_of([",".join(COLUMNS).replace("title", "name")])
    with pytest.raises(Invalid, match="another order"):
        lines_of([",".join(reversed(COLUMNS))])
