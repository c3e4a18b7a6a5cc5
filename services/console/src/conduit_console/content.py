"""All that the console keeps of what people wrote about people, in and out: no other module reads or writes it.

What a record held is kept as it came, and read by its contract when it is shown. `Words` collects what a batch brings.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection, affected
from conduit_chassis.records import Delivery
from conduit_contracts import intake, routing, triage
from conduit_contracts.envelope import Message, read_message
from conduit_contracts.notification import DutyTaskTaken

_HELD = Columns(referral_id="uuid", event_id="text", kind="text", said_at="timestamptz", body="bytea")
_KEEP = f"""
INSERT INTO contents ({_HELD.names}) SELECT {_HELD.values("now")} FROM {_HELD.rows("now")} ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants
_OF_CASE = """
SELECT event_id, kind, said_at, body FROM contents
WHERE referral_id = $1 AND kind = ANY($2::text[]) ORDER BY said_at, event_id
"""
_OF_EVENTS = """
SELECT event_id, kind, said_at, body FROM contents WHERE referral_id = $1 AND event_id = ANY($2::text[])
"""
_SAVE_DRAFT = """
INSERT INTO drafts (referral_id, officer_id, kind, body, saved_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (referral_id, officer_id, kind) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at
"""
_DRAFT = "SELECT body, saved_at FROM drafts WHERE referral_id = $1 AND officer_id = $2 AND kind = $3"
_DROP_DRAFT = "DELETE FROM drafts WHERE referral_id = $1 AND officer_id = $2 AND kind = $3"
MOST_DRAFT_BYTES = 64_000
_KEEP_CALLS = """
INSERT INTO whom_to_call (task_id, officer_id, said_at, body) VALUES ($1, $2, $3, $4)
ON CONFLICT (task_id, officer_id) DO UPDATE SET said_at = excluded.said_at, body = excluded.body
WHERE whom_to_call.said_at <= excluded.said_at
"""
_CALLS = "SELECT body FROM whom_to_call WHERE task_id = $1 AND officer_id = $2"
_FORGET_CALLS = """
DELETE FROM whom_to_call WHERE (task_id, officer_id) IN (
    SELECT task_id, officer_id FROM whom_to_call WHERE said_at < $1 ORDER BY said_at LIMIT $2
)
"""
_KEEP_OPINION = "INSERT INTO opinion_words (opinion_id, part, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_OPINIONS = "SELECT opinion_id, part, body FROM opinion_words WHERE opinion_id = ANY($1::uuid[])"

MODELS: Mapping[str, type[Message]] = {
    "referral_received": intake.ReferralReceived,
    "information_supplied": intake.InformationSupplied,
    "referral_withdrawn": intake.ReferralWithdrawn,
    "reconsideration_requested": intake.ReconsiderationRequested,
    "information_requested": triage.InformationRequested,
    "referral_declined": triage.ReferralDeclined,
    "home_force_named": routing.HomeForceNamed,
    "interim_owner_named": routing.InterimOwnerNamed,
    "handoff_acknowledged": routing.HandoffAcknowledged,
    "handoff_acknowledged_by_telephone": routing.HandoffAcknowledgedByTelephone,
    "handoff_overdue": routing.HandoffOverdue,
    "handoff_escalated": routing.HandoffEscalated,
    "call_recorded": routing.CallRecorded,
    "call_noted": triage.CallNoted,
    "handoff_stood_down": routing.HandoffStoodDown,
    "professional_standards_informed": routing.ProfessionalStandardsInformed,
}
"""The facts that hold somebody's words, as the timeline calls them, and by what they are read."""
_SOMETIMES: Mapping[str, bytes] = {
    "handoff_acknowledged": b'"victim_contact"',
    "handoff_overdue": b'"reason"',
    "handoff_escalated": b'"reason"',
}
"""Those that hold words only where they have this field."""
SENT = ("referral_received", "information_supplied", "referral_withdrawn", "reconsideration_requested")
"""Those that the partner wrote."""


class HeldWords(NamedTuple):
    """A record's content as it is kept."""

    referral_id: UUID
    event_id: str
    kind: str
    said_at: datetime
    body: bytes


class HeldCalls(NamedTuple):
    """Whom an officer is to call about a duty task, as the record had it."""

    task_id: UUID
    officer_id: str
    said_at: datetime
    body: bytes


class OpinionPart(StrEnum):
    """What of a second opinion is somebody's words."""

    ASKED = "asked"
    DRAFT = "draft"
    """What the asker would send, as it was then."""
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote, by the contract of its message."""

    event_id: str
    kind: str
    said_at: datetime
    message: Any
    """Of the model that `MODELS` has for the kind."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an officer began to write."""

    text: str
    saved_at: datetime


def holds_words(kind: str, value: bytes) -> bool:
    """Whether this record holds what somebody wrote."""
    return kind in MODELS and _SOMETIMES.get(kind, b"") in value


def held(delivery: Delivery[Any], kind: str) -> HeldWords:
    """What is to be kept of a record. It holds the record's own bytes."""
    attributes, value = delivery.attributes, delivery.record.value
    return HeldWords(delivery.message.referral_id, attributes.id, kind, attributes.time, value or b"")


async def keep(connection: Connection, words: Sequence[HeldWords]) -> None:
    """Keep what a batch brought. What is kept already stays as it is."""
    if words:
        await connection.execute(_KEEP, *_HELD.arrays([each._asdict() for each in words]))


async def said(connection: Connection, referral_id: UUID, kinds: Collection[str] = tuple(MODELS)) -> list[Said]:
    """What was written with a case, oldest first. Record the view before this is shown."""
    return [_said(row) for row in await connection.fetch(_OF_CASE, referral_id, list(kinds))]


async def said_with(connection: Connection, referral_id: UUID, event_ids: Collection[str]) -> dict[str, Said]:
    """What was written with these events of a case, by event. Record the view before this is shown."""
    rows = await connection.fetch(_OF_EVENTS, referral_id, list(event_ids))
    return {row["event_id"]: _said(row) for row in rows}


async def save_draft(
    connection: Connection, referral_id: UUID, officer_id: str, kind: str, text: str, now: datetime
) -> None:
    """Keep what an officer began to write, in place of what was kept before.

    Raises:
        ValueError: it is longer than a draft may be.
    """
    body = text.encode()
    if len(body) > MOST_DRAFT_BYTES:
        raise ValueError("a draft has at most 64,000 bytes")
    await connection.execute(_SAVE_DRAFT, referral_id, officer_id, kind, body, now)


async def draft(connection: Connection, referral_id: UUID, officer_id: str, kind: str) -> Draft | None:
    """What the officer began to write, if anything."""
    row = await connection.fetchrow(_DRAFT, referral_id, officer_id, kind)
    return Draft(bytes(row["body"]).decode(), row["saved_at"]) if row else None


async def drop_draft(connection: Connection, referral_id: UUID, officer_id: str, kind: str) -> None:
    """Forget a draft: it was sent, or is no longer wanted."""
    await connection.execute(_DROP_DRAFT, referral_id, officer_id, kind)


async def keep_calls(connection: Connection, calls: Sequence[HeldCalls]) -> None:
    """Keep whom to call about duty tasks. What was said last holds."""
    for each in calls:
        await connection.execute(_KEEP_CALLS, *each)


async def whom_to_call(connection: Connection, task_id: UUID, officer_id: str) -> DutyTaskTaken | None:
    """Whom this officer is to call, who took the task. Record the view before this is shown."""
    body = await connection.fetchval(_CALLS, task_id, officer_id)
    return None if body is None else DutyTaskTaken.model_validate_json(bytes(body), extra="ignore")


async def forget_calls(connection: Connection, before: datetime, most: int) -> int:
    """Delete whom to call, some time after it mattered; returns of how many tasks."""
    return affected(await connection.execute(_FORGET_CALLS, before, most))


async def keep_opinion(connection: Connection, opinion_id: UUID, part: OpinionPart, text: str) -> None:
    """Keep what an officer wrote about a second opinion.

    Raises:
        ValueError: it is longer than a draft may be.
    """
    body = text.encode()
    if len(body) > MOST_DRAFT_BYTES:
        raise ValueError("an opinion has at most 64,000 bytes")
    await connection.execute(_KEEP_OPINION, opinion_id, part.value, body)


async def opinions(connection: Connection, opinion_ids: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    """What was written with these, by part. Record the view before this is shown."""
    found: dict[UUID, dict[str, str]] = {each: {} for each in opinion_ids}
    for row in await connection.fetch(_OPINIONS, list(opinion_ids)):
        found[row["opinion_id"]][row["part"]] = bytes(row["body"]).decode()
    return found


def _said(row: Any) -> Said:
    model: type[BaseModel] = MODELS[row["kind"]]
    return Said(row["event_id"], row["kind"], row["said_at"], read_message(model, bytes(row["body"])))
