"""Keeps a running stack running: starts what ended by itself, and starts again what `conduit restart` asks for.

A process that ends again and again is started after ever longer pauses, so that it harms nobody and its log can be read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conduit_local import restarts
from conduit_local.children import Child, ChildError

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
WELL_SECONDS = 60.0
"""A process that ran so long is counted as well again: its next pause is a short one."""
STARTING = (ChildError, OSError, RuntimeError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the stack."""

    name: str
    child: Callable[[], Child | None]
    """The process, which for a server is another one after each start; None where it was never started."""
    start: Callable[[], None]


@dataclass(slots=True)
class _Seen:
    starts: int = 0
    """Since it was last well."""
    started_at: float = 0.0
    due_at: float | None = None
    """When it is to be started; None while it runs."""


def pause(starts: int) -> float:
    """Seconds until a process that ended is started, given how often it was started lately: 1, 2, 4 and so on up to 60."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(starts, 10))


class Keeper:
    """`look` is called about once a second."""

    def __init__(
        self,
        parts: Callable[[], Sequence[Part]],
        state_dir: Path,
        restart: Callable[[str], None],
        tell: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`restart` starts every process of a service again, one after the other."""
        self._parts, self._state_dir, self._restart, self._tell, self._now = parts, state_dir, restart, tell, now
        self._seen: dict[str, _Seen] = {}
        restarts.forget(state_dir)  # orders to a stack that was killed before it heard of them

    def look(self) -> None:
        """Never raises for a process that does not start: it is tried again."""
        for service in restarts.ordered(self._state_dir):
            self._obey(service)
        for part in self._parts():
            self._keep(part)

    def _obey(self, service: str) -> None:
        self._tell(f"{service} is started again, as somebody asked for it")
        try:
            self._restart(service)
        except STARTING as error:
            self._tell(f"{service} did not start: {error}")
        finally:
            restarts.done(self._state_dir, service)

    def _keep(self, part: Part) -> None:
        seen, child = self._seen.setdefault(part.name, _Seen()), part.child()
        if child is None or child.alive:
            seen.due_at = None
            if self._now() - seen.started_at >= WELL_SECONDS:
                seen.starts = 0
        elif seen.due_at is None:
            seconds = pause(seen.starts)
            seen.due_at = self._now() + seconds
            self._tell(
                f"{part.name} ended ({child.exit_code}) and is started again in {seconds:.0f} s; its log is {child.log_path}"
            )
        elif self._now() >= seen.due_at:
            self._start(part, seen)

    def _start(self, part: Part, seen: _Seen) -> None:
        seen.starts, seen.started_at, seen.due_at = seen.starts + 1, self._now(), None
        try:
            part.start()
        except STARTING as error:
            self._tell(f"{part.name} did not start: {error}")
        else:
            self._tell(f"{part.name} was started again")
