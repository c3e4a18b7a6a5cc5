"""JSON as senders write it: what cannot be read is named, and different spellings of one value become one.

Whoever sends null means that there is nothing, and 6.0 is a whole number in JSON Schema's own words.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from pydantic_core import from_json

from conduit_contracts.base import KNOWN_NAMES

_Location: TypeAlias = tuple[int | str, ...]
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
BY_ZLIB = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
"""How gzip and zlib begin."""
_COMPRESSED = (*BY_ZLIB, b"\x28\xb5\x2f\xfd")
"""And zstd."""
_OF_A_REGISTRY = re.compile(rb"\0.{4}\s*[{\[]", re.DOTALL)
"""A zero, the number of a schema, and the message: as the serializers of a schema registry write it."""
LONGEST_LIST = 500
"""The most entries in any list that a partner, force or officer can send."""
_MOST_DIGITS = 300
_MOST_FAULTS = 20
_ENDLESS = float("inf")
_SURROGATE = re.compile("[\ud800-\udfff]")

NOT_JSON = "The value is not valid JSON. Send one JSON object in UTF-8."
WITH_MARK = "This begins with a byte-order mark. Send UTF-8 without one."
COMPRESSED = "This is compressed. Send plain JSON; a Kafka client can compress its batches with compression.type."
OF_A_REGISTRY = "This begins with the five bytes of a schema registry. Send the JSON alone, with a plain serializer."
NOT_UTF8 = "This is not UTF-8. Send one JSON object in UTF-8."
TOO_DEEP = "This is nested more deeply than any message is, so it was not read. Check the structure of the value."
LONE_SURROGATE = "This contains half of a character: a lone surrogate such as \\ud83d. Send whole characters."
ENDLESS = "This is not a finite number: NaN, Infinity, or too many digits. Send a number of at most 300 digits."


class Fault(NamedTuple):
    """What makes a JSON text unreadable, and where. Without a location, the whole text is meant."""

    code: str
    location: _Location
    message: str


class Unreadable(ValueError):  # noqa: N818 - named for what the text is
    """The text cannot be read as JSON."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("unreadable")
        self.faults = faults


def has_endless_list(text: bytes) -> bool:
    """Whether a list is longer than any contract allows. Fast, and False for what is not JSON."""
    try:
        waiting = [from_json(text)]
    except ValueError:
        return False
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            if len(value) > LONGEST_LIST:
                return True
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
    return False


def parse(text: bytes) -> Any:
    """The value, for a second look at what was refused.

    Raises:
        Unreadable: with every reason, each where it stands.
    """
    value, faults = look(text)
    if faults:
        raise Unreadable(*faults)
    return value


def look(text: bytes) -> tuple[Any, tuple[Fault, ...]]:
    """The value as far as it can be read, and the faults within it, at most twenty.

    Raises:
        Unreadable: nothing of it can be read.
    """
    if text.startswith(_BYTE_ORDER_MARKS):
        raise Unreadable(Fault("json_invalid", (), WITH_MARK))
    if text.startswith(_COMPRESSED):
        raise Unreadable(Fault("json_invalid", (), COMPRESSED))
    if _OF_A_REGISTRY.match(text):
        raise Unreadable(Fault("json_invalid", (), OF_A_REGISTRY))
    try:
        value = _decoder.decode(text.decode("utf-8", "surrogatepass"))
        faults = tuple(islice(_faults(value, ()), _MOST_FAULTS))
    except UnicodeDecodeError:
        raise Unreadable(Fault("json_invalid", (), NOT_UTF8)) from None
    except RecursionError:
        raise Unreadable(Fault("json_invalid", (), TOO_DEEP)) from None
    except ValueError:
        raise Unreadable(Fault("json_invalid", (), NOT_JSON)) from None
    return value, faults


def plain(value: Any, most: int | None = None) -> Any:
    """The same, without the fields of the contracts that are null, and with whole numbers written as such. Of each list the
    first `most` entries, where that is given."""
    if isinstance(value, dict):
        given = ((name, inner) for name, inner in value.items() if inner is not None or name not in KNOWN_NAMES)
        return {name: plain(inner, most) for name, inner in given}
    if isinstance(value, list):
        return [plain(inner, most) for inner in value[:most]]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else _ENDLESS


_decoder = json.JSONDecoder(parse_int=_whole, parse_constant=lambda _: _ENDLESS)


def _faults(value: Any, location: _Location) -> Iterator[Fault]:
    if isinstance(value, str) and _SURROGATE.search(value):
        yield Fault("json_invalid", location, LONE_SURROGATE)
    elif isinstance(value, float) and not isfinite(value):
        yield Fault("value_out_of_range", location, ENDLESS)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _SURROGATE.search(name):
                yield Fault("json_invalid", location, LONE_SURROGATE)
            yield from _faults(inner, (*location, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _faults(inner, (*location, index))
