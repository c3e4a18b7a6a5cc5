"""Reads events from the outbox: those that say danger, then from the lowest id, and what can wait only where nothing else is
found; never more than should lie in memory."""

from collections.abc import Mapping, Sequence

from conduit_chassis.postgres import Connection, Row
from conduit_chassis.producer import Pending

ROUND_BYTES = 4 * 1024 * 1024
"""Of a round. Two are on their way at a time, and lie in memory more than once: as batches, as a request, encrypted."""
_LAST_ID = 2**63 - 1

# Written as a subquery, what is under way is looked up in a hash table; an array parameter is searched from end to end for
# every row. Large values are only measured: how many of them a round has room for is not known before.
_SCAN = """
SELECT id, topic, key, headers, CASE WHEN octet_length(value) <= $5 THEN value END AS value,
       extract(epoch FROM clock_timestamp() - created_at)::float8 AS age,
       extract(epoch FROM clock_timestamp() - acted_at)::float8 AS act_age, coalesce(octet_length(value), 0) AS size,
       danger, late
FROM outbox
WHERE shard = $1 AND id NOT IN (SELECT unnest($2::bigint[])) AND {0} ORDER BY id LIMIT $4
"""
_IN_LANES = " UNION ALL ".join(
    f"({_SCAN.format(lane)})" for lane in ("danger AND {0}", "NOT danger AND NOT late AND {0}", "late AND {0}")
)
_VALUES = "SELECT id, value FROM outbox WHERE shard = $1 AND id = ANY($2::bigint[])"
_OTHERS = "topic <> ALL($3::text[])"
_ONE = "topic = ANY($3::text[]) AND id <= $6"
_IN_TURN = """ AND NOT EXISTS (
    SELECT FROM outbox_rejected r
    WHERE r.shard = outbox.shard AND r.topic = outbox.topic AND r.key = outbox.key AND r.id < outbox.id
)"""
_SCAN_OTHERS = {False: _IN_LANES.format(_OTHERS), True: _IN_LANES.format(_OTHERS + _IN_TURN)}
_SCAN_ONE = {False: _SCAN.format(_ONE), True: _SCAN.format(_ONE + _IN_TURN)}
"""By whether events were refused: those that came after one of their key wait for it."""


class Scan:
    """Reads one shard's rows, so many at most."""

    def __init__(self, shard: int, most: int) -> None:
        self._shard = shard
        self._most = most
        self._small = 2 * ROUND_BYTES // most
        """Values up to this size are read with their rows: the scan itself brings no more than two rounds of them."""

    async def but(
        self, connection: Connection, topics: Sequence[str], under_way: Sequence[int], *, any_refused: bool
    ) -> list[Pending]:
        """The first rows but of these topics, without those under way: first what says danger, then by their ids. What can
        wait only where there are no others, so that one round of it at most is before danger."""
        return await self._read(connection, _SCAN_OTHERS[any_refused], under_way, topics, self._most)

    async def of(self, connection: Connection, topic: str, to: int | None, *, any_refused: bool) -> list[Pending]:
        """The first row of a topic; where `to` is given, all of its rows up to that id."""
        most = self._most if to else 1
        return await self._read(connection, _SCAN_ONE[any_refused], [], [topic], most, to or _LAST_ID)

    def fills_a_round(self, rows: Sequence[Pending]) -> bool:
        """Whether more than these may wait."""
        return len(rows) == self._most or sum(len(row.headers) + len(row.value or b"") for row in rows) > ROUND_BYTES // 2

    async def _read(
        self, connection: Connection, scan: str, under_way: Sequence[int], topics: Sequence[str], most: int, *to: int
    ) -> list[Pending]:
        """The first rows that there are, up to so many, and to so many bytes unless the first alone is larger."""
        found = await connection.fetch(scan, self._shard, under_way, topics, most, self._small, *to)
        in_turn = sorted(found, key=_turn)[:most]
        rows = _that_fit(in_turn if not in_turn or in_turn[0]["late"] else [row for row in in_turn if not row["late"]])
        large = [row["id"] for row in rows if row["size"] > self._small]
        read = await connection.fetch(_VALUES, self._shard, large) if large else []
        values = {row["id"]: row["value"] for row in read}
        # A large row may be gone since: where another relay took over for a moment, it was sent.
        return [_pending(row, values) for row in rows if row["id"] in values or row["size"] <= self._small]


def _turn(row: Row) -> tuple[bool, bool, int]:
    return row["late"], not row["danger"], row["id"]


def _that_fit(rows: Sequence[Row]) -> Sequence[Row]:
    total = 0
    for number, row in enumerate(rows):
        total += len(row["headers"]) + row["size"]
        if total > ROUND_BYTES and number:
            return rows[:number]
    return rows


def _pending(row: Row, values: Mapping[int, bytes]) -> Pending:
    number = row["id"]
    value = values.get(number, row["value"])
    return Pending(number, row["topic"], row["key"], row["headers"], value, row["age"], row["act_age"])
