"""The registers' entries as they stand, and what a record makes of them. In memory, between one load and one save."""

from dataclasses import dataclass, field, replace

from conduit_contracts.registering import RegisterEntry, RegisterSubject, subject_of


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """An entry, and the record that says so on the register's topic."""

    entry: RegisterEntry
    event_id: str
    """Of that record."""
    on_topic: bool
    """Whether it was read there. Until then it is on its way, behind all that is read until then."""
    order_id: str | None = None
    """The last order of its key that was carried out."""
    ordered_by: str | None = None


@dataclass(slots=True)
class RegisterBook:
    """What this service holds of the registers, as far as a batch is about it."""

    entries: dict[RegisterSubject, WrittenEntry] = field(default_factory=dict)
    changed: set[RegisterSubject] = field(default_factory=set)

    def entry_of(self, subject: RegisterSubject) -> RegisterEntry | None:
        """What stands."""
        known = self.entries.get(subject)
        return known.entry if known else None

    def write(self, written: WrittenEntry) -> None:
        """This stands from now on."""
        subject = subject_of(written.entry)
        self.entries[subject] = written
        self.changed.add(subject)

    def read(self, found: WrittenEntry) -> bool:
        """Whether a record of the register's topic says something new, which then stands.

        An earlier release, or this service before its database was restored, wrote what is not known here. It stands, unless
        a record of ours is still on its way: that one will take its place.
        """
        known = self.entries.get(subject_of(found.entry))
        if known is not None and known.event_id == found.event_id:
            self.write(replace(known, on_topic=True))
            return False
        if known is not None and not known.on_topic:
            return False
        self.write(found)
        return True
