"""A span for each event that a transaction publishes, told of only once the transaction has committed.

Its context stands in the event's own headers, in the outbox's row: it outlives a crash, and the relay needs nothing else.

An officer may decide days after a referral came, and a force may answer later still. One trace over all that would never
be whole, and backends forget its beginning. So such an act begins a trace of its own, or goes on with its sender's, and the
event that follows from it links to where this service first published about the referral.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from opentelemetry.trace import Span, get_current_span
from typing_extensions import override

from conduit_chassis.outbox import Outbox
from conduit_chassis.runtime import Runtime, Tick
from conduit_chassis.tracing.spans import Spans, an_id, parent_of, traceparent_of
from conduit_contracts.envelope import Attributes, Message

# The inserted rows are not among those selected: what comes back was there before.
_REMEMBER = """
WITH given AS (SELECT subject, traceparent FROM unnest($1::uuid[], $2::text[]) AS given (subject, traceparent)),
     added AS (
         INSERT INTO trace_origins (subject, traceparent) SELECT subject, traceparent FROM given ON CONFLICT DO NOTHING
     )
SELECT subject, traceparent FROM trace_origins WHERE subject = ANY($1::uuid[])
"""
_FORGET = """
DELETE FROM trace_origins WHERE ctid = ANY(ARRAY(SELECT ctid FROM trace_origins WHERE at < $1 LIMIT $2))
"""
FORGET_BATCH = 10_000
FORGET_EVERY = timedelta(minutes=10)


class TracedOutbox(Outbox):
    """Begins a span with each event."""

    def __init__(self, *arguments: Any, spans: Spans, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._spans = spans
        self._created: list[tuple[str | None, Span]] = []
        self._linked = 0

    @override
    def _traceparent(
        self, topic: str, message: Message, event_id: str, subject: str | None, cause: Attributes | None
    ) -> str:
        span = self._spans.create(topic, message.type, event_id, subject, cause)
        self._created.append((an_id(subject), span))
        return traceparent_of(span)

    @override
    def take_back(self, rows: int) -> None:
        gone = len(self.rows) - rows
        super().take_back(rows)
        del self._created[len(self._created) - gone :]

    @override
    async def flush(self, connection: Any) -> int:
        await self._link(connection)
        return await super().flush(connection)

    async def _link(self, connection: Any) -> None:
        """Point to the referral's first span, where that is in another trace."""
        about: dict[str, list[Span]] = {}
        created, self._linked = self._created[self._linked :], len(self._created)
        for subject, span in created:
            if subject is not None and span.is_recording():
                about.setdefault(subject, []).append(span)
        if not about:
            return
        subjects = sorted(about)  # so that two transactions wait for each other instead of deadlocking
        firsts = [traceparent_of(about[subject][0]) for subject in subjects]
        for subject, traceparent in await connection.fetch(_REMEMBER, [UUID(each) for each in subjects], firsts):
            origin = get_current_span(parent_of(traceparent)).get_span_context()
            for span in about[str(subject)]:
                if span.get_span_context().trace_id != origin.trace_id:
                    span.add_link(origin)

    def committed(self) -> None:
        """End the spans: now there are such events."""
        for _, span in self._created:
            span.end()
        self._created.clear()
        self._linked = 0


class TracedRuntime(Runtime):
    """A runtime whose outboxes begin spans."""

    def __init__(self, *arguments: Any, spans: Spans) -> None:
        super().__init__(*arguments)
        self._spans = spans

    @override
    def outbox(self) -> TracedOutbox:
        settings = self.settings
        return TracedOutbox(
            self.service.name,
            self.clock.now(),
            shards=settings.outbox_shards,
            max_bytes=settings.max_message_bytes,
            spans=self._spans,
        )

    @override
    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Any, Outbox]]:
        async with super().transaction() as (connection, outbox):
            yield connection, outbox
        if isinstance(outbox, TracedOutbox):
            outbox.committed()


def forget_origins(runtime: Runtime) -> Tick:
    """Forgets where referrals' traces began, when the inbox forgets their records: no backend has them still."""

    async def run(connection: Any, _outbox: Outbox, now: datetime) -> int:
        status: str = await connection.execute(_FORGET, now - runtime.inbox_retention, FORGET_BATCH)
        return int(status.rpartition(" ")[2])

    return Tick("forget_trace_origins", FORGET_EVERY, run, FORGET_BATCH)
