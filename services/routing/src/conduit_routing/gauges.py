"""Keeps the gauges equal to the database, in every process, so that each can be scraped alone."""

import asyncio
from datetime import datetime
from time import monotonic

from conduit_chassis import postgres
from conduit_chassis.postgres import Connection
from conduit_chassis.runtime import Runtime
from conduit_contracts.routing import RoutingReviewReason
from conduit_routing import metrics, queries
from conduit_routing.policy import PRIORITY_CLASSES

_SECONDS = 10.0
_SHARE = 0.05
"""Of the time, so much may go into counting at most: where it takes long, it is done less often."""


async def keep_gauges(runtime: Runtime) -> None:
    """Refresh the gauges for ever. A failure is the chassis' to count and to try again."""
    while True:
        started = monotonic()
        async with postgres.connection(runtime.pool) as connection:
            await measure(connection, runtime.clock.now())
        await asyncio.sleep(max(_SECONDS, (monotonic() - started) / _SHARE))


async def measure(connection: Connection, now: datetime) -> None:
    """Set every gauge. What the database does not mention is zero."""
    figures = await queries.figures(connection, now)
    for state in metrics.WAITING:
        metrics.HANDOFFS.labels(state).set(figures.handoffs.get(state, 0))
        metrics.OLDEST_HANDOFF.labels(state).set(figures.oldest_by_state.get(state, 0))
    for priority in PRIORITY_CLASSES:
        metrics.OLDEST_UNACKNOWLEDGED.labels(priority).set(figures.oldest_seconds.get(priority, 0))
    for reason in RoutingReviewReason:
        metrics.OPEN_REVIEWS.labels(reason.value).set(figures.reviews.get(reason.value, 0))
    metrics.BREACHED.labels("receipt").set(figures.receipt_breached)
    metrics.BREACHED.labels("acknowledgement").set(figures.acknowledgement_breached)
    metrics.ROUTED_TO_NOBODY.set(figures.with_nobody)
