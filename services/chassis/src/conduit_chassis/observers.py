"""Who watches a service at work. By default nobody does: each observer here is told, and does nothing with it.

Metrics (`measured`) and tracing are observers. They change nothing of what happens to records; tracing gives events the
trace context that they carry.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from conduit_chassis.postgres import Connection
from conduit_chassis.trace import child
from conduit_contracts.envelope import Attributes, Message

if TYPE_CHECKING:  # they stand on what is watched, which stands on this
    from conduit_chassis.dead_letters import Cause
    from conduit_chassis.plan import Plan
    from conduit_chassis.producer import Pending, Sent
    from conduit_chassis.records import Item


class BatchObserver:
    """Is told what happens to the records of each batch."""

    def read(self, items: Sequence["Item"]) -> None:
        """These were read, and are handled now."""

    def retried(self, error: Exception, attempt: int) -> None:
        """The attempt of this number failed, and is made again."""

    def accounted(self, plan: "Plan") -> None:
        """A transaction was committed, with this for its records."""

    def put_aside(self, item: "Item", cause: "Cause") -> None:
        """This one failed alone, and is a dead letter."""

    def ordered(self, template: str, *, restored: bool) -> None:
        """An operator's order was heeded: what it names was restored, or is not there."""

    def settled(self, items: Sequence["Item"]) -> None:
        """These are accounted for, one way or another."""

    def done(self, records: int, seconds: float) -> None:
        """So many records of a batch are all accounted for, after so long."""

    def given_up(self, error: BaseException) -> None:
        """The batch ends unfinished. The next process that gets its records starts again."""


class EventObserver:
    """Is told of the events of one transaction."""

    def created(
        self,
        topic: str,  # noqa: ARG002
        message: Message,  # noqa: ARG002
        event_id: str,  # noqa: ARG002
        subject: str | None,  # noqa: ARG002
        cause: Attributes | None,
    ) -> str:
        """An event is made; returns the trace context that it carries, which goes on from its cause."""
        return child(cause.traceparent if cause else None)

    def taken_back(self, events: int) -> None:
        """The last so many are not published after all."""

    async def writing(self, connection: Connection) -> None:
        """What was made since the last time is about to be written."""

    def committed(self) -> None:
        """Now there are such events."""


class SendObserver:
    """Is told of events on their way from the outbox to Kafka."""

    def sending(self, rows: Sequence["Pending"]) -> Any:
        """These are given to the producer; returns what is given back when they are under way."""

    def sent(self, given: Any, batches: Sequence["Sent"]) -> None:
        """They are under way."""

    def not_sent(self, given: Any, error: BaseException) -> None:
        """The producer did not take them all."""


class BatchObservers(BatchObserver):
    """Several, each told in turn."""

    def __init__(self, *observers: BatchObserver) -> None:
        self._observers = observers

    @override
    def read(self, items: Sequence["Item"]) -> None:
        for each in self._observers:
            each.read(items)

    @override
    def retried(self, error: Exception, attempt: int) -> None:
        for each in self._observers:
            each.retried(error, attempt)

    @override
    def accounted(self, plan: "Plan") -> None:
        for each in self._observers:
            each.accounted(plan)

    @override
    def put_aside(self, item: "Item", cause: "Cause") -> None:
        for each in self._observers:
            each.put_aside(item, cause)

    @override
    def ordered(self, template: str, *, restored: bool) -> None:
        for each in self._observers:
            each.ordered(template, restored=restored)

    @override
    def settled(self, items: Sequence["Item"]) -> None:
        for each in self._observers:
            each.settled(items)

    @override
    def done(self, records: int, seconds: float) -> None:
        for each in self._observers:
            each.done(records, seconds)

    @override
    def given_up(self, error: BaseException) -> None:
        for each in self._observers:
            each.given_up(error)


NO_BATCH_OBSERVER = BatchObserver()
NO_EVENT_OBSERVER = EventObserver()
NO_SEND_OBSERVER = SendObserver()


@dataclass(frozen=True)
class Observers:
    """All that watch a service."""

    batches: BatchObserver = NO_BATCH_OBSERVER
    events: Callable[[], EventObserver] = lambda: NO_EVENT_OBSERVER
    """Makes one for each transaction."""
    sends: SendObserver = NO_SEND_OBSERVER
