"""One referral means the same in either mode: same reading, same problems, same silence about what stood in the record."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_contracts.envelope import Attributes, Undecodable, decode, dump, encode_headers
from conduit_contracts.force import CaseDeclined, NotOursReason, ReceiptConfirmed
from conduit_contracts.ids import uuid7
from conduit_contracts.partner import ReferralSubmitted
from conduit_contracts.schemas import messages
from conduit_contracts.structured import NAMES, encode_structured, is_structured
from conduit_contracts.texts import shows_something
from contracts.tests.support import Example, Json, at, examples, places_in
from contracts.tests.test_envelope import anybody
from contracts.tests.test_problems import CANARY, EDGE, KEY, canaries, refusal, shown

TYPE = b"application/cloudevents+json; charset=UTF-8"
STRUCTURED: list[tuple[str, bytes | None]] = [("content-type", TYPE)]
REFERRAL = examples()[ReferralSubmitted.type]
RECEIPT = examples()[ReceiptConfirmed.type]
Headers = list[tuple[str, bytes | None]]


def members(example: Example = RECEIPT, **changed: Json) -> dict[str, Json]:
    """The example as one object, with some members changed."""
    attributes = {name.removeprefix("ce_"): text for name, text in example.headers.items() if name != "content-type"}
    return attributes | {"datacontenttype": "application/json", "data": example.value} | changed


def text(example: Example = RECEIPT, **changed: Json) -> bytes:
    return json.dumps(members(example, **changed)).encode()


def without(name: str) -> bytes:
    return json.dumps({other: member for other, member in members().items() if other != name}).encode()


def refused(value: bytes | None, headers: Headers = STRUCTURED, *, closed: bool = True) -> Undecodable:
    with pytest.raises(Undecodable) as caught:
        decode(headers, value, EDGE, closed=closed)
    return caught.value


def codes(value: bytes | None, headers: Headers = STRUCTURED) -> list[tuple[str, str]]:
    return [(problem.code, problem.field) for problem in refused(value, headers).problems]


@pytest.mark.parametrize("name", sorted(messages()))
@pytest.mark.parametrize("closed", [True, False])
def test_every_message_reads_the_same_in_both_modes(name: str, closed: bool) -> None:
    example = examples()[name]
    binary = decode(example.raw_headers, example.raw_value, messages(), closed=closed)
    assert decode(STRUCTURED, text(example), messages(), closed=closed) == binary


@given(
    attributes=anybody,
    reason=st.sampled_from(NotOursReason),
    comment=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1).filter(shows_something),
)
def test_a_message_comes_back_as_it_went(attributes: Attributes, reason: NotOursReason, comment: str) -> None:
    sent = CaseDeclined(force_id="west-mercia", referral_id=uuid7(), reason=reason, comment=comment)
    known = Attributes(
        attributes.id,
        attributes.source,
        CaseDeclined.type,
        attributes.time,
        attributes.subject,
        attributes.traceparent,
    )
    headers, value = encode_structured(dump(sent), known)
    assert decode(headers, value, EDGE, closed=True) == (known, sent)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents+json",
        b"application/cloudevents+json;charset=utf-8",
        b"Application/CloudEvents+JSON; charset=UTF-8",
        b"APPLICATION/CLOUDEVENTS+JSON ; profile=x",
    ],
)
def test_the_content_type_alone_tells_the_mode_in_whatever_case(content_type: bytes) -> None:
    headers: Headers = [("x-other", b"\xff"), ("content-type", content_type)]
    assert is_structured(headers)
    assert decode(headers, text(), EDGE, closed=True)


@pytest.mark.parametrize("content_type", [None, b"", b"application/json", b"text/plain", b"application/cloudevent", b"\xff"])
def test_any_other_content_type_is_binary_mode(content_type: bytes | None) -> None:
    others = [(name, value) for name, value in RECEIPT.raw_headers if name != "content-type"]
    assert decode([*others, ("content-type", content_type)], RECEIPT.raw_value, EDGE, closed=True)
    assert decode(others, RECEIPT.raw_value, EDGE, closed=True)


def test_of_several_content_types_json_holds_and_otherwise_the_last() -> None:
    plain = ("content-type", b"application/json")
    assert not is_structured([("content-type", TYPE), plain])
    assert not is_structured([plain, ("content-type", TYPE)])
    assert is_structured([("content-type", b"text/plain"), ("content-type", TYPE)])
    assert not is_structured([("content-type", TYPE), ("content-type", b"text/plain")])


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/cloudevents",
        b"application/cloudevents+avro",
        b"application/cloudevents-batch+json",
        b"application/cloudevents+json-seq",
        b"application/cloudevents+xml; charset=utf-8",
    ],
)
def test_a_format_that_nobody_reads_here_is_refused_by_its_name(content_type: bytes) -> None:
    assert codes(text(), [("content-type", content_type)]) == [("content_type_unsupported", "content-type")]


@pytest.mark.parametrize(
    ("raw", "code"), [(b"\xff", "header_not_utf8"), (b"\x00", "format_invalid"), (b"x" * 1000, "format_invalid")]
)
def test_a_content_type_that_is_no_text_is_named(raw: bytes, code: str) -> None:
    assert codes(text(), [("content-type", TYPE + raw)]) == [(code, "content-type")]


def test_headers_beside_the_object_are_not_read_in_structured_mode() -> None:
    beside: Headers = [("ce_id", None), ("ce_type", b"\xff"), ("ce_specversion", b"0.3"), *STRUCTURED]
    assert decode(beside, text(), EDGE, closed=True) == decode(STRUCTURED, text(), EDGE, closed=True)


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time"])
def test_a_missing_empty_or_null_attribute_is_named_as_the_sender_wrote_it(name: str) -> None:
    assert codes(without(name)) == [("field_missing", name)]
    assert codes(text(**{name: None})) == [("field_missing", name)]
    assert codes(text(**{name: ""})) == [("time_invalid" if name == "time" else "field_missing", name)]


def test_an_empty_object_hears_of_all_that_are_missing() -> None:
    assert codes(b"{}") == [("field_missing", name) for name in ("specversion", "id", "source", "type")]


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "subject"])
@pytest.mark.parametrize(
    ("member", "code"),
    [
        (1, "field_type"),
        (True, "field_type"),
        ([], "field_type"),
        ({}, "field_type"),
        ("a\0b", "format_invalid"),
        ("x" * 1001, "format_invalid"),
    ],
)
def test_an_attribute_that_is_no_fit_text_is_named(name: str, member: Json, code: str) -> None:
    assert codes(text(**{name: member})) == [(code, name)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"specversion": "0.3"}, "spec_version_unsupported"),
        ({"type": "uk.example.unknown.v1"}, "type_not_accepted"),
        ({"time": "2026-11-23T09:30:00"}, "time_without_zone"),
        ({"time": "yesterday"}, "time_invalid"),
        ({"time": "1795426200"}, "time_invalid"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "time_invalid"),
        ({"datacontenttype": "application/xml"}, "content_type_unsupported"),
        ({"datacontenttype": 5}, "content_type_unsupported"),
    ],
)
def test_attributes_are_held_to_the_same_rules_as_headers(changed: dict[str, Json], code: str) -> None:
    assert codes(text(**changed)) == [(code, next(iter(changed)))]


@pytest.mark.parametrize(
    "media_type", [None, "application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"]
)
def test_data_of_any_json_type_is_read(media_type: str | None) -> None:
    assert decode(STRUCTURED, text(datacontenttype=media_type), EDGE, closed=True)


def test_data_in_base64_is_refused_with_advice() -> None:
    assert codes(text(data_base64="e30=")) == [("data_base64_unsupported", "data_base64")]
    assert "JSON object in data" in refused(text(data_base64="e30=")).problems[0].message
    assert decode(STRUCTURED, text(data_base64=None), EDGE, closed=True)


def test_without_data_there_is_no_message() -> None:
    assert codes(without("data")) == [("field_missing", "data")]
    assert codes(None) == [("value_missing", "value")]


@pytest.mark.parametrize("data", [None, [], 1, "text", True, json.dumps(RECEIPT.value)])
def test_data_that_is_no_object_is_refused(data: Json) -> None:
    assert codes(text(data=data)) == [("field_type", "data")]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 5000,
        b"{} {}",
        b"\xef\xbb\xbf{}",
        b'{"id":' * 500,
    ],
)
def test_what_is_no_json_is_refused(value: bytes) -> None:
    assert codes(value) == [("json_invalid", "value")]


@pytest.mark.parametrize("value", [b"null", b"[]", b"1", b'"text"'])
def test_json_that_is_no_object_is_refused(value: bytes) -> None:
    assert codes(value) == [("field_type", "value")]


def test_other_members_are_somebody_elses_and_are_not_read() -> None:
    extended = text(partitionkey="EH-2026-0147", comexampleextension=[{"deep": 1}], dataschema="https://example/x")
    assert decode(STRUCTURED, extended, EDGE, closed=True) == decode(STRUCTURED, text(), EDGE, closed=True)


@pytest.mark.parametrize("held", [b"9" * 5_000, b"1e999", b"NaN", b'"\\ud800"', b'{"deep": [Infinity]}', b"null", b"[]"])
def test_what_no_parser_holds_does_no_harm_in_a_member_that_nobody_reads(held: bytes) -> None:
    extended = text()[:-1] + b', "ext": ' + held + b"}"
    assert decode(STRUCTURED, extended, EDGE, closed=True) == decode(STRUCTURED, text(), EDGE, closed=True)


@pytest.mark.parametrize("held", [b'{"id": "\\ud800"}', b'{"data": {}, "id": "a\\udfffb"}'])
def test_what_no_parser_holds_is_named_where_it_stands(held: bytes) -> None:
    assert codes(held) == [("json_invalid", "id")]


@pytest.mark.parametrize(
    ("member", "header", "read"),
    [("00-a", None, "00-a"), ("00-a", b"00-b", "00-a"), (None, b"00-b", "00-b"), (None, None, None)],
)
def test_the_trace_comes_from_the_object_or_else_from_the_header(
    member: str | None, header: bytes | None, read: str | None
) -> None:
    headers = [*STRUCTURED, ("traceparent", header)] if header else STRUCTURED
    attributes, _ = decode(headers, text(traceparent=member), EDGE, closed=True)
    assert attributes.traceparent == read


def test_the_edge_refuses_an_unknown_field_of_the_message_and_a_reader_drops_it() -> None:
    value = text(data={"later": {"deep": 1}, **RECEIPT.value})
    assert codes(value) == [("field_unknown", "later")]
    assert decode(STRUCTURED, value, EDGE)


@given(data=st.data())
@settings(max_examples=150)
def test_a_bad_message_has_the_same_problems_at_the_same_paths_in_both_modes(data: st.DataObject) -> None:
    value = copy.deepcopy(REFERRAL.value)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from([path for path in places_in(value) if path and isinstance(path[-1], str)]))
        at(value, place[:-1])[place[-1]] = data.draw(st.sampled_from([None, "", 7, [], {}, "2026-11-23", {"kind": "x"}]))
    binary = refusal(REFERRAL.raw_headers, json.dumps(value).encode())
    structured = refusal(STRUCTURED, text(REFERRAL, data=value))
    assert (structured and structured.attributes) == (binary and binary.attributes)
    assert structured is None if binary is None else structured and structured.problems == binary.problems


def test_no_message_has_a_field_that_could_be_taken_for_an_attribute() -> None:
    """So a problem at `id` is the attribute's, and one at `referral.…` the message's."""
    for message in EDGE.values():
        assert not message.model_fields.keys() & NAMES


def test_a_field_that_stands_twice_is_named_wherever_it_stands() -> None:
    value = text(REFERRAL).replace(b'"immediate_danger":', b'"immediate_danger": true, "immediate_danger":')
    assert codes(value) == [("field_repeated", "referral.immediate_danger")]
    assert codes(text().replace(b'"id":', b'"id": "1", "id":')) == [("field_repeated", "id")]
    assert codes(text().replace(b'"data":', b'"data": {}, "data":')) == [("field_repeated", "data")]
    secret = text()[:-1] + b', "ext": {"Jane": 1, "Jane": 2}, "John": 1, "John": 2}'
    assert codes(secret) == [("field_repeated", "(unknown)")] * 2
    assert decode(STRUCTURED, value, EDGE)


@given(data=st.data())
@settings(max_examples=150)
def test_nothing_that_stood_in_the_object_is_ever_shown(data: st.DataObject) -> None:
    value: dict[str, Any] = copy.deepcopy(members(examples()[data.draw(st.sampled_from(sorted(EDGE)))]))
    for _ in range(data.draw(st.integers(1, 4))):
        objects = [path for path in places_in(value) if isinstance(at(value, path), dict)]
        target = at(value, data.draw(st.sampled_from(objects)))
        target[data.draw(st.sampled_from([*target, KEY]))] = data.draw(canaries)
    error = refusal(STRUCTURED, json.dumps(value).encode())
    if error:
        assert error.problems
        assert CANARY.lower() not in shown(error)


def test_a_refusal_has_the_attributes_once_they_could_be_read() -> None:
    read = decode(STRUCTURED, text(), EDGE)[0]
    assert refused(text(data=5)).attributes == refused(text(data_base64="e30=")).attributes == read
    assert refused(text(type="uk.example.unknown.v1")).attributes is not None
    assert refused(text(id=5)).attributes is None


def test_the_attributes_of_a_structured_record_make_the_headers_of_a_binary_one() -> None:
    attributes, _ = decode(STRUCTURED, text(), EDGE)
    assert dict(encode_headers(attributes)) == dict(RECEIPT.raw_headers)


@pytest.mark.parametrize("held", [7, ["00-a"], "x" * 1_200, "a\x00b", {"a": 1}])
def test_a_trace_that_cannot_be_read_is_passed_over(held: Json) -> None:
    attributes, _ = decode(STRUCTURED, text(traceparent=held), EDGE, closed=True)
    assert attributes.traceparent is None


def test_the_records_own_time_stands_in_here_too() -> None:
    took = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
    attributes, _ = decode(STRUCTURED, without("time"), EDGE, closed=True, recorded_at=took)
    assert attributes.time == took
