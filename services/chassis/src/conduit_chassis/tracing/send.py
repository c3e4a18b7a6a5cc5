"""A span for each event on its way from the outbox to Kafka's confirmation.

One that is sent again after a failure has a span for each time.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opentelemetry.semconv._incubating.attributes.messaging_attributes import MESSAGING_DESTINATION_PARTITION_ID
from opentelemetry.trace import Span
from typing_extensions import override

from conduit_chassis.errors import class_name
from conduit_chassis.observers import SendObserver
from conduit_chassis.producer import Pending, Sent
from conduit_chassis.tracing.spans import Spans, fail


class TracedSends(SendObserver):
    """Says how long each event took."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    @override
    def sending(self, rows: Sequence[Pending]) -> Mapping[int, Span]:
        return {row.id: span for row in rows if (span := self._spans.send(row)) is not None}

    @override
    def sent(self, given: Mapping[int, Span], batches: Sequence[Sent]) -> None:
        for batch in batches:
            batch.future.add_done_callback(partial(_end, [given[each] for each in batch.ids if each in given]))

    @override
    def not_sent(self, given: Mapping[int, Span], error: BaseException) -> None:
        for span in given.values():
            fail(span, class_name(error))
            span.end()


def _end(spans: Sequence[Span], future: Any) -> None:
    error = None if future.cancelled() else future.exception()
    for span in spans:
        if future.cancelled():
            fail(span, "cancelled")
        elif error is not None:
            fail(span, class_name(error))
        else:
            span.set_attribute(MESSAGING_DESTINATION_PARTITION_ID, str(future.result().partition))
        span.end()
