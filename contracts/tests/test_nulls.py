"""At the edges null means absent, in every optional field of every message."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts.envelope import Undecodable, decode
from conduit_contracts.partner import InformationSupplied, ReferralSubmitted
from conduit_contracts.schemas import HUB_READS, messages, schema
from conduit_contracts.structured import encode_structured
from contracts.tests.support import Json, Path, at, examples

EDGE = {name: messages()[name] for name in sorted(HUB_READS)}
SCHEMAS = {name: schema(model) for name, model in EDGE.items()}


class Optional(NamedTuple):
    """A field that may be absent: the object's kind, where such an object stands in a sample, and the field's name."""

    kind: str
    path: Path
    field: str


def optional_of(name: str) -> set[tuple[str, str]]:
    """By the schema, every field of every object in the message that may be absent."""
    whole = SCHEMAS[name]
    objects = {whole["title"]: whole} | whole.get("$defs", {})
    return {
        (kind, field)
        for kind, made in objects.items()
        for field in made.get("properties", {})
        if field not in made.get("required", ())
    }


def optional_in(name: str, value: Json) -> Iterator[Optional]:
    """The same, where a sample has such objects."""
    yield from _walk(SCHEMAS[name], SCHEMAS[name], value, ())


def _walk(root: Json, node: Json, value: Json, path: Path) -> Iterator[Optional]:
    for kind, made in _resolved(root, node, root["title"]):
        if isinstance(value, list) and "items" in made:
            for index, item in enumerate(value):
                yield from _walk(root, made["items"], item, (*path, index))
        if isinstance(value, dict) and _is_this(made, value):
            for field, described in made["properties"].items():
                if field not in made.get("required", ()):
                    yield Optional(kind, path, field)
                if field in value:
                    yield from _walk(root, described, value[field], (*path, field))


def _resolved(root: Json, node: Json, kind: str) -> Iterator[tuple[str, Json]]:
    """Every schema that a value may follow, with its name."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        yield from _resolved(root, root["$defs"][name], name)
    for branch in [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]:
        yield from _resolved(root, branch, kind)
    yield kind, node


def _is_this(made: Json, value: Json) -> bool:
    kind = made.get("properties", {}).get("kind", {}).get("const")
    return "properties" in made and kind in (None, value.get("kind"))


def samples() -> Iterator[tuple[str, Json]]:
    """The canonical examples, and added information with the referral's persons in all their forms."""
    for name in EDGE:
        yield name, examples()[name].value
    more = copy.deepcopy(examples()[InformationSupplied.type].value)
    more["supplement"]["persons"] = examples()[ReferralSubmitted.type].value["referral"]["persons"]
    yield InformationSupplied.type, more


PLACES = [(name, value, found) for name, value in samples() for found in optional_in(name, value)]


@pytest.mark.parametrize("name", EDGE)
def test_every_optional_field_stands_in_a_sample(name: str) -> None:
    assert {(place.kind, place.field) for of, _, place in PLACES if of == name} == optional_of(name)


def read(name: str, value: Json, *, structured: bool) -> Any:
    """The message, or what is wrong with it: the code and the field of every problem."""
    headers: Sequence[tuple[str, bytes | None]] = examples()[name].raw_headers
    raw = json.dumps(value).encode()
    if structured:
        headers, raw = encode_structured(raw, decode(headers, examples()[name].raw_value, EDGE, closed=True)[0])
    try:
        return decode(headers, raw, EDGE, closed=True)[1]
    except Undecodable as error:
        return {(problem.code, problem.field) for problem in error.problems}


@given(place=st.sampled_from(PLACES), structured=st.booleans())
@settings(max_examples=300, deadline=None)
def test_null_in_an_optional_field_reads_as_if_the_field_were_absent(
    place: tuple[str, Json, Optional], structured: bool
) -> None:
    name, value, found = place
    without, with_null = copy.deepcopy(value), copy.deepcopy(value)
    at(without, found.path).pop(found.field, None)
    at(with_null, found.path)[found.field] = None
    assert read(name, with_null, structured=structured) == read(name, without, structured=structured)


@pytest.mark.parametrize("name", EDGE)
def test_null_in_every_optional_field_at_once_reads_as_if_all_were_absent(name: str) -> None:
    """As clients write whose objects have a member for each field."""
    for value in [sample for of, sample in samples() if of == name]:
        whole = copy.deepcopy(value)
        for found in optional_in(name, value):
            at(whole, found.path).setdefault(found.field, None)
        assert read(name, whole, structured=False) == read(name, value, structured=False)
        assert not isinstance(read(name, value, structured=False), set)
