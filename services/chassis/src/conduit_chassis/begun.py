"""Marks of what is being handled, so that a batch which keeps killing its process is known by them, and taken apart.

They cost a batch three statements, so they are kept for big ones, and for all in a process's first minute: what killed the
process before comes again first. Each is a transaction by itself, without BEGIN and COMMIT, and the disk is not waited for:
our own death does not undo it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Record

MOST_DEATHS = 3
"""At so many deaths a record was alone: it is put aside."""

_FOUND = (
    "SELECT topic, partition, first_offset AS first, last_offset AS last, alone FROM begun WHERE topic = ANY($1::text[])"
)
_QUIETLY = "(SELECT set_config('synchronous_commit', 'off', true) AS commit) AS quietly"
_MARKS = Columns(topic="text", partition="integer", first="bigint", last="bigint", alone="integer")
_MARK = f"""
INSERT INTO begun (topic, partition, first_offset, last_offset, alone)
SELECT {_MARKS.values("now")} FROM {_MARKS.rows("now")}, {_QUIETLY} WHERE quietly.commit = 'off'
ON CONFLICT (topic, partition, first_offset)
DO UPDATE SET last_offset = excluded.last_offset, alone = excluded.alone, at = now()
"""  # noqa: S608 - constants
_PLACES = Columns(topic="text", partition="integer", first="bigint")
_CLEAR = f"""
DELETE FROM begun USING {_PLACES.rows("gone")}, {_QUIETLY}
WHERE quietly.commit = 'off'
  AND begun.topic = gone.topic AND begun.partition = gone.partition AND begun.first_offset = gone.first
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Mark:
    """Records of one partition that were begun together."""

    topic: str
    partition: int
    first: int
    last: int
    alone: int = 0

    def holds(self, record: Record) -> bool:
        """Whether the record is one of them."""
        here = self.topic == record.topic and self.partition == record.partition
        return here and self.first <= record.offset <= self.last


def marks_of(records: Iterable[Record]) -> list[Mark]:
    """One for each partition."""
    places: dict[tuple[str, int], tuple[int, int]] = {}
    for each in records:
        first, last = places.get((each.topic, each.partition), (each.offset, each.offset))
        places[each.topic, each.partition] = min(first, each.offset), max(last, each.offset)
    return [Mark(topic, partition, first, last) for (topic, partition), (first, last) in places.items()]


def deaths_of(record: Record, marks: Iterable[Mark]) -> int | None:
    """At how many deaths of a process the record was alone; None where it was at none in the making."""
    held = [mark for mark in marks if mark.holds(record)]
    return max((mark.alone for mark in held if mark.first == mark.last), default=0) if held else None


class Marks:
    """Those of one reader. One that reads ahead has its own: what it has under way is not what the other began."""

    def __init__(self, reader: str = "") -> None:
        self._suffix = reader and f"#{reader}"

    async def found(self, connection: Connection, topics: Iterable[str]) -> list[Mark]:
        """Marks that somebody left on these topics."""
        rows = await connection.fetch(_FOUND, sorted({topic + self._suffix for topic in topics}))
        return [Mark(**row | {"topic": row["topic"].removesuffix(self._suffix)}) for row in map(dict, rows)]

    async def mark(self, connection: Connection, marks: Sequence[Mark]) -> None:
        """Say that these are begun."""
        await connection.execute(_MARK, *_MARKS.arrays(map(self._row, marks)))

    async def clear(self, connection: Connection, marks: Sequence[Mark]) -> None:
        """Say that we live."""
        await connection.execute(_CLEAR, *_PLACES.arrays(map(self._row, marks)))

    def _row(self, each: Mark) -> dict[str, Any]:
        return asdict(each) | {"topic": each.topic + self._suffix}
