"""What a service knows of one referral's way, for an operator who looks for it: ids, codes and times, never content.

Each service says it of its own store, in its module `trail.py`; here stands what all of them hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from conduit_chassis.postgres import Connection, Row

_PUT_ASIDE = """
SELECT concat('dead letter ', id) AS what, at AS since, concat_ws(' ', topic || ':', reason, error_class) AS about
FROM dead_letters WHERE resolved_at IS NULL AND key = ANY($1::bytea[])
UNION ALL SELECT concat('event ', id, ' that Kafka would not take'), at, concat_ws(' ', topic || ':', reason)
FROM outbox_rejected WHERE key = ANY($1::bytea[])
UNION ALL SELECT concat(count(*), ' to be sent'), min(created_at), topic
FROM outbox WHERE key = ANY($1::bytea[]) GROUP BY topic
ORDER BY since
"""
_GIVEN_UP = """
SELECT done.at, done.actor, concat('dead letter ', letter.id, ' discarded') AS what,
       concat_ws(' ', letter.topic || ':', letter.reason, letter.error_class) AS about
FROM dead_letter_actions AS done JOIN dead_letters AS letter ON letter.id = done.dead_letter_id
WHERE done.action = 'discarded' AND letter.key = ANY($1::bytea[]) ORDER BY done.id
"""


@dataclass(frozen=True, slots=True)
class Station:
    """One change that a service has in its history."""

    at: datetime
    actor: str
    what: str
    why: str = ""
    about: str = ""
    """Whom else it concerns, such as a force."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a referral waits for, and since when."""

    what: str
    since: datetime
    about: str = ""
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trail:
    """What one service knows of one referral. `state` is in the service's own words; empty where it does not know it."""

    state: str = ""
    stations: Sequence[Station] = ()
    waits: Sequence[Wait] = ()


class Trails(Protocol):
    """What a service's module `trail.py` has."""

    async def trail(self, connection: Connection, referral_id: UUID) -> Trail:
        """All that it knows of this referral."""

    async def named(self, connection: Connection, text: str) -> list[UUID]:
        """The referrals that this id of a referral or an event, or this partner's reference, names."""

    async def passed(self, connection: Connection, first: UUID, last: UUID) -> Mapping[str, set[UUID]]:
        """Which referrals with an id from `first` to before `last` came to each of its stages."""


async def put_aside(connection: Connection, keys: Sequence[str]) -> list[Wait]:
    """What waits under these keys for Kafka or for a person: dead letters, and events that did not leave."""
    rows = await connection.fetch(_PUT_ASIDE, [key.encode() for key in keys])
    return [Wait(**row) for row in rows]


async def given_up(connection: Connection, keys: Sequence[str]) -> list[Station]:
    """Which dead letters under these keys an operator discarded. Why is in the operators' audit."""
    return [Station(**row) for row in await connection.fetch(_GIVEN_UP, [key.encode() for key in keys])]


async def by_event(connection: Connection, statement: str, *arguments: object) -> list[Row]:
    """What a statement finds in history by the ids of events.

    The planner expects ids that follow no order to be in every stretch of the table, and would read all of it. The index
    knows better.
    """
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        return await connection.fetch(statement, *arguments)


def uuid_in(text: str) -> UUID | None:
    """The id that the text is, None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
