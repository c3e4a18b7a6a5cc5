"""Follows a topic, oldest first, at least once, and goes on where the reader of this name left off."""

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from conduit_contracts.kits.reader import Reader, Received

Item = TypeVar("Item")


class Following(Generic[Item]):
    """`async with ... as items: async for item in items: ...`. An item counts as dealt with when the next is asked for, or
    when the block is left without an error."""

    def __init__(self, reader: Reader, made: Callable[[Received], Item]) -> None:
        """`made` makes an item of what was received."""
        self._reader, self._made = reader, made
        self._current: Received | None = None

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self._confirm()
        finally:
            await self._reader.__aexit__(kind, error, trace)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        await self._confirm()
        self._current = await self._reader.next()
        return self._made(self._current)

    async def _confirm(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            await self._reader.confirm(current)
