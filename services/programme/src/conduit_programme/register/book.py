"""The registers' entries as they stand, and what a record makes of them. In memory, between one load and one save."""

from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias, TypeVar

from conduit_contracts.programme import PersonRegistered
from conduit_contracts.registering import RegisterEntry, RegisterSubject

K = TypeVar("K")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class WrittenEntry(Generic[E]):
    """An entry, and the record that says so on the register's topic."""

    entry: E
    event_id: str
    """Of that record."""
    on_topic: bool
    """Whether it was read there. Until then it is on its way, behind all that is read until then."""
    order_id: str | None = None
    """The last order of its key that was carried out."""
    ordered_by: str | None = None


@dataclass(slots=True)
class RegisterBook(Generic[K, E]):
    """What this service holds of the registers, as far as a batch is about it."""

    entries: dict[K, WrittenEntry[E]] = field(default_factory=dict)
    changed: set[K] = field(default_factory=set)

    def write(self, key: K, written: WrittenEntry[E]) -> None:
        """This stands from now on."""
        self.entries[key] = written
        self.changed.add(key)

    def read(self, key: K, found: WrittenEntry[E]) -> bool:
        """Whether a record of the register's topic says something new, which then stands.

        An earlier release, or this service before its database was restored, wrote what is not known here. It stands, unless
        a record of ours is still on its way: that one will take its place.
        """
        known = self.entries.get(key)
        if known is not None and known.event_id == found.event_id:
            self.write(key, replace(known, on_topic=True))
            return False
        if known is not None and not known.on_topic:
            return False
        self.write(key, found)
        return True


OrganisationsBook: TypeAlias = RegisterBook[RegisterSubject, RegisterEntry]
PeopleRegister: TypeAlias = RegisterBook[str, PersonRegistered | None]
"""By person, and always all of them: what one may be depends on the others. None is for somebody who was removed."""
