"""All SQL of the registers' entries, which are whole, contacts included. No page reads them: pages have copies without."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection, Row
from conduit_contracts.programme import ForceRegistered, PartnerRegistered
from conduit_contracts.registering import RegisterEntry, RegisterSubject
from conduit_contracts.topics import FORCE
from conduit_programme.register.book import E, OrganisationsBook, RegisterBook, WrittenEntry
from conduit_programme.work import ProgrammeWork

# Orders and the registers' own records come on several topics, which several processes may read. One after the other they
# see what another decided, also of somebody who has no entry to be locked yet.
_TURN = "SELECT pg_advisory_xact_lock(hashtext('conduit.register'))"
_LOAD = """
SELECT kind, identity, entry, event_id, on_topic, order_id, ordered_by FROM register_entries
JOIN unnest($1::text[], $2::text[]) AS wanted (kind, identity) USING (kind, identity)
"""
_ROWS = Columns(
    kind="text",
    identity="text",
    entry="jsonb",
    event_id="text",
    on_topic="boolean",
    order_id="text",
    ordered_by="text",
    changed_at="timestamptz",
)
_SAVE = f"""
INSERT INTO register_entries ({_ROWS.names}) SELECT {_ROWS.values("now")} FROM {_ROWS.rows("now")}
ON CONFLICT (kind, identity) DO UPDATE SET {_ROWS.changes("excluded", "kind", "identity")}
"""  # noqa: S608 - constants


async def take_turn(connection: Connection) -> None:
    """Nobody else changes a register until the transaction ends."""
    await connection.execute(_TURN)


async def load(connection: Connection, subjects: Collection[RegisterSubject]) -> OrganisationsBook:
    """The entries of these, whom nobody else changes until the transaction ends."""
    await take_turn(connection)
    rows = await connection.fetch(_LOAD, [each.kind for each in subjects], [each.identity for each in subjects])
    return RegisterBook(
        {RegisterSubject(row["kind"], row["identity"]): written_as(row, _entry(row["kind"], row["entry"])) for row in rows}
    )


async def save(connection: Connection, work: ProgrammeWork) -> None:
    """Write what changed."""
    rows = [
        {
            "kind": subject.kind,
            "identity": subject.identity,
            "entry": written.entry.model_dump_json(exclude_none=True),
            **said_of(written, work.now),
        }
        for subject in sorted(work.register.changed)
        for written in (work.register.entries[subject],)
    ]
    if rows:
        await connection.execute(_SAVE, *_ROWS.arrays(rows))


def said_of(written: WrittenEntry[Any], now: datetime) -> dict[str, Any]:
    """The columns that every register has, of an entry that is written at this moment."""
    return {
        "event_id": written.event_id,
        "on_topic": written.on_topic,
        "order_id": written.order_id,
        "ordered_by": written.ordered_by,
        "changed_at": now,
    }


def written_as(row: Row, entry: E) -> WrittenEntry[E]:
    """This entry, as the row has it written."""
    return WrittenEntry(entry, row["event_id"], row["on_topic"], row["order_id"], row["ordered_by"])


def _entry(kind: str, text: str) -> RegisterEntry:
    # A later release may have written it, and been taken back since.
    if kind == FORCE:
        return ForceRegistered.model_validate_json(text, extra="ignore")
    return PartnerRegistered.model_validate_json(text, extra="ignore")
