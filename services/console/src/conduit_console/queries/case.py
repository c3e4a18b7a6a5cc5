"""One case's page: where it stands, each force's part, what is asked, who is at it, and its timeline. No content."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from conduit_chassis.postgres import Connection, Row
from conduit_console import store
from conduit_console.cases import FailedNotice, FollowedCase
from conduit_console.desk import STILL_READING
from conduit_console.following import currency
from conduit_console.queries.unanswered import SentCommand, unanswered
from conduit_console.work import by_officer
from conduit_web.keys import FIRST_MOMENT, microseconds, moment
from conduit_web.lists import FETCH, Currency, ListPage, SmallInt, list_page, read_key

_READERS = """
SELECT officer_id, seen_at, seen_version FROM readings
WHERE referral_id = $1 AND seen_at > $2 ORDER BY seen_at DESC LIMIT 50
"""
_ATTACHMENTS = """
SELECT attachment_id, media_type, size, sha256, cleared_at FROM attachments
WHERE referral_id = $1 ORDER BY cleared_at, attachment_id LIMIT 500
"""
_FAILED = """
SELECT notice_id, audience, channel, template, referral_id, attempts, code, failed_at FROM failed_notices
WHERE referral_id = $1 ORDER BY failed_at DESC LIMIT 100
"""
# An earlier release let supervisors name themselves.
_NAMED = "SELECT officer_id FROM officers_named WHERE referral_id = $1 AND officer_id <> named_by ORDER BY officer_id"
_GLASS = """
SELECT officer_id, max(at) AS at FROM acts WHERE referral_id = $1 AND what = 'broke_glass' AND at > $2 GROUP BY officer_id
"""
_SEEN = "SELECT seen_version FROM readings WHERE referral_id = $1 AND officer_id = $2"
_BEFORE_NOW = """
SELECT before_at, before_version FROM readings
WHERE referral_id = $1 AND officer_id = $2 AND before_version IS NOT NULL
"""
_LINE = "event_id, ordered_at, stage, place, happened_at, actor, what, why, force_ids, policy_version, command_id, version"
_TIMELINE = f"""
SELECT {_LINE} FROM timeline WHERE referral_id = $1 AND (ordered_at, stage, place, event_id) > ($2, $3, $4, $5)
ORDER BY ordered_at, stage, place, event_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_SINCE = f"""
SELECT {_LINE} FROM timeline WHERE referral_id = $1 AND ordered_at > $2
ORDER BY ordered_at, stage, place, event_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_OF_COMMAND = f"""
SELECT {_LINE} FROM timeline WHERE referral_id = $1 AND command_id = $2
ORDER BY ordered_at, stage, place, event_id LIMIT {FETCH}
"""  # noqa: S608 - constants
# A line that the previous release wrote has no number: its time says whether it is new.
_NEW = f"""
SELECT {_LINE} FROM timeline WHERE referral_id = $1 AND coalesce(version > $2, ordered_at > $3) AND actor <> $4
ORDER BY ordered_at, stage, place, event_id LIMIT {FETCH}
"""  # noqa: S608 - constants
_BEFORE = """
SELECT happened_at FROM timeline WHERE referral_id = $1 AND (ordered_at, stage, place, event_id) <= ($2, $3, $4, $5)
ORDER BY ordered_at DESC, stage DESC, place DESC, event_id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Who looked at a case when, and how many lines its timeline had then."""

    officer_id: str
    seen_at: datetime
    seen_version: int


@dataclass(frozen=True, slots=True)
class LookedBefore:
    """When an officer last looked at a case before they came to it now, and how many lines its timeline had then."""

    officer_id: str
    at: datetime
    version: int

    def is_new(self, step: "TimelineStep") -> bool:
        """Whether the console came to know it since then, and it is nothing that the officer did."""
        came = step.ordered_at > self.at if step.version is None else step.version > self.version
        return came and step.actor != by_officer(self.officer_id)


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A file that was scanned and is available. Its name is content, which intake alone has."""

    attachment_id: UUID
    media_type: str
    size: int
    """In bytes."""
    sha256: str
    cleared_at: datetime


@dataclass(frozen=True, slots=True)
class CaseAtHand:
    """All but the words of a case."""

    currency: Currency
    """It has at least all that was told until then."""
    case: FollowedCase
    """With its hand-offs and questions."""
    readers: Sequence[Reading]
    """Who is reading it, the person who asks among them."""
    attachments: Sequence[AttachmentRow]
    failed_notices: Sequence[FailedNotice]
    named: frozenset[str]
    """The officers to whom it is open where it is restricted."""
    glass_broken_by: Mapping[str, datetime]
    """Officers who have opened it without being named, of late, and until when it is open to them."""
    unanswered: Sequence[SentCommand]
    """What officers sent that waits for the hub's rules, the newest first."""


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One line of a timeline."""

    event_id: str
    ordered_at: datetime
    stage: int
    place: int
    happened_at: datetime
    actor: str
    """`rules`, `clock`, or `officer:`, `partner:` or `force:` with an id."""
    what: str
    """The event's own name, such as `case_routed`."""
    why: tuple[str, ...]
    force_ids: tuple[str, ...]
    policy_version: str | None
    command_id: str | None
    """The officer's command that it follows from. None: none, or a service of the previous release said it."""
    version: int | None
    """How many lines the case had with this one. None: the previous release wrote it."""
    after: timedelta | None
    """How long after the line before; None for the first."""


async def case_at_hand(connection: Connection, referral_id: UUID, now: datetime, glass: timedelta) -> CaseAtHand | None:
    """A case, or None where the console has none. `glass` says for how long a broken glass stays so."""
    current = await currency(connection, now)  # first: what is read after it has at least all until then
    case = await store.read(connection, referral_id)
    if case is None:
        return None
    readers = await connection.fetch(_READERS, referral_id, now - STILL_READING)
    files = await connection.fetch(_ATTACHMENTS, referral_id)
    failed = await connection.fetch(_FAILED, referral_id)
    return CaseAtHand(
        current,
        case,
        [Reading(**row) for row in readers],
        [AttachmentRow(**row) for row in files],
        [FailedNotice(**row) for row in failed],
        frozenset(row["officer_id"] for row in await connection.fetch(_NAMED, referral_id)),
        {row["officer_id"]: row["at"] + glass for row in await connection.fetch(_GLASS, referral_id, now - glass)},
        await unanswered(connection, [referral_id], now),
    )


async def looked_before(connection: Connection, referral_id: UUID, officer_id: str) -> LookedBefore | None:
    """When this officer looked at the case before they came to it now; None where they never did.

    Ask after the view is noted. Who looks again within minutes has not been away.
    """
    row = await connection.fetchrow(_BEFORE_NOW, referral_id, officer_id)
    return LookedBefore(officer_id, row["before_at"], row["before_version"]) if row else None


async def seen_version(connection: Connection, referral_id: UUID, officer_id: str) -> int:
    """How many lines the case's timeline had when this officer last looked at it; 0 where they never did."""
    found: int | None = await connection.fetchval(_SEEN, referral_id, officer_id)
    return found or 0


async def new_steps(connection: Connection, referral_id: UUID, before: LookedBefore | None) -> list[TimelineStep]:
    """The first events that are new to the officer, oldest first; none where they look for the first time."""
    if before is None:
        return []
    me = by_officer(before.officer_id)
    rows = await connection.fetch(_NEW, referral_id, before.version, before.at, me)
    return [_step(row, None) for row in rows]


async def timeline(connection: Connection, referral_id: UUID, after: str | None = None) -> ListPage[TimelineStep]:
    """Every event of the case in the order in which it became true, with the time since the line before it."""
    ordered_at, stage, place, event_id = read_key(after, int, SmallInt, int, str) or (None, -1, -1, "")
    since = FIRST_MOMENT if ordered_at is None else moment(int(ordered_at))
    key = (since, stage, place, event_id)
    rows = await connection.fetch(_TIMELINE, referral_id, *key)
    before = None if after is None else await connection.fetchval(_BEFORE, referral_id, *key)
    steps: list[TimelineStep] = []
    for row in rows:
        steps.append(_step(row, before))
        before = row["happened_at"]
    return list_page(steps, lambda each: (microseconds(each.ordered_at), each.stage, each.place, each.event_id))


async def steps_since(connection: Connection, referral_id: UUID, since: datetime) -> list[TimelineStep]:
    """The first events of the case that became true after a moment in the broker's time, oldest first."""
    return [_step(row, None) for row in await connection.fetch(_SINCE, referral_id, since)]


async def steps_of_command(connection: Connection, referral_id: UUID, command_id: UUID) -> list[TimelineStep]:
    """The events of the case that an officer's command led to, oldest first."""
    return [_step(row, None) for row in await connection.fetch(_OF_COMMAND, referral_id, str(command_id))]


def _step(row: Row, before: datetime | None) -> TimelineStep:
    made: dict[str, Any] = {"why": tuple(row["why"]), "force_ids": tuple(row["force_ids"])}
    return TimelineStep(**dict(row) | made, after=None if before is None else row["happened_at"] - before)
