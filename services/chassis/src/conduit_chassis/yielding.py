"""A long piece of work lets others of its process run now and then, and stands still while danger is handled beside it.

All of a process shares one thread. Who asks a database a dozen times gets on by one answer each time that another gives
way, so giving way for a moment would not help danger much.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

LONGEST_SECONDS = 0.01
ROUNDS = 5
"""So many steps what was waiting may take each time: an answer from the network is handed on through several hands."""
MOST_SECONDS = 1.0
"""So long others stand still for danger. It may wait itself for what one of them has locked."""


class Haste:
    """Danger that is being handled in this process, if any."""

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._over = asyncio.Event()

    @asynccontextmanager
    async def made(self) -> AsyncIterator[None]:
        """The others stand still while this task does what it does here."""
        self._task = asyncio.current_task()
        self._over.clear()
        try:
            yield
        finally:
            self._task = None
            self._over.set()

    @property
    def of_others(self) -> bool:
        """Whether another task is in haste."""
        return self._task is not None and self._task is not asyncio.current_task()

    async def over(self) -> None:
        """Wait until nobody is in haste."""
        await self._over.wait()


class Yielding:
    """Of one piece of work."""

    def __init__(self, haste: Haste) -> None:
        self._haste = haste
        self._since = monotonic()
        self._patient = True

    async def pause(self) -> None:
        """Let others run, where the last pause is some time ago; wait for whoever is in haste, once."""
        if monotonic() - self._since > LONGEST_SECONDS:
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
            self._since = monotonic()
        if self._haste.of_others and self._patient:
            try:
                async with asyncio.timeout(MOST_SECONDS):
                    await self._haste.over()
            except TimeoutError:
                self._patient = False
            self._since = monotonic()
