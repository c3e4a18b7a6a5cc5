"""All SQL of triage. `load` locks the batch's referrals in the order of their ids; `save` writes what changed, in bulk."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from conduit_chassis import commands
from conduit_chassis.columns import IDS, Columns, listed
from conduit_chassis.postgres import Connection, Row, insert
from conduit_chassis.seen import PastLine
from conduit_contracts.referral import Ground, Supplement, Urgency
from conduit_contracts.triage import DeclineReason, ReviewReason
from conduit_triage.cases import Added, Assessment, OpenReview, State
from conduit_triage.work import AssessmentEntry, Remark, TriageWork

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
_LINES = "SELECT referral_id, actor, what, at FROM history WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id, id"


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
        work.lines.setdefault(row["referral_id"], []).append(PastLine(row["actor"], row["what"], row["at"]))


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


class Level(NamedTuple):
    """The open reviews of one level of urgency."""

    reviews: int
    first_due: datetime
    first_opened: datetime


async def levels(connection: Connection) -> dict[str, Level]:
    """The open reviews by urgency; immediate danger is a level of its own."""
    rows = await connection.fetch(_LEVELS)
    return {row["level"]: Level(row["reviews"], row["first_due"], row["first_opened"]) for row in rows}


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
