"""A span for each record, from the poll to the commit of the transaction that accounts for it.

A handler passes a record's attributes on as the cause of what it publishes. So they are made to name the record's span, and
what is published becomes that span's child without the handler's knowing.
"""

from collections.abc import Sequence
from typing import Any

from opentelemetry.trace import Span
from typing_extensions import override

from conduit_chassis.batch import Plan, Processor
from conduit_chassis.dead_letters import BEHIND
from conduit_chassis.errors import class_name
from conduit_chassis.kafka import Item, Reader, Record, Refusal
from conduit_chassis.runtime import Runtime
from conduit_chassis.tracing.spans import OUTCOME, RETRIED, Spans, fail, traceparent_of


class TracedProcessor(Processor):
    """Takes one batch at a time, and keeps its spans until it is done with."""

    def __init__(self, runtime: Runtime, reader: Reader, spans: Spans) -> None:
        super().__init__(runtime, reader)
        self._spans = spans
        self._open: dict[int, Span] = {}
        self._told: set[int] = set()

    @override
    async def process(self, records: Sequence[Record]) -> None:
        try:
            await super().process(records)
        except BaseException as error:  # the spans of a batch that is given up say so; whoever takes it next makes its own
            for each in self._open.keys() - self._told:
                fail(self._open[each], class_name(error))
            raise
        finally:
            for span in self._open.values():
                span.end()
            self._open.clear()
            self._told.clear()

    @override
    def _read(self, records: Sequence[Record]) -> list[Item]:
        items = super()._read(records)
        for item in items:
            span = self._open[id(item)] = self._spans.process(item, len(items))
            if item.content.attributes is not None:
                item.content.attributes = item.content.attributes._replace(traceparent=traceparent_of(span))
        return items

    @override
    async def _settle(self, items: Sequence[Item]) -> None:
        await super()._settle(items)
        for item in items:
            # It was given to nobody and was not put aside.
            self._tell(item, "duplicate" if item.replay_of is None else "replayed_without_effect")

    @override
    def _count(self, plan: Plan) -> None:
        again = dict(plan.failed_again)
        for item, cause in plan.aside:
            self._tell(item, "parked" if cause.reason == BEHIND else "dead_letter", cause.error_class or cause.reason)
        for item in plan.deliver:
            if failed := again.get(item.replay_of or 0):
                self._tell(item, "dead_letter", failed.error_class or failed.reason)
            self._tell(item, "refused" if isinstance(item.content, Refusal) else "handled")
        super()._count(plan)

    @override
    async def _isolate(self, items: Sequence[Item], error: Exception) -> None:
        await super()._isolate(items, error)
        if len(items) == 1:
            self._tell(items[0], "dead_letter", class_name(error))

    @override
    def _note_retry(self, error: Exception, attempt: int) -> None:
        super()._note_retry(error, attempt)
        for span in self._open.values():
            span.add_event(RETRIED, {"error.type": class_name(error), "attempt": attempt})

    def _tell(self, item: Item, outcome: str, error_type: str | None = None) -> None:
        """Once per record: delivered again, as tests do, it is a duplicate of itself."""
        if id(item) in self._told:
            return
        self._told.add(id(item))
        span: Any = self._open[id(item)]
        span.set_attribute(OUTCOME, outcome)
        if error_type is not None:
            fail(span, error_type)
