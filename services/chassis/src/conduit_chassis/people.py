"""Who belongs to what, as the registers of people have it now. No I/O; `people_follower` fills it.

Whoever cannot be told for certain is nobody: one whose last record cannot be read, and two who claim the same sign-in.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from conduit_contracts.envelope import decode
from conduit_contracts.programme import (
    ForcePersonRegistered,
    HubPersonRegistered,
    PartnerPersonRegistered,
    PersonRegistered,
)
from conduit_contracts.topics import OFFICERS, PEOPLE

REGISTERS = (OFFICERS, PEOPLE)
Headers = Sequence[tuple[str, bytes]]

_MODELS: Mapping[str, Mapping[str, type[PersonRegistered]]] = {
    OFFICERS.name(): {HubPersonRegistered.type: HubPersonRegistered},
    PEOPLE.name(): {each.type: each for each in (PartnerPersonRegistered, ForcePersonRegistered)},
}
"""By topic, so that whoever may write of partners' people can make nobody an officer."""


class KnownPeople(Protocol):
    """Asked by whoever must know who somebody is: pages, the signer, and services that take signed commands."""

    def find(self, issuer: str, subject: str) -> PersonRegistered | None:
        """The person whom this issuer vouches for under this subject, None where there is nobody.

        Raises:
            RegisterBehindError: it is not known how the register stands now.
        """
        ...


class RegisterBehindError(Exception):
    """The register was not read to its end lately, so nobody can be told from one who has left. Trying again may help."""


class PeopleBook:
    """The last record of each person."""

    def __init__(self) -> None:
        self._people: dict[tuple[str, str], PersonRegistered] = {}
        self._identities: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self.unreadable: set[tuple[str, str]] = set()
        """Topic and key of last records that cannot be read."""

    def take(self, topic: str, key: bytes | None, headers: Headers, value: bytes | None) -> bool:
        """The next record of a register; False where it cannot be read, which makes its person nobody until the next."""
        place = (topic, (key or b"").decode("ascii", "replace"))
        self._forget(place)
        if value is None:
            return True
        try:
            _, read = decode(headers, value, _MODELS[topic])
        except Exception:  # whatever a decoder raises costs this record alone
            read = None
        if not isinstance(read, PersonRegistered) or read.person_id != place[1]:
            self.unreadable.add(place)
            return False
        self._people[place] = read
        self._identities.setdefault((read.issuer, read.subject), set()).add(place)
        return True

    def find(self, issuer: str, subject: str, now: datetime) -> PersonRegistered | None:
        """The person, where exactly one has this sign-in and may come in now."""
        places = self._identities.get((issuer, subject), set())
        if len(places) != 1:
            return None
        (place,) = places
        person = self._people[place]
        return person if may_come_in(person, now) else None

    def everybody(self) -> list[PersonRegistered]:
        """All who stand in the registers, whether or not they may come in now."""
        return list(self._people.values())

    def _forget(self, place: tuple[str, str]) -> None:
        self.unreadable.discard(place)
        before = self._people.pop(place, None)
        if before is None:
            return
        identity = (before.issuer, before.subject)
        self._identities[identity].discard(place)
        if not self._identities[identity]:
            del self._identities[identity]


def may_come_in(person: PersonRegistered, now: datetime) -> bool:
    """Whether somebody who stands in the register has begun, and has not left."""
    return person.valid_from <= now and (person.valid_to is None or now < person.valid_to)


def account_of(person: PersonRegistered) -> str:
    """Under what a person's acts are kept: for the hub's people their `officer_id`, else the `person_id`."""
    if isinstance(person, HubPersonRegistered) and person.officer_id is not None:
        return person.officer_id
    return person.person_id
