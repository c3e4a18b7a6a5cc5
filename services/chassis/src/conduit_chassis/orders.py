"""An operator's orders on `<service>.replays.v1`, which that service alone reads: to bring a dead letter back, or to publish
all facts that it keeps once more.

The first names the dead letter and the digest of what it holds, who orders it and why. It holds nothing of the record: that
comes from the service's own store, so whoever can write orders can bring back what was sent, and nothing else. The second
has an id, so that it is carried out once however often it is given.
"""

import json
import re
from typing import Any, NamedTuple
from uuid import UUID

from conduit_contracts.texts import shows_something

_LARGEST = 2**63 - 1
_LONGEST_TEXT = 1_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What no database keeps as text."""


class Replay(NamedTuple):
    """The order. `actor` and `reason` are kept with the dead letter, and `actor` in the history of what comes of it."""

    number: int
    digest: bytes
    actor: str
    reason: str


def spell(replay: Replay) -> bytes:
    """The order as a record's value."""
    fields = {**replay._asdict(), "digest": replay.digest.hex()}
    return json.dumps(fields, ensure_ascii=False).encode()


def parse(value: bytes | None) -> Replay | None:
    """The order, or None where it is none. Whatever the record holds, this returns."""
    try:
        found = json.loads(value or b"")
        digest = bytes.fromhex(found["digest"])
        replay = Replay(found["number"], digest, found["actor"], found["reason"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    whole = type(replay.number) is int and 0 < replay.number <= _LARGEST
    return replay if whole and storable(replay.actor) and storable(replay.reason) else None


class SnapshotOrder(NamedTuple):
    """The order to publish a snapshot. `actor` and `reason` are kept with it."""

    order_id: UUID
    actor: str
    reason: str


def spell_snapshot(order: SnapshotOrder) -> bytes:
    """The order as a record's value."""
    fields = {"snapshot": str(order.order_id), "actor": order.actor, "reason": order.reason}
    return json.dumps(fields, ensure_ascii=False).encode()


def parse_snapshot(value: bytes | None) -> SnapshotOrder | None:
    """The order, or None where it is none. Whatever the record holds, this returns."""
    try:
        found = json.loads(value or b"")
        order = SnapshotOrder(UUID(found["snapshot"]), found["actor"], found["reason"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return order if storable(order.actor) and storable(order.reason) else None


def storable(text: Any) -> bool:
    """Whether it can be kept as who gives an order, or why."""
    return isinstance(text, str) and len(text) <= _LONGEST_TEXT and shows_something(text) and not _UNSTORABLE.search(text)
