"""Whatever is killed in the middle of it, every referral comes to the same end, and nothing takes effect twice.

Each test runs all samples on the same stack, spread over some seconds, and kills its victim with SIGKILL once it has done
part of its work. The judge is the demo's: a lost effect, a doubled one, or one out of order is a difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from conduit_local.demo.result import Interruption, Options
from conduit_local.demo.run import run_samples
from conduit_local.demo.samples import load_samples
from conduit_local.stack import Stack

pytestmark = pytest.mark.long

SAMPLES = load_samples()
DOWN_SECONDS = 0.5
PACE_SECONDS = 0.03
PATIENCE_SECONDS = 120.0
NOTICE_SECONDS = 60.0
"""A killed process leaves its e-mails to the next one when its lease on them ends."""


async def run_while(stack: Stack, name: str, on: str, after: int, kill_and_start: Callable[[], None]) -> None:
    """Run every sample; after so many records on a topic, do it, and expect what is always expected."""
    stack.wait_ready()
    options = Options(
        name=name,
        pace_seconds=PACE_SECONDS,
        patience_seconds=PATIENCE_SECONDS,
        notice_seconds=NOTICE_SECONDS,
        interruptions=[Interruption(on, after, kill_and_start)],
    )
    result = await run_samples(stack, SAMPLES, options)
    assert result.complaints == []


@pytest.mark.parametrize(
    ("service", "on", "after"),
    [
        ("intake", "intake.referrals", 20),
        ("triage", "triage.decisions", 20),
        ("routing", "force.cases", 40),
        ("notification", "partner.updates", 60),
    ],
)
async def test_a_service_killed_in_mid_run_loses_nothing_and_doubles_nothing(
    stack: Stack, service: str, on: str, after: int
) -> None:
    child = stack.service(service)
    before = child.pid

    def kill_and_start() -> None:
        child.kill()
        time.sleep(DOWN_SECONDS)
        child.start()
        stack.wait_ready(service)

    await run_while(stack, service.upper(), on, after, kill_and_start)
    assert child.pid != before


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_a_server_killed_in_mid_run_loses_nothing_and_doubles_nothing(stack: Stack, server: str) -> None:
    victim = getattr(stack.servers, server)

    def kill_and_start() -> None:
        victim.kill()
        time.sleep(DOWN_SECONDS)
        victim.start()

    await run_while(stack, server.upper(), "routing.cases", 40, kill_and_start)
    stack.wait_ready()
