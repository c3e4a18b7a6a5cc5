"""Work that takes long gives way, and stands still for danger, but not for ever."""

import asyncio
import time
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conduit_chassis import yielding
from conduit_chassis.runtime import LARGE_BYTES, Service
from conduit_chassis.yielding import Haste, Yielding


async def work(haste: Haste, log: list[str], pieces: int, seconds: float = 0.02) -> None:
    pause = Yielding(haste)
    for number in range(pieces):
        time.sleep(seconds)  # noqa: ASYNC251 - as a handler that computes
        log.append(f"piece {number}")
        await pause.pause()


async def hurry(haste: Haste, log: list[str], answers: int) -> None:
    async with haste.made():
        for _ in range(answers):
            await asyncio.sleep(0.001)
        log.append("danger")


async def test_others_run_between_long_pieces() -> None:
    log: list[str] = []

    async def other() -> None:
        log.append("other")

    await asyncio.gather(work(Haste(), log, 3), other())
    assert log == ["piece 0", "other", "piece 1", "piece 2"]


async def test_work_stands_still_until_danger_is_handled() -> None:
    log, haste = list[str](), Haste()
    await asyncio.gather(work(haste, log, 10), hurry(haste, log, 8))
    assert log.index("danger") <= 2


async def test_not_for_ever_as_danger_may_wait_for_that_very_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yielding, "MOST_SECONDS", 0.1)
    log, haste, done = list[str](), Haste(), asyncio.Event()

    async def waits_for_the_work() -> None:
        async with haste.made():
            await done.wait()

    waiting = asyncio.create_task(waits_for_the_work())
    began = monotonic()
    await work(haste, log, 5)
    assert 0.1 <= monotonic() - began < 1.0
    done.set()
    await waiting


async def test_who_is_in_haste_waits_for_nobody() -> None:
    haste = Haste()
    async with haste.made(), asyncio.timeout(0.5):
        await work(haste, [], 3)


async def longest_gap(size: int) -> float:
    """For how long nothing else of the process had a turn while a handler computed for 0.4 s over a record of this size."""
    done: list[Any] = []

    def compute(_work: Any, delivery: Any) -> None:
        until = monotonic() + 0.4
        while monotonic() < until:
            sum(range(1_000))
        done.append(delivery)

    async def load(*_: Any) -> Any:
        return None

    async def save(*_: Any) -> None:
        return None

    service = Service[Any]("sample", handlers={"t": compute}, load=load, save=save, migrations=Path())
    runtime: Any = SimpleNamespace(haste=Haste())
    incoming: Any = SimpleNamespace(attributes=SimpleNamespace(type="t"), record=SimpleNamespace(value=b"x" * size))
    handling = asyncio.create_task(service.handle(runtime, cast("Any", None), [incoming], cast("Any", None)))
    longest, last = 0.0, monotonic()
    while not handling.done():
        await asyncio.sleep(0.001)
        longest, last = max(longest, monotonic() - last), monotonic()
    await handling
    assert done == [incoming]
    return longest


async def test_while_a_large_record_is_handled_others_get_their_turns() -> None:
    assert await longest_gap(LARGE_BYTES) < 0.3
    assert await longest_gap(LARGE_BYTES - 1) >= 0.4, "a small one is handled at once"
