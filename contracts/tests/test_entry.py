"""Rules of entry are asked where something comes in, at every field, and never when it is read again."""

import copy
import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conduit_contracts.base import Finding, Value
from conduit_contracts.entry import AtEntry, entry_problems
from conduit_contracts.envelope import Undecodable, decode
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.problems import path_of
from conduit_contracts.schemas import HUB_READS, messages, schema
from conduit_contracts.structured import encode_structured
from conduit_contracts.texts import shows_something
from contracts.tests.support import Json, at, examples, places_in

EDGE = {name: messages()[name] for name in sorted(HUB_READS)}
INVISIBLE = [" ", "\t", "\n", "\u00a0", "\u00ad", "\u034f", "\u115f", "\u180e", "\u2003", "\u200b", "\u200d", "\u2028"]
INVISIBLE += ["\u202e", "\u2060", "\u2800", "\u3000", "\u3164", "\ufe0f", "\ufeff", "\uffa0", "\uffff", "\U000e0020"]
INVISIBLE += ["\u0301", "\u0378", "\ue000", "\U00016fe4", "\U0001d159"]
blanks = st.text(st.sampled_from(INVISIBLE), min_size=1, max_size=6)
lines = st.text(st.sampled_from([one for one in INVISIBLE if one >= " "]), min_size=1, max_size=6)


def in_words(made: Json, record: Any) -> Iterator[tuple[tuple[Any, ...], bool]]:
    """Where a record has a text in words, told from its schema: a text without a list of values or a form of its own."""
    for path in places_in(record):
        node = described(made, made, path)
        plain = node is not None and node.get("type") == "string" and not {"enum", "const", "format"} & node.keys()
        if plain and node["minLength" if "minLength" in node else "type"] == 1:  # type: ignore[index] - held above
            yield path, "x1f" in node["pattern"]  # type: ignore[index] - held above


def described(root: Json, node: Json, path: tuple[Any, ...]) -> Json | None:
    """The schema of what stands at a path: of a union the first form that leads there."""
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    branches = node.get("anyOf", node.get("oneOf"))
    if branches:
        found = (described(root, branch, path) for branch in branches)
        return next((one for one in found if one is not None), None)
    if not path:
        return node
    step, *rest = path
    inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
    return described(root, inner, tuple(rest)) if inner else None


SCHEMAS = {name: schema(model) for name, model in EDGE.items()}
PLACES = [(name, *found) for name, made in SCHEMAS.items() for found in in_words(made, examples()[name].value)]


def test_the_texts_in_words_are_found() -> None:
    found = {(name.rsplit(".", 2)[-2], path[-1]) for name, path, _ in PLACES}
    assert {("referral-submitted", "narrative"), ("case-acknowledged", "team"), ("decide-review", "comment")} <= found
    assert len(PLACES) >= 30


@given(data=st.data(), place=st.sampled_from(PLACES), structured=st.booleans())
@settings(max_examples=300)
def test_a_text_that_shows_nothing_is_refused_at_its_field_in_every_message(
    data: st.DataObject, place: tuple[str, tuple[Any, ...], bool], structured: bool
) -> None:
    name, path, one_line = place
    value = copy.deepcopy(examples()[name].value)
    at(value, path[:-1])[path[-1]] = data.draw(lines if one_line else blanks)
    headers, raw = examples()[name].raw_headers, json.dumps(value).encode()
    attributes, message = decode(headers, raw, EDGE, closed=True, again=True)
    if structured:
        headers, raw = encode_structured(raw, attributes)
    with pytest.raises(Undecodable) as caught:
        decode(headers, raw, EDGE, closed=True)
    (problem,) = caught.value.problems
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    assert (problem.code, problem.field) == ("length_out_of_range", field)
    assert decode(headers, raw, EDGE, closed=True, again=True) == (attributes, message)
    assert decode(headers, raw, EDGE) == (attributes, message), "between services it is read as it was taken"


def refused(field: str, text: str) -> tuple[str, str] | None:
    """What is wrong with this text in a field of the caseworker, at entry only."""
    value = copy.deepcopy(examples()[ReferralSubmitted.type].value)
    value["referral"]["caseworker"][field] = text
    headers, raw = examples()[ReferralSubmitted.type].raw_headers, json.dumps(value).encode()
    assert decode(headers, raw, EDGE, closed=True, again=True) == decode(headers, raw, EDGE)
    try:
        decode(headers, raw, EDGE, closed=True)
    except Undecodable as error:
        (problem,) = error.problems
        return problem.code, problem.field
    return None


@given(text=st.from_regex(r"\A\+?[0-9 ()-]{5,25}\Z"))
@example(text="     ")
@example(text="+()-  -")
@example(text="(0) 1-2 3-4")
def test_a_telephone_that_nobody_can_ring_is_refused_where_it_comes_in(text: str) -> None:
    rings = len([digit for digit in text if digit in "0123456789"]) >= 5
    assert refused("telephone", text) == (None if rings else ("format_invalid", "referral.caseworker.telephone"))


def in_time(made: Json, record: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where a record has a day or a moment, told from its schema."""
    for path in places_in(record):
        node = described(made, made, path)
        if node is not None and node.get("format") in {"date", "date-time"}:
            yield path, node["format"]


TIMES = [(name, *found) for name, made in SCHEMAS.items() for found in in_time(made, examples()[name].value)]


@pytest.mark.parametrize("year", ["1899", "2100", "9999"])
@pytest.mark.parametrize(("name", "path", "form"), TIMES, ids=str)
def test_a_day_that_nobody_means_is_refused_at_its_field_in_every_message_and_read_again(
    name: str, path: tuple[Any, ...], form: str, year: str
) -> None:
    """Such a day stands for one that is not known, or for no end."""
    value = copy.deepcopy(examples()[name].value)
    at(value, path[:-1])[path[-1]] = f"{year}-06-15" + ("T09:30:00Z" if form == "date-time" else "")
    if path[-1] in {"first_on", "last_on"}:
        at(value, path[:-1]).pop("last_on" if path[-1] == "first_on" else "first_on", None)
    headers, raw = examples()[name].raw_headers, json.dumps(value).encode()
    taken = decode(headers, raw, EDGE, closed=True, again=True)
    with pytest.raises(Undecodable) as caught:
        decode(headers, raw, EDGE, closed=True)
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [("value_out_of_range", field)]
    assert decode(headers, raw, EDGE) == taken, "between services it is read as it was taken"


def test_the_days_are_found() -> None:
    assert {path[-1] for _, path, _ in TIMES} >= {"date_of_birth", "consented_on", "first_on", "reported_at"}


@given(unseen=st.text(st.sampled_from("\u200b\u2060\u00ad\ufeff"), min_size=1, max_size=3), first=st.booleans())
def test_an_address_that_shows_nothing_on_one_side_is_refused_where_it_comes_in(unseen: str, first: bool) -> None:
    address = f"{unseen}@partner.example" if first else f"team@{unseen}"
    assert refused("email", address) == ("format_invalid", "referral.caseworker.email")


@pytest.mark.parametrize("name", EDGE)
def test_the_examples_meet_every_rule_of_entry(name: str) -> None:
    assert decode(examples()[name].raw_headers, examples()[name].raw_value, EDGE, closed=True)


@pytest.mark.parametrize("invisible", INVISIBLE, ids=lambda one: f"U+{ord(one):04X}")
def test_one_visible_character_is_enough(invisible: str) -> None:
    assert not shows_something(invisible * 3)
    for visible in ("a", "é", "…", "無", "😀", "\u0661"):
        assert shows_something(f"{invisible}{visible}{invisible}")


def test_at_most_twenty_problems_are_told_at_once() -> None:
    value = copy.deepcopy(examples()[ReferralSubmitted.type].value)
    value["referral"]["persons"] = [
        {"person_id": f"V{number}", "role": "victim", "identity": {"kind": "pseudonymous", "pseudonym": " "}}
        for number in range(30)
    ]
    assert len(entry_problems(ReferralSubmitted.model_validate_json(json.dumps(value)))) == 20


def test_rules_stand_beside_types_and_in_models_and_are_found_wherever_they_are_used() -> None:
    class Inner(Value):
        code: Annotated[str, AtEntry(lambda code: None if code == "x" else Finding("value_not_allowed"))] | None = None

    class Outer(Value):
        one: Inner
        many: tuple[Inner, ...] = ()
        few: Annotated[tuple[str, ...], AtEntry(lambda few: None if few else Finding("length_out_of_range"))] = ("a",)

        def at_entry(self) -> Iterator[Finding]:
            if not self.many:
                yield Finding("value_inconsistent", "Give one of many.", ("many",))

    fine, wrong = Inner(code="x"), Inner(code="y")
    assert entry_problems(Outer(one=fine, many=(Inner(),))) == ()
    found = entry_problems(Outer(one=wrong, many=(fine, wrong), few=()))
    assert [(problem.code, problem.field) for problem in found] == [
        ("value_not_allowed", "one.code"),
        ("value_not_allowed", "many[1].code"),
        ("length_out_of_range", "few"),
    ]
    assert [(one.field, one.message) for one in entry_problems(Outer(one=fine))] == [("many", "Give one of many.")]


@pytest.mark.parametrize("kind", EDGE)
@pytest.mark.parametrize("length", [5_000, 50_000])
def test_a_text_that_is_too_long_is_refused_at_its_field_and_not_repeated(kind: str, length: int) -> None:
    """Whatever it is: words of people, ids of officers and forces, references, codes."""
    made = examples()[kind]
    paths = [path for path in places_in(made.value) if isinstance(at(made.value, path), str)]
    assert paths
    for path in paths:
        value = copy.deepcopy(made.value)
        at(value, path[:-1])[path[-1]] = "a" * length
        if length == 5_000 and path[-1] == "narrative":
            continue
        with pytest.raises(Undecodable) as refused:
            decode(made.raw_headers, json.dumps(value).encode(), EDGE, closed=True)
        assert path_of(path, "value") in {each.field for each in refused.value.problems}, path
        assert "aaaa" not in repr(refused.value.problems)
