"""The queue of notices: a table that several processes share. All SQL of delivery.

An attempt begins by claiming: the row's attempts go up and its next attempt moves behind the end of a lease. A process that
dies leaves the row to whoever comes after the lease. One that is merely late finds that attempts have moved on, and its
result is recorded but changes nothing.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from conduit_contracts.notification import Channel
from conduit_contracts.programme import Contact
from conduit_notification.notices import Claimed, Ladder, Notice
from conduit_notification.outcomes import Next, Outcome

_ENQUEUE = """
INSERT INTO notices (notice_id, audience, level, channel, template, referral_id, params, urgent, collapse, created_at,
                     next_attempt_at, state, attempts)
SELECT wanted.*, 'queued', 0
FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[],
            $8::boolean[], $9::text[], $10::timestamptz[], $10::timestamptz[])
    AS wanted (notice_id, audience, level, channel)
LEFT JOIN contacts USING (audience)
WHERE ladder IS NULL
    OR jsonb_path_exists(ladder, CASE wanted.channel WHEN 'email' THEN '$[*].email' ELSE '$[*].webhook_url' END::jsonpath)
ON CONFLICT DO NOTHING
"""
_CLAIM = """
WITH due AS (
    SELECT notice_id FROM notices
    WHERE state = 'queued' AND channel = $1 AND next_attempt_at <= $2 AND audience <> ALL($3::text[])
    ORDER BY urgent DESC, next_attempt_at LIMIT $4 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE notices SET attempts = attempts + 1, next_attempt_at = $5 FROM due WHERE notices.notice_id = due.notice_id
    RETURNING notices.notice_id, audience, level, template, referral_id, params, attempts, created_at, urgent
)
SELECT notice_id, audience, level, template, referral_id, params, attempts, created_at, ladder
FROM taken LEFT JOIN contacts USING (audience) ORDER BY urgent DESC, created_at, notice_id
"""
# A queued notice is one that is not finished. Said so, it is found by its id: said by its state, the planner would read
# the whole index of queued notices, of which it expects few.
_RELEASE = """
UPDATE notices SET attempts = notices.attempts - 1, next_attempt_at = $3
FROM unnest($1::uuid[], $2::smallint[]) AS held (notice_id, attempt)
WHERE notices.notice_id = held.notice_id AND finished_at IS NULL AND attempts = attempt
"""
_RECORD = """
INSERT INTO notice_attempts (notice_id, attempt, at, outcome, status, duration_ms)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[], $5::smallint[], $6::integer[])
ON CONFLICT DO NOTHING
"""
_SETTLE = """
UPDATE notices SET state = moved.state, next_attempt_at = moved.next_at, code = moved.code,
    finished_at = CASE WHEN moved.state = 'queued' THEN NULL ELSE $6::timestamptz END
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::timestamptz[], $5::text[])
    AS moved (notice_id, attempt, state, next_at, code)
WHERE notices.notice_id = moved.notice_id AND finished_at IS NULL AND attempts = attempt
RETURNING notices.notice_id
"""
_MEASURE = """
SELECT channel, count(*), extract(epoch FROM $1::timestamptz - min(created_at))::float8
FROM notices WHERE state = 'queued' GROUP BY channel
"""

_LADDER: TypeAdapter[Ladder] = TypeAdapter(tuple[Contact, ...])


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one attempt."""

    notice: Claimed
    outcome: Outcome
    next: Next
    at: datetime
    duration_ms: int


async def enqueue(connection: Any, notices: Sequence[Notice]) -> None:
    """Queue notices.

    Passed over are one that was queued before, one that another stands for, and one for an audience that is known to have
    no address on the channel. Of an audience that is not known yet, the address is looked up when the notice is delivered.
    """
    if notices:
        # In the order of their ids, so that two processes wait for each other instead of deadlocking.
        rows = [_row(notice) for notice in sorted(notices, key=lambda notice: notice.notice_id.int)]
        await connection.execute(_ENQUEUE, *map(list, zip(*rows, strict=True)))


def _row(notice: Notice) -> tuple[Any, ...]:
    return (
        notice.notice_id,
        notice.audience,
        notice.level,
        notice.channel.value,
        notice.template.value,
        notice.referral_id,
        json.dumps(notice.params),
        notice.urgent,
        notice.collapse,
        notice.created_at,
    )


async def claim(
    connection: Any, channel: Channel, now: datetime, lease: timedelta, limit: int, passing_over: Collection[str] = ()
) -> list[Claimed]:
    """Take up to `limit` due notices, urgent ones first, for one attempt each within the lease."""
    rows = await connection.fetch(_CLAIM, channel.value, now, list(passing_over), limit, now + lease)
    return [_claimed(channel, *row) for row in rows]


def _claimed(channel: Channel, *columns: Any) -> Claimed:
    notice_id, audience, level, template, referral_id, params, attempt, created_at, ladder = columns
    known = None if ladder is None else read_ladder(ladder)
    return Claimed(
        notice_id, audience, level, channel, template, referral_id, json.loads(params), attempt, created_at, known
    )


async def release(connection: Any, notices: Iterable[Claimed], now: datetime) -> None:
    """Give back claimed notices whose attempt has not begun."""
    held = list(notices)
    if held:
        await connection.execute(_RELEASE, [each.notice_id for each in held], [each.attempt for each in held], now)


async def settle(connection: Any, results: Sequence[Result], now: datetime) -> list[Result]:
    """Record attempts and what follows; returns the results that took effect."""
    ordered = sorted(results, key=lambda result: result.notice.notice_id)
    ids = [result.notice.notice_id for result in ordered]
    attempts = [result.notice.attempt for result in ordered]
    outcomes = [result.outcome for result in ordered]
    await connection.execute(
        _RECORD,
        ids,
        attempts,
        [result.at for result in ordered],
        [outcome.code for outcome in outcomes],
        [outcome.status for outcome in outcomes],
        [result.duration_ms for result in ordered],
    )
    steps = [result.next for result in ordered]
    codes = [None if step.at else outcome.code for step, outcome in zip(steps, outcomes, strict=True)]
    moved = await connection.fetch(
        _SETTLE, ids, attempts, [step.state for step in steps], [step.at for step in steps], codes, now
    )
    effective = {row[0] for row in moved}
    return [result for result in ordered if result.notice.notice_id in effective]


async def measure(connection: Any, now: datetime) -> dict[Channel, tuple[int, float]]:
    """Per channel, how many notices are queued and the age of the oldest in seconds."""
    found = {Channel(channel): (number, age) for channel, number, age in await connection.fetch(_MEASURE, now)}
    return {channel: found.get(channel, (0, 0.0)) for channel in Channel}


def read_ladder(text: str) -> Ladder:
    """An audience's contacts, as they are stored."""
    return _LADDER.validate_json(text)


def write_ladder(ladder: Ladder) -> str:
    """The reverse of `read_ladder`."""
    return _LADDER.dump_json(ladder, exclude_none=True).decode()
