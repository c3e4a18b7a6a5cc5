"""A child is in danger, and nobody does anything about it; then people do what the runbooks say."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from conduit_contracts import topics
from conduit_contracts.envelope import Attributes, Command, Message, encode
from conduit_contracts.ids import uuid7
from conduit_contracts.triage import DecideReview, DeclineReason, ReviewOutcome
from conduit_local.demo.connectors import acknowledgement
from conduit_local.demo.post import Post
from conduit_local.demo.records import Headers, Wire
from conduit_local.local_officers import LocalOfficers
from tests.monitoring.operating import conduit
from tests.monitoring.sending import referral, referral_id, send
from tests.monitoring.watched import Watched

DANGER = "013"
"""Below every threshold, and a child is in danger: the home force has it at once, and an officer must decide."""
FORCE = "west-midlands"
SEEN_SECONDS = 60.0


@contextmanager
def nobody_acts(watched: Watched) -> Iterator[None]:
    """No officer decides, no force answers, and nobody on duty takes the task."""
    reference = f"DANGER-{time.monotonic_ns()}"
    send(watched, referral(reference, DANGER))
    try:
        yield
    finally:
        take_tasks(watched, least=1)
        act(watched, UUID(referral_id(watched, reference)))


def take_tasks(watched: Watched, *, least: int) -> None:
    """Take every duty task that waits, as the runbook says; so many there must be."""
    taken = 0
    deadline = time.monotonic() + SEEN_SECONDS
    while (found := re.findall(r"^([0-9a-f-]{36})  ", conduit(watched, "duty", "list"), re.MULTILINE)) or taken < least:
        assert time.monotonic() < deadline, f"there were {taken} duty tasks"
        for task in found:
            assert "is yours" in conduit(watched, "duty", "take", task, "--actor", "A. Person on duty")
            taken += 1


def act(watched: Watched, about: UUID) -> None:
    """The officer decides, and a person at the force takes the case."""
    decided = DecideReview(
        referral_id=about,
        officer_id="a.okafor",
        outcome=ReviewOutcome.DECLINE,
        decline_reason=DeclineReason.ALREADY_WITH_POLICE,
        comment="Synthetic: the force acts.",
    )
    asyncio.run(
        _post(
            watched,
            [
                (topics.TRIAGE_REVIEWS.name(), "/officers/a.okafor", decided, about),
                (topics.FORCE_RESPONSES.name(FORCE), f"/forces/{FORCE}", acknowledgement(FORCE, about), about),
            ],
        )
    )


async def _post(watched: Watched, said: Sequence[tuple[str, str, Message, UUID]]) -> None:
    async with Post(watched.stack.broker) as post:
        for topic, source, message, about in said:
            attributes = Attributes(str(uuid7()), source, message.type, datetime.now(UTC), str(about))
            headers, value = _encoded(watched, topic, message, attributes)
            await (await post.send(Wire(topic, str(about).encode(), headers, value)))


def _encoded(watched: Watched, topic: str, message: Message, attributes: Attributes) -> tuple[Headers, bytes]:
    if isinstance(message, Command):
        return LocalOfficers.of(watched.stack.state_dir).headers(topic, message, attributes)
    return encode(message, attributes)
