"""All SQL of submissions and the register. `load` locks a batch's referrals in the order of keys; `save` writes in bulk."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from conduit_chassis.columns import IDS, Columns
from conduit_chassis.postgres import Connection, Queryable, Row, insert, insert_new
from conduit_contracts.notification import ReferralState
from conduit_intake import early, force_files, suspensions
from conduit_intake.submissions import Held, Key, Mou, Partner
from conduit_intake.work import IntakeWork, NewSupplement, PartnerUpdate, ReferralEntry

_PARTNERS = """
SELECT partner_id, suspended, mous,
       EXISTS (SELECT FROM early_updates WHERE early_updates.partner_id = partners.partner_id) AS waits
FROM partners WHERE partner_id = ANY($1::text[])
"""
_REGISTER = "SELECT partner_id, suspended, mous FROM partners"
_REFERRALS = """
SELECT stored.partner_id, stored.partner_reference, referral_id, content_hash, received_at, place_ids, person_ids,
       withdrawn_at, reconsideration_requested_at
FROM referrals AS stored
JOIN unnest($1::text[], $2::text[]) AS wanted (partner_id, partner_reference)
    ON stored.partner_id = wanted.partner_id AND stored.partner_reference = wanted.partner_reference
ORDER BY stored.partner_id, stored.partner_reference FOR UPDATE OF stored
"""
_SUPPLEMENTS = (
    "SELECT referral_id, content_hash, octet_length(body) AS size FROM supplements WHERE referral_id = ANY($1::uuid[])"
)
_PARTNER_ROWS = Columns(partner_id="text", suspended="boolean", mous="jsonb", registered_at="timestamptz")
_REGISTERED = f"""
INSERT INTO partners ({_PARTNER_ROWS.names}) SELECT {_PARTNER_ROWS.values("now")} FROM {_PARTNER_ROWS.rows("now")}
ON CONFLICT (partner_id) DO UPDATE SET {_PARTNER_ROWS.changes("excluded", "partner_id")}
"""  # noqa: S608 - constants
_REFERRAL_COLUMNS = (
    *("partner_id", "partner_reference", "referral_id", "content_hash", "received_at", "place_ids", "person_ids"),
    *("withdrawn_at", "reconsideration_requested_at", "body"),
)
_CHANGES = Columns(
    referral_id="uuid",
    place_ids=IDS,
    person_ids=IDS,
    withdrawn_at="timestamptz",
    reconsideration_requested_at="timestamptz",
)
_CHANGE = f"""
UPDATE referrals AS stored SET {_CHANGES.changes("now", "referral_id")}
FROM {_CHANGES.rows("now")} WHERE stored.referral_id = now.referral_id
"""  # noqa: S608 - constants
_LIVE, _SANDBOX = "", "sandbox."
_MAY_ASK_AGAIN = "UPDATE {}referrals SET reconsideration_requested_at = NULL WHERE referral_id = ANY($1::uuid[])"
_STANDING_ROWS = Columns(referral_id="uuid", partner_id="text", state="text", revision="integer", updated_at="timestamptz")
_STAND = f"""
INSERT INTO {{}}standings ({_STANDING_ROWS.names}) SELECT {_STANDING_ROWS.values("now")} FROM {_STANDING_ROWS.rows("now")}
ON CONFLICT (referral_id) DO UPDATE SET {_STANDING_ROWS.changes("excluded", "referral_id", "partner_id")}
WHERE standings.revision < excluded.revision
"""  # noqa: S608 - constants
_UPDATE_ROWS = Columns(referral_id="uuid", revision="integer", body="bytea")
_TELL = f"""
INSERT INTO {{}}updates ({_UPDATE_ROWS.names}) SELECT {_UPDATE_ROWS.values("now")} FROM {_UPDATE_ROWS.rows("now")}
ON CONFLICT DO NOTHING
"""  # noqa: S608 - constants

_MOUS = TypeAdapter(tuple[Mou, ...])


async def load(
    connection: Connection,
    work: IntakeWork,
    partner_ids: Iterable[str],
    keys: Collection[Key],
    supplemented: Collection[Key],
) -> None:
    """Let the work have these partners and referrals; the referrals are locked until the transaction ends.

    `supplemented` are the keys whose earlier supplements matter. A referral that the hub does not hold is absent.
    """
    rows = await connection.fetch(_PARTNERS, list(set(partner_ids)))
    work.partners = {row["partner_id"]: _partner(row) for row in rows}
    waiting = {row["partner_id"] for row in rows if row["waits"]}
    work.awaited = await early.awaited(connection, [key for key in keys if key.partner_id in waiting])
    if keys:
        found = await connection.fetch(_REFERRALS, [key.partner_id for key in keys], [key.partner_reference for key in keys])
        supplements = await _supplements(connection, [row for row in found if _key(row) in supplemented])
        work.referrals = {_key(row): _held(row, supplements.get(row["referral_id"], {})) for row in found}


async def save(connection: Connection, work: IntakeWork) -> None:
    """Write the batch's changes.

    Raises:
        InsertedMeanwhileError: a concurrent twin was first. The batch must be tried again, and will then find its referral.
    """
    await suspensions.save(connection, ((each, work.suspensions[each]) for each in sorted(work.suspended)), work.scene.now)
    if work.registered:
        await _register(connection, work)
    if work.created:
        created = [(key, work.referrals[key], body) for key, body in sorted(work.created.items())]
        await insert_new(connection, "referrals", _REFERRAL_COLUMNS, [_created(*each) for each in created])
        standings = [_received(key, held) for key, held, _ in created]
        await insert(connection, "standings", _STANDING_ROWS, _STANDING_ROWS.records(standings))
    if work.changed:
        await connection.execute(_CHANGE, *_CHANGES.arrays(_changed(work.referrals[key]) for key in work.changed))
    await _tell(connection, _LIVE, work.told, work.askable)
    await _tell(connection, _SANDBOX, work.tried, work.askable_in_sandbox)
    await force_files.put(connection, work.openings, work.scene.now)
    await insert(connection, "supplements", NewSupplement._fields, work.added)
    await early.put(connection, work.early)
    await insert(connection, "history", ReferralEntry._fields, work.history)


RECONCILIATION = """
SELECT (SELECT count(*) FROM referrals WHERE referral_id >= minute.first AND referral_id < minute.next) AS received
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS minute (first, next, number) ORDER BY number
"""
"""How many referrals the hub took in, by minute."""


async def register(connection: Queryable) -> list[Partner]:
    """Every partner."""
    return [_partner(row) for row in await connection.fetch(_REGISTER)]


async def _tell(connection: Connection, side: str, told: Sequence[PartnerUpdate], askable: Collection[UUID]) -> None:
    """Keep what partners were told, live or in the sandbox."""
    if told:
        await connection.execute(_TELL.format(side), *_UPDATE_ROWS.arrays(each._asdict() for each in told))
        await _stand(connection, side, told)
    if askable:
        await connection.execute(_MAY_ASK_AGAIN.format(side), sorted(askable))


async def _stand(connection: Connection, side: str, told: Iterable[PartnerUpdate]) -> None:
    """Each referral stands as its highest revision says. In the order of ids, so that twins wait instead of deadlocking."""
    latest = {each.referral_id: each for each in sorted(told, key=lambda each: (each.referral_id.int, each.revision))}
    rows = (each._asdict() | {"updated_at": each.at} for each in latest.values())
    await connection.execute(_STAND.format(side), *_STANDING_ROWS.arrays(rows))


async def _supplements(connection: Connection, rows: list[Row]) -> dict[Any, dict[bytes, int]]:
    """By referral, the content hashes of what was added, and how long each is."""
    found: dict[Any, dict[bytes, int]] = {}
    if rows:
        for row in await connection.fetch(_SUPPLEMENTS, [row["referral_id"] for row in rows]):
            found.setdefault(row["referral_id"], {})[row["content_hash"]] = row["size"]
    return found


async def _register(connection: Connection, work: IntakeWork) -> None:
    rows = (
        {
            "partner_id": partner.partner_id,
            "suspended": partner.suspended,
            "mous": _MOUS.dump_json(partner.mous).decode(),
            "registered_at": work.scene.now,
        }
        for _, partner in sorted(work.registered.items())
    )
    await connection.execute(_REGISTERED, *_PARTNER_ROWS.arrays(rows))


def _key(row: Row) -> Key:
    return Key(row["partner_id"], row["partner_reference"])


def _partner(row: Row) -> Partner:
    return Partner(partner_id=row["partner_id"], suspended=row["suspended"], mous=_MOUS.validate_json(row["mous"]))


def _held(row: Row, supplements: Mapping[bytes, int]) -> Held:
    return Held(
        referral_id=row["referral_id"],
        content_hash=row["content_hash"],
        received_at=row["received_at"],
        place_ids=frozenset(row["place_ids"]),
        person_ids=frozenset(row["person_ids"]),
        supplements=frozenset(supplements),
        added_bytes=sum(supplements.values()),
        withdrawn_at=row["withdrawn_at"],
        reconsideration_requested_at=row["reconsideration_requested_at"],
    )


def _created(key: Key, held: Held, body: bytes) -> tuple[Any, ...]:
    asked_at = held.reconsideration_requested_at
    known = sorted(held.place_ids), sorted(held.person_ids)
    return (*key, held.referral_id, held.content_hash, held.received_at, *known, held.withdrawn_at, asked_at, body)


def _received(key: Key, held: Held) -> Mapping[str, Any]:
    return {
        "referral_id": held.referral_id,
        "partner_id": key.partner_id,
        "state": ReferralState.RECEIVED,
        "revision": 0,
        "updated_at": held.received_at,
    }


def _changed(held: Held) -> Mapping[str, Any]:
    known = {"place_ids": sorted(held.place_ids), "person_ids": sorted(held.person_ids)}
    return {name: getattr(held, name) for name in _CHANGES} | known
