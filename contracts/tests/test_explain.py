"""An answer says what to send instead: the allowed words and the nearest, the form with an example, the limit, the place."""

import copy
import gzip
import json
import re
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts import envelope, problems
from conduit_contracts.envelope import Undecodable, decode
from conduit_contracts.forms import FORMS
from conduit_contracts.json_texts import LONGEST_LIST
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.problems import Problem
from conduit_contracts.schemas import HUB_READS, messages, schema
from contracts.tests.support import Json, Path, at, examples, places_in

EDGE = {name: messages()[name] for name in sorted(HUB_READS)}
SUBMITTED = examples()[ReferralSubmitted.type]
PERSON = ("referral", "persons", 0)


def refused(value: Json, raw: bytes | None = None, name: str = ReferralSubmitted.type) -> tuple[Problem, ...]:
    with pytest.raises(Undecodable) as caught:
        decode(examples()[name].raw_headers, json.dumps(value).encode() if raw is None else raw, EDGE, closed=True)
    return caught.value.problems


def changed(value: Json, path: Path, content: Any) -> Json:
    copied = copy.deepcopy(value)
    at(copied, path[:-1])[path[-1]] = content
    return copied


SAYS = {
    "the words and the nearest": (
        ("referral", "urgency"),
        "Priorty",
        "urgent, priority, routine. Did you mean priority?",
    ),
    "the words alone where none is near": (("referral", "urgency"), "tomorrow", "urgent, priority, routine."),
    "the words where no text stands": (("referral", "urgency"), 1, "urgent, priority, routine."),
    "the kinds": ((*PERSON, "identity", "kind"), "named", "named_with_consent, named_without_consent, pseudonymous."),
    "a form with an example": (("referral", "reported_at"), "yesterday", "for example 2026-11-23T09:30:00Z."),
    "a form of ours": (("referral", "partner_reference"), "Ms X", "for example EX-2026/0147."),
    "a number": ((*PERSON, "age_at_offence"), 12.5, "a whole number, for example 3."),
    "a flag": (("referral", "immediate_danger"), "yes", "true or false, without quotation marks."),
    "a text": (("referral", "narrative"), 5, "text in quotation marks."),
    "a list": (("referral", "persons"), {}, "a list in square brackets."),
    "an object": (("referral", "caseworker"), [], "an object in curly brackets."),
    "the upper limit": ((*PERSON, "age_at_offence"), 400, "Send at most 120."),
    "the lower limit": ((*PERSON, "age_at_offence"), -1, "Send at least 0."),
    "the longest text": (("referral", "narrative"), "x" * 40_001, "Send at most 40,000 characters."),
    "the shortest list": (("referral", "concerns"), [], "Send at least 1 entry."),
    "the longest list": (("referral", "concerns"), ["grooming"] * 21, "Send at most 20 entries."),
    "no end": ((*PERSON, "age_at_offence"), float("nan"), "Send a number of at most 300 digits."),
    "too many digits": ((*PERSON, "age_at_offence"), 10**400, "Send a number of at most 300 digits."),
    "half a character": (("referral", "narrative"), "a\ud800", "Send whole characters."),
    "a name misspelt": (("referral", "imediate_danger"), True, "Did you mean immediate_danger?"),
    "a name in other case": (("referral", "Immediate-Danger"), True, "Did you mean immediate_danger?"),
    "a part of a name": (("referral", "claims", 0, "factor"), "online_group", "Did you mean nature_factor?"),
    "another message's": (("referral", "numbers", "suspended"), 1, "Check its spelling and place."),
    "another kind's": ((*PERSON, "identity", "reason"), "x", "to this kind. It belongs to named_without_consent."),
    "another place's, below": ((*PERSON, "date_of_birth"), "2010-01-01", "It belongs in identity."),
    "another place's": (("referral", "numbers", "urgency"), "routine", "The JSON Schema shows where it belongs."),
    "absent, though required": (("referral", "narrative"), None, "This field is required. Add it."),
}


@pytest.mark.parametrize("what", SAYS)
def test_the_answer_says_what_to_send(what: str) -> None:
    path, content, ending = SAYS[what]
    (problem,) = refused(changed(SUBMITTED.value, path, content))
    assert problem.message.endswith(ending)
    assert problem.field == "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]


def test_a_missing_kind_is_named_with_the_kinds_there_are() -> None:
    value = copy.deepcopy(SUBMITTED.value)
    del at(value, (*PERSON, "identity"))["kind"]
    (problem,) = refused(value)
    assert (problem.code, problem.field) == ("field_missing", "referral.persons[0].identity.kind")
    assert "named_with_consent, named_without_consent, pseudonymous" in problem.message


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\xef\xbb\xbf{}", "byte-order mark"),
        ("{}".encode("utf-16"), "byte-order mark"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "lone surrogate"),
        (b'{"\\udc00": 1}', "lone surrogate"),
        (b'{"a": 1', "not valid JSON"),
        (b"[" * 100_000, "nested more deeply"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nested more deeply"),
        (gzip.compress(b"{}", mtime=0), "is compressed"),
        (zlib.compress(b"{}"), "is compressed"),
        (b"\x28\xb5\x2f\xfd\x00", "is compressed"),
        (b"\x00\x00\x00\x00\x07{}", "schema registry"),
        (b"\x00\x0a\x0d\x00\x07\n {}", "schema registry"),
    ],
)
def test_why_a_text_is_no_json_is_named(raw: bytes, says: str) -> None:
    (problem,) = refused(None, raw)
    assert problem.code == "json_invalid"
    assert says in problem.message


def entries_in(name: str) -> list[Path]:
    """Every list of a sample that must not be empty, and has one entry or more."""
    value = examples()[name].value
    return [path for path in places_in(value) if isinstance(at(value, path), list) and at(value, path)]


ENTRIES = [(name, path) for name in EDGE for path in entries_in(name)]


@given(place=st.sampled_from(ENTRIES), rubbish=st.sampled_from(["no such word", None, 1, {"no_such_field": 1}]))
@settings(max_examples=60)
def test_a_list_whose_only_entry_is_refused_is_not_called_short_as_well(place: tuple[str, Path], rubbish: Any) -> None:
    name, path = place
    found = refused(changed(examples()[name].value, path, [rubbish]), name=name)
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]
    assert not [each for each in found if each.code == "length_out_of_range" and each.field == where]
    assert [each for each in found if each.field.startswith(f"{where}[0]")]


@pytest.mark.parametrize(
    ("persons", "places", "field"),
    [
        ([("V1", []), ("V2", []), ("V1", [])], ["L1"], "referral.persons[2].person_id"),
        ([("V1", [])], ["L1", "L2", "L2"], "referral.places[2].place_id"),
        ([("V1", ["L1"]), ("V2", ["L1", "L9"])], ["L1"], "referral.persons[1].place_ids[1]"),
    ],
)
def test_ids_that_contradict_one_another_are_named_where_they_stand(
    persons: list[tuple[str, list[str]]], places: list[str], field: str
) -> None:
    person, place = SUBMITTED.value["referral"]["persons"][0], SUBMITTED.value["referral"]["places"][0]
    body = copy.deepcopy(SUBMITTED.value)
    body["referral"]["persons"] = [{**person, "person_id": name, "place_ids": ids} for name, ids in persons]
    body["referral"]["places"] = [{**place, "place_id": name} for name in places]
    assert [(each.code, each.field) for each in refused(body)] == [("value_inconsistent", field)]


def lists_of_words(made: Json) -> list[list[str]]:
    return [node["enum"] for node in made.get("$defs", {}).values() if "enum" in node]


WORDS = [
    (name, path)
    for name, model in EDGE.items()
    for found in lists_of_words(schema(model))
    for path in places_in(examples()[name].value)
    if (word := at(examples()[name].value, path)) in found and len(word) > 3
]


@given(place=st.sampled_from(WORDS), index=st.integers(0, 30))
@settings(max_examples=150)
def test_every_list_of_words_is_told_with_the_nearest(place: tuple[str, Path], index: int) -> None:
    name, path = place
    word = at(examples()[name].value, path)
    cut = index % len(word)
    misspelt = word[:cut] + "§" + word[cut:]
    found = [each for each in refused(changed(examples()[name].value, path, misspelt), name=name) if "mean" in each.message]
    assert any(each.code == "value_not_allowed" and f"Did you mean {word}?" in each.message for each in found)
    assert all("§" not in f"{each.message}{each.field}" for each in found)


def test_every_form_of_a_text_is_said_in_words() -> None:
    patterns = set(
        re.findall(r'"pattern": ("(?:[^"\\\\]|\\\\.)*")', json.dumps([schema(each) for each in messages().values()]))
    )
    unsaid = {json.loads(each) for each in patterns} - FORMS.keys()
    assert all("[0-9A-Fa-f]{8}-" in pattern for pattern in unsaid), "a UUID has words of its own"
    assert all(re.search("[a-zA-Z]", words) and not words.endswith(".") for words in FORMS.values())


def test_no_answer_only_points_to_the_schema() -> None:
    assert not any("See the JSON Schema" in text for text in problems._TEXTS.values())


def test_whole_numbers_are_taken_in_both_spellings() -> None:
    """JSON Schema calls 6.0 an integer, and some writers know no other number."""
    numbers = {"victims_known": 6.0, "suspects_known": 2e1}
    value = changed(SUBMITTED.value, ("referral", "numbers"), numbers)
    _, message = decode(SUBMITTED.raw_headers, json.dumps(value).encode(), EDGE, closed=True)
    assert isinstance(message, ReferralSubmitted)
    assert (message.referral.numbers.victims_known, message.referral.numbers.suspects_known) == (6, 20)


LISTS = {
    "persons": [SUBMITTED.value["referral"]["persons"][0], {}, {"person_id": 5}],
    "places": [SUBMITTED.value["referral"]["places"][0], {}, None],
    "concerns": ["contact_sexual_abuse", "x", 7],
}


@given(st.sampled_from(sorted(LISTS)), st.data())
@settings(max_examples=60)
def test_a_list_without_end_is_refused_and_only_its_beginning_is_looked_at(name: str, data: st.DataObject) -> None:
    few = data.draw(st.lists(st.sampled_from(LISTS[name]), min_size=1, max_size=3))
    many = (few * LONGEST_LIST)[: data.draw(st.integers(LONGEST_LIST + 1, 3 * LONGEST_LIST))] if len(few) == 3 else few * 700
    beginning = changed(SUBMITTED.value, ("referral", name), many[: LONGEST_LIST + 1])
    told = refused(changed(SUBMITTED.value, ("referral", name), many))
    assert told == refused(beginning)
    assert all(each.field.startswith(f"referral.{name}") for each in told)


def test_a_sender_of_endless_lists_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is wrong with each entry used to be gathered, for two seconds a record."""
    gathered = []
    told = envelope.problems_from
    monkeypatch.setattr(
        envelope, "problems_from", lambda error, *more: gathered.append(error.error_count()) or told(error, *more)
    )
    refused(changed(SUBMITTED.value, ("referral", "persons"), [{}] * 60_000))
    assert gathered
    assert max(gathered) < 10 * LONGEST_LIST
