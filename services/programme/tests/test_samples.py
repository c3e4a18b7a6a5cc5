"""The made-up activities of `conduit up`, and what was told: there once, whatever how often it starts."""

from __future__ import annotations

from conduit_chassis.testing import Harness
from conduit_local.demo import engagement as samples
from services.programme.tests import builders as b


async def test_a_newcomer_finds_activities_and_a_second_start_adds_none(programme: Harness, database: str) -> None:
    await programme.deliver(*b.registered(b.partner(), b.partner("harbour-trust", "Harbour Trust", b.mou("MOU-HARBOUR"))))
    for _ in range(2):
        await samples._fill(database)
    async with programme.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM activities") == 3
        assert await connection.fetchval("SELECT count(*) FROM organisations") == 5
        for table, number in (
            ("insights", 4),
            ("insight_answers", 2),
            ("measures", 2),
            ("contributors", 2),
            ("releases", 1),
            ("practice_questions", 3),
            ("practice_messages", 6),
            ("practice_forces", 1),
            ("advice_notes", 3),
            ("advice_insights", 6),
            ("advice_answers", 5),
            ("handovers", 3),
            ("handover_questions", 6),
        ):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == number, table  # noqa: S608 - constants
        assert await connection.fetchval("SELECT count(*) FROM advice_notes WHERE state = 'draft'") == 1
        open_now = "answered_on IS NULL AND current_date BETWEEN asked_on AND lapses_on"
        assert await connection.fetchval(f"SELECT count(*) FROM handover_questions WHERE {open_now}") == 3  # noqa: S608
        assert await connection.fetchval("SELECT count(*) FROM handover_questions WHERE answered_on IS NOT NULL") == 1
        assert await connection.fetchval("SELECT count(*) FROM steps WHERE state = 'done' AND ended_on <= due_on") == 1
