"""The queue of notices: a table that several processes share. All SQL of delivery.

An attempt begins by claiming: the row's attempts go up and its next attempt moves behind the end of a lease. A process that
dies leaves the row to whoever comes after the lease. One that is merely late finds that attempts have moved on, and its
result is recorded but changes nothing. Leases run by the database's clock: processes' own differ, and what one holds
another would send too.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection, Queryable, Row
from conduit_contracts.notification import Channel
from conduit_contracts.programme import Contact
from conduit_notification import folding
from conduit_notification.notices import Claimed, Ladder, Notice, is_sandbox
from conduit_notification.outcomes import AttemptOutcome, Next
from conduit_notification.shares import FOLDED, DueNotice, NoticeKind, Shares, kind_of

_NOTICES = Columns(
    notice_id="uuid",
    audience="text",
    level="smallint",
    channel="text",
    template="text",
    referral_id="uuid",
    params="jsonb",
    urgent="boolean",
    collapse="text",
    created_at="timestamptz",
    kind="text",
)
_ENQUEUE = f"""
INSERT INTO notices ({_NOTICES.names}, next_attempt_at, state, attempts)
SELECT {_NOTICES.values("wanted")}, clock_timestamp(), 'queued', 0
FROM {_NOTICES.rows("wanted")}
LEFT JOIN contacts USING (audience)
WHERE ladder IS NULL OR urgent
    OR jsonb_path_exists(ladder, CASE wanted.channel WHEN 'email' THEN '$[*].email' ELSE '$[*].webhook_url' END::jsonpath)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_DUE = "state = 'queued' AND next_attempt_at <= clock_timestamp() AND channel = $1"
_IN_TURN = "state = 'queued' AND NOT urgent AND channel = $1 AND kind = wanted.kind"
_WAITING_DANGER = f"""
SELECT notice_id FROM notices WHERE {_DUE} AND urgent AND audience <> ALL($2::text[]) ORDER BY next_attempt_at LIMIT $3
"""  # noqa: S608 - constants
# Of each kind the audiences after the one that had the last turn, each found by a look into the index, and of each of these
# what has waited longest: the first of each audience before the second of any.
_WAITING = f"""
SELECT wanted.kind, notice_id, audience, template, level
FROM unnest($2::text[], $3::text[]) AS wanted (kind, after) CROSS JOIN LATERAL (
    WITH RECURSIVE turns (audience, again, place) AS (
        SELECT wanted.after, false, 0
        UNION ALL
        SELECT following.audience, following.again, place + 1
        FROM turns CROSS JOIN LATERAL (
            (SELECT audience, turns.again FROM notices WHERE {_IN_TURN} AND audience > turns.audience
                AND (NOT turns.again OR audience <= wanted.after) ORDER BY audience LIMIT 1)
            UNION ALL
            (SELECT audience, true FROM notices WHERE {_IN_TURN} AND audience <= wanted.after
                AND NOT turns.again ORDER BY audience LIMIT 1)
            ORDER BY again LIMIT 1
        ) AS following
    ), ready AS (
        SELECT audience, place FROM turns
        WHERE place > 0 AND audience <> ALL($4::text[]) AND EXISTS (
            SELECT FROM notices
            WHERE {_IN_TURN} AND notices.audience = turns.audience AND next_attempt_at <= clock_timestamp())
        LIMIT $5
    )
    SELECT due.notice_id, due.audience, due.template, due.level FROM ready CROSS JOIN LATERAL (
        SELECT notice_id, audience, template, level, row_number() OVER (ORDER BY next_attempt_at, notice_id) AS number
        FROM (
            SELECT notice_id, audience, template, level, next_attempt_at FROM notices
            WHERE {_IN_TURN} AND notices.audience = ready.audience AND next_attempt_at <= clock_timestamp()
            ORDER BY next_attempt_at LIMIT (SELECT ceil($5::numeric / count(*)) FROM ready)
        ) AS first_of_it
    ) AS due
    ORDER BY due.number, place LIMIT $5
) AS found
"""  # noqa: S608 - constants
_TAKE = f"""
WITH chosen AS (
    SELECT notice_id, audience, template, level, urgent FROM notices
    WHERE notice_id = ANY($3::uuid[]) AND finished_at IS NULL AND {_DUE} FOR UPDATE SKIP LOCKED
), folded AS (
    SELECT others.notice_id, chosen.notice_id AS leader FROM chosen CROSS JOIN LATERAL (
        SELECT notice_id FROM notices
        WHERE {_DUE} AND NOT urgent AND kind = 'reminder' AND audience = chosen.audience AND template = chosen.template
            AND level = chosen.level AND notice_id <> ALL($3::uuid[])
        ORDER BY next_attempt_at LIMIT $5 FOR UPDATE SKIP LOCKED
    ) AS others
    WHERE chosen.template = ANY($4::text[]) AND NOT chosen.urgent
), taken AS (
    UPDATE notices SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $2::interval
    FROM (SELECT notice_id, notice_id AS leader FROM chosen UNION ALL SELECT notice_id, leader FROM folded) AS due
    WHERE notices.notice_id = due.notice_id
    RETURNING leader, notices.notice_id, audience, level, template, referral_id, params, attempts, created_at, urgent
)
SELECT leader, notice_id, audience, level, template, referral_id, params, attempts, created_at, ladder, telephones, urgent,
       control_room
FROM taken LEFT JOIN contacts USING (audience) ORDER BY urgent DESC, created_at, notice_id
"""  # noqa: S608 - constants
# A queued notice is one that is not finished. Said so, it is found by its id: said by its state, the planner would read
# the whole index of queued notices, of which it expects few.
_HELD = Columns(notice_id="uuid", attempt="smallint")
_RELEASE = f"""
UPDATE notices SET attempts = notices.attempts - 1, next_attempt_at = clock_timestamp()
FROM {_HELD.rows("held")} WHERE notices.notice_id = held.notice_id AND finished_at IS NULL AND attempts = attempt
"""  # noqa: S608 - constants
_ATTEMPTS = Columns(
    notice_id="uuid", attempt="smallint", at="timestamptz", outcome="text", status="smallint", duration_ms="integer"
)
_RECORD = f"""
INSERT INTO notice_attempts ({_ATTEMPTS.names}) SELECT {_ATTEMPTS.values("made")} FROM {_ATTEMPTS.rows("made")}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_MOVES = Columns(notice_id="uuid", attempt="smallint", state="text", wait="interval", code="text")
_SETTLE = f"""
UPDATE notices SET state = moved.state, next_attempt_at = clock_timestamp() + moved.wait, code = moved.code,
    finished_at = CASE WHEN moved.state = 'queued' THEN NULL ELSE clock_timestamp() END
FROM {_MOVES.rows("moved")} WHERE notices.notice_id = moved.notice_id AND finished_at IS NULL AND attempts = attempt
RETURNING notices.notice_id
"""  # noqa: S608 - constants
_KEPT = Columns(referral_id="uuid", audience="text")
_DROP = f"""
UPDATE notices SET state = 'dropped', code = 'kept_from', next_attempt_at = NULL, finished_at = clock_timestamp(),
    attempts = greatest(attempts, 1)
FROM {_KEPT.rows("kept")}
WHERE state = 'queued' AND notices.referral_id = kept.referral_id AND notices.audience = kept.audience
"""  # noqa: S608 - constants
_MEASURE = """
SELECT channel, count(*) AS waiting, extract(epoch FROM clock_timestamp() - min(queued_at))::float8 AS age
FROM notices WHERE state = 'queued' AND audience NOT LIKE '%--sandbox' GROUP BY channel
"""

_LADDER_OF = "SELECT ladder, telephones FROM contacts WHERE audience = $1"
_LATE_DANGER = """
UPDATE notices SET duty_told = true
FROM (
    SELECT notice_id FROM notices
    WHERE state = 'queued' AND urgent AND NOT duty_told AND audience NOT LIKE 'hub:%'
        AND queued_at < clock_timestamp() - $1::interval
    ORDER BY queued_at LIMIT $2 FOR UPDATE SKIP LOCKED
) AS late
WHERE notices.notice_id = late.notice_id
RETURNING notices.audience, notices.referral_id, notices.params
"""

_WITHOUT_ADDRESS = """
UPDATE notices SET duty_told = true
WHERE notice_id = ANY($1::uuid[]) AND NOT duty_told AND NOT EXISTS (
    SELECT FROM notices AS twin
    WHERE twin.referral_id = notices.referral_id AND twin.audience = notices.audience AND twin.level = notices.level
        AND twin.template = notices.template AND twin.created_at = notices.created_at
        AND twin.notice_id <> notices.notice_id AND (twin.duty_told OR twin.state = 'sent')
)
RETURNING audience, referral_id, params
"""

_LADDER: TypeAdapter[Ladder] = TypeAdapter(tuple[Contact, ...])


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one attempt."""

    notice: Claimed
    outcome: AttemptOutcome
    next: Next
    at: datetime
    duration_ms: int


async def enqueue(connection: Connection, notices: Sequence[Notice]) -> None:
    """Queue notices.

    Left out are one that was queued before, one that another stands for, and one for an audience that is known to have
    no address on the channel: none of danger, of which somebody on duty hears where delivery finds no address either. Of an
    audience that is not known yet, the address is looked up when the notice is delivered.
    """
    if notices:
        # In the order of their ids, so that two processes wait for each other instead of deadlocking.
        rows = map(_row, sorted(notices, key=lambda notice: notice.notice_id.int))
        await connection.execute(_ENQUEUE, *_NOTICES.arrays(rows))


def _row(notice: Notice) -> Mapping[str, Any]:
    made = {"params": json.dumps(notice.params), "kind": kind_of(notice.template, sandbox=is_sandbox(notice.audience))}
    return {name: made[name] if name in made else getattr(notice, name) for name in _NOTICES}


@dataclass(frozen=True, slots=True)
class Room:
    """What a process has room for."""

    others: int
    for_danger: int
    held: Mapping[str, int] = field(default_factory=dict)
    """What it has in hand, by audience."""
    share: int = 1_000
    """What one audience may have in hand."""


async def claim(connection: Connection, channel: Channel, lease: timedelta, room: Room, shares: Shares) -> list[Claimed]:
    """Take due notices for one attempt each within the lease: danger first, then of each kind its share.

    What goes out as one e-mail comes as one, with the others in it.
    """
    busy = [audience for audience, number in room.held.items() if number >= room.share]
    # Whoever may have more gets no more than its share, also where all that is claimed now turns out to be its own.
    most = max((number for number in room.held.values() if number < room.share), default=0)
    limit = min(room.for_danger, room.share - most)
    rows = await connection.fetch(_WAITING_DANGER, channel.value, busy, limit)
    wanted = [row["notice_id"] for row in rows]
    if room.others:
        kinds, after = [kind.value for kind in shares.after], list(shares.after.values())
        rows = await connection.fetch(_WAITING, channel.value, kinds, after, busy, room.others)
        waiting = [_waiting(channel, row) for row in rows]
        wanted += [each.notice_id for each in shares.choose(waiting, room.others, room.held, room.share - len(wanted))]
    return await _take(connection, channel, lease, wanted)


def _waiting(channel: Channel, row: Row) -> DueNotice:
    folds = channel is Channel.EMAIL and row["template"] in FOLDED
    fold = (row["audience"], row["template"], row["level"]) if folds else None
    return DueNotice(row["notice_id"], NoticeKind(row["kind"]), row["audience"], fold)


async def _take(connection: Connection, channel: Channel, lease: timedelta, wanted: Sequence[UUID]) -> list[Claimed]:
    """Those that are still due: another process may have been quicker."""
    if not wanted:
        return []
    folded = list(FOLDED) if channel is Channel.EMAIL else []
    rows = await connection.fetch(_TAKE, channel.value, lease, wanted, folded, folding.MOST - 1)
    others: defaultdict[UUID, list[Claimed]] = defaultdict(list)
    for row in rows:
        if row["leader"] != row["notice_id"]:
            others[row["leader"]].append(_claimed(channel, row))
    leading = [_claimed(channel, row) for row in rows if row["leader"] == row["notice_id"]]
    return [replace(each, folded=tuple(others[each.notice_id])) for each in leading]


def _claimed(channel: Channel, row: Row) -> Claimed:
    return Claimed(
        notice_id=row["notice_id"],
        audience=row["audience"],
        level=row["level"],
        channel=channel,
        template=row["template"],
        referral_id=row["referral_id"],
        params=json.loads(row["params"]),
        attempt=row["attempts"],
        created_at=row["created_at"],
        ladder=None if row["ladder"] is None else read_ladder(row["ladder"], row["telephones"]),
        urgent=row["urgent"],
        control_room=row["control_room"],
    )


async def release(connection: Connection, notices: Iterable[Claimed]) -> None:
    """Give back claimed notices whose attempt has not begun."""
    all_of_them = (each for notice in notices for each in notice.together)
    held = [{"notice_id": each.notice_id, "attempt": each.attempt} for each in all_of_them]
    if held:
        await connection.execute(_RELEASE, *_HELD.arrays(held))


async def settle(connection: Connection, results: Sequence[Result]) -> list[Result]:
    """Record attempts and what follows; returns the results that took effect."""
    ordered = sorted(results, key=lambda result: result.notice.notice_id)
    await connection.execute(_RECORD, *_ATTEMPTS.arrays(map(_attempt, ordered)))
    moved = {row["notice_id"] for row in await connection.fetch(_SETTLE, *_MOVES.arrays(map(_move, ordered)))}
    return [result for result in ordered if result.notice.notice_id in moved]


def _attempt(result: Result) -> Mapping[str, Any]:
    return {
        "notice_id": result.notice.notice_id,
        "attempt": result.notice.attempt,
        "at": result.at,
        "outcome": result.outcome.code,
        "status": result.outcome.status,
        "duration_ms": result.duration_ms,
    }


def _move(result: Result) -> Mapping[str, Any]:
    return {
        "notice_id": result.notice.notice_id,
        "attempt": result.notice.attempt,
        "state": result.next.state,
        "wait": result.next.wait,
        "code": None if result.next.wait is not None else result.outcome.code,
    }


async def drop(connection: Connection, about: Sequence[tuple[UUID, str]]) -> None:
    """Send no more of what waits for these audiences about these referrals. An attempt under way is not called back."""
    if about:
        kept = ({"referral_id": referral_id, "audience": audience} for referral_id, audience in about)
        await connection.execute(_DROP, *_KEPT.arrays(kept))


async def measure(connection: Queryable) -> dict[Channel, tuple[int, float]]:
    """Per channel, how many notices are queued and the age of the oldest in seconds, those of the sandbox left out."""
    rows = await connection.fetch(_MEASURE)
    found = {Channel(row["channel"]): (row["waiting"], row["age"]) for row in rows}
    return {channel: found.get(channel, (0, 0.0)) for channel in Channel}


async def ladder_of(connection: Queryable, audience: str) -> Ladder | None:
    """An audience's contacts as the register has them now."""
    row = await connection.fetchrow(_LADDER_OF, audience)
    return read_ladder(row["ladder"], row["telephones"]) if row else None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A notice of danger that has not reached the one it is for."""

    audience: str
    referral_id: UUID | None
    params: dict[str, Any]


async def late_danger(connection: Connection, after: timedelta, limit: int) -> list[Undelivered]:
    """Notices of danger that have waited for so long. Each is given once."""
    return _undelivered(await connection.fetch(_LATE_DANGER, after, limit))


async def without_address(connection: Connection, notice_ids: Sequence[UUID]) -> list[Undelivered]:
    """Those of these notices of danger of which nobody on duty has heard, and which no other channel has brought."""
    if not notice_ids:
        return []
    return _undelivered(await connection.fetch(_WITHOUT_ADDRESS, sorted(notice_ids)))


def _undelivered(rows: Sequence[Row]) -> list[Undelivered]:
    return [Undelivered(row["audience"], row["referral_id"], json.loads(row["params"])) for row in rows]


def read_ladder(text: str, telephones: str | None) -> Ladder:
    """An audience's contacts, as they are stored."""
    ladder = _LADDER.validate_json(text)
    numbers = json.loads(telephones) if telephones else []
    if len(numbers) != len(ladder):  # the previous release replaced the ladder, and knows of no telephones
        return ladder
    return tuple(contact.model_copy(update={"telephone": number}) for contact, number in zip(ladder, numbers, strict=True))


def write_ladder(ladder: Ladder) -> str:
    """The contacts without their telephones, which the previous release would not read."""
    return _LADDER.dump_json(ladder, exclude_none=True, exclude={"__all__": {"telephone"}}).decode()


def write_whole_ladder(ladder: Ladder) -> str:
    """The contacts with their telephones, where only this release reads them."""
    return _LADDER.dump_json(ladder, exclude_none=True).decode()


def read_whole_ladder(text: str) -> Ladder:
    """The reverse of `write_whole_ladder`."""
    return _LADDER.validate_json(text)


def write_telephones(ladder: Ladder) -> str:
    """One per contact."""
    return json.dumps([contact.telephone for contact in ladder])
