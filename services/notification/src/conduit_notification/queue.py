"""The queue of notices: a table that several processes share. All SQL of delivery.

An attempt begins by claiming: the row's attempts go up and its next attempt moves behind the end of a lease. A process that
dies leaves the row to whoever comes after the lease. One that is merely late finds that attempts have moved on, and its
result is recorded but changes nothing. Leases run by the database's clock: processes' own differ, and what one holds
another would send too.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from conduit_contracts.notification import Channel
from conduit_contracts.programme import Contact
from conduit_notification.notices import Claimed, Ladder, Notice
from conduit_notification.outcomes import Next, Outcome

_ENQUEUE = """
INSERT INTO notices (notice_id, audience, level, channel, template, referral_id, params, urgent, collapse, created_at,
                     next_attempt_at, state, attempts)
SELECT wanted.notice_id, wanted.audience, wanted.level, wanted.channel, wanted.template, wanted.referral_id, wanted.params,
       wanted.urgent, wanted.collapse, wanted.created_at, clock_timestamp(), 'queued', 0
FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[],
            $8::boolean[], $9::text[], $10::timestamptz[])
    AS wanted (notice_id, audience, level, channel, template, referral_id, params, urgent, collapse, created_at)
LEFT JOIN contacts USING (audience)
WHERE ladder IS NULL
    OR jsonb_path_exists(ladder, CASE wanted.channel WHEN 'email' THEN '$[*].email' ELSE '$[*].webhook_url' END::jsonpath)
ON CONFLICT DO NOTHING
"""
_CLAIM = """
WITH due AS (
    SELECT notice_id FROM notices
    WHERE state = 'queued' AND channel = $1 AND next_attempt_at <= clock_timestamp() AND audience <> ALL($2::text[])
    ORDER BY urgent DESC, next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE notices SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + $4::interval
    FROM due WHERE notices.notice_id = due.notice_id
    RETURNING notices.notice_id, audience, level, template, referral_id, params, attempts, created_at, urgent
)
SELECT notice_id, audience, level, template, referral_id, params, attempts, created_at, ladder, telephones, urgent,
       control_room
FROM taken LEFT JOIN contacts USING (audience) ORDER BY urgent DESC, created_at, notice_id
"""
# A queued notice is one that is not finished. Said so, it is found by its id: said by its state, the planner would read
# the whole index of queued notices, of which it expects few.
_RELEASE = """
UPDATE notices SET attempts = notices.attempts - 1, next_attempt_at = clock_timestamp()
FROM unnest($1::uuid[], $2::smallint[]) AS held (notice_id, attempt)
WHERE notices.notice_id = held.notice_id AND finished_at IS NULL AND attempts = attempt
"""
_RECORD = """
INSERT INTO notice_attempts (notice_id, attempt, at, outcome, status, duration_ms)
SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[], $5::smallint[], $6::integer[])
ON CONFLICT DO NOTHING
"""
_SETTLE = """
UPDATE notices SET state = moved.state, next_attempt_at = clock_timestamp() + moved.wait, code = moved.code,
    finished_at = CASE WHEN moved.state = 'queued' THEN NULL ELSE clock_timestamp() END
FROM unnest($1::uuid[], $2::smallint[], $3::text[], $4::interval[], $5::text[])
    AS moved (notice_id, attempt, state, wait, code)
WHERE notices.notice_id = moved.notice_id AND finished_at IS NULL AND attempts = attempt
RETURNING notices.notice_id
"""
_DROP = """
UPDATE notices SET state = 'dropped', code = 'kept_from', next_attempt_at = NULL, finished_at = clock_timestamp(),
    attempts = greatest(attempts, 1)
FROM unnest($1::uuid[], $2::text[]) AS kept (referral_id, audience)
WHERE state = 'queued' AND notices.referral_id = kept.referral_id AND notices.audience = kept.audience
"""
_MEASURE = """
SELECT channel, count(*), extract(epoch FROM clock_timestamp() - min(queued_at))::float8
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
RETURNING notices.audience, notices.referral_id, notices.params, notices.channel
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
    connection: Any, channel: Channel, lease: timedelta, limit: int, passing_over: Collection[str] = ()
) -> list[Claimed]:
    """Take up to `limit` due notices, urgent ones first, for one attempt each within the lease."""
    rows = await connection.fetch(_CLAIM, channel.value, list(passing_over), limit, lease)
    return [_claimed(channel, *row) for row in rows]


def _claimed(channel: Channel, *columns: Any) -> Claimed:
    notice_id, audience, level, template, referral_id, params, attempt, created_at, *contacts = columns
    ladder, telephones, urgent, control_room = contacts
    known = None if ladder is None else read_ladder(ladder, telephones)
    about = (referral_id, json.loads(params), attempt, created_at, known, urgent, control_room)
    return Claimed(notice_id, audience, level, channel, template, *about)


async def release(connection: Any, notices: Iterable[Claimed]) -> None:
    """Give back claimed notices whose attempt has not begun."""
    held = list(notices)
    if held:
        await connection.execute(_RELEASE, [each.notice_id for each in held], [each.attempt for each in held])


async def settle(connection: Any, results: Sequence[Result]) -> list[Result]:
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
    codes = [None if step.wait is not None else outcome.code for step, outcome in zip(steps, outcomes, strict=True)]
    moved = await connection.fetch(
        _SETTLE, ids, attempts, [step.state for step in steps], [step.wait for step in steps], codes
    )
    effective = {row[0] for row in moved}
    return [result for result in ordered if result.notice.notice_id in effective]


async def drop(connection: Any, about: Sequence[tuple[UUID, str]]) -> None:
    """Send no more of what waits for these audiences about these referrals. An attempt under way is not called back."""
    if about:
        await connection.execute(_DROP, *map(list, zip(*about, strict=True)))


async def measure(connection: Any) -> dict[Channel, tuple[int, float]]:
    """Per channel, how many notices are queued and the age of the oldest in seconds, those of the sandbox left out."""
    found = {Channel(channel): (number, age) for channel, number, age in await connection.fetch(_MEASURE)}
    return {channel: found.get(channel, (0, 0.0)) for channel in Channel}


async def ladder_of(connection: Any, audience: str) -> Ladder | None:
    """An audience's contacts as the register has them now."""
    row = await connection.fetchrow(_LADDER_OF, audience)
    return read_ladder(*row) if row else None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A notice of danger that has not reached the one it is for."""

    audience: str
    referral_id: UUID | None
    params: dict[str, Any]


async def late_danger(connection: Any, after: timedelta, limit: int) -> list[Undelivered]:
    """Notices of danger that have waited for so long. Each is given once."""
    rows = await connection.fetch(_LATE_DANGER, after, limit)
    return [Undelivered(audience, referral_id, json.loads(params)) for audience, referral_id, params, _ in rows]


def read_ladder(text: str, telephones: str | None) -> Ladder:
    """An audience's contacts, as they are stored."""
    ladder = _LADDER.validate_json(text)
    numbers = json.loads(telephones) if telephones else []
    if len(numbers) != len(ladder):  # the release before replaced the ladder, and knows of no telephones
        return ladder
    return tuple(contact.model_copy(update={"telephone": number}) for contact, number in zip(ladder, numbers, strict=True))


def write_ladder(ladder: Ladder) -> str:
    """The contacts without their telephones, which the release before would not read."""
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
