"""The canonical examples, as the tests read them."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from conduit_contracts.schemas import CHECKOUT

Json = Any
Path = tuple[str | int, ...]


class Example(NamedTuple):
    """One canonical record."""

    headers: dict[str, str]
    key: str
    value: dict[str, Json]

    @property
    def raw_headers(self) -> list[tuple[str, bytes | None]]:
        """The headers as Kafka gives them."""
        return [(name, text.encode()) for name, text in self.headers.items()]

    @property
    def raw_value(self) -> bytes:
        """The value as Kafka gives it."""
        return json.dumps(self.value).encode()


@cache
def examples() -> dict[str, Example]:
    """Every canonical example by its file's name, which is the message's type."""
    return {
        path.stem: Example(**json.loads(path.read_text(encoding="utf-8")))
        for path in sorted((CHECKOUT / "examples").glob("*.json"))
    }


def places_in(value: Json, path: Path = ()) -> Iterator[Path]:
    """The path of every part of a value, the whole one first."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from places_in(item, (*path, step))


def at(value: Json, path: Path) -> Json:
    """What stands there."""
    for step in path:
        value = value[step]
    return value
