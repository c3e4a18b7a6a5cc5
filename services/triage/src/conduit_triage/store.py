"""All SQL of triage. `load` locks the batch's referrals in the order of their ids; `save` writes what changed, in bulk."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from conduit_chassis import commands
from conduit_chassis.columns import IDS, Columns, listed
from conduit_chassis.postgres import Connection, Row, insert, the_row
from conduit_contracts.referral import Ground, Supplement, Urgency
from conduit_contracts.triage import DeclineReason, ReviewReason
from conduit_triage.cases import Added, Assessment, OpenReview, State
from conduit_triage.work import IGNORED, AssessmentEntry, Line, Remark, TriageWork

# Without the body, which is read only where it is needed.
_KEPT = (
    *("referral_id", "partner_id", "partner_reference", "received_at", "state", "danger_raised", "rounds", "decided_by"),
    *("decided_at", "grounds", "home_force", "decline_reason", "declined_by", "policy_version", "mou_lapsed"),
)
_CASE_COLUMNS = (*_KEPT, "body")
_REVIEW_COLUMNS = ("referral_id", *(each.name for each in fields(OpenReview)))
_SUPPLEMENT_COLUMNS = ("referral_id", "event_id", "body", "arrived_at")
_OF_THESE = "WHERE referral_id = ANY($1::uuid[])"
_CASES = f"SELECT {listed(_KEPT)} FROM assessments {_OF_THESE} ORDER BY referral_id"  # noqa: S608 - constants
_LOCKED_CASES = f"{_CASES} FOR UPDATE"
_REVIEWS = f"SELECT {listed(_REVIEW_COLUMNS)} FROM reviews {_OF_THESE}"  # noqa: S608 - constants
_BODY = "SELECT body FROM assessments WHERE referral_id = $1"
_BODIES = "SELECT referral_id, body FROM assessments WHERE referral_id = ANY($1::uuid[])"
_SUPPLEMENTS = f"SELECT {listed(_SUPPLEMENT_COLUMNS)} FROM supplements {_OF_THESE} ORDER BY id"  # noqa: S608 - constants
_KNOWN = "SELECT referral_id, event_id FROM supplements WHERE referral_id = ANY($1::uuid[]) AND event_id = ANY($2::text[])"
PREFETCH = 32
"""Additions that are in memory at a time while a case's are read."""
_CLOSE_REVIEWS = "DELETE FROM reviews WHERE referral_id = ANY($1::uuid[])"
_CHANGES = Columns(
    referral_id="uuid",
    state="text",
    danger_raised="boolean",
    rounds="smallint",
    decided_by="text",
    decided_at="timestamptz",
    grounds=IDS,
    home_force="text",
    decline_reason="text",
    declined_by="text",
    policy_version="text",
)
_UPDATE = f"""
UPDATE assessments AS stored SET {_CHANGES.changes("now", "referral_id")}
FROM {_CHANGES.rows("now")} WHERE stored.referral_id = now.referral_id
"""  # noqa: S608 - constants
_QUEUE = """
SELECT referral_id, partner_id, partner_reference, reviews.urgency, reviews.immediate_danger, reasons, opened_at, due_at,
       waiting_for_partner
FROM reviews JOIN assessments USING (referral_id)
ORDER BY reviews.immediate_danger DESC, urgency_rank, due_at, opened_at, referral_id LIMIT $1
"""
_LEVELS = """
SELECT CASE WHEN immediate_danger THEN 'immediate_danger' ELSE urgency END AS level, count(*) AS reviews,
       min(due_at) AS first_due, min(opened_at) AS first_opened
FROM reviews GROUP BY level
"""
RECONCILIATION = """
SELECT found.* FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS minute (first, next, number), LATERAL (
    SELECT count(*) AS assessed, count(*) FILTER (WHERE danger_raised OR cardinality(grounds) > 0) AS for_forces
    FROM assessments WHERE referral_id >= minute.first AND referral_id < minute.next
) AS found ORDER BY number
"""
"""How many referrals triage knows, and how many of them are for forces: accepted, or immediate danger was raised."""
# Every statement about one case that an answer shows takes its newest rows and says how many there are in all.
_NEWEST_SUPPLEMENTS = """
WITH own AS MATERIALIZED (
    SELECT id, octet_length(body) AS size FROM supplements WHERE referral_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
), summed AS (
    SELECT id, sum(size) OVER (ORDER BY id DESC) - size AS newer FROM own
)
SELECT id, event_id, body, arrived_at FROM supplements JOIN summed USING (id) WHERE newer < $4 ORDER BY id DESC
"""
_COUNT_SUPPLEMENTS = "SELECT count(*) AS in_all, min(id) AS first FROM supplements WHERE referral_id = $1"
_NEWEST_LINES = """
SELECT id, at, actor, what, why, policy_version, replayed_by FROM history
WHERE referral_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
_NEWEST_REMARKS = """
SELECT id, at, actor, what, text FROM remarks WHERE referral_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
_COUNT_LINES = """
SELECT count(*) AS in_all, min(id) AS first, count(*) FILTER (WHERE what <> $2) AS version
FROM history WHERE referral_id = $1
"""
_COUNT_REMARKS = "SELECT count(*) AS in_all, min(id) AS first FROM remarks WHERE referral_id = $1"
_LINES = "SELECT referral_id, actor, what FROM history WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id, id"
_CONSULT = "INSERT INTO consultations (referral_id, officer_id, at) VALUES ($1, $2, $3)"


async def load(connection: Connection, work: TriageWork, referral_ids: Iterable[UUID], added: Collection[str] = ()) -> None:
    """Let the work have these cases, locked until the transaction ends, without what was told of them.

    A referral that triage does not know is absent. `added` are the event ids of what the batch adds.
    """
    wanted = list(set(referral_ids))
    if wanted:
        work.cases = await _read(connection, _LOCKED_CASES, wanted)
        work.stored_reviews = {key: case.review for key, case in work.cases.items() if case.review is not None}
    if work.cases and added:
        rows = await connection.fetch(_KNOWN, list(work.cases), list(added))
        work.known = {(row["referral_id"], row["event_id"]) for row in rows}


async def _read(connection: Connection, statement: str, referral_ids: list[UUID]) -> dict[UUID, Assessment]:
    cases = {row["referral_id"]: _case(row) for row in await connection.fetch(statement, referral_ids)}
    if cases:
        for row in await connection.fetch(_REVIEWS, list(cases)):
            cases[row["referral_id"]].review = _review(row)
    return cases


async def load_lines(connection: Connection, work: TriageWork, referral_ids: Collection[UUID]) -> None:
    """Let the work know what happened in these cases."""
    ids = [each for each in referral_ids if each in work.cases]
    for row in await connection.fetch(_LINES, ids) if ids else ():
        work.lines.setdefault(row["referral_id"], []).append(Line(row["actor"], row["what"]))


async def load_told(connection: Connection, cases: Mapping[UUID, Assessment], room: int) -> None:
    """Let these cases know what was told of them, and keep the words of what fits `room` bytes of each."""
    if not cases:
        return
    for row in await connection.fetch(_BODIES, list(cases)):
        cases[row["referral_id"]].load(row["body"])
    async for row in connection.cursor(_SUPPLEMENTS, list(cases), prefetch=PREFETCH):
        cases[row["referral_id"]].recall(_added(row), room)


async def supplements_of(connection: Connection, referral_id: UUID, after: int) -> AsyncIterator[Supplement]:
    """What was added and is stored, oldest first, without the first ones."""
    number = 0
    async for row in connection.cursor(_SUPPLEMENTS, [referral_id], prefetch=PREFETCH):
        number += 1
        if number > after:
            yield _added(row).supplement


async def save(connection: Connection, work: TriageWork) -> None:
    """Write the batch's changes. A review is closed before, and opened after, the state that allows it is written."""
    moved = work.moved_reviews
    closed = [key for key in moved if key in work.stored_reviews]
    if closed:
        await connection.execute(_CLOSE_REVIEWS, closed)
    await insert(connection, "assessments", _CASE_COLUMNS, [_case_row(case) for case in work.created.values()])
    if work.changed:
        await connection.execute(_UPDATE, *_CHANGES.arrays(map(_change, work.changed.values())))
    opened = [_review_row(key, review) for key in moved if (review := work.cases[key].review) is not None]
    await insert(connection, "reviews", _REVIEW_COLUMNS, opened)
    added = [(key, added.event_id, added.body, added.arrived_at) for key, added in work.added]
    await insert(connection, "supplements", _SUPPLEMENT_COLUMNS, added)
    await insert(connection, "history", AssessmentEntry._fields, work.history)
    await insert(connection, "remarks", Remark._fields, work.remarks)
    await commands.keep(connection, work.answers, work.now)
    await commands.keep_signatures(connection, work.signed, work.now)


async def queue(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The open reviews in the order in which officers should take them, without case content."""
    return [dict(row) for row in await connection.fetch(_QUEUE, limit)]


class Level(NamedTuple):
    """The open reviews of one level of urgency."""

    reviews: int
    first_due: datetime
    first_opened: datetime


async def levels(connection: Connection) -> dict[str, Level]:
    """The open reviews by urgency; immediate danger is a level of its own."""
    rows = await connection.fetch(_LEVELS)
    return {row["level"]: Level(row["reviews"], row["first_due"], row["first_opened"]) for row in rows}


class Newest(NamedTuple):
    """The last of many, oldest first."""

    items: Sequence[Any]
    in_all: int
    before: int | None
    """Names the place of the first of them, where there are earlier ones."""


MOST_BYTES_SHOWN, MOST_SUPPLEMENTS_SHOWN = 1_000_000, 200
"""What one answer shows of what was added to a case, beside one addition that alone is larger."""
MOST_LINES_SHOWN, MOST_REMARKS_SHOWN = 500, 100
FROM_THE_NEWEST = 2**63 - 1


Part: TypeAlias = Callable[[Connection, UUID, int], Awaitable[Newest]]


class Dossier(NamedTuple):
    """All that triage holds of a case, of what there may be much the newest."""

    case: Assessment
    version: int
    """How many lines of history there are, without those that changed nothing."""
    supplements: Newest
    history: Newest
    remarks: Newest


async def consult(connection: Connection, referral_id: UUID, officer_id: str, now: datetime) -> Dossier | None:
    """The case for a named officer. Nobody sees a case without a row that says so."""
    cases = await _read(connection, _CASES, [referral_id])
    if not cases:
        return None
    cases[referral_id].body = await connection.fetchval(_BODY, referral_id)
    await connection.execute(_CONSULT, referral_id, officer_id, now)
    version = (await the_row(connection, _COUNT_LINES, referral_id, IGNORED))["version"]
    parts = [await newest(connection, referral_id) for newest in (supplements, history, remarks)]
    return Dossier(cases[referral_id], version, *parts)


async def consult_part(
    connection: Connection, referral_id: UUID, officer_id: str, now: datetime, part: Part, before: int
) -> Newest | None:
    """More of a part of a case: what came before the place that an answer named."""
    if await connection.fetchval("SELECT true FROM assessments WHERE referral_id = $1", referral_id) is None:
        return None
    await connection.execute(_CONSULT, referral_id, officer_id, now)
    return await part(connection, referral_id, before)


async def supplements(connection: Connection, referral_id: UUID, before: int = FROM_THE_NEWEST) -> Newest:
    """What was added."""
    counted = await the_row(connection, _COUNT_SUPPLEMENTS, referral_id)
    rows = await connection.fetch(_NEWEST_SUPPLEMENTS, referral_id, before, MOST_SUPPLEMENTS_SHOWN, MOST_BYTES_SHOWN)
    return _newest(rows, counted)


async def history(connection: Connection, referral_id: UUID, before: int = FROM_THE_NEWEST) -> Newest:
    """What happened in the case."""
    counted = await the_row(connection, _COUNT_LINES, referral_id, IGNORED)
    return _newest(await connection.fetch(_NEWEST_LINES, referral_id, before, MOST_LINES_SHOWN), counted)


async def remarks(connection: Connection, referral_id: UUID, before: int = FROM_THE_NEWEST) -> Newest:
    """What officers and the partner wrote about decisions."""
    counted = await the_row(connection, _COUNT_REMARKS, referral_id)
    return _newest(await connection.fetch(_NEWEST_REMARKS, referral_id, before, MOST_REMARKS_SHOWN), counted)


def _newest(rows: Sequence[Row], counted: Row) -> Newest:
    """Of rows with the newest first."""
    items = [{name: value for name, value in row.items() if name != "id"} for row in reversed(rows)]
    return Newest(items, counted["in_all"], _before(rows[-1]["id"], counted["first"]) if rows else None)


def _before(shown: int, first: int) -> int | None:
    return shown if shown > first else None


def _case(row: Row) -> Assessment:
    reason = row["decline_reason"]
    values = dict(row) | {
        "state": State(row["state"]),
        "grounds": tuple(map(Ground, row["grounds"])),
        "decline_reason": DeclineReason(reason) if reason else None,
    }
    return Assessment(**values)


def _added(row: Row) -> Added:
    return Added(row["event_id"], row["body"], row["arrived_at"])


def _review(row: Row) -> OpenReview:
    return OpenReview(
        reasons=tuple(map(ReviewReason, row["reasons"])),
        urgency=Urgency(row["urgency"]),
        immediate_danger=row["immediate_danger"],
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        waiting_for_partner=row["waiting_for_partner"],
    )


def _case_row(case: Assessment) -> tuple[Any, ...]:
    return tuple(getattr(case, column) for column in _CASE_COLUMNS)


def _review_row(referral_id: UUID, review: OpenReview) -> tuple[Any, ...]:
    return tuple(referral_id if column == "referral_id" else getattr(review, column) for column in _REVIEW_COLUMNS)


def _change(case: Assessment) -> Mapping[str, Any]:
    return {name: getattr(case, name) for name in _CHANGES}
