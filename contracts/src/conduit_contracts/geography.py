"""The police force area of a place in a referral.

Codes decide, never names: the labels of the Office for National Statistics differ from the forces' own. A code that is
not known gives no force, and where no force is named beside it a person decides.
"""

from collections.abc import Iterable
from functools import cache

from conduit_contracts.countries import NOT_IN_THE_STANDARD_BUT_MEANT, UNITED_KINGDOM
from conduit_contracts.places import Force, forces, known_places
from conduit_contracts.referral import OffencePlace, PlaceKind

__all__ = [
    "Force",
    "force_area",
    "force_areas",
    "force_of_district",
    "forces",
    "in_order",
    "is_overseas",
    "is_united_kingdom",
    "special_force",
]

_SPECIAL_FORCES = {
    PlaceKind.RAILWAY: "btp",
    PlaceKind.DEFENCE_ESTATE: "mdp",
    PlaceKind.CIVIL_NUCLEAR_SITE: "cnc",
}
_UNITED_KINGDOM = frozenset({None, UNITED_KINGDOM, NOT_IN_THE_STANDARD_BUT_MEANT})


@cache
def force_of_district() -> dict[str, str]:
    """Force id by code of a district, county or police force area, current or former."""
    return {code: place.force_id for code, place in known_places().items()}


def force_area(place: OffencePlace) -> str | None:
    """The territorial force for the place, or None if the facts do not say.

    The district's code decides; otherwise a territorial force that is named, even with an unknown code.
    """
    found = force_of_district().get(place.district_code or "")
    if found is not None:
        return found
    force = forces().get(place.force_id or "")
    return force.force_id if force is not None and force.territorial and is_united_kingdom(place.country) else None


def special_force(place: OffencePlace) -> str | None:
    """The special police force that a place also concerns: railway, defence estate or civil nuclear site.

    The transport and the nuclear police act in Great Britain only, so that they have no part in Northern Ireland.
    """
    if is_overseas(place):
        return None
    named = forces().get(place.force_id or "")
    special = named.force_id if named is not None and not named.territorial else _SPECIAL_FORCES.get(place.kind)
    return special if special is not None and _acts_there(special, place) else None


def _acts_there(special: str, place: OffencePlace) -> bool:
    area = force_area(place)
    in_northern_ireland = area is not None and forces()[area].country == "Northern Ireland"
    return not in_northern_ireland or forces()[special].country == "United Kingdom"


def is_united_kingdom(country: str | None) -> bool:
    """Whether a country is the United Kingdom or not given, which means the United Kingdom or not known."""
    return country in _UNITED_KINGDOM


def is_overseas(place: OffencePlace) -> bool:
    """True if the partner says that the place is outside the United Kingdom and gives no district inside it."""
    return not is_united_kingdom(place.country) and force_of_district().get(place.district_code or "") is None


def force_areas(places: tuple[OffencePlace, ...]) -> list[str]:
    """The distinct territorial force areas of the places, in the order in which they first appear."""
    return list(dict.fromkeys(area for place in places if (area := force_area(place)) is not None))


def in_order(force_ids: Iterable[str]) -> tuple[str, ...]:
    """Distinct forces in the order of the register."""
    distinct = set(force_ids)
    return tuple(distinct) if len(distinct) < 2 else tuple(sorted(distinct, key=_ranks().__getitem__))


class _Ranks(dict[str, int]):
    def __missing__(self, force_id: str) -> int:
        """A force that left the register comes last."""
        return len(self)


@cache
def _ranks() -> _Ranks:
    return _Ranks((force_id, rank) for rank, force_id in enumerate(forces()))
