"""Replicas of every service come and go, and nothing is lost, doubled, or out of order.

`make scale` runs the first test with four processes of each service and 2,000 referrals.
"""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial

import pytest

from conduit_local.demo import registers
from conduit_local.demo.post import Post
from conduit_local.demo.result import Interruption, Options
from conduit_local.demo.run import run_samples
from conduit_local.demo.samples import load_samples
from conduit_local.stack import Stack
from conduit_operate.lag import Lag
from tests.scale import account
from tests.scale.disturbance import Disturbance, come_and_go
from tests.scale.stories import Story, register, stories

REFERRALS = int(os.environ.get("SCALE_REFERRALS", "200"))
SEND_SECONDS = float(os.environ.get("SCALE_SECONDS", "6"))
PATIENCE_SECONDS = 120.0
CALM_LOOKS = 3

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


async def test_every_referral_reaches_its_forces_once_and_in_order_while_replicas_come_and_go(stack: Stack) -> None:
    told = list(stories(REFERRALS))
    async with Post(stack.broker) as post:
        await registers.publish(post, register())
        await asyncio.to_thread(registers.wait_until_known, Lag(stack.broker), lambda: None)
        with Disturbance(stack) as disturbance:
            await send(post, told)
            await asyncio.to_thread(disturbance.enough)
    seconds = await asyncio.to_thread(until_calm, stack)
    wrong, repeated = await asyncio.to_thread(account.complaints, stack, told)
    sent = sum(len(story.records) for story in told)
    ended = f"{disturbance.turns} times one replica of each service ended"
    print(f"\n{len(told)} referrals, {sent} records; {ended}; calm {seconds:.1f} s after; {repeated} stood twice")  # noqa: T201
    assert wrong == []
    assert disturbance.turns > 0


async def test_the_samples_come_to_the_same_end_while_replicas_come_and_go(stack: Stack) -> None:
    stack.wait_ready()
    options = Options(
        name="REPLICAS",
        pace_seconds=0.03,
        patience_seconds=PATIENCE_SECONDS,
        notice_seconds=60.0,
        interruptions=[Interruption("intake.referrals", 20, partial(twice, stack))],
    )
    result = await run_samples(stack, load_samples(), options)
    assert result.complaints == []


def twice(stack: Stack) -> None:
    """Every replica is either killed or asked to end, and so is every service in both ways."""
    for turn in (0, 1):
        come_and_go(stack, turn)


async def send(post: Post, told: list[Story]) -> None:
    """Each story's records in their order, the stories spread over the time."""
    begin, pending = time.monotonic(), []
    for number, story in enumerate(told):
        await asyncio.sleep(max(0.0, begin + SEND_SECONDS * number / len(told) - time.monotonic()))
        pending += [await post.send(record) for record in story.records]
    await asyncio.gather(*pending)


def until_calm(stack: Stack) -> float:
    """Until nothing waits anywhere, which is looked at several times: what one service sends, the next has to read.

    Raises:
        TimeoutError: something still waits.
    """
    begin, calm = time.monotonic(), 0
    while calm < CALM_LOOKS:
        waiting = account.unfinished(stack)
        calm = 0 if waiting else calm + 1
        if time.monotonic() - begin > PATIENCE_SECONDS:
            raise TimeoutError(f"{waiting} records and events still wait after {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.2)
    return time.monotonic() - begin
