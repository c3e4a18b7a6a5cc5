"""Codes and names of places, and the police force for each. Source and licence: `reference/SOURCES.md`.

Every code that the Office for National Statistics ever gave to a district, county or police force area since 2009 leads to
one territorial force, because partners' systems may be out of date. Codes decide, never names; names only help to find
codes.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

DISTRICT = "district"
_KINDS = (DISTRICT, "county", "metropolitan county", "police force area")
_CODE = re.compile(r"[A-Z][0-9]{8}")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?( ?[0-9][A-Z]{2})?")
_OLD_NORTHERN_IRELAND = re.compile(r"95[A-Z]")
WAY = "Look the code up by the place's name: GET /v1/places?q=, or places() of the kits."
_OTHER_KINDS = {
    "a ward": ("E05", "W05", "S13", "N08", "N10"),
    "a small statistical area": ("E00", "W00", "S00", "N00", "E01", "W01", "S01", "N20", "N21", "E02", "W02", "S02"),
    "a civil parish or community": ("E04", "W04"),
    "a region": ("E12", "E13", "E15"),
    "a community safety partnership": ("E22", "W22"),
    "a country": ("E92", "W92", "S92", "N92", "K01", "K02", "K03", "K04"),
    "a constituency": ("E14", "W07", "W09", "S14", "S16", "N05", "N06"),
    "a combined authority": ("E47",),
    "an area of the health service": ("E38", "E40", "E54", "E56", "W11", "S08", "N11"),
}
"""What the Office for National Statistics gives such codes to besides: partners' systems have a column of them too."""
_OUTSIDE = frozenset({"isle of man", "jersey", "guernsey", "alderney", "sark", "channel islands", "gibraltar"})
"""Names that are spelt like others here, but are in no force's area."""
_ALSO_CALLED = {
    "abertawe": "W06000011",
    "bro morgannwg": "W06000014",
    "caerdydd": "W06000015",
    "caerffili": "W06000018",
    "casnewydd": "W06000022",
    "castell nedd port talbot": "W06000012",
    "greater london": "E23000001",
    "london": "E23000001",
    "merthyr tudful": "W06000024",
    "pen y bont ar ogwr": "W06000013",
    "sir benfro": "W06000009",
    "sir ddinbych": "W06000004",
    "sir fynwy": "W06000021",
    "sir gaerfyrddin": "W06000010",
    "sir y fflint": "W06000005",
    "tor faen": "W06000020",
    "wrecsam": "W06000006",
    "ynys mon": "W06000001",
}
"""Welsh names, and London, whose districts have names of their own: most of it is the Metropolitan Police's."""
_APOSTROPHES = re.compile("['`\u00b4\u02bc\u2018\u2019\u201b\u2032]")
_LONGEST = 80
_WORDS_OF_ALL_FORCES = re.compile(r"\b(police|constabulary|service|force)\b")
_SHORT = {
    "dpp": "dyfed-powys",
    "gmp": "greater-manchester",
    "met": "metropolitan",
    "mps": "metropolitan",
    "psni": "northern-ireland",
    "tvp": "thames-valley",
    "wmp": "west-midlands",
    "wyp": "west-yorkshire",
}
"""What people in the field call forces."""


@dataclass(frozen=True, slots=True)
class Force:
    """A police force. `territorial` forces have an area; special ones are chosen by the kind of place."""

    force_id: str
    name: str
    country: str
    territorial: bool
    pfa_code: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place that has a code, and its territorial police force."""

    code: str
    name: str
    kind: str
    """`district`, `county`, `metropolitan county` or `police force area`."""
    current: bool
    """False if the code is no longer in use. Referrals can still use it."""
    force_id: str
    force_name: str


@cache
def forces() -> dict[str, Force]:
    """All forces by force id: 45 territorial and 3 special."""
    return {
        row["force_id"]: Force(
            force_id=row["force_id"],
            name=row["force_name"],
            country=row["country"],
            territorial=row["kind"] == "territorial",
            pfa_code=row["pfa_code"] or None,
        )
        for row in _rows("forces.csv")
    }


@cache
def force_tiles() -> dict[str, tuple[int, int]]:
    """Where each territorial force's square is on a tile map: column and row, from the north-west. No rule reads it."""
    return {row["force_id"]: (int(row["column"]), int(row["row"])) for row in _rows("force_tiles.csv")}


@cache
def known_places() -> dict[str, Place]:
    """All places by code: 552 that were live at some time since 2009, and what was recoded after that list was made."""
    by_area = {force.pfa_code or "": force.force_id for force in forces().values() if force.territorial}
    found = {
        row["code"]: _place(row["code"], row["name"], row["kind"], row["force_id"], current=row["status"] == "live")
        for row in _rows("code_history.csv")
    }
    for row in _rows("former_districts.csv"):
        former = _place(row["lad_code"], row["lad_name"], DISTRICT, by_area[row["pfa_code"]], current=False)
        found.setdefault(former.code, former)
    return found


def find(words: str, limit: int = 20) -> tuple[Place, ...]:
    """Places by name, part of a name or code, the best first: the name itself, then names that begin with the words, then
    those that hold them; where there is none, names that are spelt alike. Current districts come before all else."""
    wanted = _plain(words)
    if not wanted or len(wanted) > _LONGEST or wanted in _OUTSIDE:
        return ()
    ranked = [(rank, place) for place in known_places().values() if (rank := _rank(place, wanted)) is not None]
    if wanted in _ALSO_CALLED:
        named = known_places()[_ALSO_CALLED[wanted]]
        ranked = [(-1, named), *((rank, place) for rank, place in ranked if place is not named)]
    if not ranked:
        ranked = [(number, place) for number, name in enumerate(_alike(wanted)) for place in _by_name()[name]]
    ranked.sort(key=lambda each: (each[0], *_standing(each[1])))
    return tuple(place for _, place in ranked[:limit])


def nearest_code(code: str) -> Place | None:
    """The place whose code is nearest to one that has never existed."""
    near = get_close_matches(code, known_places(), n=1, cutoff=0.75)
    return known_places()[near[0]] if near else None


def other_kind(code: str) -> str | None:
    """The kind of thing that a code belongs to, if it does not lead to a force."""
    return next((kind for kind, begins in _OTHER_KINDS.items() if code[:3] in begins), None)


def nearest_force(force_id: str) -> Force | None:
    """The force that a misspelt id probably means, for example its name, or its id with an extra word."""
    named = {_bare(name): force for force in forces().values() for name in (force.force_id, force.name)}
    wanted = _bare(force_id[:_LONGEST])
    if wanted in _SHORT:
        return forces()[_SHORT[wanted]]
    near = get_close_matches(wanted, named, n=1, cutoff=0.8)
    return named[near[0]] if near else None


def hint(text: object) -> str:
    """What to write instead of a text that is not a district code: the code that it probably means, or how to find it.

    Only codes and names of the reference tables are shown, never the text.
    """
    said = str(text).strip()[: _LONGEST + 1]
    upper = said.upper()
    if upper in known_places():
        return _meant([known_places()[upper]])
    if _POSTCODE.fullmatch(upper) and not _CODE.fullmatch(upper):
        return f"A postcode is not a district code. {WAY}"
    if _OLD_NORTHERN_IRELAND.fullmatch(upper):
        return (
            "Since 2015, Northern Ireland's districts have had codes such as N09000003. Give one of those, or force_id "
            "northern-ireland."
        )
    named = _named(said)
    return _meant(named) if named else f"A district code has a capital letter and eight digits, such as E08000025. {WAY}"


def _named(name: str) -> list[Place]:
    names = get_close_matches(_plain(name), _by_name(), n=1, cutoff=0.85)
    found = [place for each in names for place in _by_name()[each] if place.kind == DISTRICT]
    return sorted(found, key=_standing)[:1]


def _meant(found: Iterable[Place]) -> str:
    return " ".join(f"Did you mean {place.code} ({place.name})?" for place in found)


def _rank(place: Place, wanted: str) -> int | None:
    name, code = _plain(place.name), place.code.lower()
    if wanted in (name, code):
        return 0
    if name.startswith(wanted) or (len(wanted) > 2 and code.startswith(wanted)):
        return 1
    if f" {wanted}" in name:
        return 2
    return 3 if len(wanted) > 2 and wanted in name else None


def _standing(place: Place) -> tuple[bool, int, str, str]:
    return (not place.current, _KINDS.index(place.kind), place.name, place.code)


def _alike(wanted: str) -> list[str]:
    return get_close_matches(wanted, _by_name(), n=5, cutoff=0.7)


@cache
def _by_name() -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in known_places().values():
        found.setdefault(_plain(place.name), []).append(place)
    return found


@cache
def _force_names() -> dict[str, str]:
    return {force.force_id: force.name for force in forces().values()}


def _plain(name: str) -> str:
    """Letters and digits alone, in lower case and without accents, so that neither punctuation nor capitals count."""
    bare = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    return " ".join(re.sub(r"[^\w]+", " ", _APOSTROPHES.sub("", bare.replace("&", " and "))).casefold().split())


def _bare(name: str) -> str:
    """Without the words that many forces have in their names."""
    return _plain(_WORDS_OF_ALL_FORCES.sub(" ", _plain(name))) or _plain(name)


def _place(code: str, name: str, kind: str, force_id: str, *, current: bool) -> Place:
    return Place(code, name, kind, current, force_id, _force_names()[force_id])


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("conduit_contracts").joinpath("reference", name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
