"""All that was told of a case so far: the referral and what was added, as it arrived. Earlier words stay.

Persons and places are known by the partner's local ids. A record that comes again under the same id corrects or adds:
the latest record of a place says where it lies, while a force that was once told of a person or a place goes on to be
told of it, so that it can correct what it holds.
"""

from collections.abc import Iterable

from pydantic import BaseModel

from conduit_contracts.geography import force_area, force_of_district, special_force
from conduit_contracts.referral import OffencePlace, Person, Referral, Role, Supplement


class StoredBody(BaseModel):
    """The part of a stored triage record that holds the case."""

    referral: Referral
    supplements: tuple[Supplement, ...] = ()


class StoredSupplement(BaseModel):
    """The part of a stored InformationForwarded that holds what was added."""

    supplement: Supplement


class Content:
    """The referral with its supplements. `size` is their length in bytes as they came."""

    def __init__(self, referral: Referral, supplements: Iterable[Supplement] = (), *, size: int) -> None:
        self.referral = referral
        self.supplements = tuple(supplements)
        self.size = size
        self.persons: tuple[Person, ...] = sum((added.persons for added in self.supplements), referral.persons)
        """Every record of a person, oldest first."""
        self.places: tuple[OffencePlace, ...] = sum((added.places for added in self.supplements), referral.places)
        """Every record of a place, oldest first."""
        self.latest_places = {place.place_id: place for place in self.places}
        """Each place as last described, in the order of first mention."""
        self.latest_forces: dict[str, tuple[str, ...]] = {}
        """By place id, the forces in whose area the place lies as last described."""
        self.forces_told: dict[str, set[str]] = {}
        """By place id, every force in whose area any record puts the place."""
        for place in self.places:
            found = self.latest_forces[place.place_id] = forces_of(place)
            self.forces_told.setdefault(place.place_id, set()).update(found)
        self.ties: dict[str, set[str]] = {}
        """By person id, the place ids that any record ties the person to."""
        self.homes: dict[str, set[str]] = {}
        """By person id, the forces in whose area any record says that the person lives."""
        for person in self.persons:
            self.ties.setdefault(person.person_id, set()).update(person.place_ids)
            if (area := home_area(person)) is not None:
                self.homes.setdefault(person.person_id, set()).add(area)

    def with_supplement(self, supplement: Supplement, size: int) -> "Content":
        """The same with one more supplement."""
        return Content(self.referral, (*self.supplements, supplement), size=self.size + size)

    @property
    def first_victims_area(self) -> str | None:
        """The force in whose area the first victim lives, as last told and where it is known."""
        victims = [person for person in self.persons if person.role is Role.VICTIM]
        areas = [home_area(person) for person in victims if person.person_id == victims[0].person_id]
        return next((area for area in reversed(areas) if area is not None), None)

    @property
    def victims(self) -> list[str]:
        """The ids of the victims, in the order of first mention."""
        return list(dict.fromkeys(person.person_id for person in self.persons if person.role is Role.VICTIM))


def forces_of(place: OffencePlace) -> tuple[str, ...]:
    """The territorial force whose area a place lies in and the special force that it also concerns, as far as known."""
    return tuple(force for force in (force_area(place), special_force(place)) if force is not None)


def home_area(person: Person) -> str | None:
    """The territorial force in whose area a person lives, where it is known."""
    return force_of_district().get(person.home_district_code) if person.home_district_code else None


def merge(told: Iterable[Supplement], more: Iterable[Supplement]) -> tuple[Supplement, ...]:
    """Both without repeats, as they arrived: triage may tell the same thing on two ways.

    Not by `supplied_at`, which is the partner's word: a correction with an early one would lose to what it corrects.
    """
    merged: list[Supplement] = []
    for supplement in (*told, *more):
        if supplement not in merged:
            merged.append(supplement)
    return tuple(merged)
