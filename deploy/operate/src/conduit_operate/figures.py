"""What waits in each service, read from its own database: nothing here needs Prometheus."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from conduit_chassis import rejected, unreadable
from conduit_chassis import replay as replaying
from conduit_chassis.postgres import Connection
from conduit_notification import duty_store
from conduit_notification import queue as notices
from conduit_routing import queries as routing
from conduit_triage import store as triage

_OUTBOX = """
SELECT count(*) AS to_send, extract(epoch FROM clock_timestamp() - min(created_at))::float8 AS seconds FROM outbox
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one service. `work` is what waits for people, in words, and how much of it there is."""

    to_send: int
    to_send_seconds: float
    """How long the oldest of them waits."""
    dead_letters: int
    refused: int
    """Events that Kafka would not take."""
    held: int
    """Places at which the service waits because it cannot read its topic."""
    work: Mapping[str, int]


async def _of_triage(connection: Connection) -> dict[str, int]:
    levels, now = await triage.levels(connection), datetime.now(UTC)
    late = sum(level.reviews for level in levels.values() if level.first_due < now)
    return {
        "reviews waiting": sum(level.reviews for level in levels.values()),
        "reviews at an urgency level where one is overdue": late,
    }


async def _of_routing(connection: Connection) -> dict[str, int]:
    figures = await routing.figures(connection, datetime.now(UTC))
    return {
        "hand-offs waiting": sum(figures.handoffs.values()),
        "hand-offs without a receipt in time": figures.receipt_breached,
        "hand-offs not acknowledged in time": figures.acknowledgement_breached,
        "questions to an officer": sum(figures.reviews.values()),
        "cases with no force": figures.with_nobody,
    }


async def _of_notification(connection: Connection) -> dict[str, int]:
    tasks, unanswered, _ = await duty_store.measure(connection)
    queued = await notices.measure(connection)
    return {
        "duty tasks not taken": tasks,
        "duty tasks for which everyone has been called": unanswered,
        "notices to send": sum(number for number, _ in queued.values()),
    }


_SEVERAL = re.compile(r"\b(review|hand-off|question|case|task|notice)s\b")


def _one(several: re.Match[str]) -> str:
    return several[1]


def in_words(work: Mapping[str, int]) -> str:
    """How much work of each kind there is."""
    return ", ".join(f"{number} {_SEVERAL.sub(_one, what) if number == 1 else what}" for what, number in work.items())


_WORK: Mapping[str, Callable[[Connection], Awaitable[dict[str, int]]]] = {
    "triage": _of_triage,
    "routing": _of_routing,
    "notification": _of_notification,
}


async def figures(service: str, connection: Connection) -> Figures:
    """Count what waits in this service."""
    (outbox,) = await connection.fetch(_OUTBOX)
    work = await _WORK[service](connection) if service in _WORK else {}
    return Figures(
        to_send=outbox["to_send"],
        to_send_seconds=outbox["seconds"] or 0.0,
        dead_letters=await replaying.count(connection),
        refused=await rejected.count(connection),
        held=len(await unreadable.waiting(connection)),
        work=work,
    )
