"""All SQL of handling. `load` locks the batch's referrals in the order of their ids; `save` writes what changed, in bulk.

A referral that is new is inserted at the end. If another process inserted it meanwhile, the batch is tried again and then
finds it: that happens once in a referral's life at most, so nobody pays a round trip for it otherwise.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection, Row, affected, insert, insert_new
from conduit_contracts.ids import first_of
from conduit_contracts.intake import SandboxStepPlayed, SandboxSubmissionRejected
from conduit_contracts.routing import CaseRouted, HandoffState
from conduit_notification import notices, queue
from conduit_notification.readers import CaseRestricted, ProfessionalStandardsInformed
from conduit_notification.rules import Routing, Standing, Triage
from conduit_notification.sandbox import SandboxWork
from conduit_notification.work import Entry, KnownReferral, NotificationWork

_RECORDS = """
SELECT referral_id, partner_id, partner_reference, revision, triage, asked_at, supplied_at, routing, withdrawn,
       immediate_danger, without_force, home_force, handoffs, by_telephone,
       ARRAY(SELECT force_id FROM kept_from WHERE kept_from.referral_id = stored.referral_id) AS kept_from
FROM {table} AS stored WHERE referral_id = ANY($1::uuid[]) ORDER BY referral_id FOR UPDATE
"""
_LADDERS = "SELECT audience, ladder, telephones FROM contacts WHERE audience = ANY($1::text[])"
_ROWS = Columns(
    referral_id="uuid",
    partner_id="text",
    partner_reference="text",
    revision="integer",
    state="text",
    triage="text",
    asked_at="timestamptz",
    supplied_at="timestamptz",
    routing="text",
    withdrawn="boolean",
    immediate_danger="boolean",
    without_force="boolean",
    home_force="text",
    handoffs="jsonb",
    by_telephone="jsonb",
)
_UPDATE = f"""
UPDATE {{table}} AS stored SET {_ROWS.changes("now", "referral_id", "partner_id", "partner_reference")}
FROM {_ROWS.rows("now")} WHERE stored.referral_id = now.referral_id
"""  # noqa: S608 - constants
_LIVE, _SANDBOX = "referrals", "sandbox_referrals"
_OF_SANDBOX = (SandboxStepPlayed, SandboxSubmissionRejected)
# An id has the time in it, so the oldest are found by their key.
_FORGET_SANDBOX = """
DELETE FROM sandbox_referrals
WHERE referral_id IN (SELECT referral_id FROM sandbox_referrals WHERE referral_id < $1 ORDER BY referral_id LIMIT $2)
"""
FORGET_BATCH = 500
_KEPT_NO_MORE = "DELETE FROM kept_from WHERE referral_id = ANY($1::uuid[])"
_CONTACTS = Columns(audience="text", ladder="jsonb", said_at="timestamptz", telephones="jsonb", control_room="text")
_REGISTER = f"""
INSERT INTO contacts ({_CONTACTS.names}) SELECT {_CONTACTS.values("now")} FROM {_CONTACTS.rows("now")}
ON CONFLICT (audience) DO UPDATE SET {_CONTACTS.changes("excluded", "audience")}
"""  # noqa: S608 - constants
_HISTORY_COLUMNS = tuple(field.name for field in fields(Entry))
_ENTRY = attrgetter(*_HISTORY_COLUMNS)


async def load(connection: Connection, work: NotificationWork, messages: Sequence[Any]) -> None:
    """Let the work have the referrals that these are about, locked until the transaction ends, and the contacts of everyone
    whom they name."""
    tried = [message for message in messages if isinstance(message, _OF_SANDBOX)]
    await _load(connection, work, [each for each in messages if each not in tried] if tried else messages, _LIVE)
    if tried:
        work.sandbox = SandboxWork(work.policy, work.now, work.outbox)
        await _load(connection, work.sandbox, tried, _SANDBOX)


async def _load(connection: Connection, work: NotificationWork, messages: Sequence[Any], table: str) -> None:
    referral_ids = {message.referral_id for message in messages if getattr(message, "referral_id", None)}
    if referral_ids:
        for row in await connection.fetch(_RECORDS.format(table=table), list(referral_ids)):
            work.records[row["referral_id"]] = _record(row)
    audiences = {audience for message in messages for audience in _audiences(message)}
    for row in await connection.fetch(_LADDERS, [notices.HUB, *audiences]):
        work.ladders[row["audience"]] = queue.read_ladder(row["ladder"], row["telephones"])


def _audiences(message: Any) -> Iterable[str]:
    """Everyone whom a message names."""
    kind = type(message)  # a model is slow to say that it has no such attribute
    if kind in _OF_SANDBOX:
        yield f"{notices.partner(message.partner_id)}{notices.SANDBOX}"
        return
    if hasattr(kind, "partner_id") or "partner_id" in kind.model_fields:
        yield notices.partner(message.partner_id)
    if kind is CaseRestricted:
        yield from map(notices.professional_standards, message.kept_from)
    if kind is ProfessionalStandardsInformed:
        yield notices.professional_standards(message.force_id)
    elif "force_id" in kind.model_fields:
        yield notices.force(message.force_id)
    if kind is CaseRouted:
        for force_id in (*message.added, *message.again):
            yield notices.force(force_id)


async def save(connection: Connection, work: NotificationWork) -> None:
    """Write the batch's changes, with one statement per table.

    Raises:
        InsertedMeanwhileError: try the batch again.
    """
    await _stand(connection, work, _LIVE)
    await insert(connection, "history", _HISTORY_COLUMNS, [_ENTRY(entry) for entry in work.history])
    await _register(connection, work)
    await queue.enqueue(connection, work.notices)
    if work.sandbox is not None:
        await _stand(connection, work.sandbox, _SANDBOX)
        await queue.enqueue(connection, work.sandbox.notices)
    if work.kept:
        await _keep_from(connection, [work.records[each] for each in sorted(work.kept)])


async def _stand(connection: Connection, work: NotificationWork, table: str) -> None:
    new = [_row(work.records[each]) for each in sorted(work.new & work.changed)]
    await insert_new(connection, table, _ROWS, _ROWS.records(new))
    changed = [work.records[each] for each in work.changed - work.new]
    if changed:
        await connection.execute(_UPDATE.format(table=table), *_ROWS.arrays(map(_row, changed)))


async def _keep_from(connection: Connection, records: Sequence[KnownReferral]) -> None:
    """Note from whom cases are kept, and drop what still waits to be sent to them."""
    pairs = [(record.referral_id, force_id) for record in records for force_id in sorted(record.kept_from)]
    await connection.execute(_KEPT_NO_MORE, [record.referral_id for record in records])
    await insert(connection, "kept_from", ("referral_id", "force_id"), pairs)
    await queue.drop(connection, [(referral_id, notices.force(force_id)) for referral_id, force_id in pairs if force_id])


async def _register(connection: Connection, work: NotificationWork) -> None:
    if work.registered:
        rows = (
            {
                "audience": audience,
                "ladder": queue.write_ladder(work.ladders[audience]),
                "said_at": said_at,
                "telephones": queue.write_telephones(work.ladders[audience]),
                "control_room": work.control_rooms.get(audience),
            }
            for audience, said_at in sorted(work.registered.items())
        )
        await connection.execute(_REGISTER, *_CONTACTS.arrays(rows))


def _record(row: Row) -> KnownReferral:
    standing = Standing(
        triage=Triage(row["triage"]) if row["triage"] else None,
        asked_at=row["asked_at"],
        supplied_at=row["supplied_at"],
        routing=Routing(row["routing"]) if row["routing"] else None,
        withdrawn=row["withdrawn"],
        immediate_danger=row["immediate_danger"],
        without_force=row["without_force"],
        home_force=row["home_force"],
        handoffs={force_id: HandoffState(state) for force_id, state in json.loads(row["handoffs"]).items()},
        by_telephone=frozenset(json.loads(row["by_telephone"])),
    )
    return KnownReferral(
        referral_id=row["referral_id"],
        partner_id=row["partner_id"],
        partner_reference=row["partner_reference"],
        revision=row["revision"],
        standing=standing,
        kept_from=frozenset(row["kept_from"]),
    )


def _row(record: KnownReferral) -> dict[str, Any]:
    standing = record.standing
    return {
        "referral_id": record.referral_id,
        "partner_id": record.partner_id,
        "partner_reference": record.partner_reference,
        "revision": record.revision,
        "state": record.state.value,
        "triage": standing.triage,
        "asked_at": standing.asked_at,
        "supplied_at": standing.supplied_at,
        "routing": standing.routing,
        "withdrawn": standing.withdrawn,
        "immediate_danger": standing.immediate_danger,
        "without_force": standing.without_force,
        "home_force": standing.home_force,
        "handoffs": json.dumps(standing.handoffs),
        "by_telephone": json.dumps(sorted(standing.by_telephone)),
    }


async def forget_sandbox(connection: Connection, before: datetime) -> int:
    """Delete where referrals of the sandbox stand, of those that it took before this moment, at most `FORGET_BATCH`."""
    return affected(await connection.execute(_FORGET_SANDBOX, first_of(before), FORGET_BATCH))
