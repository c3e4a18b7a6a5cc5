"""A field that stands twice is found wherever it stands, and nothing else is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.envelope import Undecodable, decode, read_message
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.repeated import repeated_fields
from contracts.tests.support import examples

EXAMPLE = examples()[ReferralSubmitted.type]
ACCEPT = {ReferralSubmitted.type: ReferralSubmitted}
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=15,
)


def twice(old: bytes, new: bytes) -> list[tuple[str, str]]:
    value = EXAMPLE.raw_value.replace(old, new, 1)
    assert value != EXAMPLE.raw_value
    with pytest.raises(Undecodable) as caught:
        decode(EXAMPLE.raw_headers, value, ACCEPT, closed=True)
    assert caught.value.attributes
    return [(problem.code, problem.field) for problem in caught.value.problems]


@given(document=documents, indent=st.none() | st.integers(0, 2), escaped=st.booleans())
def test_json_without_repetition_has_none(document: Any, indent: int | None, escaped: bool) -> None:
    assert repeated_fields(json.dumps(document, indent=indent, ensure_ascii=escaped)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1, "a": 1}', [("a",)]),
        ('{"a": 1, "\\u0061" : 2}', [("a",)]),
        ('{"a": {"b": 1}, "c": {"b": 1}}', []),
        ('[{"a": 1}, {"a": 1}]', []),
        ('{"a": [{}, {"b": 1, "c": 2, "b": 3}]}', [("a", 1, "b")]),
        ('{"a": 1, "a": 2, "a": {"b": 1, "b": 2}}', [("a",), ("a",), ("a", "b")]),
        ('{"": 1, "": 2}', [("",)]),
        ('{"a": "\\"a\\": 1, \\"a\\": 2"}', []),
        ('{"A": 1, "a": 2}', []),
    ],
)
def test_repetition_is_found_where_it_stands(text: str, found: list[tuple[str | int, ...]]) -> None:
    assert repeated_fields(text) == found


def test_a_contradiction_about_danger_is_refused_at_the_edge() -> None:
    danger = b'"immediate_danger":'
    assert twice(danger, danger + b" true, " + danger) == [("field_repeated", "referral.immediate_danger")]
    assert twice(danger, danger + b" true,\n" + danger) == [("field_repeated", "referral.immediate_danger")]
    assert twice(danger, b'"immediate\\u005fdanger" : true, ' + danger) == [("field_repeated", "referral.immediate_danger")]


def test_repetition_in_a_list_and_at_the_root_is_named_as_the_sender_finds_it() -> None:
    assert twice(b'"person_id":', b'"person_id": "X", "person_id":') == [("field_repeated", "referral.persons[0].person_id")]
    assert twice(b'"referral":', b'"referral": {}, "referral":') == [("field_repeated", "referral")]


def test_within_the_hub_the_last_one_holds() -> None:
    value = EXAMPLE.raw_value.replace(b'"urgency":', b'"urgency": "routine", "urgency":')
    assert decode(EXAMPLE.raw_headers, value, ACCEPT)[1] == decode(EXAMPLE.raw_headers, EXAMPLE.raw_value, ACCEPT)[1]


def test_a_message_alone_is_read_by_the_same_rules() -> None:
    assert read_message(ReferralSubmitted, EXAMPLE.raw_value, closed=True)
    for value in (b"{", b"{}", EXAMPLE.raw_value.replace(b'"urgency":', b'"urgency": "routine", "urgency":')):
        with pytest.raises(Undecodable) as caught:
            read_message(ReferralSubmitted, value, closed=True)
        assert caught.value.attributes is None


def test_many_repetitions_are_told_in_part() -> None:
    value = EXAMPLE.raw_value.replace(b'"urgency":', b'"urgency": "routine", ' * 100 + b'"urgency":')
    with pytest.raises(Undecodable) as caught:
        decode(EXAMPLE.raw_headers, value, ACCEPT, closed=True)
    assert len(caught.value.problems) == 20
