"""Which police force area a place lies in. Source and licence: `reference/SOURCES.md`.

Codes decide, never names: the labels of the Office for National Statistics differ from the forces' own. A code that is
not known gives no force, and a person decides.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from conduit_contracts.referral import OffencePlace, PlaceKind

_SPECIAL_FORCES = {
    PlaceKind.RAILWAY: "btp",
    PlaceKind.DEFENCE_ESTATE: "mdp",
    PlaceKind.CIVIL_NUCLEAR_SITE: "cnc",
}


@dataclass(frozen=True, slots=True)
class Force:
    """A police force. `territorial` forces have an area; special ones are chosen by the kind of place."""

    force_id: str
    name: str
    country: str
    territorial: bool
    pfa_code: str | None


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
def force_of_district() -> dict[str, str]:
    """Force id by district code: 361 current districts and 48 former ones."""
    by_area = {force.pfa_code or "": force.force_id for force in forces().values() if force.territorial}
    rows = [*_rows("districts.csv"), *_rows("former_districts.csv")]
    return {row["lad_code"]: by_area[row["pfa_code"]] for row in rows}


def force_area(place: OffencePlace) -> str | None:
    """The territorial force whose area the place lies in, or None where the facts do not say.

    A place outside the United Kingdom is in no force's area, whatever else is said of it.
    """
    if is_overseas(place):
        return None
    if place.district_code is not None:
        return force_of_district().get(place.district_code)
    force = forces().get(place.force_id or "")
    return force.force_id if force is not None and force.territorial else None


def special_force(place: OffencePlace) -> str | None:
    """The special police force that a place also concerns: railway, defence estate or civil nuclear site."""
    if is_overseas(place):
        return None
    named = forces().get(place.force_id or "")
    if named is not None and not named.territorial:
        return named.force_id
    return _SPECIAL_FORCES.get(place.kind)


def is_overseas(place: OffencePlace) -> bool:
    """True where the partner says that the place is outside the United Kingdom."""
    return place.country not in {None, "GB"}


def force_areas(places: tuple[OffencePlace, ...]) -> list[str]:
    """The distinct territorial force areas of the places, in the order in which they first appear."""
    return list(dict.fromkeys(area for place in places if (area := force_area(place)) is not None))


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("conduit_contracts").joinpath("reference", name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
