"""So many attempts at once, and some more for danger alone, which never waits behind what is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FOR_DANGER = 1
"""Attempts and connections besides the others, so that a notice of danger waits for none of them."""


class Turns:
    """`async with turns.one(urgent=…)` goes on once there is one to have."""

    def __init__(self, at_once: int, for_danger: int) -> None:
        self._at_once, self._for_danger = at_once, for_danger
        self._running = 0
        self._dangers_waiting = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def one(self, *, urgent: bool) -> AsyncIterator[None]:
        """A turn. Those that wait have theirs in the order in which they came, danger first."""
        async with self._changed:
            self._dangers_waiting += urgent
            try:
                await self._changed.wait_for(lambda: self._is_free(urgent=urgent))
            finally:
                self._dangers_waiting -= urgent
            self._running += 1
        try:
            yield
        finally:
            async with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _is_free(self, *, urgent: bool) -> bool:
        if urgent:
            return self._running < self._at_once + self._for_danger
        return self._running < self._at_once and not self._dangers_waiting
