"""A record as somebody may see it who is to find out what is wrong with it: its shape, and nothing that a person wrote.

Names of fields are shown where the contracts have them, since a name that somebody made up may itself be about a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from conduit_contracts.schemas import messages

HIDDEN = "…"
MOST_ITEMS = 20
"""Of a list; the rest is counted."""
_HEADERS: Mapping[str, re.Pattern[str]] = {
    "ce_id": re.compile(r"[0-9A-Fa-f-]{36}"),
    "ce_type": re.compile(r"uk\.conduit\.[a-z0-9.-]{1,100}"),
    "ce_specversion": re.compile(r"[0-9.]{1,5}"),
    "ce_time": re.compile(r"[0-9T:.Z+-]{10,40}"),
    "content-type": re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}"),
    "traceparent": re.compile(r"[0-9a-f-]{55}"),
}
"""Headers that are shown where they are as the contract has them."""


def value(content: bytes | None) -> Any:
    """The value's shape: objects with the contract's names, and of everything else what kind it is and how long."""
    if content is None:
        return "nothing: a tombstone"
    try:
        return _masked(json.loads(content))
    except (ValueError, RecursionError):
        return f"{len(content)} bytes that are no JSON"


def headers(found: Sequence[tuple[str, bytes | None]]) -> list[str]:
    """One line for each, in their order."""
    return [_header(name, content) for name, content in found]


def _header(name: str, content: bytes | None) -> str:
    text = None if content is None else content.decode("utf-8", "replace")
    if name not in _HEADERS:
        return f"{HIDDEN}: {_length(text)}"
    shown = text if text is not None and _HEADERS[name].fullmatch(text) else f"{HIDDEN} {_length(text)}"
    return f"{name}: {shown}"


def _length(text: str | None) -> str:
    return "null" if text is None else f"text of {len(text)}"


def _masked(found: Any) -> Any:
    match found:
        case dict():
            known = names()
            return {
                name if name in known else f"{HIDDEN} {place}": _masked(each)
                for place, (name, each) in enumerate(found.items(), 1)
            }
        case list():
            left = len(found) - MOST_ITEMS
            return [*map(_masked, found[:MOST_ITEMS]), *([f"{left} more"] if left > 0 else [])]
        case str():
            return _length(found)
        case bool():
            return "true or false"
        case None:
            return None
        case _:
            return "number"


@cache
def names() -> frozenset[str]:
    """Every field that any contract has."""
    return frozenset(_named([message.model_json_schema() for message in messages().values()]))


def _named(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(properties := found.get("properties"), dict):
            yield from properties
        for each in found.values():
            yield from _named(each)
    elif isinstance(found, list):
        for each in found:
            yield from _named(each)
