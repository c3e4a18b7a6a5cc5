"""Records as strangers might write them: good ones, good ones with a fault or two, and anything at all."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from conduit_contracts.topics import PARTNER_REFERRALS, Topic
from contracts.tests.support import examples
from tests.fuzz.faults import (
    STRUCTURED,
    Headers,
    alteration,
    damages,
    header_faults,
    header_names,
    header_values,
    json_values,
    paths,
)

LONGEST_VALUE = 1_500_000


@dataclass(frozen=True, slots=True)
class Wire:
    """One record, in the bytes that Kafka takes. Names of headers are bytes too: other clients check nothing."""

    topic: str
    partition: int
    key: bytes | None
    headers: tuple[tuple[bytes, bytes | None], ...]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose topic it is, and what a good record of it says of itself."""

    topic: Topic
    principal: str
    known: tuple[str, ...]
    """References of referrals that the hub holds, or ids of cases that the force holds."""


def wires(sender: Sender) -> st.SearchStrategy[Wire]:
    """Records to the topic of one partner or force."""
    kinds = {"good": _good(sender), "altered": _altered(sender), "anything": _anything(sender)}
    return st.sampled_from(["good"] * 2 + ["altered"] * 6 + ["anything"]).flatmap(kinds.__getitem__)


@st.composite
def _message(draw: st.DrawFn, sender: Sender) -> tuple[str, Any]:
    """A type of the topic and a value in order for it."""
    message = draw(st.sampled_from(sender.topic.messages))
    value = copy.deepcopy(examples()[message.type].value)
    if sender.topic is PARTNER_REFERRALS:
        reference = draw(st.sampled_from([*sender.known, *(f"FUZZ-{number}" for number in range(40))]))
        own = next((value[part] for part in ("referral", "supplement") if part in value), value)
        own |= {"partner_id": sender.principal, "partner_reference": reference}
        if "mou_reference" in own:
            own |= {"mou_reference": f"MOU-{sender.principal.upper()}", "reported_at": "2026-10-20T09:30:00Z"}
    else:
        unknown = draw(st.uuids(version=4)).hex
        stranger = f"{unknown[:8]}-{unknown[8:12]}-7{unknown[13:16]}-8{unknown[17:20]}-{unknown[20:]}"
        value |= {
            "force_id": sender.principal,
            "referral_id": draw(st.sampled_from([*sender.known, *sender.known, stranger])),
        }
    return message.type, value


@st.composite
def _attributes(draw: st.DrawFn, kind: str) -> dict[str, str]:
    names = {
        "specversion": "1.0",
        "id": draw(st.sampled_from(["same", "same again"]) | st.uuids().map(str)),
        "source": "/fuzz",
        "type": kind,
        "time": "2026-11-23T09:30:00+00:00",
    }
    return names | draw(st.sampled_from([{}, {"subject": "x"}, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}]))


def _binary(attributes: dict[str, str]) -> Headers:
    named = {name if name == "traceparent" else f"ce_{name}": text for name, text in attributes.items()}
    return [(name.encode(), text.encode()) for name, text in {**named, "content-type": "application/json"}.items()]


@st.composite
def _good(draw: st.DrawFn, sender: Sender) -> Wire:
    """In order, in one of the two modes."""
    kind, value = draw(_message(sender))
    attributes = draw(_attributes(kind))
    if draw(st.integers(0, 2)):
        return _wire(draw, sender, _binary(attributes), json.dumps(value).encode())
    whole = json.dumps({**attributes, "data": value}).encode()
    return _wire(draw, sender, [(b"content-type", draw(st.sampled_from(STRUCTURED[:3])).encode())], whole)


@st.composite
def _altered(draw: st.DrawFn, sender: Sender) -> Wire:
    """A good record with faults in its JSON, its headers or its bytes."""
    kind, value = draw(_message(sender))
    attributes: dict[str, Any] = draw(_attributes(kind))
    structured = draw(st.integers(0, 3)) == 0
    if structured:
        value = {**attributes, "datacontenttype": "application/json", "data": value}
    # Mostly one fault alone: of several, the first would hide the others.
    in_json, in_headers, in_bytes = draw(st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 1), (2, 0, 0), (1, 2, 1)]))
    for _ in range(in_json):
        value = draw(alteration(value)) if paths(value)[1:] else value
    text = json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    told: Headers = [(b"content-type", draw(st.sampled_from(STRUCTURED)).encode())]
    headers = told if structured else _binary(attributes)
    for _ in range(in_headers):
        headers = draw(header_faults)(headers)
    for _ in range(in_bytes):
        text = draw(damages)(text)
    return _wire(draw, sender, headers, draw(st.sampled_from([text] * 12 + [b"", None])))


@st.composite
def _anything(draw: st.DrawFn, sender: Sender) -> Wire:
    """Bytes under headers that somebody made up; rarely, very many of them."""
    headers = draw(st.lists(st.tuples(header_names, header_values), max_size=6))
    value = draw(
        st.none() | st.binary(max_size=200) | json_values.map(lambda made: json.dumps(made).encode("utf-8", "replace"))
    )
    if value and draw(st.integers(0, 39)) == 0:
        value = (value * (LONGEST_VALUE // len(value)))[:LONGEST_VALUE]
    return _wire(draw, sender, headers, value)


def _wire(draw: st.DrawFn, sender: Sender, headers: Headers, value: bytes | None) -> Wire:
    key = draw(st.none() | st.sampled_from([b"", b"FUZZ-1", b"FUZZ-2"]) | st.binary(max_size=20))
    partition = draw(st.integers(0, sender.topic.partitions - 1))
    return Wire(sender.topic.name(sender.principal), partition, key, tuple(headers), value)
