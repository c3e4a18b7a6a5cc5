"""A span for each event on its way from the outbox to Kafka's confirmation.

One that is sent again after a failure has a span for each time.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from opentelemetry.semconv._incubating.attributes.messaging_attributes import MESSAGING_DESTINATION_PARTITION_ID
from opentelemetry.trace import Span
from typing_extensions import override

from conduit_chassis.errors import class_name
from conduit_chassis.producer import Pending, Producer, Sent
from conduit_chassis.settings import Settings
from conduit_chassis.tracing.spans import Spans, fail


class TracedProducer(Producer):
    """A producer that says how long each event took."""

    def __init__(self, settings: Settings, name: str, spans: Spans) -> None:
        super().__init__(settings, name)
        self._spans = spans

    @override
    async def send(self, rows: Sequence[Pending]) -> list[Sent]:
        begun = {row.id: span for row in rows if (span := self._spans.send(row)) is not None}
        try:
            sent = await super().send(rows)
        except BaseException as error:
            for span in begun.values():
                fail(span, class_name(error))
                span.end()
            raise
        for batch in sent:
            batch.future.add_done_callback(partial(_end, [begun[each] for each in batch.ids if each in begun]))
        return sent


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
