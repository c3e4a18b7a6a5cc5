"""All SQL of duty tasks. The database's clock runs them, so that no process' own clock can stop an alarm.

A task is called once per contact, in the register's order. It ends when a person takes it, and never by itself.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

from typing_extensions import override

from conduit_chassis.columns import IDS, Columns
from conduit_chassis.postgres import Connection, Queryable, Row, the_row
from conduit_contracts.intake import Callback
from conduit_contracts.programme import Contact
from conduit_notification import notices, queue
from conduit_notification.duty import Done, Duty, Kind, Settled, Task, need_not_hear
from conduit_notification.notices import HUB, Ladder, Notice
from conduit_notification.policy import NotificationPolicy
from conduit_notification.queue import Undelivered
from conduit_notification.templates import Template

CALLS_AT_ONCE = 100
_TASK = """
task_id, kind, danger, partner_id, partner_reference, referral_id, force_id, codes, said, opened_at, calls, unanswered_at,
taken_at, taken_by, EXISTS (
    SELECT FROM kept_from AS kept
    WHERE kept.referral_id = duty_tasks.referral_id AND kept.force_id IN ('', duty_tasks.force_id)
) AND duty_tasks.force_id IS NOT NULL AS kept
"""
_NEW = Columns(
    task_id="uuid",
    kind="text",
    subject="text",
    partner_id="text",
    partner_reference="text",
    referral_id="uuid",
    force_id="text",
    codes=IDS,
    danger="boolean",
    callback="jsonb",
)
_OPEN = f"""
INSERT INTO duty_tasks AS stored ({_NEW.names}) SELECT {_NEW.values("now")} FROM {_NEW.rows("now")}
ON CONFLICT (subject) WHERE taken_at IS NULL DO UPDATE SET
    said = stored.said + 1,
    codes = (SELECT array_agg(DISTINCT code) FROM unnest(stored.codes || excluded.codes) AS each (code)),
    callback = coalesce(excluded.callback, stored.callback),
    referral_id = coalesce(stored.referral_id, excluded.referral_id),
    danger = stored.danger OR excluded.danger,
    -- What was routine and is danger now is called again from the beginning.
    calls = CASE WHEN excluded.danger AND NOT stored.danger THEN 0 ELSE stored.calls END,
    unanswered_at = CASE WHEN excluded.danger AND NOT stored.danger THEN NULL ELSE stored.unanswered_at END,
    next_call_at = CASE WHEN excluded.danger AND NOT stored.danger THEN clock_timestamp() ELSE stored.next_call_at END
RETURNING task_id, said
"""  # noqa: S608 - constants
_DUE = f"""
SELECT {_TASK} FROM duty_tasks WHERE next_call_at <= clock_timestamp()
ORDER BY danger DESC, next_call_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants
_CALLED = "UPDATE duty_tasks SET calls = calls + 1, next_call_at = $2 WHERE task_id = $1"
_CALLED_ALL = "UPDATE duty_tasks SET next_call_at = NULL WHERE task_id = $1"
_UNANSWERED = "UPDATE duty_tasks SET next_call_at = NULL, unanswered_at = clock_timestamp() WHERE task_id = $1"
_CALL = "INSERT INTO duty_calls (token, task_id, level) VALUES ($1, $2, $3)"
_HISTORY = "INSERT INTO duty_history (task_id, actor, what, policy_version) VALUES ($1, $2, $3, $4)"
_BY_TOKEN = f"SELECT {_TASK} FROM duty_tasks JOIN duty_calls USING (task_id) WHERE token = $1"  # noqa: S608 - constants
_BY_ID = f"SELECT {_TASK} FROM duty_tasks WHERE task_id = $1"  # noqa: S608 - constants
_LOCKED = f"SELECT {_TASK} FROM duty_tasks WHERE task_id = $1 FOR UPDATE"  # noqa: S608 - constants
_WAITING = f"""
SELECT {_TASK} FROM duty_tasks WHERE taken_at IS NULL ORDER BY danger DESC, opened_at LIMIT $1
"""  # noqa: S608 - constants
_TAKE = """
UPDATE duty_tasks SET taken_at = clock_timestamp(), taken_by = $2, next_call_at = NULL
WHERE task_id = $1 AND taken_at IS NULL RETURNING task_id
"""
_DONE = """
UPDATE duty_tasks SET taken_at = clock_timestamp(), taken_by = $4, next_call_at = NULL
WHERE referral_id = $1 AND kind = ANY($2::text[])
    -- A notice without a force was the partner's, of whom a force's answer says nothing.
    AND ($3::text IS NULL OR force_id = $3 OR (force_id IS NULL AND kind <> 'danger_notice_failed'))
    AND taken_at IS NULL RETURNING task_id
"""
_SETTLED = """
UPDATE duty_tasks SET taken_at = clock_timestamp(), taken_by = $2, next_call_at = NULL
WHERE subject = $1 AND taken_at IS NULL RETURNING task_id
"""
_WAIT = "UPDATE duty_tasks SET next_call_at = $2 WHERE task_id = $1"
_CALLBACK = """
SELECT coalesce(task.callback, kept.callback) FROM duty_tasks AS task LEFT JOIN callbacks AS kept USING (referral_id)
WHERE task_id = $1
"""
_CONTROL_ROOMS = """
SELECT audience, control_room FROM contacts
WHERE control_room IS NOT NULL AND audience IN (
    SELECT 'force:' || force_id FROM referrals, jsonb_each_text(handoffs) AS each (force_id, stands)
    WHERE referral_id = $1 AND stands IN ('disseminated', 'received', 'acknowledged')
    UNION SELECT 'force:' || $2
) AND NOT EXISTS (
    SELECT FROM kept_from AS kept
    WHERE kept.referral_id = $1 AND kept.force_id IN ('', substr(audience, length('force:') + 1))
)
ORDER BY audience
"""
_KEEP = """
INSERT INTO callbacks (referral_id, callback) VALUES ($1, $2::jsonb)
ON CONFLICT (referral_id) DO UPDATE SET callback = excluded.callback, at = excluded.at
"""
_ABOUT = "SELECT referral_id, partner_id, partner_reference, handoffs FROM referrals WHERE referral_id = ANY($1::uuid[])"
_MEASURE = """
SELECT count(*) AS waiting, count(unanswered_at) AS unanswered,
       coalesce(extract(epoch FROM clock_timestamp() - min(opened_at)), 0)::float8 AS oldest
FROM duty_tasks WHERE taken_at IS NULL
"""
_FORGET_CALLBACKS = "DELETE FROM callbacks WHERE at < clock_timestamp() - $1::interval"
_FORGET_TASKS = """
UPDATE duty_tasks SET callback = NULL WHERE callback IS NOT NULL AND taken_at < clock_timestamp() - $1::interval
"""


class ControlRoom(NamedTuple):
    """A force's control room."""

    force_id: str
    telephone: str

    @override
    def __str__(self) -> str:
        return f"{self.force_id} {self.telephone}"


async def open_tasks(
    connection: Connection, duties: Sequence[Duty | Done | Settled], policy: NotificationPolicy, hub: Ladder
) -> None:
    """Open these tasks, or say again those that wait, and call at once whoever is first on duty.

    Where a task is about no case, they are called once somebody is at the hub.
    """
    if not duties:
        return
    # In one order everywhere, so that twins wait for each other instead of deadlocking; of one referral, in its own.
    for duty in sorted(duties, key=lambda each: str(each.referral_id or each.subject)):
        if isinstance(duty, Duty):
            await _open(connection, duty, policy)
        else:
            await _end(connection, duty, policy)
    await call(connection, policy, hub)


async def _open(connection: Connection, duty: Duty, policy: NotificationPolicy) -> None:
    callback = duty.callback.model_dump_json(exclude_none=True) if duty.callback else None
    new = {name: getattr(duty, name, None) for name in _NEW} | {"task_id": uuid4(), "callback": callback}
    opened = await the_row(connection, _OPEN, *_NEW.arrays([new]))
    what = "opened" if opened["said"] == 1 else "said_again"
    await connection.execute(_HISTORY, opened["task_id"], "rules", what, policy.version)
    if opened["said"] == 1 and not duty.kind.is_about_case:
        now = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute(_WAIT, opened["task_id"], policy.hub_hours.reads_from(now))


async def _end(connection: Connection, done: Done | Settled, policy: NotificationPolicy) -> None:
    if isinstance(done, Settled):
        ended = await connection.fetch(_SETTLED, done.subject, done.who)
    else:
        kinds = [kind.value for kind in done.kinds]
        ended = await connection.fetch(_DONE, done.referral_id, kinds, done.force_id, done.who)
    for row in ended:
        await connection.execute(_HISTORY, row["task_id"], done.who, "done", policy.version)


async def open_undelivered(
    connection: Connection, undelivered: Sequence[Undelivered], policy: NotificationPolicy, hub: Ladder
) -> None:
    """Somebody on duty must tell them by telephone, whose notice of danger does not reach them and who have not heard."""
    referral_ids = [each.referral_id for each in undelivered if each.referral_id]
    rows = await connection.fetch(_ABOUT, referral_ids) if referral_ids else []
    about = {row["referral_id"]: row for row in rows}
    duties = [_undelivered(each, about.get(each.referral_id)) for each in undelivered]
    await open_tasks(connection, [each for each in duties if not _need_not_hear(each, about)], policy, hub)


def _need_not_hear(duty: Duty, about: Mapping[UUID | None, Row]) -> bool:
    if duty.force_id is None or duty.referral_id not in about:
        return False
    return need_not_hear(json.loads(about[duty.referral_id]["handoffs"]), duty.force_id)


def _undelivered(notice: Undelivered, about: Row | None) -> Duty:
    kind, _, identity = notice.audience.partition(":")
    partner_id = about["partner_id"] if about else (identity if kind == "partner" else None)
    return Duty(
        Kind.DANGER_NOTICE_FAILED,
        danger=True,
        partner_id=partner_id,
        partner_reference=about["partner_reference"] if about else (notice.params.get("partner_reference") or None),
        referral_id=notice.referral_id,
        force_id=identity if kind == "force" else None,
        codes=(f"{kind}_not_told",),
        apart=notice.params.get("submission_id"),
    )


async def keep_time(connection: Connection, policy: NotificationPolicy, hub: Ladder) -> int:
    """What the clock sets off: notices of danger that do not leave become tasks, and the next on duty are called."""
    late = await queue.late_danger(connection, timedelta(seconds=policy.danger_notice_seconds), CALLS_AT_ONCE)
    await open_undelivered(connection, late, policy, hub)
    return max(len(late), await call(connection, policy, hub))


async def call(connection: Connection, policy: NotificationPolicy, hub: Ladder) -> int:
    """Call the next contact of every task whose time has come; returns of how many. `hub` is used where none registered."""
    rows = await connection.fetch(_DUE, CALLS_AT_ONCE)
    if not rows:
        return 0
    ladder = await queue.ladder_of(connection, HUB) or hub
    now = await connection.fetchval("SELECT clock_timestamp()")
    made: list[Notice] = []
    for task in map(_task, rows):
        made += await _call(connection, task, ladder, policy, now)
    await queue.enqueue(connection, made)
    return len(rows)


async def _call(
    connection: Connection, task: Task, ladder: Ladder, policy: NotificationPolicy, now: datetime
) -> list[Notice]:
    level = task.calls
    channels = notices.channels_of(notices.contact_at(ladder, level)) if level < len(ladder) else ()
    if not channels:
        # What is about no case waits on the pages: it wakes no operator.
        await connection.execute(_UNANSWERED if task.kind.is_about_case else _CALLED_ALL, task.task_id)
        await connection.execute(_HISTORY, task.task_id, "clock", "unanswered", policy.version)
        return []
    # Letters and digits alone: a mail program ends a link before a last hyphen.
    token, rooms = secrets.token_hex(32), await control_rooms_of(connection, task)
    ring = ", ".join(map(str, rooms))
    await connection.execute(_CALL, token, task.task_id, level)
    await connection.execute(_CALLED, task.task_id, next_call(task, policy, now))
    await connection.execute(_HISTORY, task.task_id, "clock", "called", policy.version)
    template = Template.HUB_DUTY_DANGER if task.danger else Template.HUB_DUTY_TASK
    return [
        Notice(
            notice_id=notices.notice_id(f"duty {task.task_id} {task.calls} {task.danger}", HUB, level, channel, template),
            audience=HUB,
            level=level,
            channel=channel,
            template=template,
            referral_id=task.referral_id,
            params=task.params(token, ring),
            urgent=task.danger,
            collapse=None,
            created_at=now,
        )
        for channel in channels
    ]


def next_call(task: Task, policy: NotificationPolicy, now: datetime) -> datetime:
    """When the next contact is called: what is no danger waits until somebody is at the hub."""
    start = now if task.danger else policy.hub_hours.reads_from(now)
    return start + timedelta(seconds=policy.duty_call_seconds)


async def by_token(connection: Connection, token: str) -> Task | None:
    """The task that somebody was called about."""
    row = await connection.fetchrow(_BY_TOKEN, token)
    return _task(row) if row else None


async def by_id(connection: Connection, task_id: UUID) -> Task | None:
    """One task."""
    row = await connection.fetchrow(_BY_ID, task_id)
    return _task(row) if row else None


async def locked(connection: Connection, task_id: UUID) -> Task | None:
    """One task, which nobody else changes until the transaction ends."""
    row = await connection.fetchrow(_LOCKED, task_id)
    return _task(row) if row else None


async def waiting(connection: Connection, most: int) -> list[Task]:
    """The tasks that nobody has taken: danger first, then the oldest. `measure` says how many there are."""
    return [_task(row) for row in await connection.fetch(_WAITING, most)]


async def take(connection: Connection, task_id: UUID, who: str, policy_version: str, *, actor: str = "") -> bool:
    """Whether it is this person's now; the first one has it. `actor` is who that is in the register, where it says so."""
    taken = await connection.fetchval(_TAKE, task_id, who) is not None
    if taken:
        await connection.execute(_HISTORY, task_id, actor or f"person:{who}", "taken", policy_version)
    return taken


async def looked_again(connection: Connection, task_id: UUID, who: str, policy_version: str, *, actor: str = "") -> None:
    """Record that the person who has it was shown again who to call."""
    await connection.execute(_HISTORY, task_id, actor or f"person:{who}", "shown_again", policy_version)


async def callback_of(connection: Connection, task_id: UUID) -> Callback | None:
    """The person to call back, for whoever has taken the task."""
    found = await connection.fetchval(_CALLBACK, task_id)
    return Callback.model_validate_json(found) if found else None


async def control_rooms_of(connection: Connection, task: Task) -> list[ControlRoom]:
    """The control rooms of the forces that have the case, or that the task is about.

    None of a force that a suspect belongs to; and none at all where any force might be the one, or where there is no case.
    """
    if not task.kind.is_about_case:
        return []
    rows = await connection.fetch(_CONTROL_ROOMS, task.referral_id, task.force_id)
    return [ControlRoom(row["audience"].partition(":")[2], row["control_room"]) for row in rows]


async def contacts_of(connection: Connection, task: Task) -> list[tuple[str, Contact]]:
    """What the register has of the partner and the force that a task is about."""
    audiences = [notices.partner(task.partner_id)] if task.partner_id else []
    audiences += [notices.force(task.force_id)] if task.force_id and not task.kept else []
    found = [(audience, await queue.ladder_of(connection, audience)) for audience in audiences]
    return [(audience, contact) for audience, ladder in found for contact in ladder or ()]


async def keep_callbacks(connection: Connection, callbacks: dict[UUID, Callback]) -> None:
    """Keep the people to call back, of referrals with a child in danger."""
    for referral_id, callback in sorted(callbacks.items(), key=lambda each: each[0].int):
        await connection.execute(_KEEP, referral_id, callback.model_dump_json(exclude_none=True))


async def forget_callbacks(connection: Connection, after: timedelta) -> None:
    """Delete the people to call back, some time after it mattered."""
    await connection.execute(_FORGET_CALLBACKS, after)
    await connection.execute(_FORGET_TASKS, after)


async def measure(connection: Queryable) -> tuple[int, int, float]:
    """How many tasks nobody has taken, for how many everybody was called, and the age of the oldest in seconds."""
    row = await the_row(connection, _MEASURE)
    return row["waiting"], row["unanswered"], row["oldest"]


def _task(row: Row) -> Task:
    return Task(**dict(row) | {"kind": Kind(row["kind"]), "codes": tuple(row["codes"])})
