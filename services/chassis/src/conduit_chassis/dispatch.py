"""From the records of a batch to their handlers. Every service's records go through here."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from conduit_chassis.outbox import Outbox
from conduit_chassis.postgres import Connection
from conduit_chassis.records import Delivery, Incoming, Refusal


class UnitOfWork(Protocol):
    """What a batch reads, changes and publishes, in memory between one load and one save. Each service has its own."""

    @property
    def outbox(self) -> Outbox:
        """What the batch's transaction publishes."""
        ...


W = TypeVar("W", bound=UnitOfWork)
Handler: TypeAlias = Callable[[W, Delivery[Any]], None]
Handlers: TypeAlias = Mapping[str, Handler[W]]
"""By type of message. It does no I/O, and may be called again with the same record after a rollback."""
Refuses: TypeAlias = Callable[[W, Refusal], None]


def dispatch(handlers: Handlers[W], refused: Refuses[W], work: W, batch: Sequence[Incoming]) -> Iterator[None]:
    """Let each record have its effect, in order, with a pause after each."""
    for incoming in batch:
        if isinstance(incoming, Refusal):
            refused(work, incoming)
        else:
            handlers[incoming.attributes.type](work, incoming)
        yield


def put_aside(work: UnitOfWork, refusal: Refusal) -> None:
    """What cannot be read goes to the dead letters, where there is nobody to answer."""
    work.outbox.dead_letter(refusal, refusal.problems[0])


def ignore(_work: Any, _delivery: Delivery[Any]) -> None:
    """It is of no concern here."""


async def whole(_connection: Connection, _work: Any, batch: Sequence[Incoming]) -> AsyncGenerator[Sequence[Incoming], None]:
    """A batch in one part."""
    yield batch
