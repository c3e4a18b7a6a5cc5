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
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from conduit_chassis.headers import unpack_headers
from conduit_chassis.producer import Pending
from conduit_chassis.records import Delivery, Item
from conduit_chassis.relay import template
from conduit_contracts.attributes import Attributes

Values: TypeAlias = dict[str, str | int | float | bool]

OUTCOME = "conduit.outcome"
BATCH_RECORDS = "conduit.batch.records"
WAITED = "conduit.outbox.waited_seconds"
RETRIED = "conduit.batch.retried"
EVENT, GROUP = events.CLOUDEVENTS_EVENT_TYPE, messaging.MESSAGING_CONSUMER_GROUP_NAME
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
        span = self._begin("process", item.content.topic.template, SpanKind.CONSUMER, parent_of(_carried(item)))
        if span.is_recording():
            span.set_attributes(_of_item(item) | {GROUP: f"conduit.{self.service}", BATCH_RECORDS: records})
        return span

    def create(self, topic: str, event: str, event_id: str, subject: str | None, cause: Attributes | None) -> Span:
        """An event, as a handler makes it. Consumers' spans have it as their parent."""
        place = template(topic)
        span = self._begin("create", place, SpanKind.PRODUCER, parent_of(cause.traceparent if cause else None))
        if span.is_recording():
            span.set_attributes(_of_place("create", place, named=place == topic) | _ids(event_id, subject) | {EVENT: event})
        return span

    def send(self, row: Pending) -> Span | None:
        """An event from the outbox to Kafka's confirmation, beside what its consumers do; None for one without a trace."""
        headers = {name: value.decode() for name, value in unpack_headers(row.headers)}
        if _TRACEPARENT not in headers:
            return None
        place = template(row.topic)
        span = self._begin("send", place, SpanKind.CLIENT, parent_of(headers[_TRACEPARENT]))
        if span.is_recording():
            ids = _ids(headers.get("ce_id"), headers.get("ce_subject"))
            span.set_attributes(_of_place("send", place, named=place == row.topic) | ids | {WAITED: row.age})
        return span

    def _begin(self, operation: str, place: str, kind: SpanKind, context: Context) -> Span:
        """Attributes are added by those who call, where the sampler wants the span: no standard one looks at them."""
        span = self.tracer.start_span(f"{operation} {place}", context, kind, record_exception=False)
        origin = get_current_span(context).get_span_context()
        if span.is_recording() and origin.is_valid and kind is not SpanKind.PRODUCER:
            span.add_link(origin)  # the conventions want the link to what created the record, parent or not
        return span


def _carried(item: Item) -> str | None:
    """The record's traceparent, also where the record could not be read."""
    if item.content.attributes is not None:
        return item.content.attributes.traceparent
    found = [value for name, value in item.record.headers if name == _TRACEPARENT and value is not None]
    return found[0].decode("ascii", "replace") if len(found) == 1 else None


def _of_item(item: Item) -> Values:
    content, record = item.content, item.record
    values = _of_place("process", content.topic.template, named=content.topic.parameter is None) | {
        messaging.MESSAGING_DESTINATION_PARTITION_ID: str(record.partition),
        messaging.MESSAGING_KAFKA_OFFSET: record.offset,
    }
    if record.value is None:
        values[messaging.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    if isinstance(content, Delivery):
        values[EVENT] = content.attributes.type  # one of those that are accepted here
    if content.attributes and not content.topic.edge:
        values |= _ids(content.attributes.id, content.attributes.subject)
    return values


def _of_place(operation: str, place: str, *, named: bool) -> Values:
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
