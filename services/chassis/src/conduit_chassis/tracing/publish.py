"""A span for each event that a transaction publishes, told of only once the transaction has committed.

Its context stands in the event's own headers, in the outbox's row: it outlives a crash, and the relay needs nothing else.

An officer may decide days after a referral came, and a force may answer later still. One trace over all that would never
be whole, and backends forget its beginning. So such an act begins a trace of its own, or goes on with its sender's, and the
event that follows from it links to where this service first published about the referral.
"""

from datetime import timedelta
from uuid import UUID

from opentelemetry.trace import Span, get_current_span
from typing_extensions import override

from conduit_chassis.observers import EventObserver
from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection, affected
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


class TracedEvents(EventObserver):
    """Begins a span with each event of a transaction."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._created: list[tuple[str | None, Span]] = []
        self._linked = 0

    @override
    def created(self, topic: str, message: Message, event_id: str, subject: str | None, cause: Attributes | None) -> str:
        span = self._spans.create(topic, message.type, event_id, subject, cause)
        self._created.append((an_id(subject), span))
        return traceparent_of(span)

    @override
    def taken_back(self, events: int) -> None:
        del self._created[len(self._created) - events :]

    @override
    async def writing(self, connection: Connection) -> None:
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
        for row in await connection.fetch(_REMEMBER, [UUID(each) for each in subjects], firsts):
            origin = get_current_span(parent_of(row["traceparent"])).get_span_context()
            for span in about[str(row["subject"])]:
                if span.get_span_context().trace_id != origin.trace_id:
                    span.add_link(origin)

    @override
    def committed(self) -> None:
        """End the spans: now there are such events."""
        for _, span in self._created:
            span.end()
        self._created.clear()
        self._linked = 0


async def forget_origins(runtime: Runtime, connection: Connection, _outbox: Outbox) -> int:
    """Forget where referrals' traces began, when the inbox forgets their records: no backend has them still."""
    return affected(await connection.execute(_FORGET, runtime.clock.now() - runtime.inbox_retention, FORGET_BATCH))


FORGET_ORIGINS = Tick("forget_trace_origins", FORGET_EVERY, forget_origins, FORGET_BATCH)
