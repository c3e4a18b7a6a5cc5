"""A statement over many rows, made of columns that are named once."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from conduit_chassis.columns import IDS, Columns

COLUMNS = Columns(number="integer", areas=IDS, at="timestamptz")
AT = datetime(2026, 11, 29, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"at": AT, "areas": ("kent", "essex"), "number": 1, "besides": "left out"},
    {"number": 2, "areas": ["surrey"], "at": None},
]


def test_the_sql_names_each_column_with_its_type() -> None:
    assert COLUMNS.rows("new") == "unnest($1::integer[], $2::text[], $3::timestamptz[]) AS new (number, areas, at)"
    assert COLUMNS.values("new") == "new.number, string_to_array(new.areas, ' '), new.at"
    assert COLUMNS.changes("new", "number") == "areas = string_to_array(new.areas, ' '), at = new.at"


def test_rows_are_taken_by_name_whatever_their_order() -> None:
    assert COLUMNS.arrays(ROWS) == [[1, 2], ["kent essex", "surrey"], [AT, None]]
    assert COLUMNS.records(ROWS) == [(1, ("kent", "essex"), AT), (2, ["surrey"], None)]


def test_a_row_without_a_column_is_an_error() -> None:
    with pytest.raises(KeyError, match="areas"):
        COLUMNS.arrays([{"number": 1, "at": AT}])


async def test_what_was_written_is_what_is_there(postgres_dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        await connection.execute("CREATE TEMPORARY TABLE places (number integer PRIMARY KEY, areas text[], at timestamptz)")
        put = f"""
        INSERT INTO places ({COLUMNS.names}) SELECT {COLUMNS.values("new")} FROM {COLUMNS.rows("new")}
        ON CONFLICT (number) DO UPDATE SET {COLUMNS.changes("excluded", "number")}
        """  # noqa: S608 - constants
        change = f"""
        UPDATE places SET {COLUMNS.changes("new", "number")} FROM {COLUMNS.rows("new")} WHERE places.number = new.number
        """  # noqa: S608 - constants
        await connection.execute(put, *COLUMNS.arrays([{"number": 1, "areas": (), "at": None}]))
        await connection.execute(put, *COLUMNS.arrays(ROWS))
        await connection.execute(change, *COLUMNS.arrays([{"number": 2, "areas": ("kent", "surrey"), "at": AT}]))
        found = [dict(row) for row in await connection.fetch("SELECT number, areas, at FROM places ORDER BY number")]
    finally:
        await connection.close()
    assert found == [
        {"number": 1, "areas": ["kent", "essex"], "at": AT},
        {"number": 2, "areas": ["kent", "surrey"], "at": AT},
    ]
