"""What can be wrong with a record: in its JSON, in its bytes, in its headers."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from hypothesis import strategies as st

from conduit_contracts.schemas import messages

CANARY = "Zq7Canary"
"""Stands in every text that is made up here, and must never be found in a log."""
STRUCTURED = [
    "application/cloudevents+json",
    "Application/CloudEvents+JSON; charset=UTF-8",
    "application/cloudevents+json;charset=utf-8",
    "application/cloudevents-batch+json",
    "application/cloudevents+avro",
]
"""Content types of structured mode. The last two nobody reads here."""

Headers: TypeAlias = list[tuple[bytes, bytes | None]]

_words = st.text(max_size=12).map(lambda text: f"{CANARY} {text}")
_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    _words,
    st.sampled_from(
        [
            "",
            "0",
            "1795426200",
            "2026-11-23",
            "2026-11-23T09:30:00Z",
            "0001-01-01T00:00:00+14:00",
            "\x00",
            "named_with_consent",
        ]
    ),
)
_field_names = _words | st.text(max_size=5)
json_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_field_names, inner, max_size=3), max_leaves=6
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, item in steps for found in paths(item, (*path, step)))]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@st.composite
def alteration(draw: st.DrawFn, value: Any) -> Any:
    """The same JSON with one thing in it changed, added, taken away or doubled."""
    path = draw(st.sampled_from([each for each in paths(value) if each]))
    holder, last = _at(value, path[:-1]), path[-1]
    what = draw(st.sampled_from(["replace", "replace", "remove", "add", "double"]))
    if what == "remove":
        del holder[last]
    elif what == "add" and isinstance(holder, dict):
        holder[draw(_words | st.sampled_from(["imediate_danger", "referral", "id", "__proto__"]))] = draw(json_values)
    elif what == "double" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))
    else:
        holder[last] = draw(json_values)
    return value


def _damage_at(change: Callable[[bytes, int, bytes], bytes]) -> st.SearchStrategy[Callable[[bytes], bytes]]:
    def made(share: float, extra: bytes) -> Callable[[bytes], bytes]:
        return lambda text: change(text, int(share * len(text)), extra)

    return st.builds(made, st.floats(0, 1), st.binary(max_size=6))


damages: st.SearchStrategy[Callable[[bytes], bytes]] = st.one_of(
    _damage_at(lambda text, at, _: text[:at]),
    _damage_at(lambda text, at, extra: text[:at] + extra + text[at:]),
    _damage_at(lambda text, at, extra: text[:at] + extra + text[at + len(extra) :]),
    st.sampled_from(
        [
            lambda text: b"\xef\xbb\xbf" + text,
            lambda text: text.decode("utf-8", "replace").encode("utf-16"),
            lambda text: text + text,
            lambda text: b" \n\t" + text + b"\r\n",
            lambda text: text.replace(b'"immediate_danger":', b'"immediate_danger": true, "immediate_danger" :'),
            lambda text: re.sub(rb'("\w+": )(?=")', rb'\1"", \1', text, count=1),
            lambda text: re.sub(rb'("\w+_id": )(?=")', rb'\1"", \1', text),
            lambda text: text.replace(b"false", b"NaN"),
            lambda text: text.replace(b"true", b"-Infinity"),
            lambda text: text.replace(b"null", b"1e999"),
            lambda text: text.replace(b": 1", b": 1" + b"0" * 5_000),
            lambda text: text.replace(b'"partner_reference": "', b'"partner_reference": "\\ud800'),
            lambda _: b'{"referral": ' * 300 + b"1" + b"}" * 300,
            lambda _: b"[" * 20_000,
            lambda text: text.replace(b"comment", b"c\\u006fmment"),
        ]
    ),
)

header_names = st.one_of(
    st.sampled_from(
        [
            b"ce_id",
            b"ce_type",
            b"ce_time",
            b"ce_source",
            b"ce_specversion",
            b"ce_subject",
            b"ce_",
            b"content-type",
            b"traceparent",
        ]
    ),
    st.sampled_from([b"conduit-replay-of", b"Content-Type", b"CE_ID", b"", b"x" * 300]),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=6),
)
header_values = st.one_of(
    st.none(),
    st.binary(max_size=12),
    _words.map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([b"", b"1.0", b"intake/1", b"routing/1", b"\xff\xfe", b"x" * 2_000, b"y" * 100_000]),
    st.sampled_from(STRUCTURED).map(str.encode),
    st.sampled_from(sorted(messages())).map(str.encode),
)


def _without(place: int) -> Callable[[Headers], Headers]:
    return lambda headers: [each for number, each in enumerate(headers) if number != place % max(1, len(headers))]


def _with(name: bytes, value: bytes | None, first: bool) -> Callable[[Headers], Headers]:
    return lambda headers: [(name, value), *headers] if first else [*headers, (name, value)]


def _instead(name: bytes, value: bytes | None) -> Callable[[Headers], Headers]:
    return lambda headers: [(each, value if each == name else old) for each, old in headers]


header_faults: st.SearchStrategy[Callable[[Headers], Headers]] = st.one_of(
    st.builds(_without, st.integers(0, 9)),
    st.builds(_with, header_names, header_values, st.booleans()),
    st.builds(_instead, header_names, header_values),
)
