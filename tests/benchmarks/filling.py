"""Makes the stores of all services as full as after many referrals, by copies of rows that the services wrote themselves.

Whatever the schema is, the copies are realistic: same columns, same sizes, same states. Only identities differ. Ids that
tell their time go back by a minute per copy, so that they lie in the indexes where older referrals would.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from conduit_local.stack import Stack

_TABLES = """
SELECT c.table_name, c.column_name, c.data_type, c.is_identity = 'YES' FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER' ORDER BY 1, ordinal_position
"""
_OLDER_ID = """
CREATE FUNCTION pg_temp.older(id uuid, copy bigint) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - copy * 60000), 12, '0')
        || '7' || left(md5(id::text || copy), 19))::uuid
$$
"""
_COPIED = ("partner_reference", "submission_id", "event_id", "cause_id")
"""Texts that identify something: a copy's differ by a suffix."""
_PASSING = ("outbox", "outbox_rejected", "dead_letters", "dead_letter_actions")
_REFERRALS: Mapping[str, LiteralString] = {
    "intake": "SELECT count(*) FROM referrals",
    "triage": "SELECT count(*) FROM assessments",
    "routing": "SELECT count(*) FROM cases",
    "notification": "SELECT count(*) FROM referrals",
}
_CLOCKS = ("receipt_due_at", "acknowledgement_due_at", "next_action_at")
"""Clocks run out a day later than the original's: a million at once would be work of their own."""
CHUNK = 100
"""Copies per statement, of each row."""


class Column(NamedTuple):
    """As a copy needs to know it."""

    name: str
    type: str


def fill(stack: Stack, count: int, have: int, base: int) -> None:
    """From `have` stored referrals to `count`, by copies of the first `base` ones' rows. The services must be stopped."""
    first, last = have // base, count // base
    address = urlsplit(stack.servers.postgres_dsn)
    for name in _REFERRALS:
        with psycopg.connect(address._replace(path=f"/conduit_{name}").geturl(), autocommit=True) as connection:
            _fill(connection, first, last)
            _check(connection, name, count)


def _check(connection: psycopg.Connection, name: str, count: int) -> None:
    """Of each service's own table with a row per referral."""
    found = connection.execute(_REFERRALS[name]).fetchone()
    if found is None or found[0] < count:
        raise RuntimeError(f"{name} holds {found} referrals instead of {count}")


def _fill(connection: psycopg.Connection, first: int, last: int) -> None:
    # Copies refer to copies, in whatever order the tables come; and nobody's promise hangs on them.
    for setting in ("session_replication_role = replica", "synchronous_commit = off", "timezone = 'UTC'"):
        connection.execute(sql.SQL("SET " + setting))
    connection.execute(_OLDER_ID)
    for table, columns in _tables(connection).items():
        original = sql.Identifier(f"original_{table}")
        connection.execute(
            sql.SQL("CREATE UNLOGGED TABLE IF NOT EXISTS {} AS SELECT * FROM {}").format(original, sql.Identifier(table))
        )
        for start in range(first, last, CHUNK):
            connection.execute(_copy(table, columns), [start, min(start + CHUNK, last) - 1])
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")


def _tables(connection: psycopg.Connection) -> Mapping[str, Sequence[Column]]:
    """Those that grow with referrals: they have a referral's id, or are the inbox."""
    found: dict[str, list[Column]] = {}
    for table, column, kind, identity in connection.execute(_TABLES).fetchall():
        if not identity:
            found.setdefault(str(table), []).append(Column(str(column), str(kind)))
    return {
        table: columns
        for table, columns in found.items()
        if table not in _PASSING
        and not table.startswith("original_")
        and (table == "inbox" or any(column.name == "referral_id" for column in columns))
    }


def _copy(table: str, columns: Sequence[Column]) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    values = sql.SQL(", ").join(map(_value, columns))
    return sql.SQL(
        "INSERT INTO {} ({}) SELECT {} FROM {}, generate_series(%s::bigint, %s::bigint) copy ON CONFLICT DO NOTHING"
    ).format(sql.Identifier(table), names, values, sql.Identifier(f"original_{table}"))


def _value(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.type == "uuid":
        return sql.SQL("pg_temp.older({}, copy)").format(name)
    if column.type == "text" and column.name in _COPIED:
        return sql.SQL("{} || '-' || copy").format(name)
    if column.type == "timestamp with time zone" and column.name in ("received_at", "seen_at", "opened_at"):
        return sql.SQL("{} - copy * interval '1 minute'").format(name)
    if column.name in _CLOCKS:
        return sql.SQL("{} + interval '1 day'").format(name)
    return name
