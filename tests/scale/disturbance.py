"""Replicas that come and go: of every service one at a time, by SIGTERM and by `kill -9` in turn, while the others work."""

from __future__ import annotations

import threading
import time
from itertools import count
from types import TracebackType
from typing import Self

from conduit_local.stack import Stack
from conduit_local.together import together

DOWN_SECONDS = 0.3


def come_and_go(stack: Stack, turn: int) -> None:
    """One replica of each service ends and is started again. Returns when all are ready.

    With the turn changes which replica it is, and which services' replicas are killed while the others' are asked to end.
    """
    victims = []
    for place, service in enumerate(stack.options.services):
        replicas = stack.processes(service)
        victims.append((replicas[turn % len(replicas)], (turn + place) % 2 == 0))
    together(*(child.kill if killed else child.stop for child, killed in victims))
    time.sleep(DOWN_SECONDS)
    together(*(child.start for child, _ in victims))
    stack.wait_ready()


class Disturbance:
    """`with Disturbance(stack) as it:` replicas come and go until `it.enough()`. An error of it is raised at the end."""

    def __init__(self, stack: Stack, pause: float = 1.0) -> None:
        self.turns = 0
        self._stack, self._pause = stack, pause
        self._enough = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="disturbance", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.enough()
        if error is None and self._error is not None:
            raise self._error

    def enough(self) -> None:
        """Let the turn under way end, and begin no other."""
        self._enough.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for turn in count():
                come_and_go(self._stack, turn)
                self.turns += 1
                if self._enough.wait(self._pause):
                    return
        except Exception as error:  # it is raised in the test's own thread
            self._error = error
