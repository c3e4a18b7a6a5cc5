"""Finds fields that appear more than once in a JSON object.

Parsers disagree about which one counts, and mostly do not report it: `"immediate_danger": true, … "immediate_danger": false`
would silently mean no. So where senders get answers, such a record is refused.
"""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from conduit_contracts.problems import Location

_Pairs: TypeAlias = list[tuple[str, Any]]


class _Repeated(Exception):  # noqa: N818 - a signal, not an error
    """Raised by the first object that has a field twice."""


class _Object:
    """An object as it was written."""

    def __init__(self, pairs: _Pairs) -> None:
        self.pairs = pairs


def repeated_fields(text: str) -> list[Location]:
    """Where fields are repeated, in the order of the text. If there are none, this takes one pass of a parser in C.

    Raises:
        ValueError: the text is no JSON.
        RecursionError: it is nested deeper than the interpreter goes.
    """
    try:
        _quick(text)
    except _Repeated:
        return list(_walk(json.loads(text, object_pairs_hook=_Object, parse_int=str), ()))
    return []


def _once_each(pairs: _Pairs) -> None:
    if len(dict(pairs)) != len(pairs):
        raise _Repeated


# Numbers are not read here, so that one of thousands of digits in a member that nobody reads does no harm.
_quick = json.JSONDecoder(object_pairs_hook=_once_each, parse_int=str).decode


def _walk(node: Any, path: Location) -> Iterator[Location]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _walk(item, (*path, index))
    elif isinstance(node, _Object):
        seen = set()
        for name, item in node.pairs:
            if name in seen:
                yield (*path, name)
            seen.add(name)
            yield from _walk(item, (*path, name))
