"""What came before its referral is answered a piece at a time: danger first, no sender's crowd before the others."""

from __future__ import annotations

import asyncio
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from conduit_chassis import postgres
from conduit_chassis.periodic import keep_ticking
from conduit_chassis.records import Record
from conduit_chassis.testing import Harness, Published
from conduit_contracts import partner
from conduit_contracts.intake import InformationSupplied
from conduit_intake import early, handlers, sweep
from conduit_intake.handlers import information_supplied
from conduit_intake.submissions import Key
from services.intake.tests.api import added, code, keyed, post
from services.intake.tests.samples import NORTH, REFERENCE, SOUTH, registered, sent, submitted, supplied

TICK = "settle_early_updates"
CROWD, LARGE = 30, 194_000
DANGER = {"immediate_danger": True}


def large(number: int) -> Record:
    """Something long that the first partner adds to the first referral."""
    made = sent(supplied(text=f"Crowd {number}"))
    return made._replace(value=(made.value or b"") + b" " * LARGE)


def crowd(count: int = CROWD) -> list[Record]:
    return [large(number) for number in range(count)]


def words(published: list[Published]) -> list[str]:
    """What was passed on, in order."""
    return [each.message.supplement.text for each in published if isinstance(each.message, InformationSupplied)]


async def waiting(intake: Harness) -> int:
    found: int = await intake.pool.fetchval("SELECT count(*) FROM early_updates")
    return found


async def information_path(client: httpx.AsyncClient) -> str:
    listed = await client.get("/v1/referrals", params={"partner_reference": REFERENCE})
    (found,) = listed.json()["items"]
    return f"/v1/referrals/{found['referral_id']}/information"


@pytest.mark.parametrize(
    ("who", "reference", "danger"),
    [(NORTH, "NL-2", True), (SOUTH, "SL-1", True), (SOUTH, "SL-1", False)],
    ids=["the same partner's danger", "another's danger", "another's turn"],
)
async def test_a_crowd_holds_up_no_danger_and_nobody_elses_turn(
    intake: Harness, who: str, reference: str, danger: bool
) -> None:
    about = {"partner_id": who, "partner_reference": reference}
    behind = [
        sent(supplied(**about, text="Before"), who),
        sent(supplied(**about, text="Alarm", **(DANGER if danger else {})), who),
        sent(supplied(**about, text="After"), who),
    ]
    await intake.deliver(sent(registered(SOUTH)), *crowd(), *behind)
    await intake.deliver(sent(submitted()), sent(submitted(**about), who))
    first = words(await intake.tick(TICK))
    assert ("Before" in first, "Alarm" in first) == (True, True)
    assert first.index("Before") < first.index("Alarm")
    rest = words(await intake.tick(TICK))
    own = [each for each in first + rest if not each.startswith("Crowd")]
    assert own == ["Before", "Alarm", "After"]
    assert [each for each in first + rest if each.startswith("Crowd")] == [f"Crowd {number}" for number in range(CROWD)]


async def test_a_piece_that_was_cut_by_its_size_is_followed_at_once_by_the_next(intake: Harness) -> None:
    await intake.deliver(*crowd())
    await intake.deliver(sent(submitted()))
    tick = next(each for each in intake.runtime.service.ticks if each.name == TICK)
    running = asyncio.create_task(keep_ticking(intake.runtime, replace(tick, every=timedelta(hours=1))))
    try:
        async with asyncio.timeout(60):
            while await waiting(intake):  # noqa: ASYNC110 - a table is looked at
                await asyncio.sleep(0.02)
    finally:
        running.cancel()


def slow_one(work: Any, delivery: Any) -> None:
    """What is handled at once, but for one that always takes too long."""
    if delivery.message.supplement.text == "Slow":
        raise TimeoutError
    information_supplied(work, delivery)


async def test_one_that_alone_always_takes_too_long_is_put_aside_and_the_others_are_answered(
    intake: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intake.deliver(*(sent(supplied(text=each)) for each in ("One", "Slow", "Two")))
    await intake.deliver(sent(submitted()))
    monkeypatch.setitem(handlers.HANDLERS, partner.InformationSupplied.type, slow_one)
    published: list[Published] = []
    for _ in range(12):
        with suppress(TimeoutError):
            published += await intake.tick(TICK)
    assert words(published) == ["One", "Two"]
    (letter,) = await intake.dead_letters()
    assert (letter["reason"], letter["error_class"]) == ("handler_failed", "TimeoutError")
    assert await waiting(intake) == 0


async def test_while_the_database_gives_no_sign_of_life_nothing_is_put_aside(
    intake: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_pool: Any) -> None:
        raise TimeoutError

    await intake.deliver(sent(supplied(text="Slow")))
    await intake.deliver(sent(submitted()))
    monkeypatch.setitem(handlers.HANDLERS, partner.InformationSupplied.type, slow_one)
    monkeypatch.setattr(postgres, "probe", silent)
    for _ in range(6):
        with pytest.raises(TimeoutError):
            await intake.tick(TICK)
    assert (await waiting(intake), await intake.dead_letters()) == (1, [])


class TestBeforeARequest:
    """A request by HTTP settles what came before it about its referral."""

    async def test_a_crowd_takes_no_more_memory_than_a_piece_of_it(self, intake: Harness, north: httpx.AsyncClient) -> None:
        for number in range(0, 80, 16):
            await intake.deliver(*(large(number + each) for each in range(16)))
        await intake.deliver(sent(submitted()))
        path, before = await information_path(north), len(await intake.published())
        tracemalloc.start()
        try:
            answer = await post(north, path, added(text="Asked"))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert answer.status_code == 202
        told = words((await intake.published())[before:])
        assert told == [*(f"Crowd {number}" for number in range(80)), "Asked"]
        assert most < 3 * early.MOST_BYTES

    @pytest.fixture
    def little(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Pieces of two, and three of these before a request."""
        monkeypatch.setattr(early, "MOST_BYTES", 2.5 * LARGE)
        monkeypatch.setattr(sweep, "MOST_SETTLED", 5 * LARGE)

    @pytest.mark.usefixtures("little")
    async def test_who_sent_more_than_one_request_settles_asks_again_and_what_was_settled_stands(
        self, intake: Harness, north: httpx.AsyncClient
    ) -> None:
        await intake.deliver(*crowd(10))
        await intake.deliver(sent(submitted()))
        path, left = await information_path(north), [10]
        while (answer := await north.post(path, content=added(text="Asked"), headers=keyed("one"))).status_code != 202:
            assert code(answer) == (503, "unavailable")
            assert answer.headers["retry-after"] == "1"
            left.append(await waiting(intake))
        assert left == [10, 4]
        assert words(await intake.published())[-1] == "Asked"

    @pytest.mark.usefixtures("little")
    async def test_danger_waits_for_no_more_than_that(self, intake: Harness, north: httpx.AsyncClient) -> None:
        await intake.deliver(*crowd(10))
        await intake.deliver(sent(submitted()))
        answer = await post(north, await information_path(north), added(text="Alarm", **DANGER))
        assert answer.status_code == 202
        assert words(await intake.published())[-1] == "Alarm"
        assert await waiting(intake) == 4

    @pytest.mark.usefixtures("little")
    async def test_while_a_request_settles_a_referral_the_others_are_answered_and_none_of_its_own_out_of_turn(
        self, intake: Harness
    ) -> None:
        about = {"partner_id": SOUTH, "partner_reference": "SL-1"}
        await intake.deliver(sent(registered(SOUTH)), *crowd(6), sent(supplied(**about, text="Other"), SOUTH))
        await intake.deliver(sent(submitted()), sent(submitted(**about), SOUTH))
        async with intake.runtime.transaction() as (connection, _outbox):
            assert len(await early.take_of(connection, Key(NORTH, REFERENCE))) == 2
            async with asyncio.timeout(10):
                assert words(await intake.tick(TICK)) == ["Other"]
