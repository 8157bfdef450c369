"""The live register of commissioned rehabilitative services: reading its CSV and checking each row. Pure.

What a row says is judged here, against places and categories the caller brings; what is already known to the
marketplace is judged in `importing`. Source of the format: the public register (one line a contract, no values).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from contracts.agreements.rules import name_key
from marketplace.errors import Invalid

COLUMNS = (
    "contract_reference",
    "contract_type",
    "title",
    "area_level",
    "probation_region",
    "police_area",
    "open_to_women",
    "open_to_men",
    "minimum_age",
    "maximum_age",
    "referrals_open_from",
    "referrals_close_at",
    "lead_provider",
    "subcontractors",
)
YOUNGEST, OLDEST = 18, 120
LONGEST_TEXT = 500
MOST_LINES_OF_A_ROW = 50

# Kinds of contract by the categories they serve, as names compare. Any other kind is a category's own name.
_PERSONAL_WELLBEING = (
    "emotional wellbeing",
    "family and significant others",
    "lifestyle and associates",
    "social inclusion",
)
_KINDS: dict[str, tuple[str, ...]] = {
    "personal wellbeing": _PERSONAL_WELLBEING,
    "pwb": _PERSONAL_WELLBEING,
    "lifestyle associates and social inclusion": ("lifestyle and associates", "social inclusion"),
    "womens services": ("womens services",),
    "womens support": ("womens services",),
    "womens specific services": ("womens services",),
    "women services": ("womens services",),
    "wos": ("womens services",),
    "finance benefits and debt": ("finance benefit and debt",),
    "finance debt and benefit": ("finance benefit and debt",),
    "finance debt and benefits": ("finance benefit and debt",),
    "finance benefit services and debt": ("finance benefit and debt",),
    "fbd": ("finance benefit and debt",),
    "dependence and recovery": ("dependency and recovery",),
    "dependencies and recovery": ("dependency and recovery",),
    "drug and alcohol": ("dependency and recovery",),
    "dnr": ("dependency and recovery",),
    "d and r": ("dependency and recovery",),
    "ete": ("education training and employment",),
    "employment training and education": ("education training and employment",),
    "training education and employment": ("education training and employment",),
    "training and employment": ("education training and employment",),
    "accomodation": ("accommodation",),
    "housing": ("accommodation",),
    "acc": ("accommodation",),
    "family and relationships": ("family and significant others",),
    "young adults": ("young adults 18 25",),
    "black asian and minority ethnic": ("black asian and minority ethnic services",),
}
# Areas whose name in the register is not the one in the official list, as names compare.
_LONDON = "metropolitan police"
_AREAS: dict[str, str] = {
    "metropolitan": _LONDON,
    "metropolitan police district": _LONDON,
    "london": _LONDON,
    "greater london": _LONDON,
    "mopac": _LONDON,
    "mayors office for policing and crime": _LONDON,
    "london metropolitan": _LONDON,
    "london metropolitan police": _LONDON,
    "metropolitan police service": _LONDON,
    "city of london": "london city of",
    "city of london police": "london city of",
    "hampshire and isle of wight": "hampshire",
    "hampshire and the isle of wight": "hampshire",
    "county durham": "durham",
    "durham and darlington": "durham",
    "dyfed and powys": "dyfed powys",
    "manchester": "greater manchester",
}
_REGIONS: dict[str, str] = {
    "yorkshire and humber": "yorkshire and the humber",
    "yorkshire and humberside": "yorkshire and the humber",
    "kent surrey sussex": "kent surrey and sussex",
    "kss": "kent surrey and sussex",
    "east england": "east of england",
    "eastern": "east of england",
}
_WORDS_FOR_POLICE = (
    " police and crime commissioner",
    " constabulary",
    " police",
    " pcc",
    " opcc",
    " force area",
    " area",
)


@dataclass(frozen=True)
class Area:
    """A place as the register may name it."""

    code: str
    name: str
    region_code: str  # its own code for a probation region
    pcc_area: str | None = None


@dataclass(frozen=True)
class Known:
    """The places and categories rows are checked against, looked up once for the whole file."""

    regions: dict[str, Area]
    forces: dict[str, Area]
    categories: dict[str, str]  # name as compared: code

    @classmethod
    def of(cls, regions: Iterable[Area], forces: Iterable[Area], categories: Iterable[tuple[str, str]]) -> Known:
        """From areas, and categories as (code, name)."""
        return cls(
            {name_key(area.name): area for area in regions},
            {name_key(area.name): area for area in forces},
            {name_key(name): code for code, name in categories},
        )


@dataclass(frozen=True)
class Line:
    """One row of the file as it stands, with the number of the file's line on which it begins.

    `fault` says why its columns could not be told apart; then only the first is given.
    """

    number: int
    cells: tuple[str, ...]
    fault: str = ""

    @property
    def reference(self) -> str:
        """The contract reference it gives; empty if none can be read."""
        return _plain(self.cells[0]) if self.cells else ""


@dataclass(frozen=True)
class Row:
    """One contract of the register, read and checked."""

    number: int
    reference: str
    register_type: str
    title: str
    region: Area
    place_codes: tuple[str, ...]
    category_codes: tuple[str, ...]
    open_to_women: bool
    open_to_men: bool
    minimum_age: int
    maximum_age: int | None
    opens_on: date
    closes_on: date | None
    provider: str
    subcontractors: tuple[str, ...]


class Unreadable(Exception):
    """A row that cannot be taken; the words say why, for the person who has the file open."""


def lines_of(text: Iterable[str]) -> list[Line]:
    """The file's rows below its header. Lines of blanks alone are passed over.

    A row with a quotation mark too many or too few is given with its fault, and the rows after it are read as they
    stand: one slip does not swallow the rest of the file. Refused (Invalid) as a whole: an empty file, and a header
    other than the register's.
    """
    raw = [line.removeprefix("\ufeff") if index == 0 else line for index, line in enumerate(text)]
    if not any(line.strip() for line in raw):
        raise Invalid("The file is empty. It must begin with the register’s header line.")
    _check_header(_record(raw, 0)[0] or [])
    rows = []
    index = 1
    while index < len(raw):
        cells, length = _record(raw, index)
        if cells is None:
            begins_with = raw[index].partition(",")[0].strip('" \r\n')
            rows.append(Line(index + 1, (begins_with,), "its quotation marks do not match"))
        elif any(cell.strip() for cell in cells):
            rows.append(Line(index + 1, tuple(cells)))
        index += length
    return rows


def _record(raw: Sequence[str], start: int) -> tuple[list[str] | None, int]:
    """The columns of the record that begins on this line and how many lines it takes; None and 1 if it cannot be read.

    A quoted field may go on over line ends. It is believed to do so only if the whole then has the right columns.
    """
    for length in range(1, min(MOST_LINES_OF_A_ROW, len(raw) - start) + 1):
        try:
            records = list(csv.reader(raw[start : start + length], strict=True))
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                break
            continue
        if length > 1 and len(records[0]) != len(COLUMNS):
            break
        return (records[0] if records else []), length
    return None, 1


def read(line: Line, known: Known) -> Row:
    """The row, checked. Raises Unreadable with the first thing that is wrong with it."""
    if line.fault:
        raise Unreadable(line.fault)
    if len(line.cells) != len(COLUMNS):
        raise Unreadable(f"it has {len(line.cells)} columns and must have {len(COLUMNS)}")
    cell = {name: _plain(value) for name, value in zip(COLUMNS, line.cells, strict=True)}
    if any("\ufffd" in value for value in cell.values()):
        raise Unreadable("it holds characters that are not UTF-8 text")
    for name in ("contract_reference", "contract_type", "title", "area_level", "probation_region", "lead_provider"):
        if not cell[name]:
            raise Unreadable(f"the {_said(name)} is missing")
        if len(cell[name]) > LONGEST_TEXT:
            raise Unreadable(f"the {_said(name)} is longer than {LONGEST_TEXT} characters")
    region, place_codes = _places(cell, known)
    women, men = _truth(cell, "open_to_women"), _truth(cell, "open_to_men")
    if not women and not men:
        raise Unreadable("it is open to nobody: neither to women nor to men")
    youngest, oldest = _age(cell, "minimum_age"), _age(cell, "maximum_age")
    youngest = YOUNGEST if youngest is None else youngest
    if oldest is not None and oldest < youngest:
        raise Unreadable(f"the maximum age ({oldest}) is below the minimum age ({youngest})")
    opens, closes = _day(cell, "referrals_open_from"), _day(cell, "referrals_close_at")
    if opens is None:
        raise Unreadable("the referrals open from date is missing")
    if closes is not None and closes < opens:
        raise Unreadable(f"referrals close ({closes}) before they open ({opens})")
    return Row(
        number=line.number,
        reference=cell["contract_reference"],
        register_type=cell["contract_type"],
        title=_squeezed(cell["title"]),
        region=region,
        place_codes=place_codes,
        category_codes=categories_of(cell["contract_type"], known.categories),
        open_to_women=women,
        open_to_men=men,
        minimum_age=youngest,
        maximum_age=oldest,
        opens_on=opens,
        closes_on=closes,
        provider=_squeezed(cell["lead_provider"]),
        subcontractors=_names(cell["subcontractors"]),
    )


def categories_of(kind: str, categories: dict[str, str]) -> tuple[str, ...]:
    """The codes of the categories a kind of contract serves.

    Words in brackets (mostly the area) do not count. A kind that begins with a known one and goes on ("Finance,
    Benefit and Debt in the North East") is that one; the longest such beginning decides.
    """
    served = {name: (name,) for name in categories} | _KINDS
    tried = [name_key(re.sub(r"\([^()]*\)", " ", kind)), name_key(kind)]
    for text in tried:
        begins = [name for name in served if text == name or text.startswith(name + " ")]
        if begins:
            names = served[max(begins, key=len)]
            missing = [name for name in names if name not in categories]
            if not missing:
                return tuple(categories[name] for name in names)
    raise Unreadable(f"the contract type “{kind}” is not known")


def provider_key(name: str) -> str:
    """How a provider's name is compared, so that the same name spelled with other marks is one organisation."""
    return name_key(name)


def _places(cell: dict[str, str], known: Known) -> tuple[Area, tuple[str, ...]]:
    named = cell["probation_region"]
    key = name_key(named)
    region = known.regions.get(_REGIONS.get(key, key)) or known.regions.get(key.removeprefix("the "))
    if region is None:
        raise Unreadable(f"there is no probation region called “{named}”")
    level = cell["area_level"].upper()
    force = cell["police_area"]
    if level == "REGION":
        if force:
            raise Unreadable(f"its area level is REGION, but it names the police area “{force}” too")
        return region, (region.code,)
    if level != "PCC":
        raise Unreadable(f"the area level “{cell['area_level']}” is neither REGION nor PCC")
    if not force:
        raise Unreadable("its area level is PCC, but it names no police area")
    area = _force(force, known.forces)
    if area is None:
        raise Unreadable(f"there is no police area called “{force}”")
    if area.region_code != region.code:
        raise Unreadable(f"the police area “{force}” is not in the probation region “{named}”")
    if area.pcc_area is None:
        return region, (area.code,)
    # Forces that share one commissioner (London's two) are one area at this level.
    together = sorted(one.code for one in known.forces.values() if one.pcc_area == area.pcc_area)
    return region, tuple(together)


def _force(named: str, forces: dict[str, Area]) -> Area | None:
    key = name_key(named)
    shorter = [key, key.removeprefix("the ")]
    shorter += [key.removesuffix(word) for word in _WORDS_FOR_POLICE if key.endswith(word)]
    for text in shorter:
        found = forces.get(text) or forces.get(_AREAS.get(text, ""))
        if found is not None:
            return found
    return None


def _truth(cell: dict[str, str], name: str) -> bool:
    text = cell[name].casefold()
    if text in ("true", "yes", "y", "1"):
        return True
    if text in ("false", "no", "n", "0"):
        return False
    raise Unreadable(f"{_said(name)} must be True or False, not “{cell[name]}”")


def _age(cell: dict[str, str], name: str) -> int | None:
    text = cell[name]
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.0+)?", text):
        raise Unreadable(f"the {_said(name)} must be a whole number, not “{text}”")
    age = int(text.partition(".")[0])
    if not YOUNGEST <= age <= OLDEST:
        raise Unreadable(f"the {_said(name)} must be from {YOUNGEST} to {OLDEST}, not {age}")
    return age


def _day(cell: dict[str, str], name: str) -> date | None:
    text = cell[name]
    if not text:
        return None
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].*)?", text):
        try:
            return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text).date()
        except ValueError:
            pass
    raise Unreadable(f"the {_said(name)} date must be a real date like 2026-03-31, not “{text}”")


def _names(text: str) -> tuple[str, ...]:
    seen: dict[str, str] = {}
    for name in text.split(";"):
        if name.strip():
            seen.setdefault(name_key(name), _squeezed(name))
    return tuple(sorted(seen.values()))


def _check_header(header: Sequence[str]) -> None:
    found = [name.strip().casefold() for name in header]
    if found == list(COLUMNS):
        return
    missing = [name for name in COLUMNS if name not in found]
    strange = [name.strip() for name in header if name.strip().casefold() not in COLUMNS]
    faults = [f"columns missing: {', '.join(missing)}"] if missing else []
    faults += [f"columns not known: {', '.join(strange)}"] if strange else []
    raise Invalid(
        f"This is not the register’s header ({'; '.join(faults) or 'the columns stand in another order'}). "
        f"It must be: {','.join(COLUMNS)}"
    )


def _plain(text: str) -> str:
    return text.replace("\x00", "").strip()


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _said(column: str) -> str:
    return column.replace("_", " ")
