"""A problem names the field and says what to do. What stood in the record never appears in it, wherever it stood."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from conduit_contracts import explain, problems
from conduit_contracts.base import Inconsistent, Value
from conduit_contracts.envelope import Undecodable, decode
from conduit_contracts.explain import problems_from
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.problems import Origin, Problem, sender_problem
from conduit_contracts.topics import REGISTRY
from contracts.tests.support import at, examples, places_in

EDGE = {message.type: message for topic in REGISTRY if topic.edge for message in topic.messages}
CANARY = "Zq7Canary"
KEY = f"{CANARY} of"
"""No field is spelt so; a key that is might be a name of ours misspelt, and is shown."""


def refusal(headers: list[tuple[str, bytes | None]], value: bytes) -> Undecodable | None:
    try:
        decode(headers, value, EDGE, closed=True)
    except Undecodable as refused:
        return refused
    return None


def shown(refused: Undecodable) -> str:
    """Everything that a log, an answer or a traceback could show of a refusal."""
    answers = [problem.model_dump_json() for problem in refused.problems]
    return f"{refused} {refused!r} {refused.__cause__!r} {refused.problems!r} {answers}".lower()


canaries = st.one_of(
    st.just(CANARY),
    st.text(max_size=20).map(lambda text: f"{text}{CANARY}{text}"),
    st.builds(lambda: [CANARY]),
    st.builds(lambda: {KEY: CANARY}),
    st.builds(lambda: {"name": {KEY: [CANARY]}}),
    st.builds(lambda: {"kind": CANARY}),
    st.just(f"2026-01-01T00:00:00{CANARY}"),
    st.just(CANARY * 1_000),
)


@given(data=st.data())
@settings(max_examples=400)
def test_nothing_that_stood_in_a_record_is_ever_shown(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(EDGE)))
    value = copy.deepcopy(examples()[name].value)
    for _ in range(data.draw(st.integers(1, 4))):
        target = at(
            value,
            data.draw(st.sampled_from([path for path in places_in(value) if isinstance(at(value, path), dict | list)])),
        )
        if isinstance(target, list):
            target.append(data.draw(canaries))
        else:
            keys = st.sampled_from([*target, KEY]) | st.text(max_size=5).map(lambda text: f"{CANARY} {text}")
            target[data.draw(keys)] = data.draw(canaries)
    refused = refusal(examples()[name].raw_headers, json.dumps(value).encode())
    if refused:
        assert refused.problems
        assert CANARY.lower() not in shown(refused)


@pytest.mark.parametrize("name", ["ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion", "ce_subject"])
def test_nothing_that_stood_in_a_header_is_ever_shown(name: str) -> None:
    example = examples()[ReferralSubmitted.type]
    for raw in (CANARY.encode(), CANARY.encode() + b"\xff", CANARY.encode() * 200, CANARY.encode() + b"\x00"):
        headers = [(other, value) for other, value in example.raw_headers if other != name]
        refused = refusal([*headers, (name, raw)], b"{")
        assert refused
        assert CANARY.lower() not in shown(refused)


def refused(change: Any, **kept: Any) -> tuple[Problem, ...]:
    value = copy.deepcopy(examples()[ReferralSubmitted.type].value)
    change(value["referral"])
    with pytest.raises(Undecodable) as caught:
        decode(examples()[ReferralSubmitted.type].raw_headers, json.dumps(value).encode(), EDGE, closed=True)
    return caught.value.problems


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (lambda referral: referral.pop("urgency"), "field_missing", "referral.urgency"),
        (lambda referral: referral.update(urgency="whenever"), "value_not_allowed", "referral.urgency"),
        (lambda referral: referral["persons"][1].update(role="friend"), "value_not_allowed", "referral.persons[1].role"),
        (
            lambda referral: referral["persons"][2].update(age_at_offence=400),
            "value_out_of_range",
            "referral.persons[2].age_at_offence",
        ),
        (
            lambda referral: referral["persons"][1]["identity"].update(pseudonym=""),
            "length_out_of_range",
            "referral.persons[1].identity.pseudonym",
        ),
        (
            lambda referral: referral["persons"][0]["identity"].update(kind="known"),
            "value_not_allowed",
            "referral.persons[0].identity.kind",
        ),
        (
            lambda referral: referral["persons"][0]["place_ids"].append("1"),
            "format_invalid",
            "referral.persons[0].place_ids[2]",
        ),
        (lambda referral: referral["numbers"].update(victims_known="5"), "field_type", "referral.numbers.victims_known"),
        (
            lambda referral: referral["offence_period"].update(first_on="2025-01-01"),
            "value_inconsistent",
            "referral.offence_period",
        ),
        (lambda referral: referral.update(concerns=[]), "length_out_of_range", "referral.concerns"),
        (lambda referral: referral.update(partner_reference="Ms Example"), "format_invalid", "referral.partner_reference"),
        (lambda referral: referral.update(reported_at="2026-11-20T14:00:00"), "format_invalid", "referral.reported_at"),
        (lambda referral: referral.update(immediate_danger=None), "field_missing", "referral.immediate_danger"),
    ],
)
def test_the_path_is_the_one_that_the_sender_finds_in_the_json(change: Any, code: str, field: str) -> None:
    assert [(problem.code, problem.field) for problem in refused(change)] == [(code, field)]


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("imediate_danger", "immediate_danger"),
        ("immediateDanger", "immediate_danger"),
        ("offence_perod", "offence_period"),
        ("partner_ref", "partner_reference"),
        ("concern", "concerns"),
    ],
)
def test_a_misspelt_field_gets_the_right_spelling(misspelt: str, meant: str) -> None:
    (problem,) = refused(lambda referral: referral.update({misspelt: True}))
    assert problem.code == "field_unknown"
    assert problem.field == f"referral.{misspelt}"
    assert problem.message.endswith(f" Did you mean {meant}?")


@pytest.mark.parametrize("key", ["Jane Example of 1 Example Street", "x" * 500, "", "données"])
def test_a_key_that_resembles_nothing_gets_no_hint_and_is_not_shown(key: str) -> None:
    (problem,) = refused(lambda referral: referral.update({key: True}))
    assert (problem.field, "Did you mean" in problem.message) == ("referral.(unknown)", False)


def test_a_known_field_in_the_wrong_place_is_named() -> None:
    (problem,) = refused(lambda referral: referral["numbers"].update(urgency="routine"))
    assert (problem.code, problem.field) == ("field_unknown", "referral.numbers.urgency")


def test_at_most_twenty_problems_are_told_at_once() -> None:
    assert len(refused(lambda referral: referral.update({f"field_{number}": 1 for number in range(500)}))) == 20


def test_long_keys_are_not_compared() -> None:
    """Comparing many keys of a megabyte would hold up every other partner."""
    assert explain._hint("immediate_danger" * 5, None) == ""
    assert explain._hint("immediate_dangr", None) == " Did you mean immediate_danger?"


def test_a_senders_problem_says_that_trying_again_does_not_help() -> None:
    for code, text in problems._TEXTS.items():
        problem = sender_problem(code, "value")
        assert (problem.origin, problem.retryable, problem.message) == (Origin.SENDER, False, text)
        assert text.endswith(".")


def test_every_code_that_pydantic_is_mapped_to_has_a_text() -> None:
    assert set(explain._CODES.values()) | {"format_invalid", "field_type"} <= problems._TEXTS.keys()


def test_the_text_of_a_rule_of_somebody_elses_is_not_shown() -> None:
    class Careless(Value):
        age: int

        def model_post_init(self, _: object) -> None:
            raise ValueError(f"{CANARY} is {self.age}")

    class Careful(Value):
        age: int

        def model_post_init(self, _: object) -> None:
            raise Inconsistent("Give an age or a date.")

    texts = []
    for model in (Careless, Careful):
        with pytest.raises(ValidationError) as caught:
            model.model_validate_json('{"age": 12}')
        texts += [problem.message for problem in problems_from(caught.value)]
    assert texts == ["This contradicts another field.", "Give an age or a date."]
