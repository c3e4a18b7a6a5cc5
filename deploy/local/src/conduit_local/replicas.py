"""The processes of the services: each service's replicas, numbered from 1, each with its own port, log and address.

The first replica bears its service's name alone, the others the name and their number: `triage`, `triage-2`, `triage-3`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from conduit_local.children import Child
from conduit_local.rows import Row, child_row
from conduit_operate.health import is_ready
from conduit_operate.polling import wait_until

READY_SECONDS = 240.0


def process_name(service: str, number: int) -> str:
    """What a replica's log, port and row in the status table are called."""
    return service if number == 1 else f"{service}-{number}"


def replicas_of(wanted: int | Mapping[str, int], service: str) -> int:
    """How many replicas the service is to have; one where a mapping does not name it.

    Raises:
        ValueError: fewer than one.
    """
    number = wanted if isinstance(wanted, int) else wanted.get(service, 1)
    if number < 1:
        raise ValueError(f"{service} needs at least one replica, not {number}")
    return number


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of a service."""

    service: str
    number: int
    child: Child
    url: str


@dataclass(slots=True)
class Replicas:
    """Those that have been started, by service and number."""

    _found: dict[tuple[str, int], Replica] = field(default_factory=dict)

    def add(self, replica: Replica) -> None:
        self._found[replica.service, replica.number] = replica

    def get(self, service: str, number: int = 1) -> Replica:
        """Raises KeyError where no such replica was started."""
        return self._found[service, number]

    def of(self, *services: str) -> list[Replica]:
        """All replicas of these services, service by service."""
        return [self._found[key] for service in services for key in sorted(self._found) if key[0] == service]

    def urls(self, service: str) -> list[str]:
        """Where its replicas answer, the first one first."""
        return [replica.url for replica in self.of(service)]

    def wait_ready(self, *services: str, timeout: float) -> None:
        """Until every replica of these services is ready; raises with the end of the log of one that has ended."""
        for replica in self.of(*services):
            _wait(replica, timeout)

    def restart(self, service: str, timeout: float) -> None:
        """Stop and start its replicas, each once the one before it is ready; raises as `wait_ready` does."""
        for replica in self.of(service):
            replica.child.restart()
            _wait(replica, timeout)

    def rows(self, wanted: Mapping[str, int]) -> Iterator[Row]:
        """What runs now of the replicas that there are to be. Asks each whether it is ready."""
        for service, count in wanted.items():
            for number in range(1, count + 1):
                replica = self._found.get((service, number))
                if replica is None:
                    yield Row(process_name(service, number), "waiting")
                else:
                    yield child_row(replica.child.name, replica.child, replica.url, partial(is_ready, replica.url))


def _wait(replica: Replica, timeout: float) -> None:
    child = replica.child
    otherwise = f"{child.name} is not ready (see {child.log_path})"
    wait_until(partial(is_ready, replica.url), otherwise, timeout, child.ensure_alive)
