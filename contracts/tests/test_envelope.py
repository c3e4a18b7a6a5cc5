"""A record comes back as it went, and one that cannot be read is answered with every reason and no content."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit_contracts.envelope import Attributes, Undecodable, decode, decode_attributes, dump, encode, encode_headers
from conduit_contracts.force import CaseDeclined, NotOursReason, ReceiptConfirmed
from conduit_contracts.ids import uuid7
from conduit_contracts.names import names_of
from conduit_contracts.notification import ReferralStatusUpdated
from conduit_contracts.schemas import messages
from conduit_contracts.texts import shows_something
from contracts.tests.support import examples

ACCEPT = {ReceiptConfirmed.type: ReceiptConfirmed}
GOOD = examples()[ReceiptConfirmed.type]
Headers = list[tuple[str, bytes | None]]

printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=80)
moments = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
anybody = st.builds(
    Attributes,
    id=printable,
    source=printable,
    type=printable,
    time=moments.filter(lambda moment: 1970 < moment.year < 9999),
    subject=st.none() | printable,
    traceparent=st.none() | printable,
)


def headers(**changed: bytes | None) -> Headers:
    """Good headers, with some changed; None takes one away."""
    kept: dict[str, bytes | None] = dict(GOOD.raw_headers)
    kept.update({name: value for name, value in changed.items() if value is not None})
    return [(name, value) for name, value in kept.items() if name not in changed or changed[name] is not None]


def codes(raw_headers: Headers, value: bytes | None = GOOD.raw_value) -> list[tuple[str, str]]:
    with pytest.raises(Undecodable) as caught:
        decode(raw_headers, value, ACCEPT, closed=True)
    return [(problem.code, problem.field) for problem in caught.value.problems]


@given(attributes=anybody)
def test_attributes_come_back_as_they_went(attributes: Attributes) -> None:
    read = decode_attributes(encode_headers(attributes))
    assert read == attributes
    assert read.time.tzinfo is UTC


@given(
    attributes=anybody,
    force_id=st.from_regex(r"[a-z]{1,20}(-[a-z]{1,9})?", fullmatch=True),
    reason=st.sampled_from(NotOursReason),
    comment=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1).filter(shows_something),
)
def test_a_message_comes_back_as_it_went(attributes: Attributes, force_id: str, reason: NotOursReason, comment: str) -> None:
    sent = CaseDeclined(force_id=force_id, referral_id=uuid7(), reason=reason, comment=comment)
    known = Attributes(attributes.id, attributes.source, CaseDeclined.type, attributes.time, attributes.subject)
    assert decode(*encode(sent, known), {CaseDeclined.type: CaseDeclined}, closed=True) == (known, sent)


def test_absent_values_are_left_out_of_the_json() -> None:
    message = messages()[ReferralStatusUpdated.type].model_validate_json(examples()[ReferralStatusUpdated.type].raw_value)
    assert b"null" not in dump(message)


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"])
def test_a_missing_or_empty_attribute_is_named(name: str) -> None:
    assert codes(headers(**{name: None})) == [("header_missing", name)]
    expected = "time_invalid" if name == "ce_time" else "header_missing"
    assert codes(headers(**{name: b""})) == [(expected, name)]


def test_a_record_without_headers_hears_of_all_that_are_missing() -> None:
    missing = ["ce_specversion", "ce_id", "ce_source", "ce_type"]
    assert codes([]) == [("header_missing", name) for name in missing]


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_time", "ce_subject"])
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "header_null"),
        ("é".encode("latin-1"), "header_not_utf8"),
        (b"a\x00b", "format_invalid"),
        (b"x" * 1001, "format_invalid"),
    ],
    ids=["null", "latin-1", "control character", "too long"],
)
def test_a_header_that_is_no_text_is_named_and_poisons_nothing(name: str, raw: bytes | None, code: str) -> None:
    others = [(other, value) for other, value in GOOD.raw_headers if other != name]
    assert codes([*others, (name, raw)]) == [(code, name)]


@given(
    name=st.sampled_from(["ce_signature", "ce_partitionkey", "ce_dataschema", "ce_", "ce_ID", "x-partner", "traceparent"]),
    raw=st.none() | st.binary(max_size=20) | st.sampled_from([b"x" * 1_200, b"\x00", "\u202e".encode(), b"\xff\xfe"]),
)
def test_extension_attributes_and_other_headers_are_ignored_whatever_they_hold(name: str, raw: bytes | None) -> None:
    attributes, message = decode([*GOOD.raw_headers, (name, raw)], GOOD.raw_value, ACCEPT, closed=True)
    plain, same = decode(GOOD.raw_headers, GOOD.raw_value, ACCEPT, closed=True)
    assert (attributes._replace(traceparent=None), message) == (plain._replace(traceparent=None), same)


@given(
    example=st.sampled_from(sorted(examples().items())),
    name=st.sampled_from(["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "content-type"]),
    other=st.none() | st.binary(max_size=20),
    same=st.booleans(),
    at=st.integers(0, 8),
    times=st.integers(1, 2),
)
def test_an_attribute_given_twice_is_refused_by_name_at_entry_and_read_again_as_before(
    example: tuple[str, Any], name: str, other: bytes | None, same: bool, at: int, times: int
) -> None:
    _, made = example
    given = [*made.raw_headers, *([(name, b"x")] if name not in made.headers else [])]
    added = (name, dict(given)[name] if same else other)
    twice = [*given[:at], *[added] * times, *given[at:]]
    with pytest.raises(Undecodable) as refused:
        decode(twice, made.raw_value, messages(), closed=True)
    assert [(each.code, each.field) for each in refused.value.problems] == [("header_repeated", name)]
    if same:
        for how in ({"closed": True, "again": True}, {"closed": False}):
            assert decode(twice, made.raw_value, messages(), **how) == decode(given, made.raw_value, messages(), **how)
    assert names_of(twice, None, None).event_id == (made.headers["ce_id"] if name != "ce_id" or same else None)


def test_the_records_own_time_stands_in_for_one_that_its_sender_did_not_give() -> None:
    took = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
    without = [header for header in GOOD.raw_headers if header[0] != "ce_time"]
    attributes, _ = decode(without, GOOD.raw_value, ACCEPT, closed=True, recorded_at=took)
    assert attributes.time == took
    given, _ = decode(GOOD.raw_headers, GOOD.raw_value, ACCEPT, closed=True, recorded_at=took)
    assert given.time != took


@pytest.mark.parametrize("version", [b"0.3", b"1", b"1.1", b"1.0 "])
def test_another_version_of_cloudevents_is_refused(version: bytes) -> None:
    assert codes(headers(ce_specversion=version)) == [("spec_version_unsupported", "ce_specversion")]


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (b"2026-11-23T09:30:00", "time_without_zone"),
        (b"2026-11-23", "time_without_zone"),
        (b"yesterday", "time_invalid"),
        (b"2026-13-01T00:00:00Z", "time_invalid"),
        (b"1795426200", "time_invalid"),
        (b"0001-01-01T00:00:00+14:00", "time_invalid"),
        (b"9999-12-31T23:59:59-14:00", "time_invalid"),
    ],
)
def test_a_time_that_cannot_be_ordered_is_refused(time: bytes, code: str) -> None:
    assert codes(headers(ce_time=time)) == [(code, "ce_time")]


def test_a_time_with_an_offset_is_read_as_utc() -> None:
    attributes = decode_attributes(headers(ce_time=b"2026-06-23T10:30:00+01:00"))
    assert attributes.time == datetime(2026, 6, 23, 9, 30, tzinfo=UTC)
    assert attributes.time.tzinfo is UTC


def test_a_type_of_another_topic_is_refused_before_the_value_is_read() -> None:
    assert codes(headers(ce_type=CaseDeclined.type.encode()), b"not json") == [("type_not_accepted", "ce_type")]


def test_a_type_that_is_not_accepted_is_told_with_those_that_are() -> None:
    for written in (headers(ce_type=f"{ReceiptConfirmed.type[:-1]}2".encode()), headers(ce_type=b"receipt-confirmed")):
        with pytest.raises(Undecodable) as caught:
            decode(written, GOOD.raw_value, ACCEPT)
        assert f"Send one of: {ReceiptConfirmed.type}." in caught.value.problems[0].message


def test_an_attribute_that_is_empty_is_not_called_missing() -> None:
    with pytest.raises(Undecodable) as caught:
        decode(headers(ce_id=b""), GOOD.raw_value, ACCEPT)
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("header_missing", "ce_id")
    assert problem.message.startswith("This is empty.")


@pytest.mark.parametrize("content_type", [b"application/json", None])
def test_a_whole_event_under_another_content_type_is_told_what_to_label_it(content_type: bytes | None) -> None:
    """As `to_structured` of the CloudEvents SDK for Python writes one."""
    event = b'{"specversion": "1.0", "id": "1", "source": "/forces/kent", "type": "x", "data": {}}'
    with pytest.raises(Undecodable) as caught:
        decode([("content-type", content_type)] if content_type else [], event, ACCEPT)
    (problem,) = caught.value.problems
    assert (problem.code, problem.field) == ("content_type_unsupported", "content-type")
    assert "application/cloudevents+json" in problem.message


def test_a_tombstone_is_refused_with_advice() -> None:
    assert codes(headers(), None) == [("value_missing", "value")]


@pytest.mark.parametrize("value", [b"", b"{", b"\xff\xfe", b'{"force_id": "a"', b"[" * 5000, b'{"a": 1} {"b": 2}'])
def test_what_is_no_json_is_refused(value: bytes) -> None:
    assert codes(headers(), value) == [("json_invalid", "value")]


@pytest.mark.parametrize("value", [b"null", b"[]", b"1", b'"text"', b"true"])
def test_json_that_is_no_object_is_refused(value: bytes) -> None:
    assert codes(headers(), value) == [("field_type", "value")]


def test_the_edge_refuses_an_unknown_field_and_the_inside_drops_it() -> None:
    value = GOOD.raw_value.replace(b"{", b'{"later": {"deep": 1}, ', 1)
    assert codes(headers(), value) == [("field_unknown", "later")]
    _, message = decode(headers(), value, ACCEPT)
    assert isinstance(message, ReceiptConfirmed)


@pytest.mark.parametrize("name", sorted(messages()))
def test_inside_a_reader_drops_unknown_fields_at_every_depth(name: str) -> None:
    def grown(value: object) -> object:
        if isinstance(value, dict):
            return {"added_later": 1, **{key: grown(item) for key, item in value.items()}}
        return [grown(item) for item in value] if isinstance(value, list) else value

    example = examples()[name]
    later = example._replace(value=grown(example.value))  # type: ignore[arg-type] - an object stays an object
    _, message = decode(example.raw_headers, later.raw_value, messages())
    assert dump(message) == dump(messages()[name].model_validate_json(example.raw_value))  # type: ignore[arg-type]


def test_attributes_are_given_with_a_refusal_once_they_could_be_read() -> None:
    with pytest.raises(Undecodable) as caught:
        decode(headers(), None, ACCEPT)
    assert caught.value.attributes == decode_attributes(headers())
    with pytest.raises(Undecodable) as caught:
        decode(headers(ce_id=None), None, ACCEPT)
    assert caught.value.attributes is None
