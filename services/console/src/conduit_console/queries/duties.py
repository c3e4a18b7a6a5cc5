"""Duty tasks: what waits for a person at the hub, what one officer has, and what came of taking one. No content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_console.cases import CALM, DANGER, SOME_FORCE
from conduit_console.work import by_officer
from conduit_web.keys import FIRST_ID, FIRST_MOMENT, identity, microseconds, moment
from conduit_web.lists import FETCH, ROWS, ListPage, SmallInt, list_page, read_key

_ASKS_TO_CALL_FORCE = frozenset({"force_silent", "danger_notice_failed"})
_KEPT_FROM = "force_kept_from"
_OWN = """
task_id, kind, duty_tasks.rank, duty_tasks.partner_id, duty_tasks.partner_reference, duty_tasks.referral_id, force_id, codes,
said, opened_at, unanswered_at, taken_at, taken_by, next_call_at
"""
# Whoever takes a task here has sent that. Who has it otherwise is a name, or did what it asks for.
_SENT_IT = """
EXISTS (
    SELECT FROM sent_takings AS sent
    WHERE sent.task_id = duty_tasks.task_id AND taken AND 'officer:' || officer_id = taken_by
)
"""
_TASK = f"{_OWN}, kept_from, coalesce(taken_by ~ '^(officer|force|partner):', false) AND NOT {_SENT_IT} AS done"
_FROM = "duty_tasks LEFT JOIN cases ON cases.referral_id = duty_tasks.referral_id"
_WAITING = f"""
SELECT {_TASK} FROM (
    SELECT {_OWN} FROM duty_tasks WHERE taken_at IS NULL AND (rank, opened_at, task_id) > ($1, $2, $3)
    ORDER BY rank, opened_at, task_id LIMIT {FETCH}
) AS duty_tasks LEFT JOIN cases ON cases.referral_id = duty_tasks.referral_id
ORDER BY duty_tasks.rank, opened_at, task_id
"""  # noqa: S608 - constants
_TAKEN = f"""
SELECT {_TASK} FROM {_FROM} WHERE taken_at IS NOT NULL AND taken_by = $1 AND taken_at > $2 AND {_SENT_IT}
ORDER BY taken_at DESC, task_id LIMIT {ROWS}
"""  # noqa: S608 - constants
_ONE = f"SELECT {_TASK} FROM {_FROM} WHERE task_id = $1"  # noqa: S608 - constants
_SENT = """
SELECT sent_at, taken, why FROM sent_takings WHERE task_id = $1 AND officer_id = $2
ORDER BY sent_at DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class DutyTaskRow:
    """Something that a person at the hub must deal with."""

    task_id: UUID
    kind: str
    """What happened, such as `danger_review` or `force_silent`."""
    danger: bool
    partner_id: str | None
    partner_reference: str | None
    referral_id: UUID | None
    force_id: str | None
    codes: tuple[str, ...]
    said: int
    """How often it was reported."""
    opened_at: datetime
    unanswered_at: datetime | None
    """When everybody on duty had been called."""
    taken_at: datetime | None
    taken_by: str | None
    """A name as its holder gave it, or `officer:`, `force:` or `partner:` with an id."""
    next_call_at: datetime | None
    """When the next on duty is called; None where nobody is left to call, or somebody has it."""
    done: bool
    """Whether nobody took it: it ended when `taken_by` did what it asks for."""

    def is_of(self, officer_id: str) -> bool:
        """Whether this officer has it."""
        return self.taken_by == by_officer(officer_id)


@dataclass(frozen=True, slots=True)
class SentTaking:
    """What came of an officer's wish to have a task."""

    sent_at: datetime
    taken: bool | None
    """None while the hub's rules have not answered."""
    why: tuple[str, ...]


async def waiting(connection: Connection, after: str | None = None) -> ListPage[DutyTaskRow]:
    """Duty tasks that nobody has taken: danger first, then the oldest."""
    rank, opened_at, task_id = read_key(after, SmallInt, int, str) or (-1, microseconds(FIRST_MOMENT), str(FIRST_ID))
    rows = await connection.fetch(_WAITING, rank, moment(int(opened_at)), identity(str(task_id)))
    found = [_task(row) for row in rows]
    return list_page(found, lambda each: (_rank(each), microseconds(each.opened_at), str(each.task_id)))


async def taken_by(connection: Connection, officer_id: str, since: datetime) -> Sequence[DutyTaskRow]:
    """What this officer took since then, the latest first. Not what ended when they did what it asks for."""
    return [_task(row) for row in await connection.fetch(_TAKEN, by_officer(officer_id), since)]


async def duty_task(connection: Connection, task_id: UUID) -> DutyTaskRow | None:
    """One task."""
    row = await connection.fetchrow(_ONE, task_id)
    return _task(row) if row else None


async def sent_taking(connection: Connection, task_id: UUID, officer_id: str) -> SentTaking | None:
    """What this officer sent last about the task, if anything."""
    row = await connection.fetchrow(_SENT, task_id, officer_id)
    return SentTaking(**{**row, "why": tuple(row["why"])}) if row else None


def _rank(task: DutyTaskRow) -> int:
    return DANGER if task.danger else CALM


def _task(row: Row) -> DutyTaskRow:
    given = {name: value for name, value in row.items() if name not in {"rank", "codes", "kind", "kept_from"}}
    kept = None if row["kept_from"] is None else row["kept_from"].split(",")
    return DutyTaskRow(
        **given,
        kind=_kind(row["kind"], row["force_id"], kept),
        danger=row["rank"] == DANGER,
        codes=tuple(row["codes"]),
    )


def _kind(kind: str, force_id: str | None, kept: Sequence[str] | None) -> str:
    """What asks for a call to a force from which the case is kept by now must not be read so."""
    if kind in _ASKS_TO_CALL_FORCE and force_id is not None and kept and {force_id, SOME_FORCE} & set(kept):
        return _KEPT_FROM
    return kind
