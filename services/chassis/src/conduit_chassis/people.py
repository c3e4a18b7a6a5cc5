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
    RightsRevoked,
)
from conduit_contracts.registering_people import PEOPLE_REGISTERS as REGISTERS
from conduit_contracts.registering_people import with_rights_left
from conduit_contracts.topics import OFFICERS, PEOPLE, REVOCATIONS

__all__ = [
    "REGISTERS",
    "Headers",
    "KnownPeople",
    "PeopleBook",
    "RegisterBehindError",
    "account_of",
    "may_come_in",
]

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
    """The last record of each person, and what was revoked of them since."""

    def __init__(self) -> None:
        self._people: dict[tuple[str, str], PersonRegistered] = {}
        self._identities: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self.revoked: dict[str, RightsRevoked] = {}
        """By person."""
        self.unreadable: set[tuple[str, str]] = set()
        """Topic and key of last records that cannot be read."""

    def take(self, topic: str, key: bytes | None, headers: Headers, value: bytes | None) -> bool:
        """The next record of a register, or of what was revoked; False where it cannot be read, which makes its person
        nobody until the next."""
        place = (topic, (key or b"").decode("ascii", "replace"))
        if topic == REVOCATIONS.name():
            return self._revoke(place, headers, value)
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
        left = [self._left(self._people[place]) for place in self._identities.get((issuer, subject), ())]
        found = [each for each in left if each is not None]
        return found[0] if len(found) == 1 and may_come_in(found[0], now) else None

    def everybody(self) -> list[PersonRegistered]:
        """All who stand in the registers, with what was left to them, whether or not they may come in now."""
        return [left for each in self._people.values() if (left := self._left(each)) is not None]

    def entries(self) -> list[PersonRegistered]:
        """What the registers themselves hold, whatever was revoked."""
        return list(self._people.values())

    def _left(self, person: PersonRegistered) -> PersonRegistered | None:
        return with_rights_left(person, self.revoked.get(person.person_id))

    def _revoke(self, place: tuple[str, str], headers: Headers, value: bytes | None) -> bool:
        self.unreadable.discard(place)
        self.revoked.pop(place[1], None)
        if value is None:
            return True
        try:
            _, read = decode(headers, value, {RightsRevoked.type: RightsRevoked})
        except Exception:  # whatever a decoder raises costs this record alone
            read = None
        if isinstance(read, RightsRevoked) and read.person_id == place[1]:
            self.revoked[place[1]] = read
            return True
        # Something was taken from somebody, and nobody can tell what: they are kept out.
        self.unreadable.add(place)
        self.revoked[place[1]] = RightsRevoked.model_construct(person_id=place[1], removed=True)
        return False

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
