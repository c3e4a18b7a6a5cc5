"""Where a referral in the sandbox stands, as it is stored. Pure."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache

from pydantic import BaseModel, ConfigDict

from conduit_contracts.geography import force_areas, forces
from conduit_contracts.referral import OffencePlace, Referral, Urgency

SOME_FORCE = "norfolk"
"""Gets what no place of the referral leads anywhere with."""


class TriageState(StrEnum):
    """What triage has come to; nothing yet is None."""

    UNDER_REVIEW = "under_review"
    INFORMATION_REQUESTED = "information_requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class RoutingState(StrEnum):
    """What routing has come to; None while it has no case."""

    NO_FORCE = "no_force"
    PROVISIONAL = "provisional"
    """A force has it because of immediate danger, while triage goes on."""
    OPEN = "open"
    HANDED_OVER = "handed_over"


class Part(StrEnum):
    """Where one force's part stands."""

    DISSEMINATED = "disseminated"
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    DECLINED = "declined"


class Silence(StrEnum):
    """What was done about a force that does not answer."""

    CHASED = "chased"
    ESCALATED = "escalated"


WAITING = frozenset({Part.DISSEMINATED, Part.RECEIVED})


class Life(BaseModel):
    """Where a referral in the sandbox stands, in full. As JSON it is stored."""

    model_config = ConfigDict(extra="ignore")

    urgency: Urgency
    places: dict[str, int] = {}
    """How many of its places lie in each force's area."""
    danger: bool = False
    triage: TriageState | None = None
    looks: int = 0
    """How many reviews were opened."""
    danger_raised: bool = False
    routing: RoutingState | None = None
    withdrawn: bool = False
    home: str | None = None
    home_is_officers: bool = False
    """True: an officer named the home force, so that no force's word makes another."""
    owner: str | None = None
    """Who looks after the child in the meantime."""
    parts: dict[str, Part] = {}
    silence: dict[str, Silence] = {}
    """Forces that did not answer in time, and what the hub did about it since they last gave a sign."""
    took: set[str] = set()
    """Forces where a person took the case once."""
    steps: int = 0

    @property
    def areas(self) -> tuple[str, ...]:
        """The forces that get it, the one that leads first."""
        return tuple(sorted(self.places, key=lambda force: (-self.places[force], _ranks()[force]))) or (SOME_FORCE,)

    def note_places(self, places: Iterable[OffencePlace]) -> None:
        """Know of these as well."""
        for area in (area for place in places for area in force_areas((place,))):
            self.places[area] = self.places.get(area, 0) + 1

    @property
    def active(self) -> tuple[str, ...]:
        """The forces that have a part, in the order of the register."""
        return in_order(force for force, part in self.parts.items() if part is not Part.DECLINED)

    def waiting(self, *parts: Part) -> tuple[str, ...]:
        """The forces whose answer is waited for, or whose part is in one of these states."""
        return in_order(force for force, part in self.parts.items() if part in (parts or WAITING))

    @property
    def unchased(self) -> tuple[str, ...]:
        """The forces that are waited for and may be reminded."""
        return tuple(force for force in self.waiting() if force not in self.silence)

    @property
    def may_be_escalated(self) -> tuple[str, ...]:
        """The forces that are waited for and where nobody higher was asked yet."""
        return tuple(force for force in self.waiting() if self.silence.get(force) is not Silence.ESCALATED)

    @property
    def held(self) -> bool:
        """Whether forces have the case or are getting it."""
        return self.danger_raised or self.triage is TriageState.ACCEPTED

    @property
    def may_give_back(self) -> tuple[str, ...]:
        """The forces that may say "not ours". Not the one that an officer named: an officer would have to name another."""
        return tuple(force for force in self.waiting() if not (self.home_is_officers and force == self.home))


def born(referral: Referral) -> Life:
    """A referral that the sandbox has just taken."""
    life = Life(urgency=referral.urgency, danger=referral.immediate_danger)
    life.note_places(referral.places)
    return life


def in_order(force_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(force_ids), key=_ranks().__getitem__))


@cache
def _ranks() -> Mapping[str, int]:
    return {force_id: rank for rank, force_id in enumerate(forces())}
