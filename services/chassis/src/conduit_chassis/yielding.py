"""A long piece of work lets others of its process run now and then: what reads ahead for danger must not wait for it."""

import asyncio
from time import monotonic

LONGEST_SECONDS = 0.01


class Yielding:
    """Of one piece of work."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def pause(self) -> None:
        """Let others run, where the last pause is some time ago."""
        if monotonic() - self._since > LONGEST_SECONDS:
            await asyncio.sleep(0)
            self._since = monotonic()
