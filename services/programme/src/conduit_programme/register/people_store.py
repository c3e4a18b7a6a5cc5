"""All SQL of the registers of people, with who vouches for each. No page reads it: pages follow the topics."""

from collections.abc import Mapping

from conduit_chassis.columns import Columns
from conduit_chassis.postgres import Connection, Row
from conduit_contracts.programme import (
    ForcePersonRegistered,
    HubPersonRegistered,
    PartnerPersonRegistered,
    PersonRegistered,
)
from conduit_contracts.registering_people import organisation_of
from conduit_contracts.topic import FORCE, HUB, PARTNER
from conduit_programme.register.book import PeopleRegister, RegisterBook
from conduit_programme.register.store import said_of, take_turn, written_as
from conduit_programme.work import ProgrammeWork

_KINDS: Mapping[str, type[PersonRegistered]] = {
    HUB: HubPersonRegistered,
    PARTNER: PartnerPersonRegistered,
    FORCE: ForcePersonRegistered,
}
_LOAD = "SELECT person_id, kind, entry, event_id, on_topic, order_id, ordered_by FROM register_people"
_ROWS = Columns(
    person_id="text",
    kind="text",
    entry="jsonb",
    event_id="text",
    on_topic="boolean",
    order_id="text",
    ordered_by="text",
    changed_at="timestamptz",
)
_SAVE = f"""
INSERT INTO register_people ({_ROWS.names}) SELECT {_ROWS.values("now")} FROM {_ROWS.rows("now")}
ON CONFLICT (person_id) DO UPDATE SET {_ROWS.changes("excluded", "person_id")}
"""  # noqa: S608 - constants


async def load(connection: Connection) -> PeopleRegister:
    """Everybody, whom nobody else changes until the transaction ends."""
    await take_turn(connection)
    return RegisterBook({row["person_id"]: written_as(row, _entry(row)) for row in await connection.fetch(_LOAD)})


async def save(connection: Connection, work: ProgrammeWork) -> None:
    """Write who changed."""
    rows = [
        {
            "person_id": person_id,
            "kind": _kind_of(written.entry),
            "entry": written.entry.model_dump_json(exclude_none=True) if written.entry is not None else None,
            **said_of(written, work.now),
        }
        for person_id in sorted(work.people.changed)
        for written in (work.people.entries[person_id],)
    ]
    if rows:
        await connection.execute(_SAVE, *_ROWS.arrays(rows))


def _kind_of(person: PersonRegistered | None) -> str | None:
    return None if person is None else organisation_of(person).partition(".")[0]


def _entry(row: Row) -> PersonRegistered | None:
    # A later release may have written it, and been taken back since.
    return None if row["entry"] is None else _KINDS[row["kind"]].model_validate_json(row["entry"], extra="ignore")
