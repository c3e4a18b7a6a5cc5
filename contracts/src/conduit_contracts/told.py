"""What rules ask of all that was told of a referral. Each addition is taken in once, and costs what it adds."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from conduit_contracts.geography import force_area
from conduit_contracts.referral import Ground, OffencePlace, Person, Referral, Role, Supplement, Urgency

URGENCY_RANK = {urgency: rank for rank, urgency in enumerate(Urgency)}
"""Most urgent first."""


class Told:
    """Counts persons and places by the partner's local ids, as last described."""

    def __init__(self, referral: Referral, supplements: Iterable[Supplement] = ()) -> None:
        self.urgency = referral.urgency
        """The most urgent that was said. Only a person may go back on it."""
        self.danger = referral.immediate_danger
        """Whether it was ever said that a child is in danger."""
        self.numbers = referral.numbers
        """The numbers that hold: the larger of those said, or those of a correction."""
        self._roles: dict[str, Role] = {}
        self._areas: dict[str, str | None] = {}
        self._of_role: Counter[Role] = Counter()
        self._of_area: Counter[str] = Counter()
        self._take(referral.persons, referral.places)
        for supplement in supplements:
            self.add(supplement)

    def add(self, supplement: Supplement) -> None:
        """Take in what was added."""
        self.urgency = more_urgent(self.urgency, supplement.urgency)
        self.danger = self.danger or bool(supplement.immediate_danger)
        self.numbers = self.numbers.after(supplement.numbers, corrects=supplement.corrects)
        self._take(supplement.persons, supplement.places)

    def of_role(self, role: Role) -> int:
        """How many persons of this role are described."""
        return self._of_role[role]

    @property
    def areas(self) -> int:
        """How many territorial force areas the places lie in."""
        return sum(places > 0 for places in self._of_area.values())

    def _take(self, persons: Iterable[Person], places: Iterable[OffencePlace]) -> None:
        for person in persons:
            before = self._roles.get(person.person_id)
            if before is not None:
                self._of_role[before] -= 1
            self._roles[person.person_id] = person.role
            self._of_role[person.role] += 1
        for place in places:
            area = self._areas.get(place.place_id)
            if area is not None:
                self._of_area[area] -= 1
            area = self._areas[place.place_id] = force_area(place)
            if area is not None:
                self._of_area[area] += 1


def more_urgent(urgency: Urgency, said: Urgency | None) -> Urgency:
    """The more urgent of what holds and what was said, if anything."""
    return urgency if said is None else min(urgency, said, key=URGENCY_RANK.__getitem__)


class Thresholds(Protocol):
    """From how many on a case is complex, as the policy file has it."""

    @property
    def victims_at_least(self) -> int: ...
    @property
    def suspects_at_least(self) -> int: ...
    @property
    def force_areas_at_least(self) -> int: ...


class CountedGround(NamedTuple):
    """One of the three grounds that are counted."""

    ground: Ground
    known: int
    at_least: int

    @property
    def is_met(self) -> bool:
        """Whether it makes the case complex."""
        return self.known >= self.at_least


def count_grounds(thresholds: Thresholds, told: Told) -> tuple[CountedGround, ...]:
    """The counted grounds, met or not. Estimates do not count; who or what is described twice counts once."""
    numbers = told.numbers
    victims = max(numbers.victims_known, told.of_role(Role.VICTIM))
    suspects = max(numbers.suspects_known, told.of_role(Role.SUSPECT))
    return (
        CountedGround(Ground.NUMBER_OF_VICTIMS, victims, thresholds.victims_at_least),
        CountedGround(Ground.NUMBER_OF_SUSPECTS, suspects, thresholds.suspects_at_least),
        CountedGround(Ground.NUMBER_OF_FORCE_AREAS, told.areas, thresholds.force_areas_at_least),
    )
