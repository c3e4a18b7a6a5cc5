"""An ended practice question is deleted some time later, wherever it stands; what is counted stays, and says of nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from conduit_chassis.testing import Harness, ManualClock, harness
from conduit_contracts.ids import uuid7
from conduit_programme.app import create_service
from conduit_programme.four_ps import Quarter
from conduit_programme.practice import counting
from conduit_programme.practice.rules import PRACTICE_ANSWER_DAYS, PRACTICE_KEPT_DAYS
from conduit_programme.rules import day_of
from conduit_programme.wording import day
from conduit_web.html import LONDON
from services.programme.tests.pages import Enter, text_of
from services.programme.tests.practice import (
    ANSWER,
    ANSWERED,
    ASKED,
    AT_FORCE,
    AT_HUB,
    JOINED,
    OURS,
    asked,
    brought_in,
    done,
    taken,
)
from services.programme.tests.test_insight import read

TICK = "delete_ended_questions"
KEPT = timedelta(days=PRACTICE_KEPT_DAYS)
MINUTE = timedelta(minutes=1)
ROWS = "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname NOT IN ('acts', 'contents')"


async def answered(enter: Enter, *, ends: bool = True) -> str:
    """A question with an answer and with a force's words; its partner ends it."""
    cara, anna, tom = [await enter(each) for each in ("cara", "anna", "tom")]
    question = await asked(cara)
    here = await taken(anna, question)
    await brought_in(anna, question)
    await done(tom, f"{AT_FORCE}/{question}/write", {"words": JOINED})
    await done(anna, f"{here}/write", ANSWER | {"seen": "3"})
    if ends:
        await done(cara, f"{OURS}/{question}/end", {"how": "answered"})
    return question


async def whole_store(held: Harness) -> str:
    """All that any table holds, but for the trail; words as they were written."""
    async with held.pool.acquire() as connection:
        tables = [row["relname"] for row in await connection.fetch(ROWS)]
        each = [await connection.fetch(f"SELECT kept::text FROM {table} AS kept") for table in tables]  # noqa: S608
        words = await connection.fetch("SELECT convert_from(body, 'UTF8') FROM contents")
    return "\n".join(str(row[0]) for rows in (*each, words) for row in rows)


async def counts(held: Harness, clock: ManualClock, at: Any) -> counting.PracticeQuarter:
    async with held.pool.acquire() as connection:
        return await counting.counted(connection, Quarter.of(day_of(at, LONDON)), clock.now(), LONDON)


async def test_it_is_gone_everywhere_after_its_time_and_stays_counted(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    question, at = await answered(enter), clock.now()
    until = day(day_of(at, LONDON) + KEPT)
    for who, path in (("cara", OURS), ("anna", AT_HUB), ("tom", AT_FORCE)):
        assert f"Deleted on {until}, but for what is counted." in await read(await enter(who), f"{path}/{question}")
    before = await counts(held, clock, at)
    assert (before.total.asked, before.total.answered, before.total.with_force, before.total.in_time) == (1, 1, 1, 1)
    assert ASKED in await whole_store(held), "or this test sees nothing"
    clock.advance(KEPT - MINUTE)
    await held.tick(TICK)
    assert ASKED in await read(await enter("cara"), f"{OURS}/{question}"), "not before its time"
    clock.advance(2 * MINUTE)
    await held.tick(TICK)
    for who, path, lists in (
        ("cara", OURS, (OURS,)),
        ("anna", AT_HUB, (AT_HUB, f"{AT_HUB}?which=ended", f"{AT_HUB}?which=answered")),
        ("tom", AT_FORCE, (AT_FORCE,)),
    ):
        browser = await enter(who)
        gone, missing = await browser.get(f"{path}/{question}"), await browser.get(f"{path}/{uuid7()}")
        assert gone.status_code == missing.status_code == 404
        assert text_of(gone.text) == text_of(missing.text)
        assert all([question not in (await browser.get(each)).text for each in lists])
    kept = await whole_store(held)
    for words in (ASKED, JOINED, ANSWERED):
        assert words not in kept
    assert await counts(held, clock, at) == before


async def test_of_what_is_deleted_a_row_is_left_that_says_of_nobody(enter: Enter, held: Harness, clock: ManualClock) -> None:
    question = await answered(enter)
    clock.advance(KEPT + MINUTE)
    await held.tick(TICK)
    async with held.pool.acquire() as connection:
        row = await connection.fetchrow("SELECT * FROM practice_questions WHERE question_id = $1", UUID(question))
        left = {
            table: await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - constants
            for table in ("practice_messages", "practice_forces", "practice_overdue", "contents")
        }
        assert (row["partner_id"], row["asked_by"], row["held_by"], row["force_ids"]) == ("", "", None, [])
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE practice_questions SET asked_by = 'somebody'")
    assert set(left.values()) == {0}


async def test_what_waits_is_not_deleted_however_old_it_is(enter: Enter, held: Harness, clock: ManualClock) -> None:
    question = await asked(await enter("cara"))
    clock.advance(3 * KEPT)
    await held.tick(TICK)
    assert ASKED in await read(await enter("cara"), f"{OURS}/{question}")


async def test_what_was_answered_and_nobody_came_back_to_ends_and_is_deleted_later(
    enter: Enter, held: Harness, clock: ManualClock
) -> None:
    question = await answered(enter, ends=False)
    clock.advance(KEPT + MINUTE)
    await held.tick(TICK)
    assert "Answered, and ended on" in await read(await enter("cara"), f"{OURS}/{question}")
    clock.advance(KEPT + MINUTE)
    await held.tick(TICK)
    assert (await (await enter("cara")).get(f"{OURS}/{question}")).status_code == 404


async def test_what_is_written_about_is_not_ended(enter: Enter, held: Harness, clock: ManualClock) -> None:
    question = await answered(enter, ends=False)
    clock.advance(KEPT - MINUTE)
    await done(await enter("tom"), f"{AT_FORCE}/{question}/write", {"words": JOINED})
    clock.advance(2 * MINUTE)
    await held.tick(TICK)
    assert "End it" in await read(await enter("cara"), f"{OURS}/{question}")


async def test_the_setting_says_for_how_long(enter: Enter, held: Harness, database: str, clock: ManualClock) -> None:
    question = await answered(enter)
    async with harness(create_service(), database, clock, practice_kept_days=7) as other:
        clock.advance(timedelta(days=PRACTICE_ANSWER_DAYS + 5))
        await other.tick(TICK)
    assert (await (await enter("cara")).get(f"{OURS}/{question}")).status_code == 404
