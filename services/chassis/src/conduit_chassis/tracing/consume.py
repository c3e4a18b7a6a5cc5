"""A span for each record, from the poll to the commit of the transaction that accounts for it.

A handler passes a record's attributes on as the cause of what it publishes. So they are made to name the record's span, and
what is published becomes that span's child without the handler's knowing.
"""

from collections.abc import Sequence
from typing import Any

from opentelemetry.trace import Span
from typing_extensions import override

from conduit_chassis.dead_letters import BEHIND, Cause
from conduit_chassis.errors import class_name
from conduit_chassis.observers import BatchObserver
from conduit_chassis.plan import Plan
from conduit_chassis.records import Item, Refusal
from conduit_chassis.tracing.spans import OUTCOME, RETRIED, Spans, fail, traceparent_of


class TracedBatches(BatchObserver):
    """Keeps the spans of one batch at a time until it is done with."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans
        self._open: dict[int, Span] = {}
        self._told: set[int] = set()

    @override
    def read(self, items: Sequence[Item]) -> None:
        for item in items:
            span = self._open[id(item)] = self._spans.process(item, len(items))
            if item.content.attributes is not None:
                item.content.attributes = item.content.attributes._replace(traceparent=traceparent_of(span))

    @override
    def retried(self, error: Exception, attempt: int) -> None:
        for span in self._open.values():
            span.add_event(RETRIED, {"error.type": class_name(error), "attempt": attempt})

    @override
    def accounted(self, plan: Plan) -> None:
        again = dict(plan.failed_again)
        for item, cause in plan.aside:
            self._tell(item, "parked" if cause.reason == BEHIND else "dead_letter", cause.error_class or cause.reason)
        for item in plan.deliver:
            if failed := again.get(item.replay_of or 0):
                self._tell(item, "dead_letter", failed.error_class or failed.reason)
            self._tell(item, "refused" if isinstance(item.content, Refusal) else "handled")

    @override
    def put_aside(self, item: Item, cause: Cause) -> None:
        self._tell(item, "dead_letter", cause.error_class or cause.reason)

    @override
    def settled(self, items: Sequence[Item]) -> None:
        for item in items:
            # It was given to nobody and was not put aside.
            self._tell(item, "duplicate" if item.replay_of is None else "replayed_without_effect")

    @override
    def done(self, records: int, seconds: float) -> None:
        self._end()

    @override
    def given_up(self, error: BaseException) -> None:
        """The spans of an abandoned batch say so; whoever takes it next makes its own."""
        for each in self._open.keys() - self._told:
            fail(self._open[each], class_name(error))
        self._end()

    def _end(self) -> None:
        for span in self._open.values():
            span.end()
        self._open.clear()
        self._told.clear()

    def _tell(self, item: Item, outcome: str, error_type: str | None = None) -> None:
        """Once per record: delivered again, as tests do, it is a duplicate of itself. What was read within a record, as of a
        batch that comes back, has no span."""
        span: Any = self._open.get(id(item))
        if span is None or id(item) in self._told:
            return
        self._told.add(id(item))
        span.set_attribute(OUTCOME, outcome)
        if error_type is not None:
            fail(span, error_type)
