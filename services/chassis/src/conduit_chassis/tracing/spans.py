"""The spans of a record's way, after OpenTelemetry's messaging conventions (semantic conventions 1.41).

Nothing stands on a span but what this module puts there: numbers, the registry's names, types of messages, and ids that
the hub gave. A partner's or force's topic appears as its template. Text from outside never appears, in whatever header it
came.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry.context import Context
from opentelemetry.semconv._incubating.attributes import cloudevents_attributes as events
from opentelemetry.semconv._incubating.attributes import messaging_attributes as messaging
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from conduit_chassis.kafka import Delivery, Item
from conduit_chassis.outbox import unpack_headers
from conduit_chassis.producer import Pending
from conduit_chassis.relay import template
from conduit_contracts.attributes import Attributes

Values: TypeAlias = dict[str, str | int | float | bool]

OUTCOME = "conduit.outcome"
BATCH_RECORDS = "conduit.batch.records"
WAITED = "conduit.outbox.waited_seconds"
RETRIED = "conduit.batch.retried"
_TRACEPARENT = "traceparent"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_propagator = TraceContextTextMapPropagator()


def parent_of(traceparent: str | None) -> Context:
    """What a `traceparent` names, or nothing where there is none or it is malformed: then a trace begins.

    `tracestate` is not read: it is other systems' text, which spans would carry to whoever reads traces, and events to
    other organisations. W3C's Trace Context lets a system that is careful about personal data leave it out.
    """
    return _propagator.extract({_TRACEPARENT: traceparent} if traceparent else {}, Context())


def traceparent_of(span: Span) -> str:
    """How an event's header or another service names this span."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 1:02x}"


def links_to(context: Context) -> list[Link]:
    """The conventions' link to what created a record, besides its being the parent."""
    found = get_current_span(context).get_span_context()
    return [Link(found)] if found.is_valid else []


def an_id(text: str | None) -> str | None:
    """The text where it is a UUID, as all ids are that the hub gives."""
    return text if text and _UUID.fullmatch(text) else None


def fail(span: Span, error_type: str) -> None:
    """Mark a span as failed, by the class or the code of what went wrong."""
    span.set_attribute(ERROR_TYPE, error_type)
    span.set_status(Status(StatusCode.ERROR))


@dataclass(frozen=True)
class Spans:
    """Begins the spans of one service."""

    tracer: Tracer
    service: str

    def process(self, item: Item, records: int) -> Span:
        """A record in its batch: from the poll to the commit. Its producer's span is its parent."""
        content, record = item.content, item.record
        values = _of_message("process", content.topic.template, named=content.topic.parameter is None)
        values |= {
            messaging.MESSAGING_CONSUMER_GROUP_NAME: f"conduit.{self.service}",
            messaging.MESSAGING_DESTINATION_PARTITION_ID: str(record.partition),
            messaging.MESSAGING_KAFKA_OFFSET: record.offset,
            BATCH_RECORDS: records,
        }
        if record.value is None:
            values[messaging.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
        if isinstance(content, Delivery):
            values[events.CLOUDEVENTS_EVENT_TYPE] = content.attributes.type  # one of those that are accepted here
        if content.attributes and not content.topic.edge:
            values |= _ids(content.attributes.id, content.attributes.subject)
        context = parent_of(_carried(item))
        return self._start("process", values, SpanKind.CONSUMER, context, links_to(context))

    def create(self, topic: str, event: str, event_id: str, subject: str | None, cause: Attributes | None) -> Span:
        """An event, as a handler makes it. Consumers' spans have it as their parent."""
        context = parent_of(cause.traceparent if cause else None)
        values = _of_message("create", template(topic), named=template(topic) == topic)
        values |= _ids(event_id, subject) | {events.CLOUDEVENTS_EVENT_TYPE: event}
        return self._start("create", values, SpanKind.PRODUCER, context, [])

    def send(self, row: Pending) -> Span | None:
        """An event from the outbox to Kafka's confirmation, beside what its consumers do; None for one without a trace."""
        headers = {name: value.decode() for name, value in unpack_headers(row.headers)}
        if _TRACEPARENT not in headers:
            return None
        context = parent_of(headers[_TRACEPARENT])
        values = _of_message("send", template(row.topic), named=template(row.topic) == row.topic)
        values |= _ids(headers.get("ce_id"), headers.get("ce_subject")) | {WAITED: row.age}
        return self._start("send", values, SpanKind.CLIENT, context, links_to(context))

    def _start(self, operation: str, values: Values, kind: SpanKind, context: Context, links: list[Link]) -> Span:
        name = f"{operation} {values[messaging.MESSAGING_DESTINATION_TEMPLATE]}"
        return self.tracer.start_span(name, context, kind, values, links, record_exception=False)


def _carried(item: Item) -> str | None:
    """The record's traceparent, also where the record could not be read."""
    if item.content.attributes is not None:
        return item.content.attributes.traceparent
    found = [value for name, value in item.record.headers if name == _TRACEPARENT and value is not None]
    return found[0].decode("ascii", "replace") if len(found) == 1 else None


def _of_message(operation: str, place: str, *, named: bool) -> Values:
    values: Values = {
        messaging.MESSAGING_SYSTEM: "kafka",
        messaging.MESSAGING_OPERATION_NAME: operation,
        messaging.MESSAGING_OPERATION_TYPE: operation,
        messaging.MESSAGING_DESTINATION_TEMPLATE: place,
    }
    # With the referral's id beside it, a partner's or a force's own topic would say whose case this is.
    return values | {messaging.MESSAGING_DESTINATION_NAME: place} if named else values


def _ids(event_id: str | None, subject: str | None) -> Values:
    values: Values = {}
    if found := an_id(event_id):
        values[messaging.MESSAGING_MESSAGE_ID] = found
    if found := an_id(subject):
        values[messaging.MESSAGING_MESSAGE_CONVERSATION_ID] = found
    return values
