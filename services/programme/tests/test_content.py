"""What people wrote is in one table, by id, and gone from it for good."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from conduit_chassis.testing import Harness, ManualClock
from conduit_programme import content
from conduit_programme.organisations.said import ContactWords, OfferWords
from services.programme.tests.builders import CANARY

SOURCES = sorted((Path(__file__).parents[1] / "src").glob("**/*.py"))
ASKED = "contents"


async def test_what_was_written_is_read_and_once_erased_it_is_nowhere(programme: Harness, clock: ManualClock) -> None:
    async with programme.pool.acquire() as connection:
        kept = await content.write(connection, OfferWords(words=CANARY), clock.now())
        assert (await content.read(connection, OfferWords, [kept, None]))[kept].words == CANARY
        assert await content.erase(connection, [kept, None]) == 1
        assert await content.read(connection, OfferWords, [kept]) == {}
        assert await connection.fetchval("SELECT count(*) FROM contents") == 0


async def test_one_sort_of_words_is_not_read_as_another(programme: Harness, clock: ManualClock) -> None:
    async with programme.pool.acquire() as connection:
        kept = await content.write(connection, OfferWords(words=CANARY), clock.now())
        assert await content.read(connection, ContactWords, [kept]) == {}


async def test_more_than_a_piece_holds_is_refused(programme: Harness, clock: ManualClock) -> None:
    async with programme.pool.acquire() as connection:
        with pytest.raises(content.TooLongError):
            await content.write(connection, OfferWords(words="x" * content.MOST_BYTES), clock.now())


async def test_what_takes_the_place_of_words_has_an_id_of_its_own_and_they_are_gone(
    programme: Harness, clock: ManualClock
) -> None:
    async with programme.pool.acquire() as connection:
        first = await content.write(connection, OfferWords(words=CANARY), clock.now())
        second = await content.replace(connection, [first, None], OfferWords(words="again"), clock.now())
        assert await content.read(connection, OfferWords, [first, second]) == {second: OfferWords(words="again")}
        assert await content.replace(connection, [second], None, clock.now()) is None
        assert await connection.fetchval("SELECT count(*) FROM contents") == 0


def test_no_other_module_asks_for_the_table_of_contents() -> None:
    asking = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and f" {ASKED} " in f" {node.value} "
        and any(word in node.value for word in ("SELECT ", "INSERT ", "UPDATE ", "DELETE "))
    }
    assert asking == {"content.py"}
