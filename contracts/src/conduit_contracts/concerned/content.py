"""All that was told of a case so far: the referral and what was added, as it arrived. Earlier words stay.

Persons and places are known by the partner's local ids. A record that comes again under the same id corrects or adds:
the latest record of a place says where it lies, while a force that was once told of a person or a place goes on to be
told of it, so that it can correct what it holds.

To add costs what was added, however much was told before. What was added is kept word for word only while all of it fits
one record; beyond that only what rules and need to know ask for is kept, and the words are read again from the store.
"""

from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from itertools import chain

from conduit_contracts.concerned.people import People, SaidAt
from conduit_contracts.geography import force_area, force_of_district, special_force
from conduit_contracts.referral import OffencePlace, Person, Referral, Role, Supplement

ROOMY = 800_000
"""Bytes of content up to which one record holds everything, even with persons and places given twice."""


class Content:
    """The referral with what was added. `size` is the length in bytes of all of it as it came."""

    def __init__(self, referral: Referral, supplements: Iterable[Supplement] = (), *, size: int) -> None:
        self.referral = referral
        self.size = size
        self.numbers = referral.numbers
        """How many victims and suspects there are, as last told."""
        self.latest_places: dict[str, OffencePlace] = {}
        """Each place as last described, in the order of first mention."""
        self.latest_forces: dict[str, tuple[str, ...]] = {}
        """By place id, the forces in whose area the place lies as last described."""
        self.places_of: dict[str, set[str]] = {}
        """The other way round: by force, the ids of the places in its area as last described, perhaps none any more."""
        self.forces_told: dict[str, set[str]] = {}
        """By place id, every force in whose area any record puts the place."""
        self.places_told: dict[str, set[str]] = {}
        """The other way round: by force, the ids of the places that any record puts in its area."""
        self.ties: dict[str, set[str]] = {}
        """By person id, the place ids that any record ties the person to."""
        self.homes: dict[str, set[str]] = {}
        """By person id, the forces in whose area any record says that the person lives or is."""
        self.people = People()
        """What rules need to know of each person."""
        self.first_victims_area: str | None = None
        """The force in whose area the first victim lives, as last told and where it is known."""
        self._victims: dict[str, None] = {}
        self._known: set[bytes] = set()
        self._supplements: list[Supplement] = []
        self._note(referral.places, referral.persons, SaidAt.by(referral))
        for supplement in supplements:
            self.add(supplement)

    @property
    def whole(self) -> bool:
        """Whether all of it fits one record, and is here word for word."""
        return self.size <= ROOMY

    @property
    def supplements(self) -> tuple[Supplement, ...]:
        """What was added, as it arrived.

        Raises:
            LookupError: it is too much to be kept here, so that asking for it is a fault of ours.
        """
        if not self.whole:
            raise LookupError("what was added to the case is not kept in memory")
        return tuple(self._supplements)

    @property
    def persons(self) -> tuple[Person, ...]:
        """Every record of a person, oldest first, where all of the content is here."""
        return (*self.referral.persons, *chain.from_iterable(added.persons for added in self.supplements))

    @property
    def places(self) -> tuple[OffencePlace, ...]:
        """Every record of a place, oldest first, where all of the content is here."""
        return (*self.referral.places, *chain.from_iterable(added.places for added in self.supplements))

    @property
    def victims(self) -> Collection[str]:
        """The ids of the victims, in the order of first mention."""
        return self._victims.keys()

    def has(self, supplement: Supplement) -> bool:
        """Whether this was told before: triage may tell the same thing on two ways."""
        return mark(supplement) in self._known

    def add(self, supplement: Supplement, size: int = 0) -> frozenset[str]:
        """Take in what was added, once; returns the forces in whose area it puts what was told of elsewhere before.

        The order is that of arrival, not of `supplied_at`, which is the partner's word: a correction with an early one would
        lose to what it corrects.
        """
        self.size += size
        marked = mark(supplement)
        if marked in self._known:
            return frozenset()
        self._known.add(marked)
        self.numbers = self.numbers.after(supplement.numbers, corrects=supplement.corrects)
        if self.whole:
            self._supplements.append(supplement)
        else:
            self._supplements.clear()
        return self._note(supplement.places, supplement.persons, SaidAt.by(self.referral, supplement))

    def _note(self, places: Iterable[OffencePlace], persons: Iterable[Person], told: SaidAt) -> frozenset[str]:
        shown = [self._note_place(place) for place in places] + [self._note_person(person, told) for person in persons]
        return frozenset().union(*shown)

    def _note_place(self, place: OffencePlace) -> set[str]:
        for force_id in self.latest_forces.get(place.place_id, ()):
            self.places_of[force_id].discard(place.place_id)
        self.latest_places[place.place_id] = place
        found = self.latest_forces[place.place_id] = forces_of(place)
        for force_id in found:
            self.places_of.setdefault(force_id, set()).add(place.place_id)
        told = self.forces_told.get(place.place_id)
        more = set(found) if told is None else set(found) - told
        for force_id in more:
            self.places_told.setdefault(force_id, set()).add(place.place_id)
        if told is None:
            self.forces_told[place.place_id] = more
            return set()
        told |= more
        return more

    def _note_person(self, person: Person, told: SaidAt) -> set[str]:
        """Returns the forces that may see from now on what was told of this person before."""
        person_id, area = person.person_id, home_area(person)
        before = set(self._seen_by(person_id)) if person_id in self.ties else None
        if self.people.note(person, told) and before is not None:
            before -= self.homes.get(person_id, set())
        self.ties.setdefault(person_id, set()).update(person.place_ids)
        if areas := areas_of(person):
            self.homes.setdefault(person_id, set()).update(areas)
        if person.role is Role.VICTIM:
            self._victims.setdefault(person_id)
            if area is not None and person_id == next(iter(self._victims)):
                self.first_victims_area = area
        return set() if before is None else set(self._seen_by(person_id)) - before

    def _seen_by(self, person_id: str) -> Iterator[str]:
        yield from self.homes.get(person_id, ())
        for place_id in self.ties[person_id]:
            yield from self.forces_told.get(place_id, ())


def mark(supplement: Supplement) -> bytes:
    """What tells one supplement from another: a digest of what it says."""
    return blake2b(supplement.__pydantic_serializer__.to_json(supplement), digest_size=16).digest()


def forces_of(place: OffencePlace) -> tuple[str, ...]:
    """The territorial force whose area a place lies in and the special force that it also concerns, as far as known."""
    return tuple(force for force in (force_area(place), special_force(place)) if force is not None)


def home_area(person: Person) -> str | None:
    """The territorial force in whose area a person lives, where it is known."""
    return force_of_district().get(person.home_district_code) if person.home_district_code else None


def areas_of(person: Person) -> set[str]:
    """The territorial forces in whose area a person lives or is, where that is known."""
    codes = (person.home_district_code, person.present_district_code)
    return {area for code in codes if code and (area := force_of_district().get(code)) is not None}
